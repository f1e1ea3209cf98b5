"""Lines and filled regions where surfaces cross a height, clipped to where they are valid."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from contourpy import FillType, contour_generator
from jaxtyping import Float, Int

from hfscale.plot.clip import clip_line, cut_line
from hfscale.plot.surfaces.frame import Frame
from hfscale.plot.surfaces.grid import Grid

_NODES = 400

Lines = tuple[Float[np.ndarray, "_ 2"], ...]


class Region(NamedTuple):
    """A filled region: vertices and path codes of its outlines (1 begins, 2 continues, 79 closes), nonzero winding."""

    vertices: Float[np.ndarray, "vertex 2"]
    codes: Int[np.ndarray, "vertex"]


def lines_at(grid: Grid, surface: Float[np.ndarray, "row column"], z: float) -> Lines:
    """Return the lines where a surface has the height z, longest first, in coordinates of the axes.

    They end at the hull of the points and at the edge of the forbidden region.

    Args:
        grid: Where the surface was evaluated.
        surface: Its heights; there is no line where they are NaN.
        z: The height.
    """
    frame, hull = grid.frame, grid.frame.enter(grid.hull)
    found = contour_generator(x=grid.columns, y=grid.rows, z=surface).lines(z)
    lines = [piece for line in found for piece in clip_line(np.asarray(line), hull)]
    if grid.forbidden is not None:
        margin = grid.forbidden.margin
        lines = [piece for line in lines for piece in cut_line(line, lambda places: margin(frame.leave(places)))]
    lines.sort(key=_length, reverse=True)
    return tuple(frame.leave(line) for line in lines)


def region_between(
    grid: Grid, strong: Float[np.ndarray, "row column"], weak: Float[np.ndarray, "row column"], z: float
) -> Region:
    """Return where the larger one of two surfaces is above z and the smaller one is not.

    That is the region above z of the larger one minus that of the smaller one, which it contains. Taking outlines of
    both, the second reversed, also works where they leave the plane open. Radial functions can cross by a little; the
    surfaces are put in order first.
    """
    outer = _above(grid.columns, grid.rows, np.maximum(strong, weak), z)
    inner = [points[::-1] for points in _above(grid.columns, grid.rows, np.minimum(strong, weak), z)]
    return _region(grid.frame, [*outer, *inner])


def forbidden_region(grid: Grid) -> Region:
    """Return the forbidden region in the range of the points and a tenth beyond, empty where there is none."""
    if grid.forbidden is None:
        return _region(grid.frame, [])
    columns, rows = (
        np.linspace(ends[0] - 0.1 * np.ptp(ends), ends[-1] + 0.1 * np.ptp(ends), _NODES)
        for ends in (grid.columns, grid.rows)
    )
    nodes = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    margin = grid.forbidden.margin(grid.frame.leave(nodes)).reshape(_NODES, _NODES)
    return _region(grid.frame, _above(columns, rows, margin, 0.0))


def _region(frame: Frame, outlines: list[Float[np.ndarray, "_ 2"]]) -> Region:
    if not outlines:
        return Region(np.empty((0, 2)), np.empty(0, dtype=np.int64))
    codes = [np.array([1, *[2] * (len(points) - 2), 79], dtype=np.int64) for points in outlines]
    return Region(frame.leave(np.concatenate(outlines)), np.concatenate(codes))


def _length(line: Float[np.ndarray, "vertex 2"]) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def _above(
    columns: Float[np.ndarray, "column"],
    rows: Float[np.ndarray, "row"],
    surface: Float[np.ndarray, "row column"],
    z: float,
) -> list[Float[np.ndarray, "_ 2"]]:
    """Return closed outlines of where a surface is above z: counter-clockwise, holes clockwise."""
    if not np.isfinite(surface).any():
        return []
    generator = contour_generator(x=columns, y=rows, z=surface, fill_type=FillType.OuterOffset)
    regions, offsets = generator.filled(z, max(z, float(np.nanmax(surface))) + 1.0)
    return [points[start:stop] for points, ends in zip(regions, offsets, strict=True) for start, stop in pairwise(ends)]
