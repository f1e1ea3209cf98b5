"""The lines and bands of exclusion contours, drawn on axes. Each function returns entries for a legend."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Polygon
from matplotlib.path import Path as Outline

from hfscale.plot.contours import ExclusionContours
from hfscale.plot.outlines import Lines
from hfscale.plot.points import NSIGMA
from hfscale.plot.styles import Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OBSERVED: dict[str, Any] = {"linestyle": "solid", "linewidth": 2.4, "zorder": 3.0}
EXPECTED: dict[str, Any] = {"linestyle": (0, (5, 2)), "linewidth": 2.0, "zorder": 3.0}
_DOTTED: dict[str, Any] = {"linestyle": "dotted", "linewidth": 1.2, "zorder": 2.9}
_SIGNAL: dict[str, Any] = {"linestyle": (0, (1, 1)), "linewidth": 1.5, "zorder": 2.9}
_QUANTILES: dict[int, Any] = {1: (0, (4, 1.5, 1, 1.5)), 2: (0, (1, 2.5))}


def draw_lines(axes: "Axes", contours: ExclusionContours, palette: Palette) -> list[Line2D]:
    """Draw the observed and the expected contour, and what the observed one is varied by."""
    observed, expected = {"color": palette.observed}, {"color": palette.expected}
    ends, varied = ([line for side in sides for line in side] for sides in (contours.uncertainty, contours.signal))
    return [
        *draw_line(axes, contours.observed, "observed", "Observed limit", observed | OBSERVED),
        *draw_line(axes, contours.expected[2], "expected", "Expected limit", expected | EXPECTED),
        *draw_line(axes, ends, "observed toys", "Observed, toys off by their 68% interval", observed | _DOTTED),
        *draw_line(axes, varied, "observed signal", r"Observed $\pm 1\,\sigma_\mathrm{theory}$", observed | _SIGNAL),
    ]


def draw_quantiles(
    axes: "Axes", contours: ExclusionContours, palette: Palette, sigmas: Sequence[int]
) -> list[Line2D]:  # fmt: skip
    """Draw the expected contours of some of -2, -1, +1 and +2 standard deviations as lines."""
    entries: list[Line2D] = []
    for sigma in sorted(set(sigmas), key=lambda n: (abs(n), n)):
        look = {"color": palette.expected, "linestyle": _QUANTILES[abs(sigma)], "linewidth": 1.2, "zorder": 2.8}
        lines = contours.expected[NSIGMA.index(sigma)]
        entries += draw_line(axes, lines, f"expected {sigma:+d} sigma", rf"Expected ${sigma:+d}\,\sigma$", look)
    return entries


def draw_bands(axes: "Axes", contours: ExclusionContours, palette: Palette, number: int) -> list[Patch]:
    """Fill the bands of one and, if `number` is 2, two standard deviations of the expected contour."""
    kinds = [("one", r"Expected $\pm 1\,\sigma$", palette.one_sigma, 1.0)]
    kinds += [("two", r"Expected $\pm 2\,\sigma$", palette.two_sigma, 0.9)]
    entries = []
    for (name, label, colour, zorder), region in list(zip(kinds, contours.bands, strict=True))[:number]:
        if not len(region.vertices):
            continue
        look: dict[str, Any] = {"facecolor": colour, "edgecolor": "none"}
        band = PathPatch(Outline(region.vertices, region.codes), zorder=zorder, gid=f"{name}-sigma band", **look)
        axes.add_patch(band)
        band.set_clip_path(Polygon(contours.grid.hull, transform=axes.transData))
        entries.append(Patch(label=label, **look))
    return entries


def draw_line(
    axes: "Axes", lines: Lines | Iterable[Any], name: str, label: str, look: dict[str, Any]
) -> list[Line2D]:  # fmt: skip
    """Draw the pieces of a contour, and return the entry for a legend; none if there are no pieces.

    Args:
        axes: Where.
        lines: The pieces.
        name: Their identity in files.
        label: The text of the entry.
        look: Properties of a `matplotlib.lines.Line2D`.
    """
    look = {"solid_capstyle": "butt"} | look
    pieces = list(lines)
    for line in pieces:
        axes.add_line(Line2D(line[:, 0], line[:, 1], gid=name, **look))
    return [Line2D([], [], label=label, **look)] if pieces else []
