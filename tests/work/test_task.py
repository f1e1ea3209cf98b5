"""Doing one task."""

from pathlib import Path

import numpy as np
import xarray

from hfscale.store.files import done_folder
from hfscale.store.open import open_store
from hfscale.work.task import run_task
from tests.program import copy_store


def test_a_task_done_again_gives_the_same_bits(small_store: Path, tmp_path: Path) -> None:
    store = copy_store(small_store, tmp_path)
    task = open_store(store).plan.tasks[1]
    before = xarray.open_zarr(store, chunks=None).load()
    (done_folder(store) / f"{task.id}.json").unlink()
    report = run_task(str(store), task.id)
    assert (report.task, report.ok, report.no_signal, report.failed) == (task.id, 4, 0, 0)
    assert open_store(store).status().finished
    xarray.testing.assert_identical(xarray.open_zarr(store, chunks=None).load(), before)


def test_a_task_writes_its_own_points_alone(small_store: Path, tmp_path: Path) -> None:
    store = copy_store(small_store, tmp_path)
    task = open_store(store).plan.tasks[2]
    other = sorted(path for path in store.rglob("c/*") if path.is_file() and not path.name.startswith("2"))
    before = {path: path.stat().st_mtime_ns for path in other}
    run_task(str(store), task.id)
    assert {path: path.stat().st_mtime_ns for path in other} == before
    assert np.isfinite(open_store(store).to_xarray()["CLs_obs"].values[8, 0])
