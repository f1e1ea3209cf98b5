"""The driver of a run on Dask is killed with SIGKILL; the same command again gives the results of a calm run."""

import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import xarray

from hfscale.store.files import done_folder
from hfscale.store.open import is_store
from tests.faults.conftest import TellRow
from tests.faults.runs import digest_of
from tests.processes import left_of_session, needs_proc
from tests.program import EXAMPLE, start_hfscale

pytestmark = [
    pytest.mark.dask,
    needs_proc,
]

N_TASKS = 9


class Killed(NamedTuple):
    """A store whose driver was killed, the markers that it had then, and the processes left behind."""

    store: Path
    markers: dict[Path, tuple[bytes, int]]
    left: list[str]


def start(store: Path, executor: str) -> "subprocess.Popen[str]":
    """Start a run of the example in a session of its own."""
    files = (str(EXAMPLE / "BkgOnly.json"), str(EXAMPLE / "patchset.json"))
    options = ("-o", str(store), "--executor", executor, "--workers", "2", "--task-points", "10")
    return start_hfscale("cls", *files, *options)


def run(store: Path, executor: str) -> None:
    """Run the example to its end."""
    with start(store, executor) as process:
        _, err = process.communicate()
    assert process.returncode == 0, err


def markers(store: Path) -> dict[Path, tuple[bytes, int]]:
    """Return content and time of every marker of a finished task."""
    found = sorted(done_folder(store).glob("*.json")) if is_store(store) else []
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the example on Dask, undisturbed."""
    store = tmp_path_factory.mktemp("calm") / "results.zarr"
    run(store, "dask")
    return store


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """Run the example on Dask and kill the driver when some tasks are done."""
    store = tmp_path_factory.mktemp("killed") / "results.zarr"
    with start(store, "dask") as process:
        while not markers(store):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.kill()
        process.wait()
        left = left_of_session(process.pid)
    return Killed(store, markers(store), left)


def test_the_kill_came_in_the_middle_and_left_no_worker(killed: Killed) -> None:
    assert 0 < len(killed.markers) < N_TASKS
    assert killed.left == []


def test_the_same_command_gives_the_bits_of_a_calm_run_and_repeats_nothing(
    killed: Killed, calm: Path, tell_row: TellRow
) -> None:
    run(killed.store, "dask")
    after = markers(killed.store)
    assert len(after) == N_TASKS
    assert {path: after[path] for path in killed.markers} == killed.markers
    found, expected = (xarray.open_zarr(store, chunks=None).load() for store in (killed.store, calm))
    assert set(found.variables) == set(expected.variables)
    for name in expected.variables:
        # assert_array_equal takes NaN for equal to NaN; everything else must be so to the last bit.
        np.testing.assert_array_equal(found[name].values, expected[name].values, err_msg=str(name))
    assert digest_of(killed.store) == digest_of(calm)
    tell_row("the driver of a run on `dask` killed", tries=2, lost=0, repeated="those in flight", tasks=N_TASKS)


def test_a_run_in_one_process_gives_the_same_numbers(example_store: Path, calm: Path) -> None:
    found, expected = (xarray.open_zarr(store, chunks=None).load() for store in (example_store, calm))
    assert set(found.variables) == set(expected.variables)
    for name in ("status", "CLs_obs", "CLs_exp", "q", "q_asimov", "mu_hat", "parameters_free"):
        np.testing.assert_array_equal(found[name].values, expected[name].values, err_msg=name)
