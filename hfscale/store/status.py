"""How far a store is: counts of points and tasks, and the rate at which they were done."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from jaxtyping import UInt8

from hfscale.inference.results import PointStatus
from hfscale.plan.tasks import Plan


@dataclass(frozen=True)
class ToyStatistics:
    """Counts of toys, over all signal points and both hypotheses.

    Attributes:
        total: Toys that are planned.
        done: Toys of finished tasks, with those that failed.
        failed: Toys with a failed fit.
        per_second: Toys per second while tasks were running, None before the first one is done.
        failure_rates: For each signal point with a failed toy, the share of its toys that failed, by hypothesis.
    """

    total: int
    done: int
    failed: int
    per_second: float | None
    failure_rates: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class StoreStatus:
    """Counts of a store.

    Attributes:
        points_total: Signal points of the campaign.
        points_ok: Points with a result.
        points_no_signal: Points whose patch gives the parameter of interest nothing to scale.
        points_failed: Points with a failed fit, or of a task that failed.
        points_pending: Points of tasks that were not run.
        tasks_total: Tasks of the plan.
        tasks_done: Tasks with a marker.
        tasks_failed: Tasks that failed after all retries and were not finished since.
        points_per_second: Points per second while tasks were running, None before the first one is done.
        seconds_left: Time for the pending points at that rate, None if the rate is unknown.
        points_partial: Points whose data are fitted, but which lack toys.
        toys: Counts of toys, None if the calculation has none.
        may_get_toys: Whether further toys may be planned, because their number is adaptive.
    """

    points_total: int
    points_ok: int
    points_no_signal: int
    points_failed: int
    points_pending: int
    tasks_total: int
    tasks_done: int
    tasks_failed: int
    points_per_second: float | None
    seconds_left: float | None
    points_partial: int = 0
    toys: ToyStatistics | None = None
    may_get_toys: bool = False

    @property
    def finished(self) -> bool:
        """Whether every task is done, and no others will be planned."""
        return self.tasks_done == self.tasks_total and not self.may_get_toys


def summarize(
    plan: Plan,
    markers: Mapping[str, Mapping[str, Any]],
    failures: Mapping[str, str],
    point_status: UInt8[np.ndarray, "point *mu"],
) -> StoreStatus:
    """Count the points and tasks of a store.

    Args:
        plan: The tasks.
        markers: Markers of the finished tasks, by identity.
        failures: Reasons of the failed tasks, by identity.
        point_status: Status of every point, "not run" for those of unfinished tasks.
    """
    done = plan.task_ids & markers.keys()
    point = worst_status(point_status)
    lost = sum(plan.task(task_id).n_points for task_id in failures)
    pending = int((point == PointStatus.NOT_RUN).sum()) - lost
    busy = busy_seconds(markers[task_id] for task_id in done)
    rate = sum(plan.task(task_id).n_points for task_id in done) / busy if busy > 0 else None
    return StoreStatus(
        points_total=plan.n_points,
        points_ok=int((point == PointStatus.OK).sum()),
        points_no_signal=int((point == PointStatus.NO_SIGNAL).sum()),
        points_failed=int((point == PointStatus.FAILED).sum()) + lost,
        points_pending=pending,
        tasks_total=len(plan.tasks),
        tasks_done=len(done),
        tasks_failed=len(failures),
        points_per_second=rate,
        seconds_left=pending / rate if rate else None,
    )


def worst_status(status: UInt8[np.ndarray, "point *mu"]) -> UInt8[np.ndarray, "point"]:
    """Reduce the status of each point over its POI values: failed, else not run, else no signal, else ok."""
    worst = np.full(status.shape[0], PointStatus.OK, dtype=np.uint8)
    for value in (PointStatus.NO_SIGNAL, PointStatus.NOT_RUN, PointStatus.FAILED):
        worst[(status == value).reshape(len(status), -1).any(axis=1)] = value
    return worst


def busy_seconds(markers: Iterable[Mapping[str, Any]]) -> float:
    """Return for how long at least one of the marked tasks was running, so that pauses between runs do not count."""
    spans = sorted(
        (end - float(marker["seconds"]), end)
        for marker in markers
        if "seconds" in marker
        for end in [datetime.fromisoformat(marker["finished"]).timestamp()]
    )
    total, reached = 0.0, float("-inf")
    for begin, end in spans:
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total
