"""Pictures of best fits and rankings in a store: those that cabinetry draws (extra `cabinetry`), and group impacts."""

import fnmatch
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from hfscale.errors import SelectionError
from hfscale.plot.labels import axis_label
from hfscale.reading.fits import FittedPoint
from hfscale.reading.group_impacts import impacts_of_groups, sums_of_impacts
from hfscale.reading.rankings import RankedPoint
from hfscale.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_Point = TypeVar("_Point", FittedPoint, RankedPoint)


def pulls(
    results: Results,
    point: str | None = None,
    *,
    exclude: Sequence[str] = (),
    style: str = "plain",
    title: str | None = None,
) -> "Figure":
    """Draw the best fit and error of every parameter of a signal point but those fixed or called ``staterror_...``.

    Args:
        results: Of a fit or a ranking.
        point: Name of the point, or a pattern that one name matches; not needed where there is one point only.
        exclude: Patterns of parameters that are left out.
        style: ``plain``, ``ATLAS`` or ``CMS``.
        title: Text above the figure.

    Raises:
        SelectionError: A store of another kind, no such point or several, no result yet, or no parameter is left.
        InputError: cabinetry is not installed.
    """
    from hfscale.plot.cabinetry.fits import draw_pulls

    fit = _chosen(results.fits(), point)
    left_out = [name for name in fit.parameters if any(fnmatch.fnmatchcase(name, pattern) for pattern in exclude)]
    return draw_pulls(fit.to_cabinetry(), exclude=left_out, style=style, title=title)


def correlations(
    results: Results,
    point: str | None = None,
    *,
    threshold: float = 0.0,
    style: str = "plain",
    title: str | None = None,
) -> "Figure":
    """Draw the correlation matrix of a signal point.

    Args:
        results, point, style, title: As `pulls`.
        threshold: Parameters without a correlation of this size are left out.

    Raises:
        SelectionError, InputError: As `pulls`.
    """
    from hfscale.plot.cabinetry.fits import draw_correlations

    fit = _chosen(results.fits(), point)
    return draw_correlations(fit.to_cabinetry(), threshold=threshold, style=style, title=title)


def ranking(
    results: Results,
    point: str | None = None,
    *,
    most: int | None = None,
    style: str = "plain",
    title: str | None = None,
) -> "Figure":
    """Draw the impacts of the nuisance parameters of a signal point on its POI.

    Args:
        results: Of a ranking.
        point, style, title: As `pulls`.
        most: How many parameters are shown; all by default.

    Raises:
        SelectionError, InputError: As `pulls`.
    """
    from hfscale.plot.cabinetry.fits import draw_ranking

    ranked = _chosen(results.rankings(), point)
    return draw_ranking(ranked.to_cabinetry(), most=most, style=style, title=title)


def groups(
    results: Results,
    point: str | None = None,
    *,
    patterns: Mapping[str, Sequence[str]] | None = None,
    most: int | None = None,
    style: str = "plain",
    title: str | None = None,
) -> "Figure":
    """Draw the impacts of groups of nuisance parameters of a signal point on its POI; cabinetry is not needed.

    Args:
        results: Of a ranking.
        point, style, title: As `pulls`.
        patterns: Name of each group -> patterns of its parameters; those of the ranking by default.
        most: How many groups are shown; all by default.

    Raises:
        SelectionError: As `pulls`, the patterns of a group match no parameter, or the POI is held or at a bound.
    """
    from hfscale.plot.group_impacts import draw_group_impacts

    ranked = _chosen(results.rankings(), point)
    found = impacts_of_groups(ranked, patterns)
    return draw_group_impacts(
        found[:most], sums_of_impacts(ranked), poi=axis_label(ranked.poi), style=style, title=title
    )  # fmt: skip


def _chosen(points: Sequence[_Point], pattern: str | None) -> _Point:
    """The only point that a pattern matches, with a result."""
    named = {(one.fit if isinstance(one, RankedPoint) else one).name: one for one in points}
    names = [name for name in named if pattern is None or fnmatch.fnmatchcase(name, pattern)]
    if pattern in named:
        names = [pattern]
    if len(names) != 1:
        raise SelectionError(
            f"{len(names)} signal points match {pattern or '*'!r}, and one can be drawn",
            remedy=f"name one with --point, such as {', '.join(list(named)[:3])}",
        )
    found = named[names[0]]
    fit = found.fit if isinstance(found, RankedPoint) else found
    if fit.status != "ok":
        raise SelectionError(f"the point {fit.name!r} has the status {fit.status}", remedy="draw another, or finish it")
    return found
