import numpy as np
import pytest
from scipy.interpolate import Rbf

from hfscale.errors import SelectionError
from hfscale.plot.surfaces.grid import make_grid
from hfscale.plot.surfaces.interpolate import interpolate
from hfscale.plot.surfaces.radial import radial_surfaces
from hfscale.plot.surfaces.settings import SurfaceSettings

RANDOM = np.random.default_rng(7)
X = RANDOM.uniform(200.0, 900.0, 40)
Y = RANDOM.uniform(0.0, 50.0, 40)
PLACES = np.column_stack([X, Y])


@pytest.mark.parametrize("smooth", [0.0, 0.05, 2.0])
@pytest.mark.parametrize("epsilon", [None, 37.0, 400.0])
def test_rbf_equals_scipy_as_histfitter_calls_it(smooth: float, epsilon: float | None) -> None:
    values = np.sin(X / 100) + Y / 20
    stretched = Y * np.ptp(X) / np.ptp(Y)
    at = np.column_stack([RANDOM.uniform(200, 900, 100), RANDOM.uniform(0, np.ptp(X), 100)])
    given = {} if epsilon is None else {"epsilon": epsilon}
    expected = Rbf(X, stretched, values, function="multiquadric", smooth=smooth, **given)(*at.T)
    found = radial_surfaces(np.column_stack([X, stretched]), values[:, None], smooth, epsilon)(at)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_rbf_on_the_grid_stretches_y_to_the_range_of_x() -> None:
    values = np.sin(X / 100) + Y / 20
    grid = make_grid(PLACES, size=30)
    surface = interpolate(PLACES, values[:, None], grid, SurfaceSettings("rbf"))[0]
    scale = np.ptp(X) / np.ptp(Y)
    row, column = 15, 14  # well inside
    expected = Rbf(X, Y * scale, values, function="multiquadric")(grid.x[column], grid.y[row] * scale)
    assert surface[row, column] == pytest.approx(float(expected), rel=1e-8)


@pytest.mark.parametrize("interpolation", ["linear", "cubic", "rbf"])
def test_goes_through_the_points_and_ignores_units(interpolation: str) -> None:
    places = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), axis=-1).reshape(-1, 2)
    values, settings = RANDOM.normal(size=(25, 2)), SurfaceSettings(interpolation)
    surfaces = interpolate(places, values, make_grid(places, size=5), settings)
    np.testing.assert_allclose(surfaces.reshape(2, 25), values.T, atol=1e-7)
    tall = places * [1, 1000]
    other = interpolate(tall, values, make_grid(tall, size=9), settings)
    np.testing.assert_allclose(other, interpolate(places, values, make_grid(places, size=9), settings), atol=1e-7)


def test_linear_surface_is_continued_straight_beyond_the_hull() -> None:
    x, y = np.array([0.0, 2.0, 0.0, 0.5]), np.array([0.0, 0.0, 2.0, 0.5])  # a triangle: half of the grid is outside
    places = np.column_stack([x, y])
    grid = make_grid(places, size=21)
    surface = interpolate(places, (x - 3 * y)[:, None], grid, SurfaceSettings("linear"))[0]
    inside_or_close = grid.x[None, :] + grid.y[:, None] < 2.5
    expected = grid.x[None, :] - 3 * grid.y[:, None]
    np.testing.assert_allclose(surface[inside_or_close], expected[inside_or_close], atol=1e-6)
    assert np.isfinite(surface).all()


def test_hull_is_counter_clockwise() -> None:
    hull = make_grid(PLACES).hull
    following = np.roll(hull, -1, axis=0)
    assert (hull[:, 0] * following[:, 1] - hull[:, 1] * following[:, 0]).sum() > 0


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([1.0, 2.0, 3.0, 4.0], [5.0, 5.0, 5.0, 5.0]),
        ([1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0]),
        ([1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]),
    ],
)
def test_points_on_a_line_are_refused(x: list[float], y: list[float]) -> None:
    with pytest.raises(SelectionError, match="on one line"):
        make_grid(np.column_stack([x, y]))


def test_three_points_are_too_few() -> None:
    with pytest.raises(SelectionError, match="3 signal points with results are too few"):
        make_grid(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))


def test_unknown_interpolation_is_refused() -> None:
    with pytest.raises(SelectionError, match="no interpolation 'spline'"):
        SurfaceSettings("spline")
