"""The signal points of a contour figure: their markers, and numbers beside them."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.lines import Line2D

from hfscale.plot.axes import Plane
from hfscale.plot.standing import Standing, standings
from hfscale.plot.styles import Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHAPES: Mapping[str, dict[str, Any]] = {
    "disc": {"marker": "o"},
    "ring": {"marker": "o", "mfc": "white"},
    "cross": {"marker": "x", "mew": 1.4, "ms": 6.0},
    "plus": {"marker": "+", "ms": 6.0},
    "diamond": {"marker": "D", "mfc": "none", "ms": 7.0},
}
_PROBLEMS = ("cross", "plus", "diamond")
_ROOM = 0.04
_ABOVE = 3.0
"""Distance of a number from its point, in points of typography."""


class Numbers(NamedTuple):
    """Numbers to write beside signal points.

    Attributes:
        values: By the name of the point; nothing is written where there is none, or where it is not finite.
        label: What they are.
    """

    values: Mapping[str, float]
    label: str


def draw_points(axes: "Axes", plane: Plane, threshold: float, palette: Palette) -> list[Line2D]:
    """Draw each signal point, and return entries for a legend; what it is shows in its shape, not only in its colour.

    Args:
        axes: Where.
        plane: The points.
        threshold: Height above which a point is excluded.
        palette: Colours.
    """
    return draw_standings(axes, plane, standings(plane, threshold), palette)


def draw_standings(axes: "Axes", plane: Plane, kinds: tuple[Standing, ...], palette: Palette) -> list[Line2D]:
    """Draw kinds of signal points, and return entries for a legend."""
    entries = []
    for kind in kinds:
        colour = palette.problem if kind.shape in _PROBLEMS else palette.points
        look: dict[str, Any] = {"linestyle": "none", "ms": 3.4, "mew": 0.8, "color": colour} | _SHAPES[kind.shape]
        axes.add_line(Line2D(plane.x[kind.points], plane.y[kind.points], zorder=2.0, gid=kind.label, **look))
        entries.append(Line2D([], [], label=kind.label, **look))
    return entries


def draw_numbers(axes: "Axes", plane: Plane, numbers: Numbers | None, palette: Palette) -> list[Line2D]:
    """Write a number above each signal point that has one, and return the entry for a legend."""
    if numbers is None:
        return []
    size = 0.55 * float(axes.xaxis.label.get_fontsize())
    written = 0
    for name, x, y in zip(plane.names, plane.x, plane.y, strict=True):
        value = numbers.values.get(name, math.nan)
        if not math.isfinite(value):
            continue
        look: dict[str, Any] = {"color": palette.points, "fontsize": size, "ha": "center", "va": "bottom"}
        offset: dict[str, Any] = {"xytext": (0.0, _ABOVE), "textcoords": "offset points"}
        axes.annotate(f"{value:.2g}", (x, y), gid="number", zorder=2.1, clip_on=True, **offset, **look)
        written += 1
    marker: dict[str, Any] = {"marker": "$1.2$", "ms": 14.0, "mew": 0.2, "linestyle": "none", "color": palette.points}
    return [Line2D([], [], label=numbers.label, **marker)] if written else []


def make_room(axes: "Axes", numbers: Numbers | None) -> None:
    """Extend the vertical axis at its upper end, for the numbers of the uppermost points."""
    if numbers is None:
        return
    scale = axes.yaxis.get_transform()
    low, high = (float(end) for end in scale.transform(np.array(axes.get_ylim())))
    axes.set_ylim(top=float(scale.inverted().transform(np.array([high + _ROOM * (high - low)]))[0]))
