"""Errors at left-out points against leaving each of them out for real."""

import numpy as np
import pytest
from scipy.interpolate import LinearNDInterpolator, Rbf

from hfscale.plot.surfaces.gaussian import gaussian_surfaces, matern
from hfscale.plot.surfaces.interpolate import fit_surfaces
from hfscale.plot.surfaces.leave_one_out import inner_points, predictions
from hfscale.plot.surfaces.radial import radial_surfaces
from hfscale.plot.surfaces.settings import SurfaceSettings

RANDOM = np.random.default_rng(3)
POINTS = RANDOM.uniform(0.0, 10.0, (40, 2))
HEIGHTS = np.sin(POINTS[:, 0] / 2) + POINTS[:, 1] ** 2 / 50
INNER = inner_points(POINTS)


def without(index: int) -> np.ndarray:
    return np.arange(len(POINTS)) != index


def test_corners_of_the_hull_stay() -> None:
    x, y = (values.ravel() for values in np.meshgrid(np.arange(4.0), np.arange(3.0)))
    left_out = inner_points(np.column_stack([x, y]))
    assert len(left_out) == 8  # points along an edge are between others
    for index in INNER:
        assert np.isfinite(LinearNDInterpolator(POINTS[without(index)], HEIGHTS[without(index)])(POINTS[index]))


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_triangles(interpolation: str) -> None:
    settings = SurfaceSettings(interpolation)
    found = predictions(POINTS, HEIGHTS, INNER, settings)
    for index, prediction in zip(INNER[:10], found[:10], strict=True):
        surface = fit_surfaces(POINTS[without(index)], HEIGHTS[without(index), None], settings)
        assert prediction == pytest.approx(float(surface(POINTS[[index]])[0, 0]), abs=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_radial_functions(smoothing: float) -> None:
    found = predictions(POINTS, HEIGHTS, INNER, SurfaceSettings("rbf", smoothing))
    epsilon = radial_surfaces(POINTS, HEIGHTS[:, None]).epsilon
    for index, prediction in zip(INNER[:10], found[:10], strict=True):
        x, y = POINTS[without(index)].T
        rbf = Rbf(x, y, HEIGHTS[without(index)], function="multiquadric", smooth=smoothing, epsilon=epsilon)
        assert prediction == pytest.approx(float(rbf(*POINTS[index])), abs=1e-7)


def test_gaussian_processes() -> None:
    """With the lengths, share and mean of all points, the surface through the others."""
    all_points = gaussian_surfaces(POINTS, HEIGHTS[:, None])
    found = predictions(POINTS, HEIGHTS, INNER, SurfaceSettings("gp"))
    mean = HEIGHTS.mean()
    for index, prediction in zip(INNER[:10], found[:10], strict=True):
        others = POINTS[without(index)]
        among = matern(others, others, all_points.lengths) + all_points.share * np.eye(len(others))
        weights = np.linalg.solve(among, HEIGHTS[without(index)] - mean)
        expected = mean + matern(POINTS[[index]], others, all_points.lengths) @ weights
        assert prediction == pytest.approx(float(expected[0]), abs=1e-6)
