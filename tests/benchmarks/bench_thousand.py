"""A thousand workers that crash, are preempted, lag and hang: the loop of production in simulated time.

    python -m tests.benchmarks.bench_thousand [--case NAME ...] [--workers N] [--tasks N] [--store-tasks N] [--seed N]

Run it in the root of the repository. Writes one JSON document to standard output. Of each case, in its own process:

- makespan, ideal, overhead: seconds from the first task to the last, all work spread evenly over workers that compile
  once and never idle, and what the one is more than the other;
- crashes, preemptions, stopped: workers that died, that were taken away, and that were stopped by the loop because
  they hung or lagged behind; lost: share of all workers' time that they had spent on running tasks;
- retries, reissues, failures: what the loop did about it;
- loop (ms/task): CPU time of the loop and of the simulation, per task; driver (MB): what the process grew by.

The last case writes a real store: every task opens it, writes its chunks and its marker, and a driver that is killed in
the middle is followed by another. Objects are counted at the end.

Nothing is asserted here: tests/runtime/test_thousand_workers.py does that.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

os.environ.update(NPROC="1", OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", JAX_PLATFORMS="cpu")

import numpy as np

from hfscale.errors import InterruptedRunError
from hfscale.inference.toys.results import ToyStatus
from hfscale.plan.cells import Cell
from hfscale.plan.digests import digest, settings_document
from hfscale.plan.tasks import make_plan
from hfscale.plan.toys import ToyRound, ToyTask, make_round
from hfscale.runtime.events import Event, RunSummary, TaskReport
from hfscale.runtime.loop import run_tasks
from hfscale.store.create import create_store
from hfscale.store.open import open_store
from hfscale.store.toys import empty_toys
from tests.runtime.cluster_simulation import Rates, SimulatedCluster, ideal_seconds
from tests.runtime.simulation import Clock

NAMES = [f"signal_{k}" for k in range(10)]
SETTINGS = settings_document({}, "m", "mu", {"kind": "cls", "calctype": "toybased"}, NAMES, [])
TOYS = 50
"""Per task and hypothesis."""

DASK = 0.0044
"""Seconds of the driver per task, as measured on Dask (README.md, "What the runtime costs")."""

QUIET = Rates(task_seconds=20.0, message_seconds=DASK)
BAD_DAY = QUIET._replace(crashes=0.05, preemptions=0.2, stragglers=0.01, slow=5.0, hangs=2e-5)
CASES = {
    "nothing happens": QUIET,
    "a bad day": BAD_DAY,
    "slow by three": BAD_DAY._replace(slow=3.0),
    "stragglers": QUIET._replace(stragglers=0.05, slow=5.0),
    "hangs": QUIET._replace(hangs=1e-4),
    "crashes": QUIET._replace(crashes=0.5),
    "preemption": QUIET._replace(preemptions=2.0),
    "late arrival": BAD_DAY._replace(arrival_seconds=600.0),
    "slow compiling": BAD_DAY._replace(compile_seconds=120.0),
    "short tasks": BAD_DAY._replace(task_seconds=2.0, message_seconds=DASK),
    "short tasks, processes": BAD_DAY._replace(task_seconds=2.0, message_seconds=0.0001),
}
STORE = "store"
STORE_RATES = BAD_DAY._replace(crashes=2.0, preemptions=5.0)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", nargs="+", choices=[*CASES, STORE], default=[*CASES, STORE])
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=75_000)
    parser.add_argument("--store-tasks", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if len(options.case) == 1:
        (name,) = options.case
        if name == STORE:
            found = with_store(options.workers, options.store_tasks, options.seed)
        else:
            found = simulate(CASES[name], options.workers, options.tasks, options.seed)
    else:
        found = {name: _in_a_process_of_its_own(name, options) for name in options.case}
    print(json.dumps(found, indent=1))  # noqa: T201


def simulate(rates: Rates, workers: int, tasks: int, seed: int) -> dict[str, float]:
    """Run tasks that do nothing."""
    before, cpu = _memory(), time.process_time()
    toys = planned(tasks)
    engine, summary, seconds = _run(toys.tasks, rates, compute_nothing, workers, seed)
    spent, memory = time.process_time() - cpu, _memory() - before
    return {**_losses(engine, summary, seconds, rates, workers), **_costs(spent, memory, tasks)}


def with_store(workers: int, tasks: int, seed: int) -> dict[str, float]:
    """Run tasks that write a store, kill the driver in the middle, and continue."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.zarr"
        make_store(path, planned(tasks))
        function = partial(write_empty, path)
        killer = _Killer(tasks // 2)
        try:
            _run(open_store(path).pending_toys(), STORE_RATES, function, workers, seed, killer)
        except InterruptedRunError:
            left = open_store(path).pending_toys()
        engine, summary, seconds = _run(left, STORE_RATES, function, workers, seed + 1)
        status = open_store(path).status()
        chunks = sum(1 for _ in (path / "toys" / "0000").glob("*/c/*/*/*/*"))
        markers = sum(1 for _ in (path / "_hfscale" / "ledger" / "done").iterdir())
        return {
            **_losses(engine, summary, seconds, STORE_RATES, workers),
            "told before the kill": killer.finished,
            "left after the kill": len(left),
            "left": len(open_store(path).pending_toys()),
            "toys": status.toys.done if status.toys else 0,
            "chunks": chunks,
            "markers": markers,
            "partial": len(list(path.rglob("*.partial"))),
            "objects": sum(1 for place in path.rglob("*") if place.is_file()),
        }


def planned(tasks: int) -> ToyRound:
    """So many tasks of toys of ten signal points."""
    cells = [Cell(k) for k in range(len(NAMES))]
    return make_round(0, 0, 0, TOYS * tasks // len(NAMES), TOYS, cells, NAMES, digest(SETTINGS))


def make_store(path: Path, toys: ToyRound) -> None:
    """Make the store of such tasks."""
    create_store(
        path,
        settings=SETTINGS,
        inputs={},
        plan=make_plan(len(NAMES), 5, digest(SETTINGS), NAMES),
        labels={},
        parameters=["mu"],
        mu=np.array([1.0]),
        provenance={},
        rounds=[toys],
    )


def compute_nothing(task_id: str) -> TaskReport:
    """Report a task as done."""
    return TaskReport(task_id, ok=2 * TOYS, no_signal=0, failed=0, seconds=0.0, worker="simulated")


def write_empty(path: Path, task_id: str) -> TaskReport:
    """As a worker does a task, but for computing."""
    store = open_store(path)
    _, task = store.toy_task(task_id)
    arrays = empty_toys(task.count)
    arrays["status"][...] = ToyStatus.OK
    store.write_toys(task, arrays)
    store.mark_toys_done(task, {"seconds": 0.1, "failed": {}})
    return compute_nothing(task_id)


class _Killer:
    """Ends a run from within when so many tasks have finished."""

    def __init__(self, after: int) -> None:
        self.finished = 0
        self._after = after

    def __call__(self, event: Event) -> None:
        self.finished += event.kind == "finished"
        if self.finished == self._after:
            raise KeyboardInterrupt


def _run(
    tasks: Sequence[ToyTask],
    rates: Rates,
    function: Callable[[str], TaskReport],
    workers: int,
    seed: int,
    on_event: Callable[[Event], None] = lambda event: None,
) -> tuple[SimulatedCluster, RunSummary, float]:
    clock = Clock()
    begin, engine = clock.now, SimulatedCluster(clock, workers, rates, seed)
    summary = run_tasks(tasks, engine, function, clock=clock, on_event=on_event)
    return engine, summary, clock.now - begin


def _losses(
    engine: SimulatedCluster, summary: RunSummary, seconds: float, rates: Rates, workers: int
) -> dict[str, float]:
    ideal = ideal_seconds(engine, workers, rates)
    return {
        "finished": len({report.task for report in summary.reports}),
        "makespan": round(seconds, 1),
        "ideal": round(ideal, 1),
        "overhead": round(seconds / ideal - 1.0, 4),
        "crashes": engine.losses.crashes,
        "preemptions": engine.losses.preemptions,
        "stopped": engine.losses.stopped,
        "lost": round(engine.losses.seconds / (seconds * workers), 5),
        "retries": summary.retries,
        "reissues": summary.reissues,
        "failures": len(summary.failures),
    }


def _costs(spent: float, memory: float, tasks: int) -> dict[str, float]:
    return {"loop (ms/task)": round(1e3 * spent / tasks, 3), "driver (MB)": round(memory, 1)}


def _memory() -> float:
    """Most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _in_a_process_of_its_own(name: str, options: argparse.Namespace) -> Any:
    given = (
        f"--{key.replace('_', '-')}={getattr(options, key)}" for key in ("workers", "tasks", "store_tasks", "seed")
    )
    command = [sys.executable, "-m", "tests.benchmarks.bench_thousand", *given, "--case", name]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


if __name__ == "__main__":
    main()
