"""Impacts of groups of nuisance parameters on the POI, beside its whole uncertainty."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hfscale.errors import SelectionError
from hfscale.plot.canvas import canvas
from hfscale.plot.styles import Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAR = 0.62
_INCHES_PER_BAR = 0.34
_WIDTH = 7.0


class Impact(NamedTuple):
    """What a group does to the POI; NaN where it is not known.

    Attributes:
        name: Of the group.
        impact: Difference in quadrature of the POI's uncertainty with the group free and frozen.
        component: Uncertainty of the POI from the group's auxiliary data (arXiv:2307.04007).
    """

    name: str
    impact: float
    component: float


def draw_group_impacts(
    groups: Sequence[Impact], sums: Sequence[Impact], *, poi: str, style: str = "plain", title: str | None = None
) -> Figure:
    """Draw a bar for the impact of every group, and a mark for its component.

    Args:
        groups: From the top down.
        sums: Bars of another colour above them, such as the total.
        poi: How the POI is written.
        style: As in :func:`hfscale.plot.canvas.canvas`.
        title: Text above the axes, or None.

    Raises:
        SelectionError: There is nothing to draw, the POI is held or at a bound, or no such style.
    """
    bars = [*sums, *groups]
    known = [value for bar in bars for value in (bar.impact, bar.component) if np.isfinite(value)]
    if not known or not groups:
        raise SelectionError("there are no impacts of groups to draw", remedy="name a group with --group NAME=PATTERN")
    if not any(known):
        raise SelectionError(
            f"the uncertainty of {poi} is 0: it is held, or ended at a bound",
            remedy="make a ranking with other bounds, with --bounds PAR=LOWER:UPPER",
        )
    with canvas(style) as drawn:
        axes, palette = drawn.axes, drawn.palette
        drawn.figure.set_size_inches(_WIDTH, 2.0 + _INCHES_PER_BAR * len(bars))
        axes.set_xlabel(f"Part of the uncertainty of {poi}", loc="right")
        axes.set_title(title or "", loc="left")
        places = np.arange(len(bars))[::-1]
        _draw_bars(axes, places, bars, len(sums), palette)
        axes.set_yticks(places, [bar.name.replace("$", r"\$") for bar in bars])
        axes.tick_params(axis="y", which="both", length=0)
        axes.minorticks_off()
        axes.set_ylim(-0.6, len(bars) - 0.4)
        axes.set_xlim(0.0, 1.08 * max(known))
        drawn.explain(_entries(palette))
    return drawn.figure


def _draw_bars(axes: "Axes", places: np.ndarray, bars: Sequence[Impact], n_sums: int, palette: Palette) -> None:
    colours = [palette.points] * n_sums + [palette.expected] * (len(bars) - n_sums)
    impacts, components = (np.array([bar[k] for bar in bars], dtype=np.float64) for k in (1, 2))
    axes.barh(places, np.nan_to_num(impacts), height=_BAR, color=colours, zorder=2.0)
    marks = axes.plot(components, places, color=palette.observed, linestyle="none", marker="D", ms=6.0, zorder=3.0)
    marks[0].set_gid("components")
    if n_sums:
        axes.axhline(len(bars) - n_sums - 0.5, color=palette.points, linewidth=0.8)


def _entries(palette: Palette) -> list[Artist]:
    component = Line2D([], [], color=palette.observed, linestyle="none", marker="D", ms=6.0)
    component.set_label("Component of the data")
    return [Patch(color=palette.expected, label="Impact of the group frozen"), component]
