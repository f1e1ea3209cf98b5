"""Exclusion contours of several searches in one figure."""

from collections.abc import Mapping
from typing import Unpack

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hfscale.errors import SelectionError
from hfscale.plot.axes import Plane
from hfscale.plot.contours import ExclusionContours, named_lines
from hfscale.plot.figure import confidence, say_what_is_missing, set_limits
from hfscale.plot.keywords import LookKeywords
from hfscale.plot.look import Look
from hfscale.plot.outlines import Lines
from hfscale.plot.overlays import draw_forbidden
from hfscale.plot.strokes import EXPECTED, OBSERVED, draw_line
from hfscale.plot.styles import SERIES

Search = tuple[Plane, ExclusionContours]
"""The signal points of a search in the plane, and their contours."""


def draw_several(searches: Mapping[str, Search], **look: Unpack[LookKeywords]) -> Figure:
    """Draw the observed and the expected contour of several searches, each in a colour of its own.

    Args:
        searches: What each is called -> its points and contours, all in the same axes and at the same level.
        look: See `hfscale.plot.look.Look`.

    Raises:
        SelectionError: There are none, or too many to tell apart, their axes or levels differ, or no such style.
        InputError: A style file cannot be read.
    """
    _check(searches)
    planes = [plane for plane, _ in searches.values()]
    (_, first), *_ = searches.values()
    with Look(**look).canvas(planes[0]) as drawn:
        axes = drawn.axes
        missing: list[str] = []
        entries: list[Line2D] = []
        for (name, (_, contours)), colour in zip(searches.items(), SERIES, strict=False):
            text = name.replace("$", r"\$")
            draw_line(axes, contours.observed, f"observed {name}", text, OBSERVED | {"color": colour})
            draw_line(axes, contours.expected[2], f"expected {name}", text, EXPECTED | {"color": colour})
            missing += [f"{name}: {message}" for message in contours.messages]
            entries.append(Line2D([], [], label=text, color=colour, linewidth=3.0))
        entries += [Line2D([], [], label="Observed limit", color=drawn.palette.points, **OBSERVED)]
        entries += [Line2D([], [], label="Expected limit", color=drawn.palette.points, **EXPECTED)]
        hatched = draw_forbidden(axes, first.grid, drawn.palette)
        set_limits(axes, *planes)
        say_what_is_missing(axes, missing)
        drawn.explain([*entries, *hatched], confidence(first.level))
    return drawn.figure


def lines_of_several(searches: Mapping[str, Search]) -> dict[str, Lines]:
    """All lines of several searches, named after the search and the line: ``search/observed``."""
    return {
        f"{name}/{line}": pieces
        for name, (_, contours) in searches.items()
        for line, pieces in named_lines(contours).items()
    }


def _check(searches: Mapping[str, Search]) -> None:
    if not 0 < len(searches) <= len(SERIES):
        raise SelectionError(
            f"{len(searches)} searches cannot be told apart in one figure", remedy=f"draw from 1 to {len(SERIES)}"
        )
    axes = {(plane.x_text, plane.y_text, plane.log) for plane, _ in searches.values()}
    if len(axes) > 1:
        raise SelectionError("the searches are drawn in different axes", remedy="give all the same axes")
    levels = sorted({contours.level for _, contours in searches.values()})
    if len(levels) > 1:
        raise SelectionError(
            f"the contours are at different levels of CLs: {', '.join(f'{level:g}' for level in levels)}",
            remedy="draw contours of one level",
        )
