"""The one loop that drives tasks through an executor: bounded in flight, tried again where they fail, then given up.

When no task waits and a slot is idle, a task that takes longer than others is handed over a second time; whichever copy
ends first counts. One that hangs is stopped and tried again like one that fails.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass

from hfscale.errors import InputError, InterruptedRunError, TaskError
from hfscale.plan.toys import AnyTask
from hfscale.runtime.durations import Durations
from hfscale.runtime.events import Event, RunSummary, TaskReport
from hfscale.runtime.executors.base import Executor, Outcome
from hfscale.runtime.patience import DEFAULT, Absence, Patience

TICK_SECONDS = 0.5
IN_FLIGHT_PER_SLOT = 2
WATCH_SECONDS = 1.0
LONGEST_STEP = 10.0
"""Seconds that a running task ages at most between two looks, however long they are apart. A machine that slept, a
driver that was stopped or a clock that was set does not make all tasks hang."""


def run_tasks(
    tasks: Sequence[AnyTask],
    executor: Executor,
    function: Callable[[str], TaskReport],
    *,
    in_flight: int | None = None,
    retries: int = 2,
    patience: Patience = DEFAULT,
    clock: Callable[[], float] = time.monotonic,
    on_event: Callable[[Event], None] = lambda event: None,
) -> RunSummary:
    """Run every task once, or again where it fails, hangs or lags behind.

    Args:
        tasks: What to run.
        executor: The engine.
        function: Does one task, given its identity, and writes its results itself. It must pickle, and running it
            twice, even at the same time, must do no harm.
        in_flight: How many tasks to have handed over at most, None for twice the slots that the engine has at the
            time, so that no worker waits for the driver.
        retries: How many times a task that raised or hung is tried again. An `InputError` is not: it would be the same
            again.
        patience: How long a task may run before it is stopped and tried again, and how long an engine may have no
            worker.
        clock: Gives the time in seconds.
        on_event: Told of everything that happens, in this thread. What it raises ends the run.

    Returns:
        The reports and the failures. A task that is given up does not stop the others.

    Raises:
        InterruptedRunError: The user interrupted the run, the engine is gone, or it has no workers. Finished tasks stay
            finished.
    """
    run = _Run(tasks, executor, function, retries, Durations(patience.task_limit), on_event)
    watch, absence = _Watch(clock), Absence(executor.name, patience.wait_workers)
    try:
        while run.unfinished:
            slots = executor.slots()
            run.submit(max(1, in_flight if in_flight is not None else IN_FLIGHT_PER_SLOT * slots))
            run.collect()
            step = watch.step()
            if step is not None:
                run.look_after(step)
                missing = absence.look(executor.has_workers(), step)
                if missing:
                    on_event(Event("waiting", reason=missing))
    except KeyboardInterrupt as interrupt:
        raise InterruptedRunError(
            f"interrupted with {len(run.reports)} of {len(tasks)} tasks finished",
            remedy="run the same command again to continue",
        ) from interrupt
    finally:
        run.end()
    return RunSummary(tuple(run.reports), dict(run.failures), run.attempts.total() - len(tasks), run.reissues)


class _Watch:
    """Says when to look after running tasks, and how much older they are than at the last look."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()

    def step(self) -> float | None:
        """Return the seconds since the last look; None if it is too early for another one."""
        passed = self._clock() - self._last
        if 0.0 <= passed < WATCH_SECONDS:
            return None
        self._last += passed
        # A clock that was set back tells nothing.
        return min(max(passed, 0.0), LONGEST_STEP)


@dataclass
class _Copy:
    """A task that was handed over, and how long it has been seen running."""

    task: AnyTask
    seconds: float = 0.0


