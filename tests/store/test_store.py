import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray

from hfscale.errors import StoreError
from hfscale.plan.tasks import Task
from hfscale.store.layout import VARIABLES, PointStatus
from hfscale.store.open import open_store
from hfscale.store.store import ResultStore

MakeBlock = Callable[[Task], dict[str, np.ndarray]]


def finish(store: ResultStore, task: Task, arrays: dict[str, np.ndarray], **report: object) -> None:
    store.write_block(task, arrays)
    store.mark_done(task, {"seconds": 2.0, "reasons": {}, **report})


def chunk_files(store: ResultStore, index: int) -> list[Path]:
    """Return the files of one chunk of the point axis, one for each variable that has it."""
    return [
        path for name in VARIABLES for path in (store.path / name / "c").glob(f"{index}/**/*") if path.is_file()
    ] + [path for name in VARIABLES for path in (store.path / name / "c").glob(str(index)) if path.is_file()]


def test_what_tasks_write_is_read_back_in_its_place(store: ResultStore, block: MakeBlock) -> None:
    for task in store.plan.tasks:
        finish(store, task, block(task))
    with xarray.open_zarr(store.path, chunks=None) as dataset:
        for name in VARIABLES:
            expected = np.concatenate([block(task)[name] for task in store.plan.tasks])
            np.testing.assert_array_equal(dataset[name].values, expected)
        xarray.testing.assert_identical(dataset.load(), store.to_xarray().load())


def test_results_become_a_data_frame(store: ResultStore, block: MakeBlock) -> None:
    finish(store, store.plan.tasks[0], block(store.plan.tasks[0]))
    frame = store.to_xarray()[["CLs_obs", "status"]].isel(mu=0).to_dataframe()
    assert frame["name"].tolist()[:2] == ["signal_0", "signal_1"]
    assert frame["CLs_obs"].tolist()[:2] == [0.0, 1.0]


def test_a_block_without_any_number_is_still_stored(store: ResultStore, block: MakeBlock) -> None:
    task = store.plan.tasks[0]
    arrays = block(task)
    for name, variable in VARIABLES.items():
        arrays[name][...] = variable.fill
    arrays["status"][...] = PointStatus.FAILED
    finish(store, task, arrays)
    assert len(chunk_files(store, 0)) == len(VARIABLES)
    assert store.status().points_failed == task.n_points


def test_writing_twice_changes_nothing(store: ResultStore, block: MakeBlock) -> None:
    task = store.plan.tasks[1]
    finish(store, task, block(task))
    before = {path: path.read_bytes() for path in chunk_files(store, 1)}
    finish(store, task, block(task))
    assert {path: path.read_bytes() for path in chunk_files(store, 1)} == before


@pytest.mark.parametrize("fault", ["missing", "unknown", "shape", "dtype"])
def test_a_wrong_block_is_refused_before_anything_is_written(store: ResultStore, block: MakeBlock, fault: str) -> None:
    task = store.plan.tasks[0]
    arrays = block(task)
    if fault == "missing":
        del arrays["status"]
    elif fault == "unknown":
        arrays["extra"] = arrays["q"]
    elif fault == "shape":
        arrays["status"] = arrays["status"][:-1]
    else:
        arrays["status"] = arrays["status"].astype(np.int64)
    with pytest.raises(StoreError, match="extra" if fault == "unknown" else "status"):
        store.write_block(task, arrays)
    assert chunk_files(store, 0) == []


def test_a_task_that_is_not_whole_chunks_is_refused(store: ResultStore, block: MakeBlock) -> None:
    task = Task(store.plan.tasks[0].id, 0, 2)
    with pytest.raises(StoreError, match="not in the plan"):
        store.write_block(task, block(task))


def test_a_task_is_done_when_it_is_marked_not_when_its_data_are_there(store: ResultStore, block: MakeBlock) -> None:
    first, second, third = store.plan.tasks
    store.write_block(first, block(first))
    finish(store, second, block(second))
    assert store.done() == {second.id}
    assert store.pending() == (first, third)
    assert store.point_status()[:, 0].tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert store.to_xarray()["status"].values[:, 0].tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert open_store(store.path).done() == {second.id}


