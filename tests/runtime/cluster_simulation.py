"""A cluster of many workers that compile, lag, hang, crash and are preempted, in simulated time, event by event.

It stands for an engine: the loop that drives it is that of production, and so may be what its tasks do to a store.
Calls wait in one queue; those of a worker that dies go back to its end, as in `hfscale.runtime.executors`.
"""

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.base import Executor, Outcome
from hfscale.runtime.executors.workers import ALLOWED_WORKER_DEATHS, worker_killer
from tests.runtime.simulation import Clock

HOUR = 3600.0


class Rates(NamedTuple):
    """What happens to tasks and workers, and how often.

    Attributes:
        task_seconds: Median of what tasks take on a warm worker.
        spread: Standard deviation of its logarithm.
        compile_seconds: What the first task of a worker takes in addition.
        arrival_seconds: Workers arrive evenly during this time.
        crashes: Per hour and worker; another worker takes the place after `restart_seconds`.
        restart_seconds: See there.
        preemptions: Per hour and worker; the place stays empty for `absent_seconds`.
        absent_seconds: See there; the mean of an exponential distribution.
        stragglers: Share of the runs that take `slow` times as long.
        slow: See there.
        hangs: Share of the runs that never end.
        message_seconds: What a task costs the driver, during which it hears nothing.
    """

    task_seconds: float = 10.0
    spread: float = 0.2
    compile_seconds: float = 20.0
    arrival_seconds: float = 0.0
    crashes: float = 0.0
    restart_seconds: float = 15.0
    preemptions: float = 0.0
    absent_seconds: float = 120.0
    stragglers: float = 0.0
    slow: float = 3.0
    hangs: float = 0.0
    message_seconds: float = 0.0


@dataclass
class _Call:
    task: str
    function: Callable[..., Any]
    deaths: int = 0
    worker: "_Worker | None" = None
    forgotten: bool = False


@dataclass
class _Worker:
    """A place for a worker, and the worker that is there now; each has a number of its own."""

    present: bool = False
    life: int = 0
    warm: bool = False
    call: Hashable | None = None
    since: float = 0.0
    compiling: float = 0.0


_Kind = Literal["arrives", "ends", "crashes", "is preempted"]


class _Event(NamedTuple):
    time: float
    order: int
    kind: _Kind
    worker: _Worker
    life: int


