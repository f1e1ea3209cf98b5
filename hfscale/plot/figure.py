"""Exclusion contours as a matplotlib figure, without pyplot and without changing anybody's settings."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Polygon
from matplotlib.path import Path as Outline
from matplotlib.text import Text

from hfscale.errors import InputError
from hfscale.plot.axes import Plane
from hfscale.plot.contours import ExclusionContours, Lines, Region
from hfscale.plot.labels import axis_label
from hfscale.plot.significance import significance_of_level
from hfscale.plot.styles import PALETTES, Palette, style_settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What would make two equal figures differ as files is left out.
_METADATA: dict[str, dict[str, Any]] = {
    ".pdf": {"CreationDate": None},
    ".png": {"Software": None},
    ".svg": {"Date": None},
}


def draw_contour(
    contours: ExclusionContours,
    plane: Plane,
    *,
    style: str = "plain",
    title: str | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
) -> Figure:
    """Draw the observed and expected contours, the one-sigma band and the signal points.

    Args:
        contours: What to draw.
        plane: The points that the contours were made from.
        style: ``plain``, or ``ATLAS`` or ``CMS`` in the manner of these experiments (mplhep), without their names.
        title: Text above the axes, or None.
        x_label: Instead of the label made from the expression of x, for example with a unit.
        y_label: The same for y.

    Raises:
        SelectionError: No such style.
    """
    palette = PALETTES.get(style, PALETTES["plain"])
    with matplotlib.style.context(["default", style_settings(style)]):
        figure = Figure(layout="constrained")
        axes = figure.add_subplot()
        axes.set_xlabel(x_label or axis_label(plane.x_text), loc="right")
        axes.set_ylabel(y_label or axis_label(plane.y_text), loc="top")
        axes.set_title(title or "", loc="left")
        entries = [
            *_draw_lines(axes, contours, palette),
            *_draw_band(axes, contours, palette),
            *_draw_points(axes, plane, contours.level, palette),
        ]
        _set_limits(axes, plane)
        _say_what_is_missing(axes, contours)
        percent = f"{100 * (1 - contours.level):.10g}% CL"
        legend = figure.legend(handles=entries, title=percent, ncols=2, frameon=False, loc="outside upper left")
        legend.set_alignment("left")
        _fix_fonts(figure)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PDF, PNG or SVG, by the suffix of the path; equal figures give equal files.

    Raises:
        InputError: Another suffix, or the file cannot be written.
    """
    path = Path(path)
    check_figure_file(path)
    suffix = path.suffix.lower()
    settings: Any = {"svg.hashsalt": "hfscale", "svg.fonttype": "path", "pdf.fonttype": 42}
    with matplotlib.rc_context(settings):
        try:
            figure.savefig(path, format=suffix[1:], dpi=200, metadata=_METADATA[suffix])
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from error


def check_figure_file(path: Path) -> None:
    """Check, before anything is computed or written, that a figure can be written to the path.

    Raises:
        InputError: The suffix is that of no known format, the folder does not exist, or a folder is there.
    """
    if path.suffix.lower() not in _METADATA:
        raise InputError(
            f"cannot draw a figure as {path.name!r}", remedy=f"end the name in one of {', '.join(_METADATA)}"
        )
    if not path.absolute().parent.is_dir():
        raise InputError(f"cannot write {path}: its folder does not exist", remedy="make the folder first")
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder", remedy="give another name for the figure")


def _draw_lines(axes: "Axes", contours: ExclusionContours, palette: Palette) -> list[Line2D]:
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
    return entries


def _draw_band(axes: "Axes", contours: ExclusionContours, palette: Palette) -> list[Patch]:
    region: Region = contours.bands[0]
    if not len(region.vertices):
        return []
    look: dict[str, Any] = {"facecolor": palette.one_sigma, "edgecolor": "none"}
    band = PathPatch(Outline(region.vertices, region.codes), zorder=1.0, gid="one-sigma band", **look)
    axes.add_patch(band)
    band.set_clip_path(Polygon(contours.grid.hull, transform=axes.transData))
    return [Patch(label=r"Expected $\pm 1\,\sigma$", **look)]


def _draw_points(axes: "Axes", plane: Plane, level: float, palette: Palette) -> list[Line2D]:
    """Draw each signal point; what it is shows in its shape, not only in its colour."""
    Z = plane.Z_obs if plane.has_observed else plane.Z_exp[:, 2]
    excluded = plane.done & np.greater(Z, significance_of_level(level))
    waiting = np.isin(plane.status, ("pending", "not_run"))
    kinds: list[tuple[str, np.ndarray, dict[str, Any]]] = [
        ("Excluded point", excluded, {"marker": "o", "color": palette.points}),
        ("Point not excluded", plane.done & ~excluded, {"marker": "o", "color": palette.points, "mfc": "white"}),
        ("Failed point", ~plane.done & ~waiting, {"marker": "x", "color": palette.problem, "mew": 1.4, "ms": 6.0}),
        ("Point not computed", ~plane.done & waiting, {"marker": "+", "color": palette.problem, "ms": 6.0}),
    ]
    entries = []
    for label, chosen, look in kinds:
        if chosen.any():
            marker: dict[str, Any] = {"linestyle": "none", "ms": 3.4, "mew": 0.8} | look
            axes.add_line(Line2D(plane.x[chosen], plane.y[chosen], zorder=2.0, gid=label, **marker))
            entries.append(Line2D([], [], label=label, **marker))
    return entries


def _set_limits(axes: "Axes", plane: Plane) -> None:
    for values, set_limits in ((plane.x, axes.set_xlim), (plane.y, axes.set_ylim)):
        margin = 0.04 * (np.ptp(values) or 1.0)
        set_limits(float(values.min() - margin), float(values.max() + margin))


def _say_what_is_missing(axes: "Axes", contours: ExclusionContours) -> None:
    if contours.messages:
        text = "\n".join(message[0].upper() + message[1:] for message in contours.messages)
        frame = {"boxstyle": "round", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", wrap=True, bbox=frame, zorder=4)


def _fix_fonts(figure: Figure) -> None:
    """Write the fonts of the style into the texts: names of generic families are else resolved when drawn, outside."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    family = get_font(findfont(FontProperties())).family_name
    mathematics = "dejavusans" if family == "DejaVu Sans" else "stixsans"
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            size = axis.get_major_ticks(1)[0].label1.get_fontsize()
            axis.set_tick_params(which="both", labelfontfamily=family, labelsize=size)
    figure.draw_without_rendering()  # makes the ticks while the style is in force
    for text in figure.findobj(Text):
        text.set_fontfamily(family)
        text.set_math_fontfamily(mathematics)
