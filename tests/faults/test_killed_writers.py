"""Processes that are killed with SIGKILL while they write."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hfscale.plan.tasks import Task
from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.local import LocalExecutor
from hfscale.runtime.loop import run_tasks
from hfscale.store.layout import VARIABLES
from hfscale.store.open import is_store
from hfscale.store.store import ResultStore
from tests.faults.conftest import TellRow
from tests.faults.runs import digest_of

MakeStore = Callable[[str], ResultStore]
MakeWork = Callable[[ResultStore], Callable[[str], TaskReport]]

ROOT = Path(__file__).parents[2]

WRITE = """
import os, pathlib, signal, sys
from hfscale.store.layout import PointStatus, empty_block
from hfscale.store.open import open_store
from hfscale.store.whole_chunks import WholeChunks

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

store = open_store(sys.argv[1])
task = store.plan.tasks[0]
arrays = empty_block(task.n_points, 1, 1)
arrays["CLs_obs"][...] = -1.0
arrays["status"][...] = PointStatus.OK
if sys.argv[2] == "between arrays":
    write = WholeChunks.write
    WholeChunks.write = lambda self, chunk, values: die() if chunk.array == "status" else write(self, chunk, values)
store.write_block(task, arrays)
if sys.argv[2] == "inside the marker":
    pathlib.Path.replace = die
if sys.argv[2] != "between data and marker":
    store.mark_done(task, {"seconds": 1.0})
die()
"""

CREATE = """
import os, signal, sys
import numpy as np
import hfscale.store.create as create
from hfscale.plan.digests import settings_document
from hfscale.plan.tasks import make_plan

create._write_documents = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
names = ["p1"]
settings = settings_document({}, "measurement", "mu", {}, names, [])
create.create_store(sys.argv[1], settings=settings, inputs={}, plan=make_plan(1, 1, "", names), labels={},
                    parameters=["mu"], mu=np.array([1.0]), provenance={})
"""


def run_until_killed(program: str, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", program, *arguments], env=environment, capture_output=True)
    assert result.returncode == -signal.SIGKILL, result.stderr.decode()


def stored_chunks(store: ResultStore, task: Task) -> int:
    chunk = str(task.start // store.plan.task_points)
    return sum((store.path / name / "c" / chunk).exists() for name in VARIABLES)


@pytest.mark.parametrize("moment", ["between arrays", "between data and marker", "inside the marker"])
def test_a_task_killed_before_its_marker_is_done_again(
    make_store: MakeStore, make_work: MakeWork, moment: str, tell_row: TellRow
) -> None:
    store, calm = make_store("killed.zarr"), make_store("calm.zarr")
    task = store.plan.tasks[0]
    run_until_killed(WRITE, str(store.path), moment)
    assert stored_chunks(store, task) == (len(VARIABLES) - (moment == "between arrays"))
    assert store.done() == set()
    assert store.status().points_pending == 8
    assert not store.to_xarray()["status"].values.any()
    assert store.sweep(older_than=0.0) == (moment == "inside the marker")

    run_tasks(store.pending(), LocalExecutor(), make_work(store))
    run_tasks(calm.pending(), LocalExecutor(), make_work(calm))
    assert store.to_xarray().equals(calm.to_xarray())
    np.testing.assert_array_equal(store.to_xarray()["CLs_obs"].values[:2, 0], [0.0, 1.0])
    assert digest_of(store.path) == digest_of(calm.path)
    tell_row(f"a writer killed {moment}", tries=2, lost=0, repeated=1, tasks=4)


def test_a_task_killed_after_its_marker_is_done(make_store: MakeStore) -> None:
    store = make_store("killed.zarr")
    run_until_killed(WRITE, str(store.path), "after the marker")
    assert store.done() == {store.plan.tasks[0].id}


def test_a_creation_that_is_killed_leaves_no_half_store(tmp_path: Path, make_store: MakeStore) -> None:
    target = tmp_path / "killed.zarr"
    run_until_killed(CREATE, str(target))
    assert not target.exists()
    assert not is_store(target)
    assert make_store("killed.zarr").status().points_pending == 8


def test_a_killed_driver_lets_go_of_the_store(make_store: MakeStore) -> None:
    store = make_store("locked.zarr")
    program = """
import os, signal, sys
from hfscale.store.open import open_store
with open_store(sys.argv[1]).locked():
    os.kill(os.getpid(), signal.SIGKILL)
"""
    run_until_killed(program, str(store.path))
    with store.locked():
        pass
