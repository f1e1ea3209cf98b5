"""Feldman-Cousins intervals of the signal points of a store, read from toys at several POI values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from hfscale.errors import SelectionError
from hfscale.inference.profile_levels import PROBABILITIES
from hfscale.inference.results import PointStatus
from hfscale.inference.toys.feldman_cousins import ConfidenceInterval, FeldmanCousins, feldman_cousins
from hfscale.plan.cells import Cell
from hfscale.plan.settings import Calculation
from hfscale.plan.toys import planned_toys
from hfscale.reading.records import number, numbers, plain_values, state_of
from hfscale.reading.toys import read_tested
from hfscale.store.blocks import open_array
from hfscale.store.store import ResultStore


@dataclass(frozen=True, eq=False)
class PointIntervals:
    """Feldman-Cousins intervals of a signal point.

    Attributes:
        name, values: Name of the point, and its value of each label of the patchset.
        status: As in ``show --json``; ``partial`` while toys are missing.
        reason: Why the point failed, empty elsewhere.
        poi: Tested values of the POI, ascending.
        found: The intervals, and the shares of toys that they are read from.
    """

    name: str
    values: Mapping[str, Any]
    status: str
    reason: str
    poi: Float[np.ndarray, " mu"]
    found: FeldmanCousins


def read_feldman_cousins(store: ResultStore, *probabilities: float) -> tuple[PointIntervals, ...]:
    """Find the intervals of all signal points, in their order.

    Args:
        store: A scan, or limits, with toys.
        probabilities: Of the intervals; 68.3 and 95 % by default.

    Raises:
        SelectionError: The store holds no toys at several POI values, or nothing observed.
        InputError: A probability is not between 0 and 1.
    """
    calculation = Calculation.model_validate(store.settings["calculation"])
    _require_tested(store, calculation)
    values = np.array(calculation.poi_values)
    order = np.argsort(values)
    observed, planned = _observed(store), planned_toys(store.rounds)
    labels = {label: plain_values(np.asarray(open_array(store.group, v)[...])) for label, v in store.labels.items()}
    codes, reasons = np.asarray(store.point_status()).reshape(len(store.names), -1), store.reasons()
    points = []
    for k, name in enumerate(store.names):
        cells = [Cell(k, int(mu)) for mu in order]
        toys = list(read_tested(store, cells))
        found = feldman_cousins(values[order], observed[k, order], toys, probabilities or PROBABILITIES)
        missing = sum(planned.get(cell, 0) for cell in cells) - int((found.n_toys + found.n_failed).sum())
        status = _status(codes[k], reasons.get(name), missing, bool(found.n_toys.any()))
        points.append(
            PointIntervals(
                name=name,
                values={label: column[k] for label, column in labels.items()},
                status=status,
                reason=reasons.get(name, "") if status == "failed" else "",
                poi=values[order],
                found=found,
            )
        )
    return tuple(points)


def _require_tested(store: ResultStore, calculation: Calculation) -> None:
    if not (calculation.toybased and calculation.kind in ("scan", "limit") and len(calculation.poi_values) > 1):
        raise SelectionError(
            f"{store.path} holds no toys at several values of the parameter of interest",
            remedy="make a store with hfscale scan --calctype toybased --poi-grid A:B:N",
        )
    if calculation.expected_only:
        raise SelectionError(
            f"{store.path} holds expected results only, and the intervals are those of observed data",
            remedy="run it without --expected-only; --asimov MU gives those of Asimov data",
        )


def _observed(store: ResultStore) -> Float[np.ndarray, "point mu"]:
    """-2 ln of the observed profile likelihood ratio at each value, NaN where a fit failed."""
    n = len(store.names)
    conditional, free = (
        np.asarray(open_array(store.group, f"twice_nll_{fit}")[...]).reshape(n, -1) for fit in ("conditional", "free")
    )
    status = np.asarray(store.point_status()).reshape(n, -1)
    return np.where(status == PointStatus.OK, np.maximum(conditional - free, 0.0), np.nan)


def _status(codes: np.ndarray, reason: str | None, missing: int, any_toy: bool) -> str:
    # A point whose fits failed at one value, or are not done there, is told by that value.
    for code in (PointStatus.FAILED, PointStatus.NOT_RUN, PointStatus.NO_SIGNAL):
        if (codes == code).any():
            return state_of(code, reason)
    if not any_toy:
        return "pending" if missing else "failed"
    return "partial" if missing else "ok"


def feldman_cousins_record(point: PointIntervals) -> dict[str, Any]:
    """The JSON object of the intervals of a signal point; None where there is no number."""
    found = point.found
    return {
        "name": point.name,
        "values": dict(point.values),
        "status": point.status,
        "poi": numbers(point.poi),
        "p_value": numbers(found.p),
        "p_value_interval": [numbers(ends) for ends in found.p_interval],
        "toys": found.n_toys.tolist(),
        "failed_toys": found.n_failed.tolist(),
        "intervals": [_interval_record(one) for one in found.intervals],
        **({"reason": point.reason} if point.reason else {}),
    }


def _interval_record(one: ConfidenceInterval) -> dict[str, Any]:
    return {
        "probability": number(one.probability),
        "interval": None if one.is_empty else numbers((one.lower, one.upper)),
        "lower_interval": numbers(one.lower_interval),
        "upper_interval": numbers(one.upper_interval),
    }
