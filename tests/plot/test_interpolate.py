import numpy as np
import pytest
from scipy.interpolate import Rbf

from hfscale.errors import SelectionError
from hfscale.plot.interpolate import Interpolation, interpolate, make_grid, multiquadric

RANDOM = np.random.default_rng(7)
X = RANDOM.uniform(200.0, 900.0, 40)
Y = RANDOM.uniform(0.0, 50.0, 40)


def test_multiquadric_equals_scipy_rbf() -> None:
    values = np.sin(X / 100) + Y / 20
    stretched = Y * np.ptp(X) / np.ptp(Y)
    at = np.column_stack([RANDOM.uniform(200, 900, 100), RANDOM.uniform(0, np.ptp(X), 100)])
    expected = Rbf(X, stretched, values, function="multiquadric", smooth=0)(*at.T)
    found = multiquadric(np.column_stack([X, stretched]), values[:, None], at)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_rbf_on_the_grid_stretches_y_to_the_range_of_x() -> None:
    values = np.sin(X / 100) + Y / 20
    grid = make_grid(X, Y, size=30)
    surface = interpolate(X, Y, values[:, None], grid, interpolation="rbf")[0]
    scale = np.ptp(X) / np.ptp(Y)
    row, column = 15, 14  # well inside
    expected = Rbf(X, Y * scale, values, function="multiquadric")(grid.x[column], grid.y[row] * scale)
    assert surface[row, column] == pytest.approx(float(expected), rel=1e-8)


@pytest.mark.parametrize("interpolation", ["linear", "rbf"])
def test_goes_through_the_points_and_ignores_units(interpolation: Interpolation) -> None:
    x, y = (values.ravel() for values in np.meshgrid(np.arange(5.0), np.arange(5.0)))
    values = RANDOM.normal(size=(25, 2))
    grid = make_grid(x, y, size=5)
    surfaces = interpolate(x, y, values, grid, interpolation=interpolation)
    np.testing.assert_allclose(surfaces.reshape(2, 25), values.T, atol=1e-7)
    finer = make_grid(x, y, size=9)
    other = interpolate(x, 1000 * y, values, make_grid(x, 1000 * y, size=9), interpolation=interpolation)
    np.testing.assert_allclose(other, interpolate(x, y, values, finer, interpolation=interpolation), atol=1e-7)


def test_linear_surface_is_continued_straight_beyond_the_hull() -> None:
    x, y = np.array([0.0, 2.0, 0.0, 0.5]), np.array([0.0, 0.0, 2.0, 0.5])  # a triangle: half of the grid is outside
    grid = make_grid(x, y, size=21)
    surface = interpolate(x, y, (x - 3 * y)[:, None], grid, interpolation="linear")[0]
    inside_or_close = grid.x[None, :] + grid.y[:, None] < 2.5
    expected = grid.x[None, :] - 3 * grid.y[:, None]
    np.testing.assert_allclose(surface[inside_or_close], expected[inside_or_close], atol=1e-6)
    assert np.isfinite(surface).all()


def test_hull_is_counter_clockwise() -> None:
    hull = make_grid(X, Y).hull
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
        make_grid(np.array(x), np.array(y))


def test_three_points_are_too_few() -> None:
    with pytest.raises(SelectionError, match="3 signal points with results are too few"):
        make_grid(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))


def test_unknown_interpolation_is_refused() -> None:
    with pytest.raises(SelectionError, match="no interpolation 'cubic'"):
        interpolate(X, Y, X[:, None], make_grid(X, Y), interpolation="cubic")  # type: ignore[arg-type]
