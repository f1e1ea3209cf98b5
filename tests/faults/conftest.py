"""A small store, and a task function that writes numbers into it that depend on the points alone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from hfscale.plan.digests import digest, settings_document
from hfscale.plan.tasks import make_plan
from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.executors.choose import open_executor
from hfscale.store.create import create_store
from hfscale.store.store import ResultStore

NAMES = [f"signal_{i}" for i in range(8)]


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[[str], ResultStore]:
    """Make a store of eight points in tasks of two."""

    def make(name: str) -> ResultStore:
        settings = settings_document({}, "measurement", "mu", {}, NAMES, [])
        return create_store(
            tmp_path / name,
            settings=settings,
            inputs={},
            plan=make_plan(8, 2, digest(settings), NAMES),
            labels={},
            parameters=["mu"],
            mu=np.array([1.0]),
            provenance={},
        )

    return make


@pytest.fixture
def make_work() -> Callable[[ResultStore], Callable[[str], TaskReport]]:
    """Make the task function of a store; it travels to workers by value."""

    def make(store: ResultStore) -> Callable[[str], TaskReport]:
        path = str(store.path)

        def work(task_id: str) -> TaskReport:
            import numpy as np

            from hfscale.runtime.events import TaskReport
            from hfscale.store.layout import PointStatus, empty_block
            from hfscale.store.open import open_store

            store = open_store(path)
            task = store.plan.task(task_id)
            arrays = empty_block(task.n_points, 1, 1)
            arrays["CLs_obs"][:, 0] = np.sqrt(np.arange(task.start, task.stop))
            arrays["status"][...] = PointStatus.OK
            store.write_block(task, arrays)
            store.mark_done(task, {"seconds": 0.1, "reasons": {}})
            return TaskReport(task_id, ok=task.n_points, no_signal=0, failed=0, seconds=0.1)

        return work

    return make


RAY = pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.slow])


@pytest.fixture(scope="module", params=["processes", pytest.param("dask", marks=pytest.mark.dask), RAY])
def pool(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Two worker processes, of every engine."""
    if request.param == "dask":
        yield request.getfixturevalue("dask_executor")
        return
    with open_executor(request.param, 2) as executor:
        yield executor


@pytest.fixture(scope="session")
def dask_executor() -> Iterator[Executor]:
    with open_executor("dask", 2) as executor:
        yield executor


class TellRow(Protocol):
    """Gives a line to the table of faults, which is printed at the end of the tests."""

    def __call__(self, fault: str, *, tries: int, lost: int, repeated: int | str, tasks: int) -> None:
        """Add a line.

        Args:
            fault: What happened.
            tries: Commands, or calls of the loop, that it took to finish.
            lost: Tasks whose stored results were gone.
            repeated: Runs of tasks that were begun beyond one for each; in words where nobody counted.
            tasks: Tasks in all.
        """
        ...


@pytest.fixture
def tell_row(record_property: Callable[[str, object], None]) -> TellRow:
    """Give a line to the table of faults."""

    def tell(fault: str, *, tries: int, lost: int, repeated: int | str, tasks: int) -> None:
        record_property("fault", f"| {fault} | {tries} | {lost} | {repeated} of {tasks} |")

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of the faults that struck; without parallel processes, which do not know of this file."""
    passed = terminalreporter.stats.get("passed", [])
    rows = [value for report in passed for name, value in report.user_properties if name == "fault"]
    if rows:
        terminalreporter.section("faults")
        header = ("| fault | tries | lost results | repeated work (runs of tasks) |", "|---|---|---|---|")
        terminalreporter.write_line("\n".join([*header, *rows]))
