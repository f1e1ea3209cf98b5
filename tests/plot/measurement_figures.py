"""Made-up fits, rankings, yields and templates, and the figures of them that are kept as references."""

import numpy as np
from cabinetry.fit.results_containers import FitResults, RankingResults
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredText
from matplotlib.text import Text

from hfscale.plot.cabinetry.data_mc import Stack, draw_data_mc
from hfscale.plot.cabinetry.fits import draw_correlations, draw_pulls, draw_ranking
from hfscale.plot.cabinetry.templates import Heights, Variation, draw_templates
from hfscale.plot.group_impacts import Impact, draw_group_impacts
from hfscale.plot.profiles import draw_profile_plane

_WHOLE, _UPPER, _LOWER = (0.05, 0.05, 0.9, 0.9), (0.05, 0.3, 0.9, 0.65), (0.05, 0.05, 0.9, 0.22)


def fit() -> FitResults:
    """Four parameters, one of which is held."""
    correlation = np.array([[1.0, 0.4, -0.7, 0.0], [0.4, 1.0, 0.1, 0.0], [-0.7, 0.1, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    values, errors = np.array([0.3, -1.2, 1.1, 1.0]), np.array([0.9, 0.5, 0.2, 0.0])
    return FitResults(values, errors, ["jets", "scale", "mu", "held"], correlation, 12.5)


def ranking() -> RankingResults:
    """Three nuisance parameters, one of which has no impacts that are known."""
    nothing = np.nan
    return RankingResults(
        np.array([0.3, -1.2, 0.0]),
        np.array([0.9, 0.5, 1.0]),
        ["jets", "scale", "unknown"],
        np.array([0.5, -0.2, nothing]),
        np.array([-0.45, 0.3, nothing]),
        np.array([0.4, -0.1, nothing]),
        np.array([-0.4, 0.12, nothing]),
    )


def stack(*, shown: bool = True) -> Stack:
    """Three samples in six bins; one bin is empty, and one sample has a negative yield in it."""
    yields = np.array([[1, 2, 0, 4, 8, 3], [20, 15, 0, 8, -1, 2], [40, 30, 0, 12, 7, 4]], dtype=np.float64)
    data = np.array([66, 44, 1, 27, 13, 9], dtype=np.float64) if shown else np.full(6, np.nan)
    edges = np.array([0.0, 10, 20, 40, 60, 100, 200])
    return Stack(
        "SR", "post-fit", ("signal", "top", "other"), yields, 0.1 * yields.sum(axis=0), data, edges, "mass [GeV]"
    )


def variation() -> Variation:
    """A template with an empty bin, moved up and down; only what is up was smoothed."""
    nominal = np.array([40.0, 25.0, 0.0, 6.0])
    errors = np.sqrt(nominal)
    up = nominal * [1.1, 1.0, 1.0, 0.8]
    return Variation(
        "region: SR\nsample: top\nsystematic: jets",
        "mass",
        np.array([0.0, 1.0, 2.0, 4.0, 5.0]),
        Heights(nominal, errors),
        Heights(up, errors),
        Heights(0.9 * nominal, errors),
        Heights(1.05 * nominal, errors),
        None,
    )


def measurement_figures() -> dict[str, Figure]:
    """The figures that are kept, by the names of their files."""
    x, y = np.linspace(-2.0, 3.0, 26), np.linspace(0.0, 2.0, 21)
    t = (x[:, None] - 0.5) ** 2 + 6.0 * (y - 1.0) ** 2 + 1.5 * (x[:, None] - 0.5) * (y - 1.0)
    sums = [Impact("total", 0.6, 0.61), Impact("statistical", 0.35, 0.36)]
    groups = [Impact("jets", 0.4, 0.38), Impact("MC statistics", 0.2, np.nan)]
    figures = {
        "pulls": draw_pulls(fit()),
        "correlations": draw_correlations(fit()),
        "ranking": draw_ranking(ranking()),
        "groups": draw_group_impacts(groups, sums, poi="mu"),
        "data_mc": draw_data_mc(stack()),
        "data_mc_log": draw_data_mc(stack(shown=False), log=True),
        "templates": draw_templates(variation()),
        "profile_plane": draw_profile_plane(x, y, t, (0.5, 1.0), names=("jets", "mu")),
    }
    return {name: without_text(figure) for name, figure in figures.items()}


def without_text(figure: Figure) -> Figure:
    """The figure without what depends on fonts, which versions of matplotlib draw differently."""
    below = [axes for axes in figure.axes[1:] if axes.get_position().y1 <= figure.axes[0].get_position().y0]
    figure.set_layout_engine("none")
    for axes in figure.axes:
        if axes.get_label() == "<colorbar>":
            axes.remove()
        legend = axes.get_legend()
        if legend is not None:
            legend.set_visible(False)
        axes.set_position(_LOWER if axes in below else _UPPER if below else _WHOLE)
        axes.tick_params(which="both", labelbottom=False, labelleft=False, labeltop=False)
    for artist in (*figure.findobj(Text), *figure.findobj(AnchoredText), *figure.legends):
        artist.set_visible(False)
    return figure
