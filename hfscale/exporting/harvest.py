"""Results as a harvest list: the JSON that HistFitter's contour scripts read, one flat object per signal point.

Field by field as HistFitter writes it (``LimitResult.cxx``, ``harvestToContours.py`` and ``multiplexJSON.py`` of
HistFitter 456c2b5): numbers that are missing are -1, cross-sections -999007, and the expected quantiles from -2 to +2
standard deviations are ``clsd2s, clsd1s, CLsexp, clsu1s, clsu2s``. All objects have the same keys, and those that
``multiplexJSON.py`` takes for flags are integers.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from scipy.special import ndtri

from hfscale.errors import InputError, SelectionError
from hfscale.exporting.sources import USABLE, Axis, Row, Source, describe_left_out
from hfscale.plan.settings import Calculation

_MISSING = -1
_NO_CROSS_SECTION = -999007
_CLS_BAND = ("clsd2s", "clsd1s", "CLsexp", "clsu1s", "clsu2s")
_P0_BAND = ("p0d2s", "p0d1s", "p0exp", "p0u1s", "p0u2s")
_LIMIT_BAND = tuple(f"expectedUpperLimit{end}" for end in ("Minus2Sig", "Minus1Sig", "", "Plus1Sig", "Plus2Sig"))
_TEMPLATE: Mapping[str, float] = MappingProxyType(
    dict.fromkeys(("p0", "p1", "CLs", "mode", "nexp"), _MISSING)
    | {"seed": 0, "CLsexp": _MISSING, "fID": _MISSING, "sigma0": _MISSING, "sigma1": _MISSING}
    | dict.fromkeys(("clsu1s", "clsd1s", "clsu2s", "clsd2s", "p0exp", "p0u1s", "p0d1s", "p0u2s", "p0d2s"), _MISSING)
    | dict.fromkeys(("upperLimit", "upperLimitEstimatedError", *_LIMIT_BAND), _MISSING)
    | dict.fromkeys(("xsec", "excludedXsec"), _NO_CROSS_SECTION)
    | dict.fromkeys(("nofit", "failedstatus", "fitstatus", "failedcov", "dodgycov"), 0)
    | {"covqual": 3, "failedfit": 0, "failedp0": 0}
)
_ORDER = ("cls", "scan", "limit", "significance")
"""Kinds of results; the first that is there decides which points are written."""


NOMINAL = "Nominal"
"""What harvestToContours replaces in the name of a list by Up and Down, to find those with the signal varied."""
UNNAMED_VARIATIONS = (
    f"the lists with the cross-section of the signal varied are not written: with {NOMINAL} in the name of the file, as"
    " HistFitter has it, they are written beside it"
)
_VARIATIONS: Mapping[str, int] = MappingProxyType({"Up": 1, "Down": 0})


class Harvest(NamedTuple):
    """A harvest list.

    Attributes:
        rows: Its objects.
        variations: What objects have in place of `rows` with the cross-section of the signal one standard deviation
            up and down, by HistFitter's names for these; nothing where that was not calculated.
        messages: Sentences about what is not in it.
    """

    rows: list[dict[str, Any]]
    variations: Mapping[str, list[dict[str, Any]]]
    messages: tuple[str, ...]

    def text(self, variation: str | None = None) -> str:
        """Write it as JSON; expected numbers are those of the nominal signal, whatever the variation."""
        varied = self.variations[variation] if variation is not None else [{}] * len(self.rows)
        rows = [{**row, **changed} for row, changed in zip(self.rows, varied, strict=True)]
        return json.dumps(rows, indent=1, allow_nan=False) + "\n"


def harvest(sources: Sequence[Source], axes: Sequence[Axis] = ()) -> Harvest:
    """Make a harvest list.

    Args:
        sources: Results: CLs, upper limits and significances, each from one store, in any order.
        axes: Further keys of the objects, besides the labels; with two, their values are also under x and y, as
            HistFitter's ``addCoordinates`` has them.

    Raises:
        SelectionError: Results are of a kind that has no place in a harvest list, or at several POI values.
        InputError: An axis has the name of another key.
    """
    by_kind = {source.kind: source for source in sources}
    for source in sources:
        _refuse_unknown(source)
    main = next(by_kind[kind] for kind in _ORDER if kind in by_kind)
    others = [{row["name"]: row for row in source.rows} for source in sources]
    has_observed = any(_observed(main.kind, row) is not None for row in main.rows)
    kept = [row for row in main.rows if _decides(main.kind, row, has_observed)]
    coordinates = _coordinates(kept, axes)
    rows = []
    for k, point in enumerate(kept):
        row: dict[str, Any] = dict(_TEMPLATE)
        for source, points in zip(sources, others, strict=True):
            if points.get(point["name"], {}).get("status") in USABLE:
                row |= _NUMBERS[source.kind](points[point["name"]], source.calculation)
        labels = {f"label_{label}" if label in row else label: value for label, value in point["values"].items()}
        rows.append({**row, **labels, **{name: values[k] for name, values in coordinates.items()}})
    left_out = [row for row in main.rows if not _decides(main.kind, row, has_observed)]
    messages = describe_left_out(left_out, len(main.rows), "harvest list")
    return Harvest(rows, _varied(kept), (*messages, *_remarks(main, kept, rows, axes)))


def _varied(rows: Sequence[Row]) -> dict[str, list[dict[str, Any]]]:
    """What changes with the cross-section of the signal; there is no CLs+b of its own."""
    if not any("CLs_obs_signal" in row for row in rows):
        return {}
    unknown = {"p1": _MISSING, "sigma1": _MISSING}
    return {
        name: [{"CLs": _number(row["CLs_obs_signal"][k]), **unknown} for row in rows] for name, k in _VARIATIONS.items()
    }


def _refuse_unknown(source: Source) -> None:
    if source.kind not in _ORDER:
        raise SelectionError(
            f"a harvest list has no place for results of kind {source.kind}, which {source.store.path} holds",
            remedy="export CLs, limits or significances, or take another format",
        )
    values = {float(row["poi"]) for row in source.rows if "poi" in row}
    if len(values) > 1:
        raise SelectionError(
            f"a harvest list has one CLs of each point, but {source.store.path} has them at {len(values)} POI values",
            remedy=f"choose one with --poi: {', '.join(f'{value:g}' for value in sorted(values))}",
        )


def _observed(kind: str, row: Row) -> float | None:
    name = {"limit": "upper_limit_obs", "significance": "p0"}.get(kind, "CLs_obs")
    return row.get(name) if row["status"] in USABLE else None


def _decides(kind: str, row: Row, has_observed: bool) -> bool:
    """Whether a point has the numbers that contours are made from: -1 in their place would be taken for a result."""
    band = row.get({"limit": "upper_limit_exp", "significance": "p0_exp"}.get(kind, "CLs_exp"))
    expected = band is not None and band[2] is not None
    observed = _observed(kind, row) is not None
    if row["status"] not in USABLE:
        return False
    if kind == "significance":
        return observed or expected
    return expected and (observed or not has_observed)


def _cls_numbers(row: Row, calculation: Calculation) -> dict[str, Any]:
    numbers = {"CLs": _number(row["CLs_obs"]), "p1": _number(row.get("CLsb"))}
    numbers["sigma1"] = _sigma(row.get("CLsb"))
    return {**numbers, **_band(_CLS_BAND, row["CLs_exp"]), **_toys(row, calculation)}


def _limit_numbers(row: Row, calculation: Calculation) -> dict[str, Any]:
    low, high = (row.get("toys") or {}).get("upper_limit_obs_interval") or (None, None)
    error = _MISSING if low is None or high is None else 0.5 * (high - low)
    return {
        "upperLimit": _number(row["upper_limit_obs"]),
        "upperLimitEstimatedError": error,
        **_band(_LIMIT_BAND, row["upper_limit_exp"]),
        **_toys(row, calculation),
    }


def _significance_numbers(row: Row, calculation: Calculation) -> dict[str, Any]:
    numbers = {"p0": _number(row.get("p0")), "sigma0": _sigma(row.get("p0"))}
    return {**numbers, **_band(_P0_BAND, row.get("p0_exp")), **_toys(row, calculation)}


_NUMBERS = MappingProxyType(
    {"cls": _cls_numbers, "scan": _cls_numbers, "limit": _limit_numbers, "significance": _significance_numbers}
)


def _toys(row: Row, calculation: Calculation) -> dict[str, Any]:
    return {"nexp": row["toys"]["sb"], "seed": calculation.seed} if "toys" in row else {}


def _number(value: float | None) -> int | float:
    return _MISSING if value is None else value


def _band(names: Sequence[str], values: Sequence[float | None] | None) -> dict[str, int | float]:
    return dict(zip(names, map(_number, values or [None] * len(names)), strict=True))


def _sigma(p_value: float | None) -> int | float:
    """Standard deviations of a one-sided p-value, as ROOT's PValueToSignificance; none where they are infinite."""
    return 0.0 - float(ndtri(p_value)) if p_value is not None and 0.0 < p_value < 1.0 else _MISSING


