"""What a store costs: planning, making, opening and resuming many tasks, and writing and marking one.

    python -m tests.benchmarks.bench_store [--tasks N] [--marked N]

Run it in the root of the repository. Writes one JSON document to standard output, of a store of N signal points of one
task each, and of one of N tasks of toys:

- plan, create: seconds to cut the campaign into tasks, and to make the store;
- mark: seconds to put markers of half of the tasks in place (of toys: of as many as ``--marked`` says);
- open, pending, status, resume: seconds to open the store, to find what is left, and of what a driver does before the
  first task, all with these markers there;
- task: milliseconds that a process spends on a task that computes nothing, at the end of this store: opening it,
  writing all arrays, reading them back, and the marker; the first one, and the mean of the next hundred.

Nothing is asserted: times belong to a machine.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.update(NPROC="1", OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", JAX_PLATFORMS="cpu")

import numpy as np

from hfscale.inference.results import PointStatus
from hfscale.inference.toys.results import ToyStatus
from hfscale.plan.cells import Cell
from hfscale.plan.digests import digest, settings_document
from hfscale.plan.tasks import make_plan
from hfscale.plan.toys import ToyRound, make_round
from hfscale.store import files
from hfscale.store.create import create_store
from hfscale.store.layout import empty_block
from hfscale.store.open import _open, open_store
from hfscale.store.store import ResultStore
from hfscale.store.toys import empty_toys

TASKS_TIMED = 100


class Times(dict[str, float]):
    """Seconds by name."""

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self[name] = round(time.perf_counter() - begin, 3)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--marked", type=int, default=None)
    options = parser.parse_args()
    marked = options.tasks // 2 if options.marked is None else options.marked
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "points": measure_points(Path(folder) / "points.zarr", options.tasks, marked),
            "toys": measure_toys(Path(folder) / "toys.zarr", options.tasks, marked),
        }
    print(json.dumps({"tasks": options.tasks, "marked": marked, **found}, indent=1))  # noqa: T201


def measure_points(path: Path, n: int, marked: int) -> Times:
    """Tasks of one signal point each."""
    times = Times()
    names = [f"signal_{k}" for k in range(n)]
    with times.of("plan"):
        settings = settings_document({}, "m", "mu", {"kind": "cls", "test_poi": 1.0}, names, ["m"])
        plan = make_plan(n, 1, digest(settings), names)
    with times.of("create"):
        create_store(
            path,
            settings=settings,
            inputs={},
            plan=plan,
            labels={"m": np.arange(float(n))},
            parameters=["mu", "lumi"],
            mu=np.array([1.0]),
            provenance={},
        )
    _resume(path, [task.id for task in plan.tasks], marked, times)
    _time_tasks(path, [task.id for task in plan.tasks[-TASKS_TIMED - 1 :]], times)
    return times


def measure_toys(path: Path, n: int, marked: int) -> Times:
    """Tasks of toys of ten signal points."""
    times, names = Times(), [f"signal_{k}" for k in range(10)]
    settings = settings_document({}, "m", "mu", {"kind": "cls", "calctype": "toybased"}, names, [])
    with times.of("plan"):
        cells = [Cell(k) for k in range(10)]
        toys = make_round(0, 0, 0, 50 * n // len(cells), 50, cells, names, digest(settings))
    with times.of("create"):
        create_store(
            path,
            settings=settings,
            inputs={},
            plan=make_plan(10, 5, digest(settings), names),
            labels={},
            parameters=["mu", "lumi"],
            mu=np.array([1.0]),
            provenance={},
            rounds=[toys],
        )
    _resume(path, [task.id for task in toys.tasks], marked, times)
    _time_tasks(path, [task.id for task in toys.tasks[-TASKS_TIMED - 1 :]], times)
    return times


def _resume(path: Path, task_ids: list[str], marked: int, times: Times) -> None:
    with times.of("mark"):
        for task_id in task_ids[:marked]:
            marker = {"seconds": 10.0, "finished": "2026-01-01T00:00:00+00:00", "failed": {}, "reasons": {}}
            files.done_file(path, task_id).write_text(json.dumps(marker))
    # As a process that has not opened the store before.
    _open.cache_clear()
    with times.of("open"):
        store = open_store(path)
    with times.of("pending"):
        left = len(store.pending()) + len(store.pending_toys())
    assert left >= len(task_ids) - marked
    _open.cache_clear()
    with times.of("resume"):
        again = open_store(path)
        with again.locked():
            again.sweep()
            again.pending()
            again.pending_toys()
    _share_status(path, store.plan.tasks[-1].id, 0 if store.rounds else marked)
    with times.of("status"):
        open_store(path).status()


def _share_status(path: Path, task_id: str, marked: int) -> None:
    """Give the marked tasks of points the stored status of one that is done, without which they would be damaged."""
    _do_nothing(path, task_id)
    chunks = path / "status" / "c"
    (done,) = chunks.glob("*/0")
    for k in range(marked):
        (chunks / str(k)).mkdir()
        (chunks / str(k) / "0").write_bytes(done.read_bytes())


def _time_tasks(path: Path, task_ids: list[str], times: Times) -> None:
    begin = time.perf_counter()
    _do_nothing(path, task_ids[0])
    first = time.perf_counter()
    for task_id in task_ids[1:]:
        _do_nothing(path, task_id)
    times["first task (ms)"] = round(1e3 * (first - begin), 1)
    times["task (ms)"] = round(1e3 * (time.perf_counter() - first) / len(task_ids[1:]), 1)


def _do_nothing(path: Path, task_id: str) -> None:
    """As a worker does a task, but for computing."""
    store = open_store(path)
    if task_id in store.plan.by_id:
        _write_points(store, task_id)
    else:
        _write_toys(store, task_id)


def _write_points(store: ResultStore, task_id: str) -> None:
    task = store.plan.task(task_id)
    arrays = empty_block(task.n_points, 1, 2, store.variables)
    arrays["status"][...] = PointStatus.OK
    store.write_block(task, arrays)
    store.mark_done(task, {"seconds": 0.1, "reasons": {}})


def _write_toys(store: ResultStore, task_id: str) -> None:
    round_and_task: tuple[ToyRound, object] = store.toy_task(task_id)
    task = round_and_task[0].by_id[task_id]
    arrays = empty_toys(task.count)
    arrays["status"][...] = ToyStatus.OK
    store.write_toys(task, arrays)
    store.mark_toys_done(task, {"seconds": 0.1, "failed": {}})


if __name__ == "__main__":
    main()
