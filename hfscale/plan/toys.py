"""Cutting toys into tasks: a signal point and a block of toy indices, of both hypotheses, in fixed rounds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hfscale.errors import InputError
from hfscale.inference.toys.settings import GENERATOR
from hfscale.plan.digests import digest
from hfscale.plan.settings import LARGEST_INDEX
from hfscale.plan.tasks import Task

_SECONDS_PER_TASK = 10.0
_SMALLEST_BLOCK, _LARGEST_BLOCK = 50, 10_000
_TASKS_OF_A_SMALL_CAMPAIGN = 4
_HYPOTHESES = 2


@dataclass(frozen=True)
class ToyTask:
    """The toys ``first`` to ``stop - 1`` of one signal point, thrown from both hypotheses: one chunk of the store.

    Attributes:
        id: Identity: position, and a digest of the settings, the point's name, the seed and the indices.
        point: Position of the signal point in the campaign.
        first: Index of the first toy.
        stop: Index after the last toy.
    """

    id: str
    point: int
    first: int
    stop: int

    @property
    def count(self) -> int:
        """Toys per hypothesis."""
        return self.stop - self.first

    @property
    def size(self) -> int:
        """Toys of both hypotheses."""
        return _HYPOTHESES * self.count

    def span(self) -> dict[str, int]:
        """What the task covers, as JSON."""
        return {"point": self.point, "first": self.first, "stop": self.stop}


AnyTask = Task | ToyTask
"""What a worker is given to do."""


@dataclass(frozen=True)
class ToyRound:
    """Toys that were planned together, of some or all signal points. A store gets more toys by a further round.

    Attributes:
        number: Position among the rounds of a store, from 0.
        seed: Seed of all its toys.
        first: Index of its first toy.
        stop: Index after its last toy.
        task_toys: Toys per task and hypothesis (the last of a point may have fewer); the chunk length of the toy axis.
        tasks: The tasks, point by point.
        generator: Identity of the generator of random numbers.
    """

    number: int
    seed: int
    first: int
    stop: int
    task_toys: int
    tasks: tuple[ToyTask, ...]
    generator: str = GENERATOR

    @property
    def count(self) -> int:
        """Toys per signal point and hypothesis."""
        return self.stop - self.first

    @property
    def size(self) -> int:
        """Toys of all signal points and both hypotheses."""
        return sum(task.size for task in self.tasks)

    @cached_property
    def by_id(self) -> dict[str, ToyTask]:
        """The tasks by their identity."""
        return {task.id: task for task in self.tasks}

    @cached_property
    def by_point(self) -> dict[int, list[ToyTask]]:
        """The tasks by their signal point."""
        found: dict[int, list[ToyTask]] = {}
        for task in self.tasks:
            found.setdefault(task.point, []).append(task)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the round as a JSON document."""
        return {
            "number": self.number,
            "seed": self.seed,
            "first": self.first,
            "stop": self.stop,
            "task_toys": self.task_toys,
            "generator": self.generator,
            "tasks": [{"id": task.id, **task.span()} for task in self.tasks],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ToyRound":
        """Read the document that `to_json` made."""
        numbers = {key: int(document[key]) for key in ("number", "seed", "first", "stop", "task_toys")}
        tasks = tuple(
            ToyTask(str(t["id"]), int(t["point"]), int(t["first"]), int(t["stop"])) for t in document["tasks"]
        )
        return cls(**numbers, tasks=tasks, generator=str(document["generator"]))


def default_task_toys(ntoys: int, n_points: int, seconds_per_toy: float) -> int:
    """Choose how many toys per hypothesis a task gets if the user does not say.

    Long enough that starting a task costs nothing, short enough that a campaign spreads over workers and that little is
    lost when one dies. It depends on what is computed alone, never on the number of workers.

    Args:
        ntoys: Toys per point and hypothesis.
        n_points: Points that get toys.
        seconds_per_toy: Rough time of one toy.
    """
    size = _SECONDS_PER_TASK / (_HYPOTHESES * max(seconds_per_toy, 1e-9))
    shared = math.ceil(ntoys * max(n_points, 1) / _TASKS_OF_A_SMALL_CAMPAIGN)
    largest = min(max(min(size, shared, _LARGEST_BLOCK), _SMALLEST_BLOCK), ntoys)
    # Blocks of about the same size: the last of a point is not left with a few toys.
    return math.ceil(ntoys / math.ceil(ntoys / largest))


def make_round(
    number: int,
    seed: int,
    first: int,
    ntoys: int,
    task_toys: int,
    points: Sequence[int],
    names: Sequence[str],
    settings_digest: str,
) -> ToyRound:
    """Cut toys into tasks.

    Args:
        number: Position among the rounds of the store.
        seed: Seed of the toys.
        first: Index of the first toy.
        ntoys: Toys per point and hypothesis.
        task_toys: Toys per task and hypothesis.
        points: Positions of the points that get toys.
        names: Names of all points.
        settings_digest: Digest of what the toys are thrown from and compared with; the number of toys is no part of it.

    Raises:
        InputError: There would be no toy, or an index would be negative or too large.
    """
    if ntoys < 1 or task_toys < 1:
        raise InputError(f"{ntoys} toys in tasks of {task_toys} cannot be planned", remedy="ask for one toy or more")
    if first < 0 or first + ntoys > LARGEST_INDEX:
        raise InputError(f"there are no toys {first} to {first + ntoys - 1}", remedy="indices are from 0 to 2**62")
    stop, size = first + ntoys, min(task_toys, ntoys)
    tasks = []
    for point in points:
        for start in range(first, stop, size):
            end = min(start + size, stop)
            identity = digest(
                {"settings": settings_digest, "point": names[point], "seed": seed, "first": start, "stop": end}
            )
            tasks.append(ToyTask(f"toys-{number:04d}-{point:06d}-{start:010d}-{identity[:16]}", point, start, end))
    return ToyRound(number, seed, first, stop, size, tuple(tasks))
