"""From signal points to a figure of their contours in one call, with all that a user can choose about surfaces."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack, cast

from hfscale.errors import HfscaleWarning
from hfscale.plot.axes import Plane, select_plane
from hfscale.plot.contours import ExclusionContours, exclusion_contours
from hfscale.plot.keywords import FigureKeywords, LookKeywords, SurfaceKeywords
from hfscale.plot.points import PlanePoints
from hfscale.plot.significance import LARGEST_Z
from hfscale.plot.surfaces.settings import DEFAULT_INTERPOLATION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hfscale.plot.discovery import DiscoveryContours
    from hfscale.plot.interpolation_error import InterpolationError
    from hfscale.plot.markers import Numbers
    from hfscale.plot.suggestions import Suggestion


class Drawn(NamedTuple):
    """Signal points in a plane, and their contours."""

    plane: Plane
    contours: ExclusionContours


def find_contours(
    points: PlanePoints, x: str, y: str, select: str | None = None, **surface: Unpack[SurfaceKeywords]
) -> Drawn:
    """Place signal points in a plane and find their contours.

    Args:
        points: All signal points.
        x: Expression of the labels for the first axis, such as ``m_sbottom``.
        y: The same for the second axis.
        select: Condition that makes the points one plane, such as ``m_n1 == 60``.
        **surface: As `SurfaceKeywords` tells.

    Raises:
        SelectionError: The points are not one plane, or an option is wrong.
    """
    plane = select_plane(
        points,
        x,
        y,
        select,
        project=surface.get("project", False),
        log_x=surface.get("log_x", False),
        log_y=surface.get("log_y", False),
        sigma_max=surface.get("sigma_max", LARGEST_Z),
    )
    contours = exclusion_contours(
        plane,
        level=surface.get("level"),
        interpolation=surface.get("interpolation", DEFAULT_INTERPOLATION),
        smoothing=surface.get("smoothing"),
        epsilon=surface.get("epsilon"),
        forbidden=surface.get("forbidden"),
        forbidden_style=surface.get("forbidden_style", "cut"),
    )
    return Drawn(plane, contours)


def contour_figure(
    points: PlanePoints,
    x: str,
    y: str,
    select: str | None = None,
    *,
    bands: int = 1,
    expected_lines: Sequence[int] = (),
    numbers: "Numbers | None" = None,
    error: bool = False,
    **choices: Unpack[FigureKeywords],
) -> "Figure":
    """Draw the contours of signal points; what a reader of the figure should know is also warned of.

    Args:
        points: All signal points.
        x: Expression of the labels for the first axis.
        y: The same for the second axis.
        select: Condition that makes the points one plane.
        bands, expected_lines, numbers: As `hfscale.plot.figure.draw_contour`.
        error: Whether to draw how far the contour may be off because surfaces are only known at the points.
        **choices: As `SurfaceKeywords` and `hfscale.plot.look.Look` tell.

    Raises:
        SelectionError: The points are not one plane, or an option is wrong.
    """
    from hfscale.plot.figure import draw_contour
    from hfscale.plot.interpolation_error import interpolation_error

    surface, look = split_choices(choices)
    plane, contours = find_contours(points, x, y, select, **surface)
    for remark in contours.remarks:
        warnings.warn(remark, HfscaleWarning, stacklevel=2)
    found = interpolation_error(plane, contours) if error else None
    lines: dict[str, Any] = {"bands": bands, "expected_lines": expected_lines}
    return draw_contour(contours, plane, numbers=numbers, error=found, **lines, **look)


def several_figure(
    searches: Mapping[str, PlanePoints], x: str, y: str, select: str | None = None, **choices: Unpack[FigureKeywords]
) -> "Figure":
    """Draw the contours of several searches over each other.

    Args:
        searches: What each is called -> its signal points.
        x, y, select: As `contour_figure`.
        **choices: As `contour_figure`.

    Raises:
        SelectionError: The points of a search are not one plane, or an option is wrong.
    """
    from hfscale.plot.several import draw_several

    surface, look = split_choices(choices)
    found = {name: find_contours(points, x, y, select, **surface) for name, points in searches.items()}
    for name, drawn in found.items():
        for remark in drawn.contours.remarks:
            warnings.warn(f"{name}: {remark}", HfscaleWarning, stacklevel=2)
    return draw_several(found, **look)


class DrawnDiscovery(NamedTuple):
    """Signal points in a plane, and their discovery contours."""

    plane: Plane
    contours: "DiscoveryContours"


def find_discovery(
    points: PlanePoints,
    x: str,
    y: str,
    select: str | None,
    significances: Sequence[float],
    **surface: Unpack[SurfaceKeywords],
) -> DrawnDiscovery:
    """Place signal points in a plane and find their discovery contours.

    Args:
        points: All signal points, with significances.
        x, y, select: As `find_contours`.
        significances: Z on the contours.
        **surface: As `SurfaceKeywords` tells; ``level``, ``sigma_max`` and ``forbidden_style`` have no effect.

    Raises:
        SelectionError: The points are not one plane, or an option is wrong.
    """
    from hfscale.plot.discovery import discovery_contours

    plane = select_plane(
        points,
        x,
        y,
        select,
        project=surface.get("project", False),
        log_x=surface.get("log_x", False),
        log_y=surface.get("log_y", False),
    )
    contours = discovery_contours(
        plane,
        significances,
        interpolation=surface.get("interpolation", DEFAULT_INTERPOLATION),
        smoothing=surface.get("smoothing"),
        epsilon=surface.get("epsilon"),
        forbidden=surface.get("forbidden"),
    )
    return DrawnDiscovery(plane, contours)


def split_choices(choices: FigureKeywords) -> tuple[SurfaceKeywords, LookKeywords]:
    """Tell what is chosen about surfaces from what is chosen about the look of a figure."""
    surface: dict[str, Any] = {key: value for key, value in choices.items() if key in SurfaceKeywords.__annotations__}
    look: dict[str, Any] = {key: value for key, value in choices.items() if key not in surface}
    return cast(SurfaceKeywords, surface), cast(LookKeywords, look)


def next_points(
    points: PlanePoints, x: str, y: str, select: str | None = None, *, n: int = 10, **surface: Unpack[SurfaceKeywords]
) -> "tuple[Suggestion, ...]":
    """Suggest signal points to generate, see :func:`hfscale.plot.suggestions.suggest_points`.

    Raises:
        SelectionError: The points are not one plane, there is no contour, or an option is wrong.
    """
    from hfscale.plot.suggestions import suggest_points

    plane, contours = find_contours(points, x, y, select, **surface)
    return suggest_points(plane, contours, n)


def error_between(
    points: PlanePoints, x: str, y: str, select: str | None = None, **surface: Unpack[SurfaceKeywords]
) -> "InterpolationError":
    """Estimate how far the contour may be off, see :func:`hfscale.plot.interpolation_error.interpolation_error`.

    Raises:
        SelectionError: The points are not one plane or all corners of their hull, or an option is wrong.
    """
    from hfscale.plot.interpolation_error import interpolation_error

    plane, contours = find_contours(points, x, y, select, **surface)
    return interpolation_error(plane, contours)
