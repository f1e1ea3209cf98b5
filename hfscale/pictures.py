"""Pictures of the results in a store: what is there is drawn, what is missing is said."""

import fnmatch
import glob
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float

from hfscale.errors import SelectionError
from hfscale.plot.axes import Plane, select_plane
from hfscale.plot.brazil import MarkedLimit, draw_brazil, draw_limits, limit_of_curve
from hfscale.plot.contours import ExclusionContours, exclusion_contours
from hfscale.plot.expressions import evaluate_numbers, evaluate_truth, parse_expression
from hfscale.plot.figure import confidence
from hfscale.plot.labels import axis_label
from hfscale.plot.points import PlanePoints
from hfscale.plot.profiles import CURVE_LEVELS, draw_profile_curve, draw_profile_plane
from hfscale.plot.spent import draw_spent
from hfscale.plot.toys import draw_toys
from hfscale.reading.columns import bands, column, intervals, labels, number_of
from hfscale.reading.curves import Curve, has_curves, read_curve
from hfscale.reading.profiles import interval_below
from hfscale.results import Results

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

    from hfscale.plot.outlines import Lines

_Row = Mapping[str, Any]

_WORST_FIRST = ("failed", "pending", "partial", "ok", "no_signal")
_LONGEST_LIST = 5
_MEDIAN = 2


class Picture(NamedTuple):
    """A figure, sentences about what it does not show, and the contours of profile likelihoods of two parameters."""

    figure: "Figure"
    messages: tuple[str, ...]
    lines: "Mapping[str, Lines] | None" = None


def brazil(
    results: Results,
    point: str | None = None,
    *,
    level: float | None = None,
    log: bool = False,
    style: str = "plain",
    title: str | None = None,
) -> Picture:
    """Draw CLs of a signal point against the POI, from a store of kind scan, or of limits from toys.

    Args:
        results: Results of a scan or limits from toys, finished or not.
        point: Name of the point, or a pattern that one name matches; not needed where there is one point only.
        level: CLs at the limits that are marked, 0.05 by default; limits from toys have their own.
        log: Whether CLs is drawn on a logarithmic axis.
        style: ``plain``, ``ATLAS`` or ``CMS``.
        title: Text above the figure; the name of the point by default.

    Raises:
        SelectionError: A store of another kind, no such point or several, no result yet, or limits at another level.
    """
    if not has_curves(results.store):
        _require_kind(results, "scan", "curves of CLs", "hfscale scan")
    name = _one_point(results, point)
    curve = read_curve(results.store, name)
    rows, level = sorted(curve.rows, key=lambda row: float(row["poi"])), _level_of(curve, level)
    values, CLs_obs, CLs_exp = column(rows, "poi"), column(rows, "CLs_obs"), bands(rows, "CLs_exp")
    _require_numbers(name, CLs_obs, CLs_exp)
    interval = intervals(rows, "CLs_obs_interval")
    figure = draw_brazil(
        values,
        CLs_obs,
        CLs_exp,
        level,
        CLs_obs_interval=interval if np.isfinite(interval).any() else None,
        limits=None if curve.limit is None else _marked_limits(curve.limit),
        log=log,
        style=style,
        title=name if title is None else title,
    )
    messages = _unfinished(rows, f"POI values of signal point {name!r}")
    for kind, CLs in (("observed", CLs_obs), ("expected", CLs_exp[:, 2])):
        if np.isfinite(CLs).any() and not np.isfinite(limit_of_curve(values, CLs, level)):
            messages.append(f"the {kind} CLs of {name!r} does not fall through {level:g} among these POI values")
    return Picture(figure, tuple(messages))


def _level_of(curve: Curve, asked: float | None) -> float:
    if curve.limit is None:
        return 0.05 if asked is None else asked
    level = float(curve.limit["level"])
    if asked is not None and asked != level:
        raise SelectionError(f"the limits of this store are at CLs = {level:g}, not {asked:g}")
    return level


def _marked_limits(limit: _Row) -> tuple[MarkedLimit, MarkedLimit]:
    """The observed and the median expected limit, with the intervals that come from the number of toys."""
    toys = limit["toys"]
    ends = (toys["upper_limit_obs_interval"], toys["upper_limit_exp_interval"][_MEDIAN])
    values = (limit["upper_limit_obs"], limit["upper_limit_exp"][_MEDIAN])
    observed, expected = (
        MarkedLimit(number_of(value), np.array([number_of(end) for end in interval]))
        for value, interval in zip(values, ends, strict=True)
    )
    return observed, expected


