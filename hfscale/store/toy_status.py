"""How far the toys of a store are: counts, rate, and how often their fits failed."""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import UInt8

from hfscale.inference.results import PointStatus
from hfscale.plan.toys import ToyRound
from hfscale.store.layout import HYPOTHESES
from hfscale.store.status import StoreStatus, ToyStatistics, busy_seconds


def with_toys(
    status: StoreStatus,
    points: UInt8[np.ndarray, " point"],
    rounds: Sequence[ToyRound],
    markers: Mapping[str, Mapping[str, Any]],
    n_failed_tasks: int,
    names: Sequence[str],
) -> StoreStatus:
    """Add the toys to the counts of a store.

    Args:
        status: The counts without toys.
        points: Status of every signal point.
        rounds: The rounds of the store.
        markers: Markers of all finished tasks, by identity.
        n_failed_tasks: How many toy tasks failed after all retries.
        names: Names of the signal points.
    """
    toys = count_toys(rounds, markers, names)
    lacking = points_without_toys(rounds, markers)
    partial = sum(bool(points[k] == PointStatus.OK) for k in lacking)
    left = None if toys.per_second is None else (toys.total - toys.done) / toys.per_second
    if status.points_pending:
        left = None if left is None or status.seconds_left is None else left + status.seconds_left
    tasks = [task.id for toy_round in rounds for task in toy_round.tasks]
    return replace(
        status,
        points_ok=status.points_ok - partial,
        points_partial=partial,
        tasks_total=status.tasks_total + len(tasks),
        tasks_done=status.tasks_done + sum(task in markers for task in tasks),
        tasks_failed=status.tasks_failed + n_failed_tasks,
        seconds_left=left,
        toys=toys,
    )


def count_toys(
    rounds: Sequence[ToyRound], markers: Mapping[str, Mapping[str, Any]], names: Sequence[str]
) -> ToyStatistics:
    """Count toys.

    Args:
        rounds: The rounds of the store.
        markers: Markers of all finished tasks, by identity.
        names: Names of the signal points.
    """
    done = [(task, markers[task.id]) for toys in rounds for task in toys.tasks if task.id in markers]
    size = sum(task.size for task, _ in done)
    busy = busy_seconds(marker for _, marker in done)
    thrown: Counter[int] = Counter()
    failed: Counter[tuple[int, str]] = Counter()
    for task, marker in done:
        thrown[task.cell.point] += task.count
        for hypothesis, n in marker["failed"].items():
            failed[task.cell.point, str(hypothesis)] += n
    troubled = sorted({point for (point, _), n in failed.items() if n})
    return ToyStatistics(
        total=sum(toys.size for toys in rounds),
        done=size,
        failed=failed.total(),
        per_second=size / busy if busy > 0 else None,
        failure_rates={names[k]: {h: failed[k, h] / thrown[k] for h in HYPOTHESES} for k in troubled},
    )


def points_without_toys(rounds: Sequence[ToyRound], done: Container[str]) -> set[int]:
    """Return the positions of the points that lack toys which are planned."""
    return {task.cell.point for toys in rounds for task in toys.tasks if task.id not in done}
