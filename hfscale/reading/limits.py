"""Upper limits of the signal points of a store from their toys, as JSON fields."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hfscale.inference.toys.limits import ToyLimits, toy_limits
from hfscale.inference.toys.results import ToyStatus
from hfscale.plan.cells import Cell
from hfscale.plan.settings import Calculation
from hfscale.plan.toys import planned_toys
from hfscale.reading.p_values import observed_statistics
from hfscale.reading.records import number, numbers, places_of
from hfscale.reading.toys import read_statistics
from hfscale.store.layout import HYPOTHESES
from hfscale.store.store import ResultStore

_OF_ONE_VALUE = ("poi", "CLs_obs", "CLs_exp", "CLsb", "CLb", "q", "q_asimov", "effective_events")


class _PointToys(NamedTuple):
    """What the toys of a signal point say at all POI values together.

    Attributes:
        limits: The upper limits.
        counts: Finished and failed toys of each hypothesis, of all POI values, as in JSON.
        missing: Toys per hypothesis that are planned and were not run, of all POI values.
        present: Those that were run.
        reason: Why toys are missing, empty where they were not run yet or none is missing.
    """

    limits: ToyLimits
    counts: dict[str, int]
    missing: int
    present: int
    reason: str


def with_limits(
    store: ResultStore, calculation: Calculation, records: Sequence[dict[str, Any]], points: Iterable[int] | None = None
) -> list[dict[str, Any]]:
    """Make one object per signal point, with its limits, of those of each point and POI value.

    Args:
        store: The store.
        calculation: What it holds.
        records: The objects of each of the points and POI value.
        points: Positions of the points, None for all.
    """
    n = len(calculation.poi_values)
    grouped = (records[k : k + n] for k in range(0, len(records), n))
    chosen = range(len(store.names)) if points is None else points
    return [_point(group, toys) for group, toys in zip(grouped, _read(store, calculation, chosen), strict=True)]


def _read(store: ResultStore, calculation: Calculation, points: Iterable[int]) -> Iterator[_PointToys]:
    observed, values = observed_statistics(store), np.array(calculation.poi_values)
    lost = {task.cell: why for task, why in store.toy_failures().items()}
    planned = planned_toys(store.rounds)
    for point in points:
        cells = [Cell(point, mu) for mu in range(len(values))]
        q, status = (np.stack(arrays) for arrays in zip(*read_statistics(store, cells)))
        # Toys of a column are the same pseudo-data at all values: that is their address.
        limits = toy_limits(values, observed[point], q[:, 0], status[:, 0], q[:, 1], status[:, 1], calculation.level)
        present = int((status[:, 1] != ToyStatus.NOT_RUN).sum())
        reason = next((lost[cell] for cell in cells if cell in lost), "")
        missing = sum(planned.get(cell, 0) for cell in cells) - present
        yield _PointToys(limits, _counts(status), missing, present, reason)


def _counts(status: np.ndarray) -> dict[str, int]:
    found = {name: int((status[:, k] == ToyStatus.OK).sum()) for k, name in enumerate(HYPOTHESES)}
    failed = {f"failed_{name}": int((status[:, k] == ToyStatus.FAILED).sum()) for k, name in enumerate(HYPOTHESES)}
    return found | failed


def _point(records: Sequence[dict[str, Any]], toys: _PointToys) -> dict[str, Any]:
    # A point whose fits failed at one value is told by that value's record.
    record = max(records, key=lambda record: record["status"] == "failed")
    limits = toys.limits
    return {
        **{key: value for key, value in record.items() if key not in _OF_ONE_VALUE},
        "upper_limit_obs": number(limits.upper_limit_obs),
        "upper_limit_exp": numbers(limits.upper_limit_exp),
        "upper_limit_status": places_of(limits.upper_limit_obs_status),
        "upper_limit_exp_status": places_of(limits.upper_limit_exp_status),
        "toys": {
            **toys.counts,
            "upper_limit_obs_interval": numbers(limits.upper_limit_obs_interval),
            "upper_limit_exp_interval": [numbers(interval) for interval in limits.upper_limit_exp_interval],
            "upper_limit_obs_bounds": numbers(limits.upper_limit_obs_bounds),
            "upper_limit_exp_bounds": [numbers(bounds) for bounds in limits.upper_limit_exp_bounds],
        },
        **_standing(record["status"], toys),
    }


def _standing(status: str, toys: _PointToys) -> dict[str, Any]:
    """The status that the toys leave a point with, and the reason where it is not "ok"."""
    if status != "ok" or (toys.present and not toys.missing):
        return {}
    return {
        "status": "partial" if toys.present else "pending",
        **({"reason": toys.reason} if toys.reason else {}),
    }