class _Run:
    """Where every task of a run is: waiting, running in one or two copies, finished or given up."""

    def __init__(
        self,
        tasks: Sequence[AnyTask],
        executor: Executor,
        function: Callable[[str], TaskReport],
        retries: int,
        durations: Durations,
        on_event: Callable[[Event], None],
    ) -> None:
        self.waiting = deque(tasks)
        self.running: dict[Hashable, _Copy] = {}
        self.reports: list[TaskReport] = []
        self.failures: dict[str, str] = {}
        self.attempts: Counter[str] = Counter()
        self.reissues = 0
        # Thousands of tasks run at once: the copies of one must not be searched for among them.
        self._copies: dict[str, set[Hashable]] = {}
        self._reissued: set[str] = set()
        # Copies of finished tasks that soon end by themselves, unless they hang.
        self._spare: dict[Hashable, _Copy] = {}
        self._executor = executor
        self._function = function
        self._retries = retries
        self._durations = durations
        self._on_event = on_event

    @property
    def unfinished(self) -> bool:
        return bool(self.waiting or self.running)

    def submit(self, limit: int) -> None:
        while self.waiting and len(self.running) < limit:
            task = self.waiting.popleft()
            self.attempts[task.id] += 1
            self._hand_over(task)

    def collect(self) -> None:
        outcomes = self._executor.wait(self._handed_over(), TICK_SECONDS)
        for handle, outcome in outcomes.items():
            # A copy that ended together with another one is gone already.
            if handle in self.running:
                self._settle(self._take(handle), outcome)
            self._spare.pop(handle, None)
        if not outcomes:
            self._on_event(Event("tick"))

    def look_after(self, step: float) -> None:
        """Let running tasks grow older, stop those that hang, and give stragglers a second chance."""
        for handle in self._executor.running(self._handed_over()):
            if handle in self._spare:
                self._age_spare(handle, step)
                continue
            copy = self.running[handle]
            copy.seconds += step
            limit = self._durations.hanging_seconds(copy.task)
            if copy.seconds > limit:
                self._stop([handle])
                error = TimeoutError(f"it ran for more than {limit:g} s and was stopped")
                self._settle(copy.task, Outcome(error=error))
        if not self.waiting:
            self._reissue()

    def _age_spare(self, handle: Hashable, step: float) -> None:
        """Stop a copy that was let go and does not end: others may wait behind it."""
        copy = self._spare[handle]
        copy.seconds += step
        if self._lags_behind(copy, self._executor.slots()) is not None:
            del self._spare[handle]
            self._executor.abandon([handle])

    def _handed_over(self) -> Collection[Hashable]:
        """All that workers have; no copy of thousands of keys where none is needed."""
        return self.running.keys() | self._spare.keys() if self._spare else self.running.keys()

    def _reissue(self) -> None:
        slots = self._executor.slots()
        # Once for each try: a task that hangs every time comes to an end.
        single = [copy for copy in self.running.values() if copy.task.id not in self._reissued]
        lagging = [(copy, limit) for copy in single if (limit := self._lags_behind(copy, slots)) is not None]
        if not lagging:
            return
        # First those that are latest for their size.
        lagging.sort(key=lambda item: -item[0].seconds / item[1])
        for copy, limit in lagging[: self._executor.idle()]:
            self.reissues += 1
            self._reissued.add(copy.task.id)
            self._hand_over(copy.task)
            reason = f"it has been running for more than {limit:.0f} s"
            self._on_event(Event("reissued", copy.task, reason=reason))

    def _lags_behind(self, copy: _Copy, slots: int) -> float | None:
        """Return when a task is worth a second copy, if that time is over."""
        limit = self._durations.straggling_seconds(copy.task, slots)
        return limit if limit is not None and copy.seconds > limit else None

    def _hand_over(self, task: AnyTask) -> None:
        handle = self._executor.submit(self._function, task.id)
        self.running[handle] = _Copy(task)
        self._copies.setdefault(task.id, set()).add(handle)

    def _take(self, handle: Hashable) -> AnyTask:
        """Take a copy out of those that run, and return its task."""
        task = self.running.pop(handle).task
        copies = self._copies[task.id]
        copies.discard(handle)
        if not copies:
            del self._copies[task.id]
        return task

    def _let_go(self, handles: Collection[Hashable]) -> None:
        """Stop copies that are not needed any more and are late; young ones soon end by themselves."""
        slots = self._executor.slots()
        late = [handle for handle in handles if self._lags_behind(self.running[handle], slots) is not None]
        if late:
            self._stop(late)
        for handle in set(handles) - set(late):
            self._spare[handle] = self.running[handle]
            self._take(handle)

    def end(self) -> None:
        """Forget what runs."""
        left = self._handed_over()
        if left:
            self._executor.cancel(left)

    def _stop(self, handles: Collection[Hashable]) -> None:
        for handle in handles:
            self._take(handle)
        self._executor.abandon(handles)

    def _settle(self, task: AnyTask, outcome: Outcome) -> None:
        others = list(self._copies.get(task.id, ()))
        final = outcome.error is None or isinstance(outcome.error, InputError | TaskError)
        if others and not final:
            # The other copy decides.
            return
        if others:
            self._let_go(others)
        if outcome.error is None:
            report: TaskReport = outcome.value
            self._durations.add(task, report)
            self.reports.append(report)
            self._on_event(Event("finished", task, report))
            return
        reason = _describe(outcome.error)
        if final or self.attempts[task.id] > self._retries:
            self.failures[task.id] = reason
            self._on_event(Event("failed", task, reason=reason))
        else:
            # At the end of the queue: whatever made it fail has time to pass.
            self.waiting.append(task)
            self._reissued.discard(task.id)
            self._on_event(Event("retried", task, reason=reason))


def _describe(error: Exception) -> str:
    text = str(error) or "no message"
    return text if isinstance(error, InputError | TaskError) else f"{type(error).__name__}: {text}"
