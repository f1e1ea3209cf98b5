"""Discovery contours: where the significance of a signal over the background alone reaches 3, 5, or others.

The significance Z itself is interpolated between signal points. Unlike that of exclusion contours, it is not clipped at
5, which is where one of the contours is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hfscale.errors import SelectionError
from hfscale.plot.axes import Plane
from hfscale.plot.figure import say_what_is_missing, set_limits
from hfscale.plot.ground import Ground, make_ground
from hfscale.plot.keywords import LookKeywords
from hfscale.plot.look import Look
from hfscale.plot.markers import Numbers, draw_numbers, draw_standings, make_room
from hfscale.plot.outlines import Lines, lines_at
from hfscale.plot.overlays import draw_forbidden
from hfscale.plot.quantities import DISCOVERY
from hfscale.plot.standing import Standing
from hfscale.plot.strokes import EXPECTED, OBSERVED, draw_line
from hfscale.plot.surfaces.settings import DEFAULT_INTERPOLATION, SurfaceSettings

SIGNIFICANCES = (3.0, 5.0)
"""Those of evidence and of observation."""
_MEDIAN = 2
_WIDTHS = (1.6, 2.8, 2.2, 1.2)


@dataclass(frozen=True)
class DiscoveryContours:
    """Discovery contours of one plane of signal points.

    Attributes:
        significances: Z on the contours, ascending.
        ground: Where surfaces are known and evaluated.
        observed: Lines of the observed contour for each of them.
        expected: Lines of the median expected contour of a signal with the POI at 1, for each of them.
        messages: Why a contour is missing, a sentence each.
    """

    significances: tuple[float, ...]
    ground: Ground
    observed: tuple[Lines, ...]
    expected: tuple[Lines, ...]
    messages: tuple[str, ...]


def discovery_contours(
    plane: Plane,
    significances: Sequence[float] = SIGNIFICANCES,
    *,
    interpolation: str = DEFAULT_INTERPOLATION,
    smoothing: float | None = None,
    epsilon: float | None = None,
    forbidden: str | None = None,
    size: int = 200,
) -> DiscoveryContours:
    """Find the discovery contours of a plane of signal points.

    Args:
        plane: From :func:`hfscale.plot.axes.select_plane`, of significances.
        significances: Z on the contours.
        interpolation, smoothing, epsilon, forbidden, size: As in `hfscale.plot.contours.exclusion_contours`.

    Raises:
        SelectionError: The plane is not of significances, none above 0 is asked for, or the points do not span a plane.
    """
    if plane.quantity != DISCOVERY:
        raise SelectionError(
            "discovery contours are drawn of significances, and these are other results",
            remedy="compute them with hfscale significance",
        )
    chosen = tuple(sorted({float(Z) for Z in significances}))
    if not chosen or len(chosen) > len(_WIDTHS) or not all(0.0 < Z < np.inf for Z in chosen):
        raise SelectionError(
            f"there are no contours of the significances {', '.join(f'{Z:g}' for Z in chosen) or 'of an empty list'}",
            remedy=f"choose from 1 to {len(_WIDTHS)} numbers above 0, such as 3 and 5",
        )
    ground = make_ground(plane, SurfaceSettings(interpolation, smoothing, epsilon), forbidden=forbidden, size=size)
    heights = np.column_stack([plane.Z_obs, plane.Z_exp[:, _MEDIAN]])[plane.done]
    surfaces = ground.surfaces(heights)
    observed, expected = (tuple(lines_at(ground.grid, surface, Z) for Z in chosen) for surface in surfaces)
    return DiscoveryContours(chosen, ground, observed, expected, _messages(heights, chosen))


def discovery_lines(contours: DiscoveryContours) -> dict[str, Lines]:
    """All lines by name: ``observed_Z=3``, ``expected_Z=3`` and so on."""
    sides = (("observed", contours.observed), ("expected", contours.expected))
    return {
        f"{kind}_Z={Z:g}": found
        for kind, lines in sides
        for Z, found in zip(contours.significances, lines, strict=True)
    }


def draw_discovery(
    contours: DiscoveryContours, plane: Plane, *, numbers: Numbers | None = None, **look: Unpack[LookKeywords]
) -> Figure:
    """Draw discovery contours and the signal points.

    Args:
        contours: What to draw.
        plane: The points that the contours were made from.
        numbers: Numbers to write beside the points, or None.
        look: See `hfscale.plot.look.Look`.

    Raises:
        SelectionError: No such style.
        InputError: A style file cannot be read.
    """
    with Look(**look).canvas(plane) as drawn:
        axes, palette = drawn.axes, drawn.palette
        entries: list[Line2D] = []
        for kind, found, colour, base in (
            ("Observed", contours.observed, palette.observed, OBSERVED),
            ("Expected", contours.expected, palette.expected, EXPECTED),
        ):
            for Z, lines, width in zip(contours.significances, found, _WIDTHS, strict=False):
                stroke = base | {"color": colour, "linewidth": width}
                entries += draw_line(axes, lines, f"{kind.lower()} Z={Z:g}", f"{kind} $Z = {Z:g}$", stroke)
        hatched = draw_forbidden(axes, contours.ground.grid, palette)
        entries += draw_standings(axes, plane, _standings(plane), palette)
        entries += draw_numbers(axes, plane, numbers, palette)
        set_limits(axes, plane)
        make_room(axes, numbers)
        say_what_is_missing(axes, contours.messages)
        drawn.explain([*entries, *hatched])
    return drawn.figure


def _standings(plane: Plane) -> tuple[Standing, ...]:
    waiting = np.isin(plane.status, ("pending", "not_run"))
    found = (
        Standing("done", "Signal point", plane.done, "disc"),
        Standing("failed", "Failed point", ~plane.done & ~waiting, "cross"),
        Standing("waiting", "Point not computed", ~plane.done & waiting, "plus"),
    )
    return tuple(standing for standing in found if standing.points.any())


def _messages(heights: Float[np.ndarray, "point 2"], significances: Sequence[float]) -> tuple[str, ...]:
    messages = []
    for kind, values in zip(("observed", "expected"), heights.T, strict=True):
        if not np.isfinite(values).all():
            messages.append(f"there is no {kind} contour: no point has {kind} results")
            continue
        for Z in significances:
            if (values > Z).all() or (values <= Z).all():
                which = "all are" if (values > Z).all() else f"none of {len(values)} points is"
                messages.append(f"there is no {kind} contour of Z = {Z:g}: {which} above")
    return tuple(messages)
