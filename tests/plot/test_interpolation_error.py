"""How far contours may be off between points, and where further points would help."""

import json

import numpy as np
import pytest

from hfscale.errors import SelectionError
from hfscale.plot.axes import Plane, select_plane
from hfscale.plot.contours import exclusion_contours
from hfscale.plot.interpolation_error import interpolation_error
from hfscale.plot.significance import significance_of_level
from hfscale.plot.suggestions import suggest_points

Z95 = significance_of_level(0.05)
INTERPOLATIONS = ["linear", "cubic", "rbf", "gp"]


def curved(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A valley and a ridge along x; the height at the contour is at x = 500."""
    return Z95 + np.sin((500 - x) / 120) + (y - 50) / 200


@pytest.fixture
def plane(make_points, square) -> Plane:
    return select_plane(make_points(square, curved(square["m_x"], square["m_y"])), "m_x", "m_y")


def test_a_flat_surface_has_no_error(make_points, square) -> None:
    plane = select_plane(make_points(square, Z95 + (510 - square["m_x"]) / 300), "m_x", "m_y")
    error = interpolation_error(plane, exclusion_contours(plane, interpolation="linear"))
    assert error.kind == "observed"
    assert len(error.names) == 38  # all but the corners
    np.testing.assert_allclose(error.errors, 0.0, atol=1e-9)
    assert error.rms == pytest.approx(0.0, abs=1e-9)
    assert error.shift == pytest.approx((0.0, 0.0), abs=1e-6)
    assert error.wrong_side == ()


def test_errors_move_the_contour_by_error_over_slope(make_points, square) -> None:
    """Scatter of 0.3 where the height falls by 1 in 300: the contour may be off by up to about 90."""
    scatter = 0.3 * np.random.default_rng(5).choice([-1.0, 1.0], len(square["m_x"]))
    plane = select_plane(make_points(square, Z95 + (500 - square["m_x"]) / 300 + scatter), "m_x", "m_y")
    error = interpolation_error(plane, exclusion_contours(plane))
    assert 0.3 < error.rms < 0.8
    assert 5 < error.shift[0] < 200
    assert len(error.region.vertices) > 0
    assert error.worst(3)[0] == int(np.abs(error.errors).argmax())


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_the_estimate_tells_the_size_of_the_true_error(plane: Plane, interpolation: str) -> None:
    contours = exclusion_contours(plane, interpolation=interpolation)
    error = interpolation_error(plane, contours)
    grid = contours.grid
    x, y = np.meshgrid(grid.x, grid.y)
    assert contours.Z_obs is not None
    truth = np.sqrt(np.mean((contours.Z_obs - curved(x, y)) ** 2))
    estimate = np.sqrt(np.mean(error.uncertainty.deviations(grid.nodes) ** 2))
    assert truth / 3 < estimate < 20 * max(truth, 0.003)
    document = json.loads(json.dumps(error.to_dict("m_x", "m_y"), allow_nan=False))
    assert document["rms"] == pytest.approx(error.rms)
    assert len(document["points"]) == len(error.names)
    assert set(document["shift"]) == {"m_x", "m_y"}


def test_points_that_are_all_corners_have_no_estimate(make_points) -> None:
    points = make_points(
        {"a": np.array([0.0, 1.0, 0.0, 1.0]), "b": np.array([0.0, 0.0, 1.0, 1.0])}, [3.0, 0.0, 3.0, 0.0]
    )
    plane = select_plane(points, "a", "b")
    with pytest.raises(SelectionError, match="all 4 points are corners"):
        interpolation_error(plane, exclusion_contours(plane))


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_suggested_points_fill_the_gap(make_points, interpolation: str) -> None:
    """Points every 100, but for a gap of 400 along the straight contour: there the first suggestion is."""
    x, y = (values.ravel() for values in np.meshgrid(np.arange(0.0, 1001, 100), np.arange(0.0, 1001, 100)))
    kept = ~((np.abs(x - 500) < 201) & (np.abs(y - 700) < 201))
    Z = (Z95 + 1.5 * np.sin((500 - x) / 250) + 0.2 * np.sin(y / 90))[kept]
    plane = select_plane(make_points({"m_x": x[kept], "m_y": y[kept]}, Z), "m_x", "m_y")
    contours = exclusion_contours(plane, interpolation=interpolation)
    found = suggest_points(plane, contours, 6)
    first = found[0]
    assert 300 <= first.x <= 700
    assert 500 <= first.y <= 900
    places = np.array([(one.x, one.y) for one in found])
    distances = np.hypot(*(places[:, None] - places).T) + 1e9 * np.eye(len(places))
    assert distances.min() > 70  # spread out
    assert (places % 5 == 0).all()  # round
    to_known = np.hypot(*(places[:, None] - plane.places).T)
    assert to_known.min() > 20


def test_suggested_points_are_in_the_hull_and_allowed(make_points) -> None:
    x, y = (values.ravel() for values in np.meshgrid(np.arange(0.0, 1001, 100), np.arange(0.0, 1001, 100)))
    below = y <= x
    Z = Z95 + np.cos(x[below] / 90) + (500 - x[below]) / 300
    plane = select_plane(make_points({"m_x": x[below], "m_y": y[below]}, Z), "m_x", "m_y")
    contours = exclusion_contours(plane, forbidden="y > x - 150")
    found = suggest_points(plane, contours, 20)
    assert len(found) >= 5
    assert all(0 <= one.y <= one.x - 150 and one.x <= 1000 for one in found)
    assert suggest_points(plane, contours, 3) == found[:3]


def test_without_a_contour_there_is_nothing_to_suggest(make_points, square) -> None:
    plane = select_plane(make_points(square, -2.5), "m_x", "m_y")
    with pytest.raises(SelectionError, match="no contour among the signal points"):
        suggest_points(plane, exclusion_contours(plane), 3)
