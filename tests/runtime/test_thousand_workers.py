"""A thousand workers in simulated time, with the loop of production, in processes without the checks of all calls."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hfscale.runtime.loop import run_tasks
from tests.benchmarks.bench_thousand import planned
from tests.runtime.cluster_simulation import HOUR, Rates, SimulatedCluster
from tests.runtime.simulation import Clock, never

ROOT = Path(__file__).parents[2]


def bench(case: str, *options: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_thousand", "--case", case, *options]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("case", ["a bad day", "slow compiling"])
def test_a_bad_day_costs_less_than_a_tenth(case: str) -> None:
    # With stragglers that take five times as long, and two minutes of compiling.
    found = bench(case)
    assert (found["finished"], found["failures"]) == (75_000, 0)
    # All of it did happen: workers died, were preempted, hung, and lagged behind.
    assert found["crashes"] > 10
    assert found["preemptions"] > 50
    assert found["reissues"] > 0
    assert 0.0 < found["overhead"] < 0.10
    # A worker that goes takes its running task with it, and nothing else.
    assert found["lost"] < 0.01


def test_a_driver_that_is_slower_than_its_workers_is_seen() -> None:
    # 500 tasks per second on Dask, whose driver does half of that: this is what the simulation would miss otherwise.
    assert bench("short tasks", "--tasks", "20000")["overhead"] > 0.5


def test_a_task_that_kills_its_workers_is_given_up() -> None:
    clock = Clock()
    engine = SimulatedCluster(clock, 5, Rates(task_seconds=HOUR, spread=0.0, compile_seconds=0.0, crashes=20.0))
    summary = run_tasks(planned(10).tasks, engine, never, clock=clock)
    assert len(summary.failures) == 10
    assert all("died 4 times" in reason for reason in summary.failures.values())


@pytest.mark.slow
def test_a_store_is_whole_after_a_bad_day_and_a_killed_driver() -> None:
    tasks = 4000
    found = bench("store", "--store-tasks", str(tasks))
    # Calls that ended at the same moment are done, whether or not the killed driver heard of them.
    told = found["told before the kill"]
    assert told == tasks // 2
    assert tasks - told - 100 <= found["left after the kill"] <= tasks - told
    assert (found["left"], found["failures"], found["toys"]) == (0, 0, 100 * tasks)
    # One object for each of five arrays of a task, and its marker; nothing else, whatever happened.
    assert (found["chunks"], found["markers"], found["partial"]) == (5 * tasks, tasks, 0)
