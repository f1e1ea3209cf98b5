"""Ending the driver of a run on worker processes: with control-C, and with SIGKILL."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hfscale.store.store import ResultStore
from tests.faults.conftest import TellRow
from tests.faults.runs import Work, finish
from tests.processes import left_of_session, needs_proc
from tests.signals import HEARING_PYTHON

pytestmark = needs_proc
every_engine = pytest.mark.parametrize(
    "engine",
    [
        "processes",
        pytest.param("dask", marks=pytest.mark.dask),
        pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.slow]),
    ],
)

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys, time
from hfscale.errors import InterruptedRunError
from hfscale.runtime.executors.choose import open_executor
from hfscale.runtime.loop import run_tasks
from hfscale.store.open import open_store

def work(task_id):
    time.sleep(600.0)

def say(event):
    sys.stdout.write("running\\n")
    sys.stdout.flush()

if __name__ == "__main__":
    store = open_store(sys.argv[1])
    try:
        with open_executor(sys.argv[2], 2) as executor:
            run_tasks(store.pending(), executor, work, on_event=say)
    except InterruptedRunError as error:
        sys.stdout.write(str(error))
        sys.exit(3)
"""


GRACE_SECONDS = {"processes": 10, "dask": 10, "ray": 100}
"""Agents of Ray, which run no calls, look only now and then whether their instance is there."""


@contextmanager
def running_driver(program: Path, store: ResultStore, engine: str) -> Iterator[subprocess.Popen[str]]:
    """Start a run in a session of its own, and wait until its workers are busy."""
    program.write_text(PROGRAM)
    with subprocess.Popen(
        [*HEARING_PYTHON, "-X", "dev", "-W", "error", str(program), str(store.path), engine],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        yield process


@every_engine
def test_control_c_ends_everything_in_silence(
    make_store: Callable[[str], ResultStore],
    make_work: Callable[[ResultStore], Work],
    tmp_path: Path,
    engine: str,
    tell_row: TellRow,
) -> None:
    store = make_store("interrupted.zarr")
    with running_driver(tmp_path / "program.py", store, engine) as process:
        # As a terminal does it: to the driver and to its workers at once.
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert "0 of 4 tasks finished" in out
    assert err == ""
    assert left_of_session(process.pid, GRACE_SECONDS[engine]) == []
    assert store.status().points_pending == 8
    finish(store, make_store("calm.zarr"), make_work, tmp_path / "log")
    tell_row(f"control-C in a run on `{engine}`", tries=2, lost=0, repeated="those in flight", tasks=4)


@every_engine
def test_a_killed_driver_leaves_no_worker_behind(
    make_store: Callable[[str], ResultStore], tmp_path: Path, engine: str
) -> None:
    with running_driver(tmp_path / "program.py", make_store("killed.zarr"), engine) as process:
        process.kill()
        process.communicate(timeout=60)
    assert left_of_session(process.pid, GRACE_SECONDS[engine]) == []