def limits(
    results: Results, x: str, select: str | None = None, *, style: str = "plain", title: str | None = None
) -> Picture:
    """Draw upper limits against an expression of the labels, from a store of kind limit.

    Args:
        results: Upper limits, finished or not.
        x: Expression of the labels, such as ``m_gluino``.
        select: Condition that points must meet, such as ``m_lsp == 100``.
        style: ``plain``, ``ATLAS`` or ``CMS``.
        title: Text above the figure.

    Raises:
        SelectionError: A store of another kind, expressions that cannot be evaluated, two points at the same x, or no
            result yet.
    """
    _require_kind(results, "limit", "upper limits", "hfscale limit")
    rows = results.to_list()
    places, rows = _ordered(rows, x, select)
    observed, expected = column(rows, "upper_limit_obs"), bands(rows, "upper_limit_exp")
    _require_numbers("the selected signal points", observed, expected)
    interval = intervals(rows, "upper_limit_obs_interval")
    figure = draw_limits(
        places,
        observed,
        expected,
        interval=interval if np.isfinite(interval).any() else None,
        x_label=axis_label(x),
        y_label=rf"{confidence(float(rows[0]['level']))} upper limit on $\mu$",
        style=style,
        title=title,
    )
    return Picture(figure, (*_unfinished(rows, "signal points"), *_outside(rows)))


def profile(results: Results, point: str | None = None, *, style: str = "plain", title: str | None = None) -> Picture:
    """Draw the profile likelihood of a signal point: a curve over one parameter, contours over two.

    Args:
        results: Profile likelihoods, finished or not.
        point: Name of the point, or a pattern that one name matches; not needed where there is one point only.
        style: ``plain``, ``ATLAS`` or ``CMS``.
        title: Text above the figure; the name of the point by default.

    Raises:
        SelectionError: A store of another kind, no such point or several, or no result yet.
    """
    _require_kind(results, "profile", "profile likelihoods", "hfscale scan --parameter")
    (row,) = _rows_of(results, point)
    name, names = str(row["name"]), [axis_label(parameter) for parameter in row["parameters"]]
    # Of an adaptive grid, what is interpolated between its fits too.
    t = np.array(row.get("t_interpolated", row["t"]) or [], dtype=np.float64)
    _require_numbers(name, t)
    axes = [np.array(values, dtype=np.float64) for values in row["grid"]]
    best = [number_of(value) for value in row["best_fit"] or [None] * len(axes)]
    look = {"style": style, "title": name if title is None else title}
    failed = int(np.isnan(t).sum())
    messages = (f"{failed} of {t.size} fits of {name!r} failed and are not drawn",) if failed else ()
    if len(axes) == 1:
        intervals = [interval_below(axes[0], t, best[0], level) for level in CURVE_LEVELS]
        figure = draw_profile_curve(axes[0], t, best[0], name=names[0], intervals=intervals, **look)
        return Picture(figure, messages)
    figure = draw_profile_plane(axes[0], axes[1], t, (best[0], best[1]), names=(names[0], names[1]), **look)
    lines = {f"{100 * one['probability']:.3g}%": tuple(map(np.array, one["lines"])) for one in row["contours"]}
    return Picture(figure, messages, lines)


