"""Exclusion contours as a matplotlib figure."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Polygon
from matplotlib.path import Path as Outline

from hfscale.plot.axes import Plane
from hfscale.plot.canvas import canvas
from hfscale.plot.contours import ExclusionContours
from hfscale.plot.interpolation_error import InterpolationError
from hfscale.plot.labels import axis_label
from hfscale.plot.outlines import Lines, Region
from hfscale.plot.overlays import draw_error, draw_forbidden
from hfscale.plot.styles import Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARGIN = 0.04


def draw_contour(
    contours: ExclusionContours,
    plane: Plane,
    *,
    style: str = "plain",
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    error: InterpolationError | None = None,
) -> Figure:
    """Draw the observed and expected contours, the one-sigma band and the signal points.

    Args:
        contours: What to draw.
        plane: The points that the contours were made from.
        style: ``plain``, or ``ATLAS`` or ``CMS`` in the manner of these experiments (mplhep), without their names.
        title: Text above the axes, or None.
        x_label: Instead of the label made from the expression of x, for example with a unit.
        y_label: The same for y.
        error: How far the contour may be off because surfaces are only known at the points, to be drawn; or None.

    Raises:
        SelectionError: No such style.
    """
    with canvas(style) as drawn:
        axes, palette = drawn.axes, drawn.palette
        drawn.name_axes(x_label or axis_label(plane.x_text), y_label or axis_label(plane.y_text), title)
        entries = [
            *draw_lines(axes, contours, palette),
            *_draw_band(axes, contours, palette),
            *draw_forbidden(axes, contours.grid, palette),
            *draw_error(axes, contours.grid, error, palette),
            *_draw_points(axes, plane, plane.quantity.threshold(contours.level), palette),
        ]
        set_limits(axes, plane)
        _say_what_is_missing(axes, contours)
        drawn.explain(entries, confidence(contours.level))
    return drawn.figure


def confidence(level: float) -> str:
    """Return how the confidence level of a CLs is written."""
    return f"{100 * (1 - level):.10g}% CL"


def draw_lines(axes: "Axes", contours: ExclusionContours, palette: Palette) -> list[Line2D]:
    """Draw the observed and the expected contour, and return their entries for a legend."""
    kinds: list[tuple[str, Lines, str, Any, float]] = [
        ("Observed", contours.observed, palette.observed, "solid", 2.4),
        ("Expected", contours.expected[2], palette.expected, (0, (5, 2)), 2.0),
    ]
    entries = []
    for label, lines, colour, dashes, width in kinds:
        look: dict[str, Any] = {"color": colour, "linestyle": dashes, "linewidth": width, "solid_capstyle": "butt"}
        for line in lines:
            axes.add_line(Line2D(line[:, 0], line[:, 1], zorder=3.0, gid=label.lower(), **look))
        if lines:
            entries.append(Line2D([], [], label=f"{label} limit", **look))
    return entries + _draw_uncertainty(axes, contours, palette)


def _draw_uncertainty(axes: "Axes", contours: ExclusionContours, palette: Palette) -> list[Line2D]:
    """Draw the observed contour at both ends of the uncertainties that come from the number of toys."""
    look: dict[str, Any] = {"color": palette.observed, "linestyle": "dotted", "linewidth": 1.2}
    lines = [line for side in contours.uncertainty for line in side]
    for line in lines:
        axes.add_line(Line2D(line[:, 0], line[:, 1], zorder=2.9, gid="observed toys", **look))
    return [Line2D([], [], label="Observed, toys off by their 68% interval", **look)] if lines else []


def _draw_band(axes: "Axes", contours: ExclusionContours, palette: Palette) -> list[Patch]:
    region: Region = contours.bands[0]
    if not len(region.vertices):
        return []
    look: dict[str, Any] = {"facecolor": palette.one_sigma, "edgecolor": "none"}
    band = PathPatch(Outline(region.vertices, region.codes), zorder=1.0, gid="one-sigma band", **look)
    axes.add_patch(band)
    band.set_clip_path(Polygon(contours.grid.hull, transform=axes.transData))
    return [Patch(label=r"Expected $\pm 1\,\sigma$", **look)]


def _draw_points(axes: "Axes", plane: Plane, threshold: float, palette: Palette) -> list[Line2D]:
    """Draw each signal point; what it is shows in its shape, not only in its colour."""
    Z = plane.Z_obs if plane.has_observed else plane.Z_exp[:, 2]
    excluded = plane.done & np.greater(Z, threshold)
    waiting = np.isin(plane.status, ("pending", "not_run"))
    kinds: list[tuple[str, np.ndarray, dict[str, Any]]] = [
        ("Excluded point", excluded, {"marker": "o", "color": palette.points}),
        ("Point not excluded", plane.done & ~excluded, {"marker": "o", "color": palette.points, "mfc": "white"}),
        ("Failed point", ~plane.done & ~waiting, {"marker": "x", "color": palette.problem, "mew": 1.4, "ms": 6.0}),
        ("Point not computed", ~plane.done & waiting, {"marker": "+", "color": palette.problem, "ms": 6.0}),
        # Around the point, whose own shape stays visible.
        ("Asymptotics doubtful", plane.doubtful, {"marker": "D", "color": palette.problem, "mfc": "none", "ms": 7.0}),
    ]
    entries = []
    for label, chosen, look in kinds:
        if chosen.any():
            marker: dict[str, Any] = {"linestyle": "none", "ms": 3.4, "mew": 0.8} | look
            axes.add_line(Line2D(plane.x[chosen], plane.y[chosen], zorder=2.0, gid=label, **marker))
            entries.append(Line2D([], [], label=label, **marker))
    return entries


def set_limits(axes: "Axes", plane: Plane) -> None:
    """Show all points, with a margin, on logarithmic axes where the plane has them."""
    axes.set(xscale="log" if plane.log[0] else "linear", yscale="log" if plane.log[1] else "linear")
    axes.set_xlim(*_with_margin(plane.x, plane.log[0]))
    axes.set_ylim(*_with_margin(plane.y, plane.log[1]))


def _with_margin(values: Float[np.ndarray, " point"], log: bool) -> tuple[float, float]:
    least, most = float(values.min()), float(values.max())
    if log:
        factor = (most / least) ** _MARGIN
        return least / factor, most * factor
    margin = _MARGIN * ((most - least) or 1.0)
    return least - margin, most + margin


def _say_what_is_missing(axes: "Axes", contours: ExclusionContours) -> None:
    if contours.messages:
        text = "\n".join(message[0].upper() + message[1:] for message in contours.messages)
        frame = {"boxstyle": "round", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", wrap=True, bbox=frame, zorder=4)
