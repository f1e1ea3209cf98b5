"""What all surfaces of one contour figure have in common: the finished points, the grid, and how surfaces are laid."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hfscale.errors import SelectionError
from hfscale.plot.axes import Plane
from hfscale.plot.forbidden import parse_forbidden
from hfscale.plot.mirrored import Mirrored, mirror_points
from hfscale.plot.quantities import UPPER_LIMITS
from hfscale.plot.surfaces.grid import Grid, make_grid
from hfscale.plot.surfaces.interpolate import interpolate
from hfscale.plot.surfaces.settings import ForbiddenStyle, SurfaceSettings


@dataclass(frozen=True)
class Ground:
    """Where surfaces are known, and where they are evaluated.

    Args:
        places: Of the points that enter the surfaces, in coordinates of the axes.
        grid: Where surfaces are evaluated.
        settings: How they are laid.
        mirrored: Points added beyond the edge of a forbidden region, or None.
    """

    places: Float[np.ndarray, "point 2"]
    grid: Grid
    settings: SurfaceSettings
    mirrored: Mirrored | None = None

    def surfaces(self, Z: Float[np.ndarray, "point surface"]) -> Float[np.ndarray, "surface row column"]:
        """Return surfaces on the grid.

        Args:
            Z: Heights at the points; a surface without any finite one is NaN everywhere.

        Raises:
            SelectionError: The settings determine no surface.
        """
        if self.mirrored is None:
            return interpolate(self.places, Z, self.grid, self.settings)
        places = np.concatenate([self.places, self.mirrored.places])
        return interpolate(places, np.concatenate([Z, self.mirrored.heights(Z)]), self.grid, self.settings)


def make_ground(
    plane: Plane,
    settings: SurfaceSettings,
    *,
    forbidden: str | None = None,
    forbidden_style: str = "cut",
    size: int = 200,
) -> Ground:
    """Return what the surfaces through the finished points of a plane have in common.

    Args:
        plane: The points.
        settings: How surfaces are laid.
        forbidden: Condition that is true where no contour can be, such as ``y > x - 125``, in x, y and labels; or None.
        forbidden_style: ``cut`` ends lines at the edge of that region; ``histfitter`` also makes them turn before it,
            see :mod:`hfscale.plot.mirrored`.
        size: Rows and columns of the grid.

    Raises:
        SelectionError: Too few points are finished, or the forbidden region cannot be evaluated.
    """
    _check_style(plane, forbidden, forbidden_style)
    places = plane.places[plane.done]
    region = None if forbidden is None else parse_forbidden(forbidden, plane.labels, plane.places)
    grid = make_grid(places, size=size, log=plane.log, forbidden=region)
    if region is None or forbidden_style == "cut":
        return Ground(places, grid, settings)
    mirrored = mirror_points(places, region, plane.log)
    around = np.concatenate([places, mirrored.feet])
    return Ground(places, make_grid(around, size=size, log=plane.log, forbidden=region), settings, mirrored)


def _check_style(plane: Plane, forbidden: str | None, style: str) -> None:
    known: tuple[ForbiddenStyle, ...] = ("cut", "histfitter")
    if style not in known:
        raise SelectionError(f"no style {style!r} of forbidden regions", remedy=f"choose one of {', '.join(known)}")
    if style == "histfitter" and forbidden is None:
        raise SelectionError(
            "there is no forbidden region to draw in the style 'histfitter'", remedy="give its condition"
        )
    if style == "histfitter" and plane.quantity.height is UPPER_LIMITS.height:
        raise SelectionError(
            "the style 'histfitter' of forbidden regions mirrors significances, and these are upper limits",
            remedy="choose the style 'cut'",
        )