def toys(
    results: Results,
    point: str | None = None,
    *,
    poi: float | None = None,
    style: str = "plain",
    title: str | None = None,
) -> Picture:
    """Draw the test statistic of the toys of a signal point under both hypotheses.

    Args:
        results: Results with toys, finished or not.
        point: Name of the point, or a pattern that one name matches; not needed where there is one point only.
        poi: Tested POI value, of a store with several.
        style: ``plain``, ``ATLAS`` or ``CMS``.
        title: Text above the figure; the name of the point by default.

    Raises:
        SelectionError: There are no toys, no such point or POI value, or several.
    """
    rows = _rows_of(results, point)
    name = str(rows[0]["name"])
    data = results.toys(glob.escape(name)).isel(point=0)
    mu = _chosen_value(data["mu"].values, poi, name)
    at_value = data.isel(mu=int(np.flatnonzero(data["mu"].values == mu)[0]))
    row = next((row for row in rows if row.get("poi") in (None, mu)), rows[0])
    sb, b = (_finished(at_value, hypothesis) for hypothesis in ("sb", "b"))
    if not len(sb) + len(b):
        raise SelectionError(f"signal point {name!r} has no finished toys at POI value {mu:g}", remedy="run them first")
    discovery = row.get("test_stat") == "q0"
    figure = draw_toys(
        sb,
        b,
        number_of(row.get("q0" if discovery else "q")),
        q_asimov=number_of(row.get("q0_asimov" if discovery else "q_asimov")),
        test_stat=row.get("test_stat", "qtilde"),
        labels=(rf"$\mu = {mu:g}$", r"$\mu = 1$" if discovery else r"$\mu = 0$"),
        style=style,
        title=name if title is None else title,
    )
    return Picture(figure, tuple(_toy_messages(row, name)))


def spent(
    results: Results,
    x: str,
    y: str,
    select: str | None = None,
    *,
    project: bool = False,
    level: float = 0.05,
    style: str = "plain",
    title: str | None = None,
) -> Picture:
    """Draw how many toys every signal point of a plane has, with the contours where there is one CLs per point.

    Args:
        results: Results with toys, finished or not.
        x: Expression of the labels for the first axis.
        y: Expression for the second axis.
        select: Condition that makes the points one plane.
        project: Draw points of several planes in one.
        level: CLs at the contours.
        style: ``plain``, ``ATLAS`` or ``CMS``.
        title: Text above the figure.

    Raises:
        SelectionError: There are no toys, or the selected points are not one plane.
    """
    by_name: dict[str, list[_Row]] = {}
    for row in results.to_list():
        by_name.setdefault(str(row["name"]), []).append(row)
    if not any("toys" in row for rows in by_name.values() for row in rows):
        raise SelectionError(
            f"{results.path} has no toys", remedy="toys come from a calculation with calctype toybased"
        )
    plane = select_plane(_plane_points(by_name), x, y, select, project=project)
    counts = np.array([_toy_counts(by_name[name]) for name in plane.names], dtype=np.int64)
    contours, messages = _contours(plane, level)
    figure = draw_spent(plane, counts[:, 0], counts[:, 1], contours=contours, style=style, title=title)
    kept = [{"status": status} for status in plane.status]
    return Picture(figure, (*_unfinished(kept, "signal points"), *messages))


def _require_kind(results: Results, kind: str, what: str, verb: str) -> None:
    found = results.store.settings["calculation"].get("kind", "cls")
    if found != kind:
        raise SelectionError(
            f"{results.path} holds results of kind {found}, and {what} are drawn from those of kind {kind}",
            remedy=f"make another store with {verb}",
        )


def _rows_of(results: Results, point: str | None) -> list[dict[str, Any]]:
    """The objects of one signal point, one per POI value."""
    name = _one_point(results, point)
    return [row for row in results.to_list() if row["name"] == name]


def _one_point(results: Results, point: str | None) -> str:
    """The name of the one signal point that was chosen."""
    names = results.store.names
    chosen = [name for name in names if point is None or name == point] or fnmatch.filter(names, point or "*")
    if len(chosen) == 1:
        return chosen[0]
    near = get_close_matches(point or "", names, n=_LONGEST_LIST)
    listed = ", ".join((chosen or near or names)[:_LONGEST_LIST])
    if not chosen:
        raise SelectionError(f"no signal point of {results.path} matches {point!r}", remedy=f"names look like {listed}")
    which = "there are" if point is None else f"{point!r} matches"
    raise SelectionError(f"{which} {len(chosen)} signal points, and one is drawn", remedy=f"name one of {listed}, ...")


def _ordered(
    rows: Sequence[dict[str, Any]], x: str, select: str | None
) -> tuple[Float[np.ndarray, " point"], list[dict[str, Any]]]:
    """The selected points in the order of x, with their places."""
    if select is not None:
        kept = evaluate_truth(parse_expression(select), labels(rows))
        if not kept.any():
            raise SelectionError(f"no signal point of {len(rows)} has {select}")
        rows = [row for row, here in zip(rows, kept, strict=True) if here]
    places = evaluate_numbers(parse_expression(x), labels(rows))
    order = np.argsort(places, kind="stable")
    places = places[order]
    same = np.flatnonzero(np.diff(places) == 0)
    if len(same):
        first, second = (rows[order[same[0] + k]]["name"] for k in (0, 1))
        raise SelectionError(
            f"{first!r} and {second!r} are at the same {x} = {places[same[0]]:g}",
            remedy="choose one row of points with a selection, such as 'm_lsp == 100'",
        )
    return places, [rows[k] for k in order]