class Losses:
    """Seconds of workers that came to nothing, those of copies too, and how often it happened."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.crashes = 0
        self.preemptions = 0
        self.stopped = 0


class SimulatedCluster(Executor):
    """Workers of which each has a fate drawn at random; the same seed gives the same fates.

    Args:
        clock: Moved on while the loop waits, and while it handles tasks.
        workers: How many places for workers there are.
        rates: What happens.
        seed: Of all that is drawn.
    """

    def __init__(self, clock: Clock, workers: int, rates: Rates, seed: int = 1) -> None:
        self.name = "simulated"
        self.dashboard_link: str | None = None
        self.losses = Losses()
        self.work_seconds = 0.0
        self._clock = clock
        self._rates = rates
        self._random = np.random.default_rng(seed)
        self._tasks = np.random.default_rng([seed, 1])
        self._nominal: dict[str, float] = {}
        self._calls: dict[Hashable, _Call] = {}
        self._queue: deque[Hashable] = deque()
        self._ended: dict[Hashable, Outcome] = {}
        self._events: list[_Event] = []
        self._order = itertools.count()
        self._present = 0
        self._free: deque[_Worker] = deque()
        for k in range(workers):
            self._push(rates.arrival_seconds * k / workers, "arrives", _Worker())
        self._catch_up()

    def slots(self) -> int:
        return max(1, self._present)

    def submit(self, function: Callable[..., Any], *args: Any) -> Hashable:
        (task,) = args
        handle = object()
        self._calls[handle] = _Call(task, function)
        self._queue.append(handle)
        self._hand_out()
        return handle

    def wait(self, handles: Collection[Hashable], timeout: float | None) -> Mapping[Hashable, Outcome]:
        deadline = math.inf if timeout is None else self._clock.now + timeout
        self._catch_up()
        while not self._ended:
            following = self._events[0].time if self._events else math.inf
            self._clock.now = min(following, deadline)
            if following > deadline:
                return {}
            self._catch_up()
        ended, self._ended = self._ended, {}
        self._clock.now += self._rates.message_seconds * len(ended)
        return ended

    def idle(self) -> int:
        return sum(worker.present and worker.call is None for worker in self._free)

    def running(self, handles: Collection[Hashable]) -> Collection[Hashable]:
        return [handle for handle in handles if (call := self._calls.get(handle)) and call.worker is not None]

    def cancel(self, handles: Collection[Hashable]) -> None:
        for handle in list(handles):
            self._ended.pop(handle, None)
            call = self._calls.get(handle)
            if call is not None and call.worker is not None:
                call.forgotten = True
            elif call is not None:
                del self._calls[handle]

    def abandon(self, handles: Collection[Hashable]) -> None:
        for handle in list(handles):
            self._ended.pop(handle, None)
            call = self._calls.pop(handle, None)
            if call is not None and call.worker is not None:
                self.losses.stopped += 1
                self._leave(call.worker, self._rates.restart_seconds)
        self._hand_out()

    def close(self) -> None:
        self._calls.clear()

    def _push(self, seconds: float, kind: _Kind, worker: _Worker) -> None:
        if math.isfinite(seconds):
            event = _Event(self._clock.now + seconds, next(self._order), kind, worker, worker.life)
            heapq.heappush(self._events, event)

    def _catch_up(self) -> None:
        """Let everything happen that was to happen until now."""
        now = self._clock.now
        while self._events and self._events[0].time <= now:
            event = heapq.heappop(self._events)
            if event.life != event.worker.life:
                continue
            # What happened while the driver was busy happened then.
            self._clock.now = event.time
            if event.kind == "arrives":
                self._arrive(event.worker)
            elif event.kind == "ends":
                self._end(event.worker)
            else:
                self._die(event.worker, event.kind)
            self._hand_out()
        self._clock.now = now

    def _arrive(self, worker: _Worker) -> None:
        worker.present, worker.warm = True, False
        worker.life += 1
        self._present += 1
        self._free.append(worker)
        self._push(self._after(self._rates.crashes), "crashes", worker)
        self._push(self._after(self._rates.preemptions), "is preempted", worker)

    def _after(self, rate: float) -> float:
        return float(self._random.exponential(HOUR / rate)) if rate else math.inf

    def _hand_out(self) -> None:
        while self._queue and self._free:
            if (worker := self._free.popleft()).present and worker.call is None:
                self._begin(worker)

    def _begin(self, worker: _Worker) -> None:
        while self._queue:
            handle = self._queue.popleft()
            if (call := self._calls.get(handle)) is not None:
                break
        else:
            self._free.append(worker)
            return
        worker.call, worker.since, call.worker = handle, self._clock.now, worker
        worker.compiling = 0.0 if worker.warm else self._rates.compile_seconds
        worker.warm = True
        self._push(worker.compiling + self._run_seconds(call.task), "ends", worker)

    def _run_seconds(self, task: str) -> float:
        if task not in self._nominal:
            spread = self._rates.spread
            self._nominal[task] = self._rates.task_seconds * math.exp(spread * float(self._tasks.standard_normal()))
            self.work_seconds += self._nominal[task]
        fate = self._random.random()
        if fate < self._rates.hangs:
            return math.inf
        straggles = fate < self._rates.hangs + self._rates.stragglers
        return self._nominal[task] * (self._rates.slow if straggles else 1.0)

    def _end(self, worker: _Worker) -> None:
        handle, worker.call = worker.call, None
        call = self._calls.pop(handle)
        report: TaskReport = call.function(call.task)
        seconds = self._clock.now - worker.since
        if call.forgotten:
            self.losses.seconds += seconds
        else:
            self._ended[handle] = Outcome(replace(report, seconds=seconds, compile_seconds=worker.compiling))
        self._free.append(worker)

    def _die(self, worker: _Worker, kind: _Kind) -> None:
        crashed = kind == "crashes"
        self.losses.crashes += crashed
        self.losses.preemptions += not crashed
        handle = worker.call
        absent = self._rates.restart_seconds if crashed else self._random.exponential(self._rates.absent_seconds)
        self._leave(worker, float(absent))
        if handle is None:
            return
        call = self._calls[handle]
        call.worker = None
        call.deaths += crashed
        if call.forgotten:
            del self._calls[handle]
        elif call.deaths > ALLOWED_WORKER_DEATHS:
            self._ended[handle] = Outcome(error=worker_killer())
            del self._calls[handle]
        else:
            self._queue.append(handle)

    def _leave(self, worker: _Worker, absent: float) -> None:
        if worker.call is not None:
            self.losses.seconds += self._clock.now - worker.since
        worker.call, worker.present = None, False
        worker.life += 1
        self._present -= 1
        self._push(absent, "arrives", worker)


def ideal_seconds(engine: SimulatedCluster, workers: int, rates: Rates) -> float:
    """How long a finished run would have taken were nothing lost: its work spread evenly over all workers.

    Each arrives once, compiles once and never idles.
    """
    return engine.work_seconds / workers + rates.compile_seconds + rates.arrival_seconds / 2
