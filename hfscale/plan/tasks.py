"""Cutting a campaign into tasks: contiguous ranges of signal points, each with an identity made of what it computes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hfscale.errors import InputError
from hfscale.plan.digests import digest

SMALLEST_TASK = 1
LARGEST_TASK = 64
TASKS_OF_A_SMALL_CAMPAIGN = 4
LONGEST_SECONDS = 60.0


@dataclass(frozen=True)
class Task:
    """The signal points ``start`` to ``stop - 1``: one whole chunk of the store's point axis.

    Attributes:
        id: Identity: position, and a digest of the settings and of the names of the points.
        start: Index of the first point.
        stop: Index after the last point.
    """

    id: str
    start: int
    stop: int

    @property
    def n_points(self) -> int:
        """Number of signal points."""
        return self.stop - self.start

    @property
    def size(self) -> int:
        """How much work it is, in signal points."""
        return self.n_points

    def span(self) -> dict[str, int]:
        """What the task covers, as JSON."""
        return {"start": self.start, "stop": self.stop}


@dataclass(frozen=True)
class Plan:
    """All tasks of a campaign, in the order of their points.

    Attributes:
        tasks: The tasks; together they cover every point once.
        task_points: Points per task (the last may have fewer); the chunk length of the store's point axis.
    """

    tasks: tuple[Task, ...]
    task_points: int

    @property
    def n_points(self) -> int:
        """Number of signal points of the campaign."""
        return self.tasks[-1].stop if self.tasks else 0

    @cached_property
    def by_id(self) -> dict[str, Task]:
        """The tasks by their identity."""
        return {task.id: task for task in self.tasks}

    @cached_property
    def task_ids(self) -> frozenset[str]:
        """Identities of all tasks."""
        return frozenset(self.by_id)

    def task(self, task_id: str) -> Task:
        """Return the task of that identity.

        Raises:
            InputError: The plan has no such task.
        """
        if task_id not in self.by_id:
            raise InputError(f"the plan has no task {task_id!r}", remedy="list the tasks with the store's plan")
        return self.by_id[task_id]

    def to_json(self) -> dict[str, Any]:
        """Return the plan as a JSON document."""
        return {
            "task_points": self.task_points,
            "tasks": [{"id": task.id, **task.span()} for task in self.tasks],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Plan":
        """Read the document that `to_json` made."""
        tasks = tuple(Task(str(item["id"]), int(item["start"]), int(item["stop"])) for item in document["tasks"])
        return cls(tasks, int(document["task_points"]))


def default_task_points(n_points: int, seconds_per_point: float = 0.0) -> int:
    """Choose how many signal points a task gets if the user does not say.

    The choice does not depend on the number of workers: the cutting is a part of the store, and a campaign continued
    with others must find its own tasks again.

    Args:
        n_points: Signal points of the campaign.
        seconds_per_point: Rough time of one; no task is planned that takes much longer than a minute, unless one point
            does.
    """
    size = min(max(math.ceil(n_points / TASKS_OF_A_SMALL_CAMPAIGN), SMALLEST_TASK), LARGEST_TASK)
    longest = LONGEST_SECONDS / seconds_per_point if seconds_per_point > 0.0 else math.inf
    return size if size <= longest else max(int(longest), SMALLEST_TASK)


def make_plan(
    n_points: int,
    task_points: int | None,
    settings_digest: str,
    names: Sequence[str],
    seconds_per_point: float = 0.0,
) -> Plan:
    """Cut the signal points into tasks.

    Args:
        n_points: Number of signal points.
        task_points: Points per task, None for `default_task_points`.
        settings_digest: Digest of `hfscale.plan.digests.settings_document`.
        names: Names of the points, in order.
        seconds_per_point: Rough time of one, for `default_task_points`.

    Returns:
        The plan: contiguous tasks that cover all points.

    Raises:
        InputError: There is no point, the names do not match their number, or ``task_points`` is below one.
    """
    if n_points < 1 or len(names) != n_points:
        raise InputError(f"a campaign of {n_points} signal points with {len(names)} names cannot be planned")
    size = default_task_points(n_points, seconds_per_point) if task_points is None else task_points
    if size < 1:
        raise InputError(f"a task cannot have {size} signal points", remedy="give --task-points 1 or more")
    size = min(size, n_points)
    tasks = []
    for start in range(0, n_points, size):
        stop = min(start + size, n_points)
        identity = digest({"settings": settings_digest, "points": list(names[start:stop])})
        tasks.append(Task(f"{start:06d}-{identity[:16]}", start, stop))
    return Plan(tuple(tasks), size)
