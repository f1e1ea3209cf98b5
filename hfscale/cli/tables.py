"""The tables of ``hfscale show``: their columns, and the row of a signal point, for each kind of calculation."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from hfscale.cli.measurement_tables import (
    FIT_COLUMNS,
    GOODNESS_COLUMNS,
    RANKING_COLUMNS,
    fit_rows,
    goodness_rows,
    ranking_rows,
)

_Point = dict[str, Any]
_Table = tuple[tuple[str, ...], Callable[[_Point], tuple[str, ...]]]

_BAND = ("-2s", "-1s", "expected", "+1s", "+2s")


def _cls(point: _Point) -> tuple[str, ...]:
    band = point["CLs_exp"] or [None] * 5
    doubts = ", ".join(point["asymptotics_doubts"]) or "-"
    return (point["name"], point["status"], *_texts([point["CLs_obs"], *band, point["mu_hat"]]), doubts)


def _scan(point: _Point) -> tuple[str, ...]:
    name, *rest = _cls(point)
    return (name, *_texts([point["poi"]]), *rest)


def _limit(point: _Point) -> tuple[str, ...]:
    places = [point["upper_limit_status"], *(point["upper_limit_exp_status"] or [None] * 5)]
    values = [point["upper_limit_obs"], *(point["upper_limit_exp"] or [None] * 5)]
    observed, *expected = (_outside(place, text) for place, text in zip(places, _texts(values), strict=True))
    return (point["name"], point["status"], observed + _worst_cases(point), *expected, *_texts([point["mu_hat"]]))


def _worst_cases(point: _Point) -> str:
    """Between which numbers failed toys could move the observed limit, where they could."""
    bounds = point["toys"]["upper_limit_obs_bounds"] if "toys" in point else None
    if bounds in (None, [point["upper_limit_obs"]] * 2):
        return ""
    low, high = map(_end, bounds)
    return f" [{low}, {high}]"


def _outside(place: str | None, text: str) -> str:
    return {"above_bound": ">bound", "below_bound": "<bound"}.get(str(place), text)


def _significance(point: _Point) -> tuple[str, ...]:
    band = point["Z_exp"] or [None] * 5
    return (point["name"], point["status"], *_texts([point["p0"], point["Z"], *band, point["mu_hat"]]))


def _profile(point: _Point) -> tuple[str, ...]:
    n = len(point["parameters"])
    fitted = [", ".join(_texts(point[key] or [None] * n)) for key in ("best_fit", "error")]
    return (point["name"], point["status"], ", ".join(point["parameters"]), *fitted)


def _profile_of_one(point: _Point) -> tuple[str, ...]:
    return (*_profile(point), *(_between(one["interval"]) for one in point["intervals"]))


def _profile_of_two(point: _Point) -> tuple[str, ...]:
    """With what the contours extend over, parameter by parameter."""
    extents = [", ".join(map(_between, one["extent"] or [None])) for one in point["contours"]]
    return (*_profile(point), *extents)


def _between(ends: Sequence[float | None] | None) -> str:
    low, high = ends or (None, None)
    return "-" if low is high is None else f"{_end(low)} to {_end(high)}"


def _end(value: float | None) -> str:
    return "..." if value is None else f"{value:.4g}"


def table_of(calculation: Mapping[str, Any]) -> tuple[tuple[str, ...], Callable[[_Point], list[tuple[str, ...]]]]:
    """The columns of the table of a store, and what makes the rows of a signal point."""
    kind = calculation.get("kind", "cls")
    if kind == "fit":
        return FIT_COLUMNS, fit_rows
    if kind == "ranking":
        return RANKING_COLUMNS, ranking_rows
    if kind == "gof":
        return GOODNESS_COLUMNS, goodness_rows
    columns, row = _single(calculation)
    return columns, lambda point: [row(point)]


def _single(calculation: Mapping[str, Any]) -> _Table:
    """The columns of a table with one row per point, or per point and POI value, and what makes a row."""
    kind = calculation.get("kind", "cls")
    if kind != "profile":
        return _TABLES[kind]
    columns = ("name", "status", "parameter", "best fit", "error")
    if len(calculation["parameters"]) == 1:
        return (*columns, "t <= 1 (68.3 %)", "t <= 3.84 (95 %)"), _profile_of_one
    return (*columns, "t <= 2.30 (68.3 %)", "t <= 5.99 (95 %)"), _profile_of_two


def _texts(values: Sequence[float | None]) -> list[str]:
    return ["-" if value is None else f"{value:.4g}" for value in values]


_TABLES: Mapping[str, _Table] = MappingProxyType(
    {
        "cls": (("name", "status", "observed", *_BAND, "mu_hat", "asymptotics"), _cls),
        "scan": (("name", "poi", "status", "observed", *_BAND, "mu_hat", "asymptotics"), _scan),
        "limit": (("name", "status", "observed", *_BAND, "mu_hat"), _limit),
        "significance": (("name", "status", "p0", "Z", *_BAND, "mu_hat"), _significance),
    }
)
"""Columns, and what makes a row, by kind."""
