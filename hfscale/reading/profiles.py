"""The profile likelihoods of a store as plain JSON objects, one per signal point."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from hfscale.fit.status import FitStatus
from hfscale.inference.profile_levels import PROBABILITIES, height_of
from hfscale.inference.profile_refinement import surface
from hfscale.inference.results import PointStatus
from hfscale.reading.records import number, numbers, plain_values, state_of
from hfscale.store.layout import GRID_DIMENSIONS
from hfscale.store.store import ResultStore


def read_profiles(store: ResultStore) -> list[dict[str, Any]]:
    """One object per signal point, in their order; None where there is no number.

    ``grid`` has the values of each parameter in ``parameters``; ``t``, over them, is twice the profile of -ln L above
    its minimum. For a single parameter, ``interval`` is where t is at most 1, and ``intervals`` has those of 68.3
    and 95 %, see `interval_below`; for two, ``contours`` has the lines around regions of these probabilities. Of an
    adaptive grid, t has numbers where fits were made, ``n_fits`` of them, and ``t_interpolated`` has them all over.
    """
    data = store.to_xarray().load()
    parameters, reasons = list(store.settings["calculation"]["parameters"]), store.reasons()
    labels = {label: plain_values(data[name].values) for label, name in store.labels.items()}
    axes = [f"values_{axis}" for axis, _ in zip(GRID_DIMENSIONS, parameters)]
    names = ("best_fit", "error", "t", "twice_nll_free", *axes)
    arrays = {name: np.asarray(data[name].values) for name in names}
    fitted = np.asarray(data["fit_status"].values) != FitStatus.NOT_RUN
    adaptive = bool(store.settings["calculation"].get("adaptive_grid"))
    records = []
    for k, name in enumerate(store.names):
        code = PointStatus(int(data["status"].values[k]))
        state = state_of(code, reasons.get(name))
        # A task that was killed before its marker may have left numbers, which do not count.
        nothing = code == PointStatus.NOT_RUN
        row = {key: np.full_like(array[k], np.nan) if nothing else array[k] for key, array in arrays.items()}
        records.append(
            {
                "name": name,
                "values": {label: column[k] for label, column in labels.items()},
                "status": state,
                "parameters": parameters,
                **_fields(row, axes, fitted[k] & (not nothing) if adaptive else None),
                **({"reason": reasons[name]} if state == "failed" and name in reasons else {}),
            }
        )
    return records


def _fields(row: Mapping[str, np.ndarray], axes: Sequence[str], fitted: np.ndarray | None) -> dict[str, Any]:
    """Fields of a signal point; `fitted` tells which places of an adaptive grid have fits."""
    grid, t = [row[axis] for axis in axes], row["t"]
    fields = {
        "best_fit": _numbers(row["best_fit"]),
        "error": _numbers(row["error"]),
        "grid": None if np.isnan(grid[0]).all() else [_numbers(values) for values in grid],
        "t": _numbers(t),
    }
    if fitted is not None:
        t = surface(grid, t, fitted)
        fields |= {"t_interpolated": _numbers(t), "n_fits": int(fitted.sum())}
    if len(grid) == 1:
        best = float(row["best_fit"][0])
        fields["intervals"] = [_interval(grid[0], t, best, probability) for probability in PROBABILITIES]
        fields["interval"] = fields["intervals"][0]["interval"]
    else:
        fields["contours"] = [_contour(grid, t, probability) for probability in PROBABILITIES]
    return {**fields, "twice_nll": {"free": number(row["twice_nll_free"])}}


def _interval(
    values: Float[np.ndarray, " value"], t: Float[np.ndarray, " value"], best_fit: float, probability: float
) -> dict[str, Any]:
    level = height_of(probability, 1)
    ends = interval_below(values, t, best_fit, level)
    return {"probability": probability, "t": level, "interval": None if ends is None else numbers(ends)}


def _contour(axes: Sequence[np.ndarray], t: Float[np.ndarray, "first second"], probability: float) -> dict[str, Any]:
    from hfscale.reading.profile_contours import profile_contour

    level = height_of(probability, 2)
    fields: dict[str, Any] = {"probability": probability, "t": level}
    if np.isnan(t).all():
        return {**fields, "lines": [], "extent": None}
    found = profile_contour(axes[0], axes[1], t, level)
    extent = [numbers(ends) for ends in found.extent]
    return {**fields, "lines": [line.tolist() for line in found.lines], "extent": extent}


def _numbers(values: Float[np.ndarray, "..."]) -> Any:
    """Nested lists of numbers with None for those that are missing, None where all are."""
    if np.isnan(values).all():
        return None
    found = values.astype(object)
    found[~np.isfinite(values)] = None
    return found.tolist()


def interval_below(
    values: Float[np.ndarray, " value"], t: Float[np.ndarray, " value"], best_fit: float, level: float
) -> tuple[float, float] | None:
    """The interval around the minimum of a curve where it is at most `level`; None where it is nowhere known to be.

    Between two values, the root of t is taken for a straight line, which it is where -ln L is a parabola.

    Args:
        values: Values of the parameter, ascending.
        t: Twice the profile of -ln L above its minimum; NaN where it is not known.
        best_fit: Where the minimum is.
        level: Largest t inside.

    Returns:
        Lower and upper end; NaN for one that the values do not reach: beyond them, or beyond one without t.
    """
    x, height = values, t
    if values[0] < best_fit < values[-1]:
        place = int(np.searchsorted(values, best_fit))
        x, height = np.insert(values, place, best_fit), np.insert(t, place, 0.0)
    if not (height <= level).any():
        return None
    lowest = int(np.nanargmin(height))
    lower = _end(x[lowest::-1], height[lowest::-1], level)
    return lower, _end(x[lowest:], height[lowest:], level)


def _end(x: Float[np.ndarray, " value"], t: Float[np.ndarray, " value"], level: float) -> float:
    """Where a curve that begins at or below a level goes above it first; NaN where it is not seen to."""
    outside = np.flatnonzero(~(t <= level))
    if not len(outside) or np.isnan(t[outside[0]]):
        return float("nan")
    k = int(outside[0])
    inner, outer = np.sqrt(t[k - 1]), np.sqrt(t[k])
    return float(x[k - 1] + (x[k] - x[k - 1]) * (np.sqrt(level) - inner) / (outer - inner))


def profile_columns(point: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a data frame that the JSON object of a signal point fills."""
    columns = {"name": point["name"], **point["values"], "status": point["status"]}
    for k, name in enumerate(point["parameters"]):
        for key in ("best_fit", "error"):
            columns[f"{key}_{name}"] = point[key][k] if point[key] else None
    if "interval" in point:
        for one, key in zip(point["intervals"], ("interval", "interval_95"), strict=True):
            columns |= dict(zip((f"{key}_low", f"{key}_high"), one["interval"] or (None, None), strict=True))
    return {**columns, "twice_nll_free": point["twice_nll"]["free"]}
