"""Pulls, correlations and rankings, from cabinetry's containers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from hfscale.errors import SelectionError
from hfscale.plot.cabinetry.drawing import draw_with_cabinetry

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults, RankingResults

_HIDDEN = "staterror_"
"""How the names begin of parameters that cabinetry leaves out of pulls, as they are centred at 1."""


def draw_pulls(
    fit: "FitResults", *, exclude: Sequence[str] = (), style: str = "plain", title: str | None = None
) -> Figure:
    """Draw best fits and errors; parameters that are fixed or called ``staterror_...`` are never shown.

    Args:
        fit: What to draw.
        exclude: Names of parameters that are left out.
        style: As in :func:`hfscale.plot.canvas.canvas`.
        title: Text above the axes, or None.

    Raises:
        SelectionError: No parameter is left, or no such style.
        InputError: cabinetry is not installed.
    """
    shown = [
        name
        for name, error in zip(fit.labels, np.asarray(fit.uncertainty), strict=True)
        if error and not name.startswith(_HIDDEN)
    ]
    if not shown:
        raise SelectionError(
            f"all parameters are fixed or called {_HIDDEN}..., which are not drawn",
            remedy="look at them with hfscale show",
        )
    if set(shown) <= set(exclude):
        raise SelectionError("no parameter with an error is left to draw", remedy="exclude fewer of them")
    return draw_with_cabinetry(
        lambda visualize: visualize.pulls(fit, exclude=list(exclude), close_figure=False, save_figure=False),
        style=style,
        title=title,
    )


def draw_correlations(
    fit: "FitResults", *, threshold: float = 0.0, style: str = "plain", title: str | None = None
) -> Figure:
    """Draw the correlation matrix.

    Args:
        fit: What to draw.
        threshold: Parameters without a correlation of this size are left out.
        style, title: As `draw_pulls`.

    Raises:
        SelectionError: There are not two parameters to draw, no correlation is that large, or no such style.
        InputError: cabinetry is not installed.
    """
    matrix = np.asarray(fit.corr_mat)
    varied = matrix.any(axis=0)
    if varied.sum() < 2:
        raise SelectionError(
            "fewer than two parameters are varied in the fit, and have no correlations",
            remedy="look at them with hfscale show",
        )
    between = np.abs(matrix[np.ix_(varied, varied)])[~np.eye(varied.sum(), dtype=bool)]
    if not (between >= threshold).any():
        raise SelectionError(
            f"no correlation is as large as {threshold:g}", remedy=f"the largest is {between.max(initial=0.0):.3g}"
        )
    return draw_with_cabinetry(
        lambda visualize: visualize.correlation_matrix(
            fit, pruning_threshold=threshold, close_figure=False, save_figure=False
        ),
        style=style,
        title=title,
    )


def draw_ranking(
    ranking: "RankingResults", *, most: int | None = None, style: str = "plain", title: str | None = None
) -> Figure:
    """Draw the impacts of nuisance parameters, the largest after the fit first.

    Args:
        ranking: What to draw; impacts that are not known are drawn as none.
        most: How many parameters are shown; all by default.
        style, title: As `draw_pulls`.

    Raises:
        SelectionError: There is no nuisance parameter, or no such style.
        InputError: cabinetry is not installed.
    """
    if not ranking.labels:
        raise SelectionError("there is no nuisance parameter to draw", remedy="draw the ranking of another workspace")
    known = ranking._replace(
        prefit_up=np.nan_to_num(ranking.prefit_up),
        prefit_down=np.nan_to_num(ranking.prefit_down),
        postfit_up=np.nan_to_num(ranking.postfit_up),
        postfit_down=np.nan_to_num(ranking.postfit_down),
    )
    return draw_with_cabinetry(
        lambda visualize: visualize.ranking(known, max_pars=most, close_figure=False, save_figure=False),
        style=style,
        title=title,
    )
