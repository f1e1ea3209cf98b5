"""The signal points of a store as contours are made from: with CLs at one POI value, limits, or significances."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from hfscale.errors import SelectionError
from hfscale.plan.settings import Calculation
from hfscale.plot.points import PlanePoints
from hfscale.plot.quantities import DISCOVERY, UPPER_LIMITS
from hfscale.reading.columns import bands, column, intervals, labels, pairs
from hfscale.reading.points import read_points
from hfscale.store.store import ResultStore

_Row = Mapping[str, Any]
_NOTHING = (None,) * 5
_MEDIAN_COLUMN = 3


def read_plane_points(store: ResultStore) -> PlanePoints:
    """Points with their labels and results.

    Raises:
        SelectionError: The store holds neither the CLs at one POI value nor upper limits.
    """
    calculation = Calculation.model_validate(store.settings["calculation"])
    if calculation.kind not in ("cls", "limit"):
        raise SelectionError(
            f"a contour needs the CLs of its points at one POI value, or their upper limits, but {store.path} holds"
            f" results of kind {calculation.kind}",
            remedy="make another store with hfscale cls or hfscale limit; of significances, draw discovery contours",
        )
    rows = read_points(store)
    names, status = tuple(row["name"] for row in rows), tuple(row["status"] for row in rows)
    if calculation.kind == "limit":
        return _limits(rows, calculation, names, status)
    toybased = calculation.toybased
    return PlanePoints(
        names=names,
        labels=labels(rows),
        observed=column(rows, "CLs_obs"),
        expected=bands(rows, "CLs_exp"),
        status=status,
        doubtful=None if toybased else np.array([bool(row["asymptotics_doubts"]) for row in rows]),
        interval=intervals(rows, "CLs_obs_interval") if toybased else None,
        signal=None if calculation.signal_uncertainty is None else pairs(rows, "CLs_obs_signal"),
    )


def read_discovery_points(store: ResultStore) -> PlanePoints:
    """Points with their labels and significances, those expected for a signal with the POI at 1.

    Raises:
        SelectionError: The store holds no significances.
    """
    calculation = Calculation.model_validate(store.settings["calculation"])
    if calculation.kind != "significance":
        raise SelectionError(
            f"a discovery contour needs the significances of its points, but {store.path} holds results of kind"
            f" {calculation.kind}",
            remedy="make another store with hfscale significance",
        )
    rows = read_points(store)
    return PlanePoints(
        names=tuple(row["name"] for row in rows),
        labels=labels(rows),
        observed=column(rows, "Z"),
        expected=bands(rows, "Z_exp"),
        status=tuple(row["status"] for row in rows),
        quantity=DISCOVERY,
    )


def _limits(
    rows: Sequence[_Row],
    calculation: Calculation,
    names: tuple[str, ...],
    status: tuple[str, ...],
) -> PlanePoints:
    """Upper limits; those that lie outside the values at which they are known are taken at the nearest, and counted."""
    found = np.column_stack([column(rows, "upper_limit_obs"), bands(rows, "upper_limit_exp")])
    places = np.array(
        [[row.get("upper_limit_status"), *(row.get("upper_limit_exp_status") or _NOTHING)] for row in rows]
    )
    below, above = _known_range(found, calculation)
    values = np.where(places == "below_bound", below, np.where(places == "above_bound", above, found))
    return PlanePoints(
        names=names,
        labels=labels(rows),
        observed=values[:, 0],
        expected=values[:, 1:],
        status=status,
        interval=_closed_intervals(rows, values[:, 0], below, above) if calculation.toybased else None,
        quantity=UPPER_LIMITS,
        level=float(calculation.level),
        remarks=_remarks(places),
    )


def _known_range(found: Float[np.ndarray, "point column"], calculation: Calculation) -> tuple[float, float]:
    """Least and largest value at which limits are known: of the tested ones, or of the limits that were found."""
    values = np.array(calculation.poi_values) if calculation.toybased else found[np.isfinite(found)]
    return (float(values.min()), float(values.max())) if len(values) else (np.nan, np.nan)


def _closed_intervals(
    rows: Sequence[_Row], limits: Float[np.ndarray, " point"], below: float, above: float
) -> Float[np.ndarray, "point side"]:
    """Intervals whose open ends, which lie outside the tested values, are at the nearest of these."""
    found = intervals(rows, "upper_limit_obs_interval")
    # Where the limit itself lies outside, both ends may do so on the same side.
    nearest = np.column_stack([np.where(limits == above, above, below), np.where(limits == below, below, above)])
    return np.where(np.isfinite(limits)[:, None] & ~np.isfinite(found), nearest, found)


def _remarks(places: Shaped[np.ndarray, "point column"]) -> tuple[str, ...]:
    """What happened to limits that the observed contour and the median expected one are made from."""
    outside = np.isin(places[:, [0, _MEDIAN_COLUMN]], ("below_bound", "above_bound"))
    n = int(outside.any(axis=1).sum())
    if not n:
        return ()
    return (
        f"limits of {n} of {len(places)} points lie outside the values of the POI at which limits are"
        " known, and are taken at the nearest of these",
    )
