"""Toys in a store: whole chunks, markers, further rounds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

from hfscale.errors import InputError, StoreError
from hfscale.inference.toys.results import ToyStatus
from hfscale.plan.cells import Cell
from hfscale.plan.digests import settings_document
from hfscale.plan.tasks import Task
from hfscale.plan.toys import ToyTask, make_round
from hfscale.store.open import open_store
from hfscale.store.store import ResultStore
from hfscale.store.toys import create_round, empty_toys
from tests.store.conftest import MU, NAMES

CELLS = [Cell(0), Cell(1), Cell(6)]
FIRST = make_round(0, 0, 5, 25, 10, CELLS, NAMES, "settings")
SECOND = make_round(1, 0, 30, 7, 10, CELLS, NAMES, "settings")


@pytest.fixture
def store(make_store: Callable[..., ResultStore]) -> ResultStore:
    settings = settings_document(
        {}, "m", "mu", {"test_poi": 1.0, "calctype": "toybased"}, NAMES, ["m_x", "mu", "decay"]
    )
    return make_store(settings=settings, rounds=(FIRST,))


def numbers(task: ToyTask, status: int = ToyStatus.OK) -> dict[str, np.ndarray]:
    """Arrays of a task; every number tells which point, hypothesis and toy it belongs to."""
    arrays = empty_toys(task.count)
    own = 1000.0 * task.cell.point + np.arange(task.first, task.stop) + np.array([[0.0], [0.5]])
    for name, array in arrays.items():
        array[...] = status if name == "status" else own
    return arrays


def finish(store: ResultStore, task: ToyTask, failed: int = 0) -> None:
    store.write_toys(task, numbers(task))
    store.mark_toys_done(task, {"seconds": 2.0, "failed": {"sb": failed, "b": 0}, "failed_toys": []})


def test_what_tasks_write_is_read_back_in_its_place(store: ResultStore) -> None:
    for task in FIRST.tasks:
        finish(store, task)
    toys = xarray.open_zarr(store.path, group="toys/0000", chunks=None)
    assert toys["q"].dims == ("point", "mu", "hypothesis", "toy")
    assert toys["toy"].values.tolist() == list(range(5, 30))
    assert (int(toys["seed"]), toys["hypothesis"].values.tolist()) == (0, ["sb", "b"])
    assert float(toys["q"][6, 0].sel(hypothesis="b", toy=17)) == 6017.5
    assert toys["status"].values[:, 0].sum(axis=(1, 2)).tolist() == [50, 50, 0, 0, 0, 0, 50]
    (read,) = next(store.read_toys([Cell(6)]))
    np.testing.assert_array_equal(read.arrays["mu_hat"], toys["mu_hat"].values[6, 0])
    with xarray.open_zarr(store.path, chunks=None) as points:
        assert "CLs_obs" not in points
        assert "q_asimov" in points


def test_toys_without_a_marker_are_not_run(store: ResultStore) -> None:
    done, torn = FIRST.tasks[:2]
    finish(store, done)
    store.write_toys(torn, numbers(torn))
    (read,) = next(store.read_toys([Cell(0)], ["status"]))
    assert read.arrays["status"].sum(axis=1).tolist() == [10, 10]
    assert read.arrays.keys() == {"status"}
    assert torn in store.pending_toys()
    assert done not in store.pending_toys()


def test_writing_twice_changes_nothing(store: ResultStore) -> None:
    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in (store.path / "toys").rglob("c/**/*") if path.is_file()}

    finish(store, FIRST.tasks[4])
    before = files()
    finish(store, FIRST.tasks[4])
    assert files() == before
    assert len([path for path in before if "/c/1/" in str(path)]) == 5


def test_a_task_of_failed_toys_alone_is_stored(store: ResultStore) -> None:
    task = FIRST.tasks[0]
    arrays = empty_toys(task.count)
    arrays["status"][...] = ToyStatus.FAILED
    store.write_toys(task, arrays)
    store.mark_toys_done(task, {"seconds": 1.0, "failed": {"sb": 10, "b": 10}, "failed_toys": []})
    status = store.status()
    assert status.toys is not None
    assert (status.toys.total, status.toys.done, status.toys.failed) == (150, 20, 20)
    assert status.toys.failure_rates == {NAMES[0]: {"sb": 1.0, "b": 1.0}}
    assert status.toys.per_second == pytest.approx(20.0)


@pytest.mark.parametrize("fault", ["missing", "shape", "dtype"])
def test_wrong_arrays_are_refused_before_anything_is_written(store: ResultStore, fault: str) -> None:
    task, before = FIRST.tasks[0], sorted((store.path / "toys").rglob("*"))
    arrays: dict[str, Any] = numbers(task)
    if fault == "missing":
        del arrays["status"]
    else:
        arrays["status"] = arrays["status"][:, :-1] if fault == "shape" else arrays["status"].astype(np.int64)
    with pytest.raises(StoreError, match="status"):
        store.write_toys(task, arrays)
    assert sorted((store.path / "toys").rglob("*")) == before


def test_a_task_that_is_not_planned_is_refused(store: ResultStore) -> None:
    known = FIRST.tasks[0]
    with pytest.raises(StoreError, match="not in round"):
        store.write_toys(ToyTask(known.id, Cell(1), known.first, known.stop), numbers(known))
    with pytest.raises(InputError, match="no task 'other'"):
        store.toy_task("other")


def test_what_is_not_completely_written_cannot_be_marked(store: ResultStore) -> None:
    task = FIRST.tasks[0]
    with pytest.raises(StoreError, match="not completely written"):
        store.mark_toys_done(task, {"seconds": 1.0, "failed": {}})
    assert store.done_toys() == set()


def test_a_damaged_chunk_is_noticed(store: ResultStore) -> None:
    finish(store, FIRST.tasks[0])
    chunk = store.path / "toys" / "0000" / "q" / "c" / "0" / "0" / "0" / "0"
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    with pytest.raises(StoreError, match=r"q of toys .*chunk 0/0/0/0 of the array toys/0000/q in .* is altered"):
        next(store.read_toys([Cell(0)]))


def test_a_further_round_leaves_the_first_alone(store: ResultStore) -> None:
    finish(store, FIRST.tasks[0])
    root = store.path / "zarr.json"  # lists all arrays, the new ones too
    before = {path: path.read_bytes() for path in store.path.rglob("*") if path.is_file() and path != root}
    create_round(store.path, SECOND, NAMES, MU)
    assert {path: path.read_bytes() for path in before} == before
    assert [xarray.open_zarr(store.path, group=f"toys/000{k}", chunks=None).sizes["toy"] for k in (0, 1)] == [25, 7]
    opened = open_store(store.path)
    assert [toys.count for toys in opened.rounds] == [25, 7]
    assert len(opened.pending_toys()) == 8 + 3
    finish(opened, SECOND.tasks[1])
    assert [read.arrays["status"].sum() for read in next(opened.read_toys([Cell(1)]))] == [0, 14]


def test_a_round_that_was_killed_before_its_plan_was_written_is_made_anew(store: ResultStore) -> None:
    create_round(store.path, SECOND, NAMES, MU)
    (store.path / "_hfscale" / "ledger" / "toys-0001.json.gz").unlink()
    assert open_store(store.path).rounds == (FIRST,)
    other = make_round(1, 0, 30, 9, 3, [Cell(0)], NAMES, "settings")
    create_round(store.path, other, NAMES, MU)
    assert open_store(store.path).rounds == (FIRST, other)
    assert xarray.open_zarr(store.path, group="toys/0001", chunks=None).sizes["toy"] == 9


def test_points_that_lack_toys_are_counted(store: ResultStore, block: Callable[[Task], dict[str, np.ndarray]]) -> None:
    first = store.plan.tasks[0]
    arrays = {name: array for name, array in block(first).items() if not name.startswith("CL")}
    store.write_block(first, arrays)
    store.mark_done(first, {"seconds": 1.0, "reasons": {}})
    for task in FIRST.by_cell[Cell(0)]:
        finish(store, task)
    finish(store, FIRST.by_cell[Cell(1)][0])
    store.record_failure(FIRST.by_cell[Cell(1)][1], "the worker died")
    status = store.status()
    # Of the three points of the first task, one has its toys, one lacks some, and one has none planned.
    assert (status.points_ok, status.points_partial, status.points_pending) == (2, 1, 4)
    assert (status.tasks_total, status.tasks_done, status.tasks_failed) == (3 + 9, 1 + 4, 1)
    assert status.seconds_left is not None
    assert not status.finished
    assert store.toy_failures() == {FIRST.by_cell[Cell(1)][1]: "the worker died"}