def test_a_task_whose_block_is_not_complete_cannot_be_marked(store: ResultStore, block: MakeBlock) -> None:
    task = store.plan.tasks[0]
    with pytest.raises(StoreError, match="not completely written"):
        store.mark_done(task, {"seconds": 1.0})
    arrays = block(task)
    arrays["status"][1] = PointStatus.NOT_RUN
    store.write_block(task, arrays)
    with pytest.raises(StoreError, match="not completely written"):
        store.mark_done(task, {"seconds": 1.0})
    assert store.done() == set()


def test_a_damaged_chunk_is_noticed_when_the_task_is_marked(store: ResultStore, block: MakeBlock) -> None:
    task = store.plan.tasks[0]
    store.write_block(task, block(task))
    chunk = store.path / "q" / "c" / "0" / "0"
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    with pytest.raises(StoreError, match=r"not completely written.*chunk 0/0 of the array q in .* is altered"):
        store.mark_done(task, {"seconds": 1.0})


def test_a_marker_says_where_when_and_what(store: ResultStore, block: MakeBlock) -> None:
    first, second, _ = store.plan.tasks
    for task in (first, second):
        finish(store, task, block(task))
    folder = store.path / "_hfscale" / "ledger" / "done"
    markers = [json.loads((folder / f"{task.id}.json").read_text()) for task in (first, second)]
    assert markers[0]["stop"] == 3
    assert {"host", "finished", "seconds", "versions", "reasons"} <= markers[0].keys()
    assert {"python", "numpy", "zarr", "jax"} <= markers[0]["versions"].keys()
    assert len(markers[0]["sha256"]) == 64
    assert markers[0]["sha256"] != markers[1]["sha256"]
    assert sorted(path.name for path in folder.iterdir()) == [f"{first.id}.json", f"{second.id}.json"]


def test_failures_are_recorded_counted_and_forgotten_when_the_task_succeeds(
    store: ResultStore, block: MakeBlock
) -> None:
    first, second, third = store.plan.tasks
    arrays = block(first)
    arrays["status"][1] = PointStatus.FAILED
    arrays["status"][2] = PointStatus.NO_SIGNAL
    finish(store, first, arrays, reasons={"signal_1": "the free fit did not converge"})
    store.record_failure(third, "the worker died")

    status = store.status()
    assert (status.points_total, status.points_ok, status.points_no_signal) == (7, 1, 1)
    assert (status.points_failed, status.points_pending) == (2, 3)
    assert (status.tasks_total, status.tasks_done, status.tasks_failed) == (3, 1, 1)
    assert status.points_per_second == pytest.approx(1.5)
    assert status.seconds_left == pytest.approx(2.0)
    assert not status.finished
    assert store.pending() == (second, third)
    assert store.failures() == {third.id: "the worker died"}
    assert store.reasons() == {"signal_1": "the free fit did not converge", "signal_6": "the worker died"}

    finish(store, third, block(third))
    finish(store, second, block(second))
    assert store.failures() == {}
    assert store.status().finished
    assert store.status().points_pending == 0


def test_a_new_store_has_no_rate(store: ResultStore) -> None:
    status = store.status()
    assert status.points_pending == 7
    assert status.points_per_second is None
    assert status.seconds_left is None


def test_the_sweep_removes_old_litter_only(store: ResultStore, block: MakeBlock) -> None:
    finish(store, store.plan.tasks[0], block(store.plan.tasks[0]))
    litter = [store.path / "q" / "c" / "0" / "0.abc.partial", store.path / "zarr.json.abc.partial"]
    for path in litter:
        path.write_text("half")
    assert store.sweep() == 0
    assert store.sweep(older_than=0.0) == 2
    assert not any(path.exists() for path in litter)
    assert store.done() == {store.plan.tasks[0].id}


def test_one_driver_at_a_time(store: ResultStore) -> None:
    with store.locked(), pytest.raises(StoreError, match="another process"), open_store(store.path).locked():
        pass
    with store.locked():
        pass
