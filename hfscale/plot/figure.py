"""Exclusion contours as a matplotlib figure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from hfscale.errors import SelectionError
from hfscale.plot.axes import Plane
from hfscale.plot.contours import ExclusionContours
from hfscale.plot.interpolation_error import InterpolationError
from hfscale.plot.keywords import LookKeywords
from hfscale.plot.look import Look
from hfscale.plot.markers import Numbers, draw_numbers, draw_points, make_room
from hfscale.plot.overlays import draw_error, draw_forbidden
from hfscale.plot.points import NSIGMA
from hfscale.plot.strokes import draw_bands, draw_lines, draw_quantiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARGIN = 0.04


def draw_contour(
    contours: ExclusionContours,
    plane: Plane,
    *,
    bands: int = 1,
    expected_lines: Sequence[int] = (),
    numbers: Numbers | None = None,
    error: InterpolationError | None = None,
    **look: Unpack[LookKeywords],
) -> Figure:
    """Draw the observed and expected contours, their bands, and the signal points.

    Args:
        contours: What to draw.
        plane: The points that the contours were made from.
        bands: Filled bands of the expected contour: 0 for none, 1 for one standard deviation, 2 for two as well.
        expected_lines: Standard deviations, of -2, -1, +1 and +2, for which the expected contour is drawn as a line.
        numbers: Numbers to write beside the points, or None.
        error: How far the contour may be off because surfaces are only known at the points, to be drawn; or None.
        look: See `hfscale.plot.look.Look`.

    Raises:
        SelectionError: No such style, number of bands or standard deviation.
        InputError: A style file cannot be read.
    """
    _check_quantiles(bands, expected_lines)
    with Look(**look).canvas(plane) as drawn:
        axes, palette = drawn.axes, drawn.palette
        entries = [
            *draw_lines(axes, contours, palette),
            *draw_quantiles(axes, contours, palette, expected_lines),
            *draw_bands(axes, contours, palette, bands),
            *draw_forbidden(axes, contours.grid, palette),
            *draw_error(axes, contours.grid, error, palette),
            *draw_points(axes, plane, plane.quantity.threshold(contours.level), palette),
            *draw_numbers(axes, plane, numbers, palette),
        ]
        set_limits(axes, plane)
        make_room(axes, numbers)
        say_what_is_missing(axes, contours.messages)
        drawn.explain(entries, confidence(contours.level))
    return drawn.figure


def _check_quantiles(bands: int, expected_lines: Sequence[int]) -> None:
    if bands not in (0, 1, 2):
        raise SelectionError(f"there are no {bands} bands", remedy="draw 0, 1 or 2")
    for sigma in expected_lines:
        if sigma not in NSIGMA or sigma == 0:
            raise SelectionError(
                f"there is no expected contour of {sigma:+d} standard deviations", remedy="choose -2, -1, +1 or +2"
            )


def confidence(level: float) -> str:
    """Return how the confidence level of a CLs is written."""
    return f"{100 * (1 - level):.10g}% CL"


def set_limits(axes: "Axes", *planes: Plane) -> None:
    """Show all points, with a margin, on logarithmic axes where the planes have them."""
    log = planes[0].log
    axes.set(xscale="log" if log[0] else "linear", yscale="log" if log[1] else "linear")
    axes.set_xlim(*_with_margin(np.concatenate([plane.x for plane in planes]), log[0]))
    axes.set_ylim(*_with_margin(np.concatenate([plane.y for plane in planes]), log[1]))


def _with_margin(values: Float[np.ndarray, " point"], log: bool) -> tuple[float, float]:
    least, most = float(values.min()), float(values.max())
    if log:
        factor = (most / least) ** _MARGIN
        return least / factor, most * factor
    margin = _MARGIN * ((most - least) or 1.0)
    return least - margin, most + margin


def say_what_is_missing(axes: "Axes", messages: Sequence[str]) -> None:
    """Write sentences into the middle of the axes."""
    if messages:
        text = "\n".join(message[0].upper() + message[1:] for message in messages)
        frame = {"boxstyle": "round", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", wrap=True, bbox=frame, zorder=4)