def _coordinates(rows: Sequence[Row], axes: Sequence[Axis]) -> dict[str, list[float]]:
    if not rows or not axes:
        return {}
    taken = {*_TEMPLATE, "x", "y"}
    for axis in axes:
        if axis.name in taken and axis.text != axis.name:
            raise InputError(
                f"a harvest list has {axis.name!r} for something else", remedy="give the axis another name"
            )
    values = [axis.values(rows).tolist() for axis in axes]
    named = {axis.name: found for axis, found in zip(axes, values, strict=True)}
    return named | dict(zip(("x", "y"), values)) if len(axes) == 2 else named


def _remarks(main: Source, kept: Sequence[Row], rows: Sequence[Mapping[str, Any]], axes: Sequence[Axis]) -> list[str]:
    remarks = []
    n_partial = sum(row["status"] == "partial" for row in kept)
    if n_partial:
        remarks.append(f"{n_partial} of {len(kept)} points are partial: their numbers are from the toys that there are")
    if main.kind == "limit":
        n_outside = sum(row[name] == _MISSING for row in rows for name in _LIMIT_BAND)
        if n_outside:
            remarks.append(
                f"{n_outside} limits of the expected bands lie outside the values of the POI at which limits are known,"
                " and are -1: harvestToContours takes that for a limit"
            )
    places = Counter((row["x"], row["y"]) for row in rows) if len(axes) == 2 else Counter()
    n_shared = sum(n - 1 for n in places.values())
    if n_shared:
        remarks.append(
            f"{n_shared} points are at the place of another one, and harvestToContours takes the last of each: choose"
            " the points of one plane with --select"
        )
    return remarks
