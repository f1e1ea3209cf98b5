"""What lies over a contour figure: the forbidden region, and where the contour may be."""

from typing import TYPE_CHECKING, Any

from matplotlib.patches import Patch, PathPatch, Polygon
from matplotlib.path import Path as Outline

from hfscale.plot.interpolation_error import InterpolationError
from hfscale.plot.outlines import forbidden_region
from hfscale.plot.styles import Palette
from hfscale.plot.surfaces.grid import Grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_forbidden(axes: "Axes", grid: Grid, palette: Palette) -> list[Patch]:
    """Hatch the forbidden region over the bands, and return its entry for a legend; nothing if there is none."""
    region = forbidden_region(grid)
    if grid.forbidden is None or not len(region.vertices):
        return []
    look: dict[str, Any] = {"facecolor": "white", "edgecolor": palette.points, "hatch": "////", "linewidth": 0.0}
    axes.add_patch(PathPatch(Outline(region.vertices, region.codes), zorder=1.5, gid="forbidden region", **look))
    return [Patch(label=f"Forbidden: {grid.forbidden.text}".replace("$", r"\$"), **look)]


def draw_error(axes: "Axes", grid: Grid, error: InterpolationError | None, palette: Palette) -> list[Patch]:
    """Hatch where the contour may be, and return its entry for a legend; nothing where that is not to be drawn."""
    if error is None or not len(error.region.vertices):
        return []
    colour = palette.observed if error.kind == "observed" else palette.expected
    look: dict[str, Any] = {"facecolor": "none", "edgecolor": colour, "hatch": "....", "linewidth": 0.0}
    patch = PathPatch(Outline(error.region.vertices, error.region.codes), zorder=1.2, gid="interpolation error", **look)
    axes.add_patch(patch)
    patch.set_clip_path(Polygon(grid.hull, transform=axes.transData))
    return [Patch(label=f"Interpolation error, {error.kind}", **look)]
