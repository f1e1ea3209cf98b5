"""The program as a whole: help, version, start-up, pipes, interrupts."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import hfscale as package
from hfscale.cli.main import cli
from hfscale.store.files import done_folder
from hfscale.store.open import is_store
from tests.program import EXAMPLE, hfscale
from tests.signals import HEARING_PYTHON

ROOT = Path(__file__).parents[2]
VERBS = sorted(set(cli.commands) - {"plot"})  # a group with verbs of its own
PROGRAM = (sys.executable, "-c", "from hfscale.cli.main import main; main()")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def test_help_tells_the_verbs_and_exit_codes() -> None:
    ended = hfscale("--help")
    assert ended.code == 0
    assert all(verb in ended.out for verb in VERBS)
    assert "3 interrupted" in ended.out


def test_help_tells_how_p_differs_from_pyhf() -> None:
    assert "In pyhf, all -p patch one model" in " ".join(hfscale("cls", "--help").out.split())


def test_version() -> None:
    assert hfscale("--version").out == f"hfscale, version {package.__version__}\n"


@pytest.mark.parametrize("arguments", [("nonsense",), ("cls",), ("cls", "a.json"), ("status",), ("show", "a", "b")])
def test_wrong_use_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    ended = hfscale(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Error: " in ended.err
    assert "for help" in ended.err


def test_an_error_in_a_json_log_can_be_parsed(tmp_path: Path) -> None:
    ended = hfscale("status", tmp_path / "no.zarr", "--log-format", "json")
    assert ended.code == 2
    error = json.loads(ended.err)
    assert (error["event"], error["kind"]) == ("error", "store")
    assert error["remedy"]


@pytest.mark.parametrize(
    "arguments", [("--help",), ("cls", "--help"), ("status", "{store}"), ("show", "{store}", "--json")]
)
def test_small_verbs_start_without_heavy_packages(arguments: tuple[str, ...], small_store: Path) -> None:
    words = [word.format(store=small_store) for word in arguments]
    program = f"""
import sys
from hfscale.cli.main import main
try:
    main({words!r})
except SystemExit as ended:
    assert ended.code == 0, ended.code
heavy = {{"jax", "jaxlib", "pyhf", "matplotlib", "distributed", "iminuit", "mplhep"}} & set(sys.modules)
sys.stderr.write("heavy: " + " ".join(sorted(heavy)))
"""
    ended = subprocess.run([sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == "heavy: "


def test_a_reader_that_goes_away_is_no_error(example_store: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [*PROGRAM, "show", str(example_store), "--json"], env=ENVIRONMENT, stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_standard_output_takes_data_alone(small_store: Path) -> None:
    ended = subprocess.run(
        [*PROGRAM, "show", str(small_store), "--json"], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert len(json.loads(ended.stdout)) == 9
    assert ended.stderr == ""


def test_an_interrupted_run_exits_3_and_is_continued(tmp_path: Path, example_store: Path) -> None:
    store = tmp_path / "results.zarr"
    files = (str(EXAMPLE / "BkgOnly.json"), str(EXAMPLE / "patchset.json"))
    command = ("cls", *files, "-o", str(store), "--executor", "local", "--task-points", "4")
    program = [*HEARING_PYTHON, *PROGRAM[1:], *command]
    with subprocess.Popen(program, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as process:
        wait_for_markers(store, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "Traceback" not in err
    assert "run the same command again to continue" in err
    kept = {path: path.read_bytes() for path in done_folder(store).glob("*.json")}
    assert 0 < len(kept) < 22

    ended = hfscale(*command)
    assert ended.code == 0, ended
    assert {path: path.read_bytes() for path in kept} == kept
    assert len(list(done_folder(store).glob("*.json"))) == 22
    found, expected = (hfscale("show", path, "--json").json() for path in (store, example_store))
    for point, reference in zip(found, expected, strict=True):
        assert point["CLs_obs"] == pytest.approx(reference["CLs_obs"], rel=1e-9)


def wait_for_markers(store: Path, process: "subprocess.Popen[str]") -> None:
    """Wait until a run has finished at least one task."""
    for _ in range(1200):
        if is_store(store) and any(done_folder(store).glob("*.json")):
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise TimeoutError("no task was finished")
