from collections import Counter
from collections.abc import Callable

import pytest

from hfscale.errors import InterruptedRunError
from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.local import LocalExecutor
from hfscale.runtime.loop import run_tasks
from hfscale.store.store import ResultStore

Work = Callable[[str], TaskReport]
MakeStore = Callable[[str], ResultStore]
MakeWork = Callable[[ResultStore], Work]


class FaultInjector:
    """Fails the calls of the given numbers, counted over all tasks, before or after they did their work."""

    def __init__(self, work: Work, faults: dict[int, BaseException], after: bool) -> None:
        self.work = work
        self.faults = faults
        self.after = after
        self.calls: Counter[str] = Counter()

    def __call__(self, task_id: str) -> TaskReport:
        self.calls[task_id] += 1
        fault = self.faults.get(self.calls.total())
        if fault is not None and not self.after:
            raise fault
        report = self.work(task_id)
        if fault is not None:
            raise fault
        return report


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("numbers", [[1], [2, 5], [1, 2, 3, 4]])
def test_failed_calls_do_not_change_the_results(
    make_store: MakeStore, make_work: MakeWork, numbers: list[int], after: bool
) -> None:
    calm, troubled = make_store("calm.zarr"), make_store("troubled.zarr")
    run_tasks(calm.plan.tasks, LocalExecutor(), make_work(calm))
    faults: dict[int, BaseException] = {number: OSError("injected") for number in numbers}
    injector = FaultInjector(make_work(troubled), faults, after)
    summary = run_tasks(troubled.plan.tasks, LocalExecutor(), injector)
    assert injector.calls.total() == len(troubled.plan.tasks) + len(numbers)
    assert summary.retries == len(numbers)
    assert summary.failures == {}
    assert troubled.status().finished
    assert calm.to_xarray().equals(troubled.to_xarray())


def test_an_interrupted_run_continues_where_it_was(make_store: MakeStore, make_work: MakeWork) -> None:
    calm, troubled = make_store("calm.zarr"), make_store("troubled.zarr")
    run_tasks(calm.plan.tasks, LocalExecutor(), make_work(calm))
    first = FaultInjector(make_work(troubled), {3: KeyboardInterrupt()}, after=False)
    with pytest.raises(InterruptedRunError, match="2 of 4 tasks finished"):
        run_tasks(troubled.pending(), LocalExecutor(), first)
    done = troubled.done()
    assert len(done) == 2

    second = FaultInjector(make_work(troubled), {}, after=False)
    run_tasks(troubled.pending(), LocalExecutor(), second)
    assert set(second.calls) == troubled.plan.task_ids - done
    assert calm.to_xarray().equals(troubled.to_xarray())
    assert troubled.pending() == ()
