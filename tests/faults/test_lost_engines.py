"""A part of an engine dies that it needs to hand out calls: the Dask scheduler, Ray's raylet, or Ray's GCS."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hfscale.store.store import ResultStore
from tests.faults.conftest import TellRow
from tests.faults.runs import Work, finish, logged, runs_of, start_driver, stuck_after
from tests.processes import command, everything, left_of_session, needs_proc, wait_until_gone
from tests.program import ROOT

pytestmark = [needs_proc, pytest.mark.slow]

MakeStore = Callable[[str], ResultStore]
MakeWork = Callable[[ResultStore], Work]
GRACE_SECONDS = {"ray": 100.0}


@contextmanager
def dask_part(*arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a scheduler or a worker of Dask, on loopback alone."""
    with subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_tasks(store: ResultStore, number: int, driver: "subprocess.Popen[str]") -> None:
    """Wait until so many tasks are done."""
    while len(store.done()) < number:
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.05)


@pytest.mark.dask
def test_a_run_whose_dask_scheduler_is_killed_says_so_and_can_be_continued(
    make_store: MakeStore, make_work: MakeWork, tmp_path: Path, tell_row: TellRow
) -> None:
    store, log, file = make_store("lost.zarr"), tmp_path / "log", tmp_path / "scheduler.json"
    work = logged(stuck_after(make_work(store), [task.id for task in store.plan.tasks[:2]]), log)
    with dask_part("scheduler", "--port", "0", "--scheduler-file", str(file)) as scheduler:
        while not file.exists():
            time.sleep(0.05)
        with dask_part("worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny"):
            driver = start_driver(tmp_path, store, work, "dask", file)
            wait_for_tasks(store, 2, driver)
            scheduler.kill()
            scheduler.wait()
            out, err = driver.communicate(timeout=300)
    assert driver.returncode == 3, err
    assert "the Dask scheduler tcp://127.0.0.1" in out
    assert "run the same command again to continue" in out
    assert left_of_session(driver.pid) == []
    assert len(store.done()) == 2
    repeated = finish(store, make_store("calm.zarr"), make_work, log)
    assert sorted(runs_of(log).values())[:2] == [1, 1]
    tell_row("the Dask scheduler killed", tries=2, lost=0, repeated=repeated, tasks=4)


@pytest.mark.ray
@pytest.mark.parametrize(("part", "program"), [("raylet", "raylet/raylet "), ("GCS", "gcs/gcs_server ")])
def test_a_run_whose_ray_is_killed_in_part_says_so_and_can_be_continued(
    part: str, program: str, make_store: MakeStore, make_work: MakeWork, tmp_path: Path, tell_row: TellRow
) -> None:
    store, log = make_store("lost.zarr"), tmp_path / "log"
    work = logged(stuck_after(make_work(store), [task.id for task in store.plan.tasks[:2]]), log)
    driver = start_driver(tmp_path, store, work, "ray")
    wait_for_tasks(store, 2, driver)
    killed = [p.pid for p in everything() if p.session == driver.pid and program in command(p.pid)]
    assert len(killed) == 1
    os.kill(killed[0], signal.SIGKILL)
    wait_until_gone(killed)
    out, err = driver.communicate(timeout=300)
    assert driver.returncode == 3, err
    assert f"Ray is gone: {'the raylet of this process ended' if part == 'raylet' else 'its GCS'}" in out
    assert "run the same command again to continue" in out
    assert left_of_session(driver.pid, GRACE_SECONDS["ray"]) == []
    assert len(store.done()) == 2
    repeated = finish(store, make_store("calm.zarr"), make_work, log)
    assert sorted(runs_of(log).values())[:2] == [1, 1]
    tell_row(f"the {part} of a run on `ray` killed", tries=2, lost=0, repeated=repeated, tasks=4)
