"""Cutting one signal point into tasks, where it is long: blocks of parameters, of toys, or of values of a scan.

The fits of a ranking, of MINOS errors and of toys do not depend on one another, and those of a profile likelihood need
little of each other: a block has some values of the first scanned parameter, of those that are fitted first. Parts hold
what such blocks have found; the task of the point, which comes after them, puts them together, and computes what is
missing itself. So they are a help, not a result: nothing is lost with them, and they go when the point is done.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfscale.inference.profile_refinement import first_places
from hfscale.plan.digests import digest
from hfscale.plan.settings import Calculation
from hfscale.plan.tasks import LONGEST_SECONDS, TASKS_OF_A_SMALL_CAMPAIGN

_SECONDS_PER_PART = 10.0
_PREFIX = "part-"


@dataclass(frozen=True)
class PartTask:
    """The parameters, or toys, ``first`` to ``stop - 1`` of a signal point.

    Attributes:
        id: Identity: position, and a digest of the settings, the point's name and the range.
        point: Index of the point.
        first: Position of the first parameter among those of the store, or index of the first toy.
        stop: The same after the last one.
    """

    id: str
    point: int
    first: int
    stop: int

    @property
    def size(self) -> int:
        """How much work it is, in parts."""
        return 1

    def span(self) -> dict[str, int]:
        """What the task covers, as JSON."""
        return {"point": self.point, "first": self.first, "stop": self.stop}


def is_part(task_id: str) -> bool:
    """Say whether the identity of a task is that of a part, which is no result."""
    return task_id.startswith(_PREFIX)


def searches_of(calculation: Mapping[str, Any], n_parameters: int) -> int:
    """How many parameters, or toys, a signal point can be cut by; 0 where it cannot be cut.

    Args:
        calculation: The document of `hfscale.plan.settings.Calculation`.
        n_parameters: Parameters of the store.
    """
    kind = calculation.get("kind", "cls")
    if kind == "profile":
        scan = Calculation.model_validate(calculation)
        return len(first_places(scan.scan_shape, adaptive=scan.adaptive_grid)[0])
    if kind == "ranking" or (kind == "fit" and "all" in calculation["minos"]):
        return n_parameters
    return int(calculation["ntoys"]) if kind == "gof" and calculation.get("calctype") == "toybased" else 0


def default_part_size(n_points: int, seconds_per_point: float, searches: int) -> int:
    """Choose how many parameters or toys a part gets if the user does not say; 0 to leave signal points whole.

    Points are cut where they take longer than a task should, in a campaign of a few points earlier, because there is
    nothing else for further workers. As with other tasks, the number of workers has no part in it.

    Args:
        n_points: Signal points of the campaign.
        seconds_per_point: Rough time of one.
        searches: From `searches_of`.
    """
    few = n_points < TASKS_OF_A_SMALL_CAMPAIGN
    if searches < 1 or seconds_per_point <= (2.0 * _SECONDS_PER_PART if few else LONGEST_SECONDS):
        return 0
    return math.ceil(searches / min(math.ceil(seconds_per_point / _SECONDS_PER_PART), searches))


def make_parts(
    points: Iterable[int], searches: int, part_size: int, names: Sequence[str], settings_digest: str
) -> tuple[PartTask, ...]:
    """Cut signal points into parts: none where there is nothing to cut, or it would be a single part.

    Args:
        points: Indices of the points.
        searches: From `searches_of`.
        part_size: Parameters or toys per part, 0 for whole points.
        names: Names of all points.
        settings_digest: Digest of the settings of the store.
    """
    if part_size < 1 or part_size >= searches:
        return ()
    tasks = []
    for point in points:
        for first in range(0, searches, part_size):
            stop = min(first + part_size, searches)
            identity = digest({"settings": settings_digest, "point": names[point], "first": first, "stop": stop})
            tasks.append(PartTask(f"{_PREFIX}{point:06d}-{first:010d}-{identity[:16]}", point, first, stop))
    return tuple(tasks)
