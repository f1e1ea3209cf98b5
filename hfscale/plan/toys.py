"""Cutting toys into tasks: a signal point, a POI value and a block of toy indices, of both hypotheses, in rounds."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hfscale.errors import InputError
from hfscale.inference.toys.settings import GENERATOR
from hfscale.plan.cells import Cell
from hfscale.plan.digests import digest
from hfscale.plan.parts import PartTask
from hfscale.plan.settings import LARGEST_INDEX
from hfscale.plan.tasks import Task

_SECONDS_PER_TASK = 10.0
_SMALLEST_BLOCK, _LARGEST_BLOCK = 50, 10_000
_TASKS_OF_A_SMALL_CAMPAIGN = 4
_HYPOTHESES = 2


@dataclass(frozen=True)
class ToyTask:
    """The toys ``first`` to ``stop - 1`` of one cell, thrown from both hypotheses: one chunk of the store.

    Attributes:
        id: Identity: position, and a digest of the settings, the point's name, the seed and the indices.
        cell: The signal point and POI value.
        first: Index of the first toy.
        stop: Index after the last toy.
    """

    id: str
    cell: Cell
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
        return {**self.cell._asdict(), "first": self.first, "stop": self.stop}


StoredTask = Task | ToyTask
"""A task that results are stored of, with a marker."""
AnyTask = StoredTask | PartTask
"""What a worker is given to do."""


@dataclass(frozen=True)
class ToyRound:
    """Toys that were planned together, of some or all cells. A store gets more toys by a further round.

    Attributes:
        number: Position among the rounds of a store, from 0.
        seed: Seed of all its toys.
        first: Index of its first toy.
        stop: Index after its last toy.
        task_toys: Toys per task and hypothesis at most (the last of a cell may have fewer).
        tasks: The tasks, in the order in which they are to be done.
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
    def chunk(self) -> int:
        """Toys per task and hypothesis: the chunk length of the toy axis."""
        return min(self.task_toys, self.count)

    @property
    def count(self) -> int:
        """Toys per cell and hypothesis."""
        return self.stop - self.first

    @property
    def size(self) -> int:
        """Toys of all cells and both hypotheses."""
        return sum(task.size for task in self.tasks)

    @cached_property
    def by_id(self) -> dict[str, ToyTask]:
        """The tasks by their identity."""
        return {task.id: task for task in self.tasks}

    @cached_property
    def by_cell(self) -> dict[Cell, list[ToyTask]]:
        """The tasks by their signal point and POI value."""
        found: dict[Cell, list[ToyTask]] = {}
        for task in self.tasks:
            found.setdefault(task.cell, []).append(task)
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
        # Plans of single POI values were once written without a position of it.
        tasks = tuple(
            ToyTask(str(t["id"]), Cell(int(t["point"]), int(t.get("mu", 0))), int(t["first"]), int(t["stop"]))
            for t in document["tasks"]
        )
        return cls(**numbers, tasks=tasks, generator=str(document["generator"]))


def planned_toys(rounds: Iterable[ToyRound]) -> dict[Cell, int]:
    """Toys per hypothesis that rounds hold together, of every cell that has any."""
    found: Counter[Cell] = Counter()
    for toys in rounds:
        for task in toys.tasks:
            found[task.cell] += task.count
    return dict(found)


def default_task_toys(ntoys: int, n_cells: int, seconds_per_toy: float) -> int:
    """Choose how many toys per hypothesis a task gets if the user does not say.

    Long enough that starting a task costs nothing, short enough that a campaign spreads over workers and that little is
    lost when one dies. It depends on what is computed alone, never on the number of workers.

    Args:
        ntoys: Toys per cell and hypothesis.
        n_cells: Signal points, times POI values, that get toys.
        seconds_per_toy: Rough time of one toy.
    """
    size = _SECONDS_PER_TASK / (_HYPOTHESES * max(seconds_per_toy, 1e-9))
    shared = math.ceil(ntoys * max(n_cells, 1) / _TASKS_OF_A_SMALL_CAMPAIGN)
    largest = min(max(min(size, shared, _LARGEST_BLOCK), _SMALLEST_BLOCK), ntoys)
    # Blocks of about the same size: the last of a cell is not left with a few toys.
    return math.ceil(ntoys / math.ceil(ntoys / largest))


def make_round(
    number: int,
    seed: int,
    first: int,
    ntoys: int,
    task_toys: int,
    cells: Sequence[Cell],
    names: Sequence[str],
    settings_digest: str,
) -> ToyRound:
    """Cut toys into tasks.

    Args:
        number: Position among the rounds of the store.
        seed: Seed of the toys.
        first: Index of the first toy.
        ntoys: Toys per cell and hypothesis.
        task_toys: Toys per task and hypothesis.
        cells: What gets toys, the most urgent first: the first toys of all come before further ones of any.
        names: Names of all points.
        settings_digest: Digest of what the toys are thrown from and compared with; the number of toys is no part of it.

    Raises:
        InputError: There would be no toy, or an index would be negative or too large.
    """
    if ntoys < 1 or task_toys < 1:
        raise InputError(f"{ntoys} toys in tasks of {task_toys} cannot be planned", remedy="ask for one toy or more")
    if first < 0 or first + ntoys > LARGEST_INDEX:
        raise InputError(f"there are no toys {first} to {first + ntoys - 1}", remedy="indices are from 0 to 2**62")
    stop = first + ntoys
    tasks = []
    for start in range(first, stop, task_toys):
        end = min(start + task_toys, stop)
        for cell in cells:
            key = {"settings": settings_digest, "point": names[cell.point], "mu": cell.mu, "seed": seed}
            identity = digest({**key, "first": start, "stop": end})[:16]
            place = f"{number:04d}-{cell.point:06d}-{cell.mu:04d}-{start:010d}"
            tasks.append(ToyTask(f"toys-{place}-{identity}", cell, start, end))
    return ToyRound(number, seed, first, stop, task_toys, tuple(tasks))
