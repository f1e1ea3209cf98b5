"""How many toys each signal point has, in a plane of labels."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Int
from matplotlib.artist import Artist
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hfscale.plot.axes import Plane
from hfscale.plot.canvas import Canvas, canvas
from hfscale.plot.contours import ExclusionContours
from hfscale.plot.figure import confidence, set_limits
from hfscale.plot.labels import axis_label
from hfscale.plot.strokes import draw_lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = "cividis_r"
"""Dark where there are many toys; made for colour-vision deficiency: Nunez et al., PLoS ONE 13 (2018) e0199239."""
_WIDE = 5.0
"""Ratio of largest and smallest number from which on colours are spread over the logarithm."""


def draw_spent(
    plane: Plane,
    toys: Int[np.ndarray, " point"],
    failed: Int[np.ndarray, " point"],
    *,
    contours: ExclusionContours | None = None,
    style: str = "plain",
    title: str | None = None,
) -> Figure:
    """Draw the number of toys of every point as its colour, and mark points that failed or whose toys did.

    Args:
        plane: The points; those with status ``failed`` are crossed out.
        toys: Number of toys that were run at each point of the plane, failed ones included.
        failed: How many of them failed.
        contours: Contours of the same plane to draw with them, or None.
        style: As in :func:`hfscale.plot.canvas.canvas`.
        title: Text above the axes, or None.

    Raises:
        SelectionError: No such style.
    """
    with canvas(style) as drawn:
        axes = drawn.axes
        drawn.name_axes(axis_label(plane.x_text), axis_label(plane.y_text), title)
        _draw_numbers(drawn, plane, toys)
        entries: list[Artist] = [] if contours is None else [*draw_lines(axes, contours, drawn.palette)]
        crossed = np.array([status == "failed" for status in plane.status])
        problem: dict[str, Any] = {"color": drawn.palette.problem, "linestyle": "none"}
        kinds: list[tuple[str, Bool[np.ndarray, " point"], dict[str, Any]]] = [
            ("No toys", toys == 0, {"marker": "+", "ms": 6.0}),
            ("Some toys failed", (failed > 0) & ~crossed, {"marker": "s", "mfc": "none", "ms": 10.0}),
            ("Failed point", crossed, {"marker": "x", "ms": 9.0, "mew": 1.8}),
        ]
        for label, chosen, look in kinds:
            entries += _mark(axes, plane, chosen, label, problem | look)
        set_limits(axes, plane)
        drawn.explain(entries, "" if contours is None else confidence(contours.level))
    return drawn.figure


def _draw_numbers(drawn: Canvas, plane: Plane, toys: Int[np.ndarray, " point"]) -> None:
    some = toys > 0
    if not some.any():
        return
    least, most = float(toys[some].min()), float(toys[some].max())
    norm = LogNorm(least, most) if most > _WIDE * least else Normalize(0.0 if least == most else least, most)
    look: dict[str, Any] = {
        "cmap": _COLOURS,
        "norm": norm,
        "s": 46.0,
        "linewidths": 0.6,
        "edgecolors": drawn.palette.points,
    }
    points = drawn.axes.scatter(plane.x[some], plane.y[some], c=toys[some], zorder=2.0, gid="toys", **look)
    drawn.figure.colorbar(points, ax=drawn.axes, label="Toys of both hypotheses")


def _mark(
    axes: "Axes", plane: Plane, chosen: Bool[np.ndarray, " point"], label: str, look: dict[str, Any]
) -> list[Line2D]:
    if not chosen.any():
        return []
    axes.add_line(Line2D(plane.x[chosen], plane.y[chosen], zorder=3.5, gid=label, **look))
    return [Line2D([], [], label=label, **look)]
