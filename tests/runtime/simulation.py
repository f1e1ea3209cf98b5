"""An engine whose workers and clock are made up, for tests of what the loop does as time goes by."""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.base import Executor, Outcome

STEP = 0.5


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Call:
    """A call that takes so many seconds, of which some are over."""

    task: str
    seconds: float
    done: float = 0.0
    forgotten: bool = field(default=False)


class SimulatedEngine(Executor):
    """Runs calls in order, as many at a time as it has slots; a forgotten call keeps its slot until it is killed.

    Args:
        clock: Moved on while somebody waits.
        seconds: Task -> how long each of its runs takes, in the order of the runs; the last one goes for all further.
        usual: How long all other tasks take.
        compiling: How much of that goes into compiling where it is longer.
        slots: How many calls run at the same time at a moment.
        kills: Whether workers that hang can be replaced.
    """

    def __init__(
        self,
        clock: Clock,
        seconds: Mapping[str, list[float]],
        usual: float = 10.0,
        compiling: float = 0.0,
        slots: Callable[[], int] = lambda: 2,
        kills: bool = True,
    ) -> None:
        self.name = "simulated"
        self.dashboard_link: str | None = None
        self.calls: dict[Hashable, Call] = {}
        self.runs: list[str] = []
        self.abandoned: list[str] = []
        self.most: dict[int, int] = {}
        self._clock = clock
        self._seconds = {task: list(values) for task, values in seconds.items()}
        self._usual = usual
        self._compiling = compiling
        self._slots = slots
        self._kills = kills

    def slots(self) -> int:
        return self._slots()

    def submit(self, function: Callable[..., Any], *args: Any) -> Hashable:
        (task,) = args
        left = self._seconds.get(task, [self._usual])
        handle = (task, len(self.runs))
        self.calls[handle] = Call(task, left.pop(0) if len(left) > 1 else left[0])
        self.runs.append(task)
        wanted = sum(not call.forgotten for call in self.calls.values())
        self.most[self.slots()] = max(self.most.get(self.slots(), 0), wanted)
        return handle

    def wait(self, handles: Collection[Hashable], timeout: float | None) -> Mapping[Hashable, Outcome]:
        self._clock.now += STEP
        for handle in self._busy():
            self.calls[handle].done += STEP
        for handle in [handle for handle, call in self.calls.items() if call.forgotten and call.done >= call.seconds]:
            del self.calls[handle]
        ended = [handle for handle in handles if self.calls[handle].done >= self.calls[handle].seconds]
        return {handle: self._outcome(self.calls.pop(handle)) for handle in ended}

    def idle(self) -> int:
        return self.slots() - len(self._busy())

    def running(self, handles: Collection[Hashable]) -> Collection[Hashable]:
        return set(self._busy()) & set(handles)

    def cancel(self, handles: Collection[Hashable]) -> None:
        for handle in handles:
            self.calls[handle].forgotten = True

    def abandon(self, handles: Collection[Hashable]) -> None:
        self.abandoned += [self.calls[handle].task for handle in handles]
        self.cancel(handles)
        for handle in handles if self._kills else ():
            del self.calls[handle]

    def close(self) -> None:
        self.calls.clear()

    def _busy(self) -> list[Hashable]:
        return list(self.calls)[: self.slots()]

    def _outcome(self, call: Call) -> Outcome:
        compiling = self._compiling if call.seconds > self._compiling else 0.0
        report = TaskReport(call.task, 1, 0, 0, seconds=call.seconds, compile_seconds=compiling)
        return Outcome(report)


def never(task_id: str) -> TaskReport:
    """Stand for the function of a task, which the engine does not call."""
    raise AssertionError(task_id)
