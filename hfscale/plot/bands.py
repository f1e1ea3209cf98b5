"""Expected results with their bands of one and two standard deviations, along one axis."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hfscale.plot.styles import Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_EXPECTED: dict[str, Any] = {"linestyle": (0, (5, 2)), "linewidth": 2.0}
_OBSERVED: dict[str, Any] = {"linestyle": "solid", "linewidth": 1.8, "marker": "o", "ms": 3.4}


def draw_expected(
    axes: "Axes",
    x: Float[np.ndarray, " place"],
    band: Float[np.ndarray, "place nsigma"],
    palette: Palette,
    label: str,
) -> list[Artist]:
    """Draw the median and both bands, and return their entries for a legend.

    Args:
        axes: Where to draw.
        x: Ascending.
        band: Results for -2, -1, 0, +1 and +2 standard deviations; the bands have gaps where one is NaN.
        palette: Colours.
        label: What the median is called.
    """
    for low, high, colour, name in ((0, 4, palette.two_sigma, "two"), (1, 3, palette.one_sigma, "one")):
        known = np.isfinite(band[:, [low, high]]).all(axis=1)
        look: dict[str, Any] = {"color": colour, "linewidth": 0.0, "gid": f"{name}-sigma band"}
        axes.fill_between(x, band[:, low], band[:, high], where=known.tolist(), zorder=1.0, **look)
    look = {"color": palette.expected} | _EXPECTED
    axes.add_line(Line2D(x, band[:, 2], zorder=2.5, gid="expected", **look))
    return [
        Line2D([], [], label=label, **look),
        Patch(label=r"Expected $\pm 1\,\sigma$", facecolor=palette.one_sigma),
        Patch(label=r"Expected $\pm 2\,\sigma$", facecolor=palette.two_sigma),
    ]


def draw_observed(
    axes: "Axes",
    x: Float[np.ndarray, " place"],
    y: Float[np.ndarray, " place"],
    palette: Palette,
    label: str,
    interval: Float[np.ndarray, "place side"] | None = None,
) -> list[Artist]:
    """Draw the observed results as points and a line, and return their entry for a legend; nothing if there are none.

    Args:
        axes: Where to draw.
        x: Ascending.
        y: Results, NaN where there is none, which leaves a gap.
        palette: Colours.
        label: What they are called.
        interval: Lower and upper end of their uncertainty, drawn as error bars.
    """
    if not np.isfinite(y).any():
        return []
    look = {"color": palette.observed} | _OBSERVED
    axes.add_line(Line2D(x, y, zorder=3.0, gid="observed", **look))
    if interval is not None:
        known = np.isfinite(interval).all(axis=1) & np.isfinite(y)
        bars = axes.vlines(x[known], interval[known, 0], interval[known, 1], color=palette.observed, linewidth=1.2)
        bars.set(zorder=3.0, gid="observed interval")
    return [Line2D([], [], label=label, **look)]
