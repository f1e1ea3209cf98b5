"""The one loop that drives tasks through an executor: bounded in flight, failed tasks tried again, then given up."""

from collections import Counter, deque
from collections.abc import Callable, Hashable, Sequence

from hfscale.errors import InputError, InterruptedRunError, TaskError
from hfscale.plan.toys import AnyTask
from hfscale.runtime.events import Event, RunSummary, TaskReport
from hfscale.runtime.executors.base import Executor, Outcome

TICK_SECONDS = 0.5
IN_FLIGHT_PER_SLOT = 2


def run_tasks(
    tasks: Sequence[AnyTask],
    executor: Executor,
    function: Callable[[str], TaskReport],
    *,
    in_flight: int | None = None,
    retries: int = 2,
    on_event: Callable[[Event], None] = lambda event: None,
) -> RunSummary:
    """Run every task once, or again where it fails.

    Args:
        tasks: What to run.
        executor: The engine.
        function: Does one task, given its identity, and writes its results itself. It must pickle, and running it
            twice, even at the same time, must do no harm.
        in_flight: How many tasks to have handed over at most, None for twice the slots that the engine has at the
            time, so that no worker waits for the driver.
        retries: How many times a task that raised is tried again. An `InputError` is not: it would be the same again.
        on_event: Told of everything that happens, in this thread.

    Returns:
        The reports and the failures. A task that is given up does not stop the others.

    Raises:
        InterruptedRunError: The user interrupted the run. Finished tasks stay finished.
    """
    run = _Run(tasks, retries, on_event)
    try:
        while run.unfinished:
            limit = in_flight if in_flight is not None else IN_FLIGHT_PER_SLOT * executor.slots()
            run.submit(executor, function, max(1, limit))
            run.collect(executor)
    except KeyboardInterrupt as interrupt:
        raise InterruptedRunError(
            f"interrupted with {len(run.reports)} of {len(tasks)} tasks finished",
            remedy="run the same command again to continue",
        ) from interrupt
    finally:
        if run.running:
            executor.cancel(run.running)
    return RunSummary(tuple(run.reports), dict(run.failures), run.attempts.total() - len(tasks))


class _Run:
    """Where every task of a run is: waiting, running, finished or given up."""

    def __init__(self, tasks: Sequence[AnyTask], retries: int, on_event: Callable[[Event], None]) -> None:
        self.waiting = deque(tasks)
        self.running: dict[Hashable, AnyTask] = {}
        self.reports: list[TaskReport] = []
        self.failures: dict[str, str] = {}
        self.attempts: Counter[str] = Counter()
        self.retries = retries
        self.on_event = on_event

    @property
    def unfinished(self) -> bool:
        return bool(self.waiting or self.running)

    def submit(self, executor: Executor, function: Callable[[str], TaskReport], limit: int) -> None:
        while self.waiting and len(self.running) < limit:
            task = self.waiting.popleft()
            self.attempts[task.id] += 1
            self.running[executor.submit(function, task.id)] = task

    def collect(self, executor: Executor) -> None:
        outcomes = executor.wait(self.running.keys(), TICK_SECONDS)
        for handle, outcome in outcomes.items():
            self._settle(self.running.pop(handle), outcome)
        if not outcomes:
            self.on_event(Event("tick"))

    def _settle(self, task: AnyTask, outcome: Outcome) -> None:
        if outcome.error is None:
            report: TaskReport = outcome.value
            self.reports.append(report)
            self.on_event(Event("finished", task, report))
            return
        reason = _describe(outcome.error)
        final = isinstance(outcome.error, InputError | TaskError) or self.attempts[task.id] > self.retries
        if final:
            self.failures[task.id] = reason
            self.on_event(Event("failed", task, reason=reason))
        else:
            # At the end of the queue: whatever made it fail has time to pass.
            self.waiting.append(task)
            self.on_event(Event("retried", task, reason=reason))


def _describe(error: Exception) -> str:
    text = str(error) or "no message"
    return text if isinstance(error, InputError | TaskError) else f"{type(error).__name__}: {text}"
