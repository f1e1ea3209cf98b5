"""What a reader should know of a contour whose surface does not go through all points, or is uncertain between them."""

import numpy as np
from jaxtyping import Float

from hfscale.plot.ground import Ground
from hfscale.plot.outlines import Lines
from hfscale.plot.surfaces.gaussian import GaussianSurfaces
from hfscale.plot.surfaces.interpolate import fit_surfaces

SPARSE = 0.5
"""Deviation of a height on the contour above which points count as sparse: CLs 0.05 may then be 0.016 or 0.13."""
_MOST_NAMES = 5


def surface_remarks(
    ground: Ground,
    heights: Float[np.ndarray, "point"],
    threshold: float,
    lines: Lines,
    *,
    names: tuple[str, ...],
    axes: tuple[str, str],
) -> tuple[str, ...]:
    """Return sentences about a contour, none where its surface goes through all points.

    Args:
        ground: The points and how surfaces are laid.
        heights: At the points.
        threshold: Height at the contour.
        lines: The contour.
        names: Of the points.
        axes: What x and y are called.
    """
    settings = ground.settings
    if (settings.is_exact and settings.interpolation != "gp") or not np.isfinite(heights).all():
        return ()
    points = ground.grid.frame.enter(ground.places)
    surface = fit_surfaces(points, heights[:, None], settings)
    wrong = np.flatnonzero((surface(points)[:, 0] > threshold) != (heights > threshold))
    remarks = []
    if len(wrong):
        listed = ", ".join(names[k] for k in wrong[:_MOST_NAMES]) + (", ..." if len(wrong) > _MOST_NAMES else "")
        remarks.append(
            f"the smoothed surface puts {len(wrong)} of {len(points)} points on the other side of the contour than"
            f" their results: {listed}"
        )
    if isinstance(surface, GaussianSurfaces) and lines:
        remarks += _sparse(ground, surface, np.concatenate(lines), axes)
    return tuple(remarks)


def _sparse(
    ground: Ground, surface: GaussianSurfaces, places: Float[np.ndarray, "vertex 2"], axes: tuple[str, str]
) -> list[str]:
    deviations = surface.deviations(ground.grid.frame.enter(places))[:, 0]
    worst = int(deviations.argmax())
    if deviations[worst] <= SPARSE:
        return []
    where = ", ".join(f"{name} = {value:.4g}" for name, value in zip(axes, places[worst].tolist(), strict=True))
    return [
        f"points are sparse along {np.mean(deviations > SPARSE):.0%} of the contour: the height of the Gaussian process"
        f" is uncertain by up to {deviations[worst]:.2g}, at {where}"
    ]
