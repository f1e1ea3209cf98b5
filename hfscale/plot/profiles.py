"""Profile likelihoods of one parameter as a curve, and of two as contours."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hfscale.inference.profile_levels import PROBABILITIES, height_of
from hfscale.plot.canvas import canvas
from hfscale.plot.styles import Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVE_LEVELS = tuple(height_of(p, 1) for p in PROBABILITIES)
"""t at the ends of the intervals of a single parameter, 1 and 3.84."""
_PLANE_LEVELS = tuple(height_of(p, 2) for p in PROBABILITIES)
"""t on the contours of two parameters, 2.30 and 5.99."""
_DASHES: tuple[Any, ...] = ("solid", (0, (5, 2)))
_LEAST_HEIGHT = 5.0


def draw_profile_curve(
    values: Float[np.ndarray, " value"],
    t: Float[np.ndarray, " value"],
    best_fit: float,
    *,
    name: str,
    intervals: Sequence[tuple[float, float] | None] = (),
    style: str = "plain",
    title: str | None = None,
) -> Figure:
    """Draw twice the profile of -ln L of a parameter above its minimum, with lines at t = 1 and 3.84.

    Args:
        values: Values of the parameter, ascending.
        t: The profile there; NaN leaves a gap.
        best_fit: Where the minimum is, marked where it lies among the values; NaN for none.
        name: How the parameter is written.
        intervals: Where t is at most 1 and 3.84, ends that are not known as NaN, to mark; None for none.
        style: As in :func:`hfscale.plot.canvas.canvas`.
        title: Text above the axes, or None.

    Raises:
        SelectionError: No such style.
    """
    with canvas(style) as drawn:
        axes, palette = drawn.axes, drawn.palette
        drawn.name_axes(name, r"$t = -2\,\ln\lambda$", title)
        look: dict[str, Any] = {"color": palette.observed, "linewidth": 1.8}
        axes.add_line(Line2D(values, t, zorder=3.0, gid="profile", **look))
        entries: list[Artist] = [Line2D([], [], label="Profile likelihood", **look)]
        height = max(1.1 * float(np.nanmax(t)), _LEAST_HEIGHT)
        for level, dashes, probability in zip(CURVE_LEVELS, _DASHES, PROBABILITIES, strict=True):
            line: dict[str, Any] = {"color": palette.points, "linestyle": dashes, "linewidth": 1.2}
            axes.axhline(level, zorder=2.0, gid=f"t = {level:.3g}", **line)
            entries.append(Line2D([], [], label=f"$t = {level:.3g}$ ({100 * probability:.3g}%)", **line))
        for level, ends in zip(CURVE_LEVELS, intervals):
            known = [end for end in ends or () if np.isfinite(end)]
            marks = axes.vlines(known, 0.0, level, color=palette.points, linestyle="dotted", linewidth=1.4)
            marks.set_gid(f"ends at t = {level:.3g}")
        axes.set_xlim(float(values[0]), float(values[-1]))
        axes.set_ylim(0.0, height)
        if values[0] <= best_fit <= values[-1]:
            entries += _mark_best(axes, best_fit, 0.0, palette)
        drawn.explain(entries)
    return drawn.figure


def draw_profile_plane(
    first: Float[np.ndarray, " first"],
    second: Float[np.ndarray, " second"],
    t: Float[np.ndarray, "first second"],
    best_fit: tuple[float, float],
    *,
    names: tuple[str, str],
    style: str = "plain",
    title: str | None = None,
) -> Figure:
    """Draw the contours of 68.3 % and 95 % of the profile likelihood of two parameters.

    Args:
        first, second: Values of the parameters, ascending.
        t: Twice the profile of -ln L above its minimum; NaN leaves a gap.
        best_fit: Where the minimum is.
        names: How the parameters are written.
        style: As in :func:`hfscale.plot.canvas.canvas`.
        title: Text above the axes, or None.

    Raises:
        SelectionError: No such style.
    """
    with canvas(style) as drawn:
        axes, palette = drawn.axes, drawn.palette
        drawn.name_axes(names[0], names[1], title)
        entries: list[Artist] = []
        for level, dashes, probability in zip(_PLANE_LEVELS, _DASHES, PROBABILITIES, strict=True):
            # The root of t is what straight lines between the values describe well.
            height = np.ma.masked_invalid(np.sqrt(t.T))
            if height.min() <= np.sqrt(level) <= height.max():
                contour = axes.contour(
                    first, second, height, levels=[float(np.sqrt(level))], colors=palette.observed, linestyles=[dashes]
                )
                contour.set_gid(f"{100 * probability:.3g}%")
            look: dict[str, Any] = {"color": palette.observed, "linestyle": dashes}
            entries.append(Line2D([], [], label=f"{100 * probability:.3g}%", **look))
        axes.set_xlim(float(first[0]), float(first[-1]))
        axes.set_ylim(float(second[0]), float(second[-1]))
        if first[0] <= best_fit[0] <= first[-1] and second[0] <= best_fit[1] <= second[-1]:
            entries += _mark_best(axes, *best_fit, palette)
        drawn.explain(entries)
    return drawn.figure


def _mark_best(axes: "Axes", x: float, y: float, palette: Palette) -> list[Artist]:
    """Mark the best fit, and return its entry for a legend."""
    look: dict[str, Any] = {"color": palette.expected, "marker": "o", "linestyle": "none", "ms": 7.0}
    axes.add_line(Line2D([x], [y], zorder=4.0, clip_on=False, gid="best fit", **look))
    return [Line2D([], [], label="Best fit", **look)]
