"""How long tasks take, and from when on one is a straggler, or hangs."""

from bisect import insort

from hfscale.plan.toys import AnyTask
from hfscale.runtime.events import TaskReport

_QUANTILE = 0.9

STRAGGLING_FACTOR = 4.0
STRAGGLING_SECONDS = 60.0
"""A shorter time makes no straggler as long as idle workers may have to compile: a copy would hardly end earlier."""

TASKS_OF_EXPERIENCE = 2
"""Where each worker has finished so many tasks, on average, one that idles has compiled."""
WARM_FACTOR = 1.5
WARM_SECONDS = 15.0
"""From then on, a copy takes what a task takes, and costs nothing on a worker that would idle otherwise. A shorter time
is not worth the worker that is stopped if the copy ends first."""

HANGING_FACTOR = 20.0
HANGING_SECONDS = 3600.0
UNKNOWN_SECONDS = 24 * 3600.0
"""How long tasks may take before any has finished: nothing tells then how long they ought to."""


class Durations:
    """Learns from finished tasks how long others may take.

    Any task may be the first one of a worker, which compiles the model for it: the longest time that this took comes on
    top of what tasks of its size take.

    Args:
        limit: Seconds after which a task hangs, whatever others took; None to learn it.
    """

    def __init__(self, limit: float | None = None) -> None:
        self._limit = limit
        self._per_size: list[float] = []
        self._compiling = 0.0

    def add(self, task: AnyTask, report: TaskReport) -> None:
        """Take note of a finished task."""
        self._compiling = max(self._compiling, report.compile_seconds)
        insort(self._per_size, (report.seconds - report.compile_seconds) / task.size)

    def straggling_seconds(self, task: AnyTask, slots: int) -> float | None:
        """Return from when on a task is worth a second copy on a worker that idles; None as long as nobody knows.

        Args:
            task: The task.
            slots: How many tasks run at the same time.
        """
        usual = self._usual_seconds(task)
        if usual is None:
            return None
        if len(self._per_size) >= TASKS_OF_EXPERIENCE * slots:
            return max(WARM_SECONDS, WARM_FACTOR * usual)
        return self._compiling + max(STRAGGLING_SECONDS, STRAGGLING_FACTOR * usual)

    def hanging_seconds(self, task: AnyTask) -> float:
        """Return from when on a task is given up for hanging."""
        if self._limit is not None:
            return self._limit
        usual = self._usual_seconds(task)
        return UNKNOWN_SECONDS if usual is None else self._compiling + max(HANGING_SECONDS, HANGING_FACTOR * usual)

    def _usual_seconds(self, task: AnyTask) -> float | None:
        """What nine tenths of the tasks of that size take at most."""
        if not self._per_size:
            return None
        return self._per_size[int(_QUANTILE * (len(self._per_size) - 1))] * task.size
