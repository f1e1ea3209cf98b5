"""What running a campaign on an engine costs beyond the work itself.

    python -m tests.benchmarks.bench_runtime [--part overhead|tasks|gather ...] [--engine NAME ...] [--points NAME ...]
        [--toys N] [--task-toys N] [--tasks N] [--gathered-tasks N] [--data FOLDER]

Run it in the root of the repository. Writes one JSON document to standard output, with the load of the machine before
and after each measurement, on two workers of each engine:

- overhead: a campaign of toys of some points of RegionA through the command line, read from its journals: (wall time x
  workers - sum of task times) / sum of task times, from the start of the first task to the end of the last, compiling
  included in task times; and the shares of it before a worker's first task, between tasks, and after its last. Shards
  are two `hfscale worker` processes.
- tasks: milliseconds per task (wall time x slots / tasks) of tasks that do nothing, through the loop, with a journal.
  A shard runs its tasks in its own process, here one of them.
- gather: the same for tasks of random toys, --task-toys of each hypothesis, whose results the workers write to a store
  that they see, or return to the driver, which writes them (--gather). Shards have no driver that gathers.

Nothing is asserted: times belong to a machine.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

os.environ.update(NPROC="1", OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", JAX_PLATFORMS="cpu")

import numpy as np

from hfscale.inference.toys.results import ToyStatus
from hfscale.plan.cells import Cell
from hfscale.plan.digests import digest, settings_document
from hfscale.plan.tasks import make_plan
from hfscale.plan.toys import AnyTask, ToyTask, make_round
from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.executors.choose import open_executor
from hfscale.runtime.journal import read_journals
from hfscale.runtime.loop import run_tasks
from hfscale.runtime.observers import UNSEEN, Extent, observing
from hfscale.store.files import events_folder
from hfscale.store.open import open_store
from hfscale.store.toys import empty_toys
from hfscale.work.computed import Computed
from hfscale.work.gathering import GatheringExecutor, Order
from tests.benchmarks.bench_thousand import NAMES, SETTINGS, make_store

DATA = Path(__file__).parents[3] / "shared" / "data"
ENGINES = ("dask", "ray", "shards", "processes")
POINTS = ["sbottom_1300_205_60", "sbottom_1300_350_60", "sbottom_1300_550_60", "sbottom_1300_850_60"]
WORKERS = 2
WARM_UP = 20
HFSCALE = (sys.executable, "-c", "from hfscale.cli.main import main; main()")


class Span(NamedTuple):
    """When a worker was busy with a task, in seconds."""

    worker: str
    start: float
    end: float


def overhead(options: argparse.Namespace) -> dict[str, Any]:
    """Overhead of each engine on the same campaign."""
    return _with_load(options.engine, lambda engine: _overhead_of(engine, options))


def _overhead_of(engine: str, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        campaign, store = Path(folder) / "campaign.yaml", Path(folder) / "results.zarr"
        document = {
            "schema": 1,
            "workspace": str((options.data / "sbottom-RegionA.tar.gz").resolve()),
            "points": options.points,
            "calculation": {"kind": "cls", "calctype": "toybased", "ntoys": options.toys},
            "store": str(store),
            # The fits of the data are a task for each worker.
            "run": {
                "workers": WORKERS,
                "task_points": max(1, len(options.points) // WORKERS),
                "task_toys": options.task_toys,
            },
        }
        # JSON is YAML.
        campaign.write_text(json.dumps(document))
        if engine == "shards":
            _run(["plan", str(campaign)])
            _run(*(["worker", str(store), "--shard", f"{k}/{WORKERS}"] for k in range(WORKERS)))
        else:
            _run(["run", str(campaign), "--set", f"run.executor={engine}"])
        return summary_of(spans_of(events_folder(store)), WORKERS)


def _run(*commands: Sequence[str]) -> None:
    """Run commands of hfscale at the same time, and wait for all."""
    processes = [subprocess.Popen([*HFSCALE, *command, "--quiet"], stdout=subprocess.DEVNULL) for command in commands]
    codes = [process.wait() for process in processes]
    # Toys with failed fits give code 1; the work is done.
    if not set(codes) <= {0, 1}:
        raise RuntimeError(f"{commands} ended with {codes}")


def spans_of(journals: Path) -> list[Span]:
    """When workers were busy: the driver hears of the end of a task, which tells how long it took."""
    spans = []
    for document in read_journals(journals):
        if document["event"] == "finished" and document["seconds"] > 0.0:
            end = datetime.fromisoformat(document["time"]).timestamp()
            spans.append(Span(document["worker"], end - document["seconds"], end))
    return spans


def summary_of(spans: Sequence[Span], workers: int) -> dict[str, Any]:
    """Overhead, and where it arises; shares are of the sum of task times."""
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    work = sum(span.end - span.start for span in spans)
    own: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        own[span.worker].append(span)
    before = sum(min(span.start for span in mine) - start for mine in own.values())
    after = sum(end - max(span.end for span in mine) for mine in own.values())
    total = (end - start) * workers - work
    return {
        "tasks": len(spans),
        "workers_seen": len(own),
        "task_seconds": work,
        "seconds_per_task": work / len(spans),
        "wall_seconds": end - start,
        "overhead": total / work,
        "before_first_task": before / work,
        "between_tasks": (total - before - after) / work,
        "after_last_task": after / work,
    }


def tasks(options: argparse.Namespace) -> dict[str, Any]:
    """Cost per task of tasks that do nothing."""
    settings = settings_document({}, "m", "mu", {"kind": "cls", "test_poi": 1.0}, ["signal"], ["m"])
    names = [f"signal_{k}" for k in range(options.tasks)]
    plan = make_plan(options.tasks, 1, digest(settings), names)
    return _with_load(options.engine, lambda engine: _cost_of_tasks(engine, plan.tasks))


def _cost_of_tasks(engine: str, plan: Sequence[AnyTask]) -> dict[str, Any]:
    with open_executor("local" if engine == "shards" else engine, WORKERS) as executor:
        _run_nothing(plan[:WARM_UP], executor)
        wall, driver = time.perf_counter(), time.process_time()
        _run_nothing(plan, executor)
        wall, driver = time.perf_counter() - wall, time.process_time() - driver
        slots = executor.slots()
    return {
        "tasks": len(plan),
        "slots": slots,
        "ms_per_task": 1e3 * wall * slots / len(plan),
        "driver_cpu_ms_per_task": 1e3 * driver / len(plan),
    }


def _run_nothing(plan: Sequence[AnyTask], executor: Executor) -> None:
    # Called with the identity of a task, as the functions that do one; workers can import it.
    nothing = partial(TaskReport, ok=1, no_signal=0, failed=0, seconds=0.0)
    extent = Extent(len(plan), len(plan), 0, "points")
    with (
        tempfile.TemporaryDirectory() as folder,
        observing(Path(folder), "none", UNSEEN) as observers,
        observers.phase(extent, executor) as on_event,
    ):
        summary = run_tasks(plan, executor, nothing, on_event=on_event)
    if len(summary.reports) != len(plan):
        raise RuntimeError(f"{len(summary.failures)} tasks failed")


def gather(options: argparse.Namespace) -> dict[str, Any]:
    """Cost per task of writing, by workers and by the driver."""
    engines = [engine for engine in options.engine if engine != "shards"]
    return _with_load(engines, lambda engine: _cost_of_writing(engine, options.gathered_tasks, options.task_toys))


def _cost_of_writing(engine: str, tasks: int, toys: int) -> dict[str, Any]:
    cells = [Cell(k) for k in range(len(NAMES))]
    rounds = make_round(0, 0, 0, toys * tasks // len(NAMES), toys, cells, NAMES, digest(SETTINGS))
    found: dict[str, Any] = {"tasks": len(rounds.tasks)}
    with open_executor(engine, WORKERS) as executor, tempfile.TemporaryDirectory() as folder:
        _run_nothing(make_plan(WARM_UP, 1, "bench", [f"signal_{k}" for k in range(WARM_UP)]).tasks, executor)
        for way in ("shared", "gathered"):
            path = Path(folder) / f"{way}.zarr"
            make_store(path, rounds)
            store = open_store(path)
            function: Callable[..., Any] = partial(_write_random, str(path))
            engine_of_run: Executor = executor
            if way == "gathered":
                engine_of_run, function = GatheringExecutor(executor, store, rounds.tasks), _return_random
            wall, driver = time.perf_counter(), time.process_time()
            summary = run_tasks(rounds.tasks, engine_of_run, function)
            wall, driver = time.perf_counter() - wall, time.process_time() - driver
            if open_store(path).pending_toys():
                raise RuntimeError(f"{way}: tasks failed: {set(summary.failures.values())}")
            found[way] = {
                "ms_per_task": 1e3 * wall * executor.slots() / len(rounds.tasks),
                "driver_cpu_ms_per_task": 1e3 * driver / len(rounds.tasks),
                "MB_per_task": sum(chunk.stat().st_size for chunk in path.glob("toys/0000/*/c/**/*") if chunk.is_file())
                / 1e6
                / len(rounds.tasks),
            }
    return found


def _write_random(path: str, task_id: str) -> TaskReport:
    """As a worker does a task that sees the store, but for computing."""
    store = open_store(path)
    _, task = store.toy_task(task_id)
    store.write_toys(task, _random_toys(task))
    store.mark_toys_done(task, {"seconds": 0.1, "failed": {}})
    return TaskReport(task_id, ok=2 * task.count, no_signal=0, failed=0, seconds=0.0)


def _return_random(_digest: str, _definition: object, order: Order) -> Computed:
    """As a worker does a task that sees no store, but for computing."""
    task = order.task
    if not isinstance(task, ToyTask):
        raise TypeError(f"{task} has no toys")
    report = TaskReport(task.id, ok=2 * task.count, no_signal=0, failed=0, seconds=0.0)
    return Computed(_random_toys(task), report, {"failed": {}})


def _random_toys(task: ToyTask) -> dict[str, np.ndarray]:
    """Numbers that compress as badly as those of toys."""
    random = np.random.default_rng([task.cell.point, task.first])
    arrays = empty_toys(task.count)
    for name, values in arrays.items():
        if values.dtype.kind == "f":
            arrays[name] = random.standard_normal(values.shape).astype(values.dtype)
    arrays["status"][...] = ToyStatus.OK
    return arrays


def _with_load(engines: Sequence[str], measure: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """Measure one engine after the other, and note the mean load of the last minute before and after each."""
    found = {}
    for engine in engines:
        before = os.getloadavg()[0]
        found[engine] = {**measure(engine), "load": [before, os.getloadavg()[0]]}
        sys.stderr.write(f"{engine}: {json.dumps(found[engine])}\n")
    return found


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "overhead": overhead,
    "tasks": tasks,
    "gather": gather,
}


def main() -> None:
    """Measure and write the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--engine", nargs="*", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--points", nargs="+", default=POINTS, help="signal points of RegionA")
    parser.add_argument("--toys", type=int, default=66_000, help="toys per point and hypothesis")
    parser.add_argument("--task-toys", type=int, default=6_000, help="toys per task and hypothesis")
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--gathered-tasks", type=int, default=500)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HFSCALE_TEST_DATA", DATA)))
    options = parser.parse_args()
    document: dict[str, Any] = {"cpus": os.cpu_count()}
    for name in options.part:
        document[name] = PARTS[name](options)
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
