"""Pictures of best fits and rankings, drawn by cabinetry from the results in a store; needs the extra `cabinetry`."""

import fnmatch
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from hfscale.errors import InputError, SelectionError
from hfscale.reading.fits import FittedPoint
from hfscale.reading.rankings import RankedPoint
from hfscale.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_Point = TypeVar("_Point", FittedPoint, RankedPoint)


def pulls(results: Results, point: str | None = None, *, exclude: Sequence[str] = ()) -> "Figure":
    """Draw the best fit and error of every constrained parameter of a signal point.

    Args:
        results: Of a fit or a ranking.
        point: Name of the point, or a pattern that one name matches; not needed where there is one point only.
        exclude: Patterns of parameters that are left out.

    Raises:
        SelectionError: A store of another kind, no such point or several, or no result yet.
        InputError: cabinetry is not installed.
    """
    fit = _chosen(results.fits(), point)
    left_out = [name for name in fit.parameters if any(fnmatch.fnmatchcase(name, pattern) for pattern in exclude)]
    figure: Figure = _visualize().pulls(fit.to_cabinetry(), exclude=left_out, save_figure=False)
    return figure


def correlations(results: Results, point: str | None = None, *, threshold: float = 0.0) -> "Figure":
    """Draw the correlation matrix of a signal point.

    Args:
        results, point: As `pulls`.
        threshold: Parameters without a correlation of this size are left out.

    Raises:
        SelectionError, InputError: As `pulls`.
    """
    fit = _chosen(results.fits(), point)
    figure: Figure = _visualize().correlation_matrix(
        fit.to_cabinetry(), pruning_threshold=threshold, save_figure=False
    )  # fmt: skip
    return figure


def ranking(results: Results, point: str | None = None, *, most: int | None = None) -> "Figure":
    """Draw the impacts of the nuisance parameters of a signal point on its POI.

    Args:
        results: Of a ranking.
        point: As `pulls`.
        most: How many parameters are shown; all by default.

    Raises:
        SelectionError, InputError: As `pulls`.
    """
    ranked = _chosen(results.rankings(), point)
    figure: Figure = _visualize().ranking(ranked.to_cabinetry(), max_pars=most, save_figure=False)
    return figure


def _visualize() -> Any:
    try:
        from cabinetry import visualize
    except ImportError as error:
        raise InputError(
            "cabinetry, which draws this, is not installed", remedy="install it with pip install 'hfscale[cabinetry]'"
        ) from error
    return visualize


def _chosen(points: Sequence[_Point], pattern: str | None) -> _Point:
    """The only point that a pattern matches, with a result."""
    named = {(one.fit if isinstance(one, RankedPoint) else one).name: one for one in points}
    names = [name for name in named if pattern is None or fnmatch.fnmatchcase(name, pattern)]
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