def _plane_points(by_name: Mapping[str, Sequence[_Row]]) -> PlanePoints:
    """Points with CLs where each has one POI value only, and with the worst status of all their values."""
    firsts = [rows[0] for rows in by_name.values()]
    single = [row if len(rows) == 1 else {} for row, rows in zip(firsts, by_name.values(), strict=True)]
    worst = [min((str(row["status"]) for row in rows), key=_WORST_FIRST.index) for rows in by_name.values()]
    return PlanePoints(
        tuple(by_name), labels(firsts), column(single, "CLs_obs"), bands(single, "CLs_exp"), tuple(worst)
    )


def _contours(plane: Plane, level: float) -> tuple[ExclusionContours | None, tuple[str, ...]]:
    if not plane.done.any():
        return None, ()
    try:
        contours = exclusion_contours(plane, level=level)
    except SelectionError as error:  # too few points are finished
        return None, (f"there is no contour: {error.message}",)
    return contours, contours.messages


def _toy_counts(rows: Sequence[_Row]) -> tuple[int, int]:
    """Toys of both hypotheses at all POI values, and how many of them failed."""
    found = [row["toys"] for row in rows if "toys" in row]
    failed = sum(toys["failed_sb"] + toys["failed_b"] for toys in found)
    return sum(toys["sb"] + toys["b"] for toys in found) + failed, failed


def _chosen_value(values: Float[np.ndarray, " mu"], poi: float | None, name: str) -> float:
    near = values if poi is None else values[np.isclose(values, poi, rtol=1e-6, atol=1e-9)]
    if len(near) == 1:
        return float(near[0])
    listed = ", ".join(f"{value:g}" for value in values)
    what = f"has toys at {len(values)} POI values" if poi is None else f"has no toys at the POI value {poi:g}"
    raise SelectionError(f"signal point {name!r} {what}", remedy=f"choose one of {listed}")


def _finished(data: "xarray.Dataset", hypothesis: str) -> Float[np.ndarray, " toy"]:
    chosen = data.sel(hypothesis=hypothesis)
    q = np.asarray(chosen["q"].values, dtype=np.float64)
    return q[np.isfinite(q)]


def _toy_messages(row: _Row, name: str) -> list[str]:
    failed = {hypothesis: (row.get("toys") or {}).get(f"failed_{hypothesis}") for hypothesis in ("sb", "b")}
    messages = [f"{n} toys of hypothesis {name} failed and are not drawn" for name, n in failed.items() if n]
    if row["status"] != "ok":
        reason = f": {row['reason']}" if "reason" in row else ""
        messages.append(f"signal point {name!r} is {row['status']}{reason}")
    return messages


def _unfinished(rows: Sequence[_Row], what: str) -> list[str]:
    """A sentence if some of the rows have no final result."""
    states = Counter(str(row["status"]) for row in rows)
    lacking = [f"{states[status]} {status}" for status in ("failed", "pending", "partial") if states[status]]
    return [f"of {len(rows)} {what}, {' and '.join(lacking)}"] if lacking else []


def _require_numbers(what: str, *arrays: Float[np.ndarray, "..."]) -> None:
    if not any(np.isfinite(array).any() for array in arrays):
        raise SelectionError(
            f"there is nothing to draw: no result of {what} is there yet", remedy="finish the run first"
        )


def _outside(rows: Sequence[_Row]) -> list[str]:
    """Sentences about limits that lie outside the values of the POI, where nothing is drawn."""
    messages = []
    for key, kind in (("upper_limit_status", "observed"), ("upper_limit_exp_status", "expected")):
        for status, where in (("above_bound", "above the bound"), ("below_bound", "below the tested values")):
            n = sum(status in np.ravel(row.get(key) or []) for row in rows)
            if n:
                messages.append(f"{kind} limits of {n} of {len(rows)} points lie {where} of the POI and are not drawn")
    return messages
