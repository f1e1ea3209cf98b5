"""Contours of known shape: circles, several loops, holes, open lines, logarithmic axes."""

import numpy as np
import pytest

from hfscale.errors import SelectionError
from hfscale.plot.axes import select_plane
from hfscale.plot.compose import contour_figure, find_contours
from hfscale.plot.contours import exclusion_contours
from hfscale.plot.significance import significance_of_level

Z95 = significance_of_level(0.05)


def grid_of(n: int, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(np.linspace(low, high, n), np.linspace(low, high, n))
    return x.ravel(), y.ravel()


@pytest.mark.parametrize(
    ("interpolation", "tolerance"), [("linear", 0.05), ("cubic", 0.005), ("rbf", 0.02), ("gp", 0.01)]
)
def test_a_quadric_has_a_circle_as_contour(make_points, interpolation: str, tolerance: float) -> None:
    x, y = grid_of(13, -3, 3)
    plane = select_plane(make_points({"a": x, "b": y}, Z95 + 1.0 - (x**2 + y**2) / 4), "a", "b")
    (line,) = exclusion_contours(plane, interpolation=interpolation).observed
    np.testing.assert_array_equal(line[0], line[-1])
    np.testing.assert_allclose(np.hypot(*line.T), 2.0, atol=tolerance)


@pytest.mark.parametrize("interpolation", ["linear", "cubic", "rbf", "gp"])
def test_two_islands_and_a_hole(make_points, interpolation: str) -> None:
    """Excluded are a ring around (-3, 0) and a disc around (3, 0)."""
    x, y = grid_of(25, -6, 6)
    ring = 1.5 - 2.0 * np.abs(np.hypot(x + 3, y) - 1.5)
    disc = 1.5 - 1.0 * np.hypot(x - 3, y)
    plane = select_plane(make_points({"a": x, "b": y}, Z95 + np.maximum(ring, disc)), "a", "b")
    lines = exclusion_contours(plane, interpolation=interpolation).observed
    assert len(lines) == 3
    found = sorted((float(line[:-1, 0].mean()), float(np.ptp(line[:, 1]))) for line in lines)
    np.testing.assert_allclose(sorted(middle for middle, _ in found), [-3, -3, 3], atol=0.2)
    np.testing.assert_allclose(sorted(extent for _, extent in found), [1.5, 3.0, 4.5], atol=0.35)
    assert all(np.array_equal(line[0], line[-1]) for line in lines)


def test_a_contour_that_leaves_the_points_twice_is_in_two_open_pieces(make_points, square) -> None:
    Z = Z95 + 1.0 - np.abs(square["m_x"] - 500) / 150
    lines = exclusion_contours(select_plane(make_points(square, Z), "m_x", "m_y"), interpolation="linear").observed
    assert sorted(round(float(line[:, 0].mean())) for line in lines) == [350, 650]
    assert all(sorted(line[[0, -1], 1]) == pytest.approx([0.0, 100.0], abs=1e-6) for line in lines)


def test_logarithmic_axes_interpolate_in_logarithms(make_points) -> None:
    """A height that falls with the logarithm of x: the contour is exact where the logarithm is linear, not else."""
    x, y = (values.ravel() for values in np.meshgrid([1.0, 10.0, 100.0, 1000.0], [0.1, 1.0, 10.0]))
    points = make_points({"a": x, "b": y}, Z95 + 1.5 - np.log10(x) + 0.5 * np.log10(y))
    plane = select_plane(points, "a", "b", log_x=True, log_y=True)
    contours = exclusion_contours(plane, interpolation="linear")
    (line,) = contours.observed
    np.testing.assert_allclose(np.log10(line[:, 0]), 1.5 + 0.5 * np.log10(line[:, 1]), atol=1e-6)
    np.testing.assert_allclose([contours.grid.x[0], contours.grid.x[-1]], [1.0, 1000.0])
    assert contours.grid.hull.min() == pytest.approx(0.1)
    (straight,) = exclusion_contours(select_plane(points, "a", "b"), interpolation="linear").observed
    assert np.abs(np.log10(straight[:, 0]) - 1.5 - 0.5 * np.log10(straight[:, 1])).max() > 0.1
    axes = contour_figure(points, "a", "b", log_x=True, log_y=True, error=True).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.get_xlim()[0] > 0.5


def test_a_logarithmic_axis_must_be_positive(make_points, square) -> None:
    with pytest.raises(SelectionError, match="'m_y' cannot be logarithmic: it is 0 at signal point 'point_0'"):
        select_plane(make_points(square), "m_x", "m_y", log_y=True)


def test_significances_are_clipped_where_asked(make_points, square) -> None:
    points = make_points(square, np.linspace(-1.0, 9.0, 42))
    for sigma_max, largest in ((5.0, 5.0), (3.0, 3.0), (20.0, 9.0)):
        plane = select_plane(points, "m_x", "m_y", sigma_max=sigma_max)
        assert plane.Z_obs.max() == pytest.approx(largest)
    with pytest.raises(SelectionError, match=r"cannot be clipped at 1\.5"):
        select_plane(points, "m_x", "m_y", sigma_max=1.5)


def test_observed_results_alone_have_a_contour(make_points, square) -> None:
    points = make_points(square, Z95 + (500 - square["m_x"]) / 300)
    points.expected[:] = np.nan
    contours = exclusion_contours(select_plane(points, "m_x", "m_y"), interpolation="linear")
    (line,) = contours.observed
    np.testing.assert_allclose(line[:, 0], 500.0, atol=1e-6)
    assert contours.expected[2] == ()
    assert contours.messages == ("there is no expected contour: no point has expected results",)
    assert contour_figure(points, "m_x", "m_y", error=True).axes


def test_smoothed_surfaces_name_the_points_that_they_contradict(make_points, square) -> None:
    Z = Z95 + (500 - square["m_x"]) / 300
    Z[23] = Z95 - 0.2  # at m_x = 400, among points that are excluded
    for keywords in ({"interpolation": "gp", "smoothing": 0.1}, {"interpolation": "rbf", "smoothing": 0.3}):
        drawn = find_contours(make_points(square, Z), "m_x", "m_y", **keywords)
        assert any(
            "of 42 points on the other side" in remark and "point_23" in remark for remark in drawn.contours.remarks
        )
    assert find_contours(make_points(square, Z), "m_x", "m_y", interpolation="rbf").contours.remarks == ()


def test_gaussian_processes_warn_where_points_are_sparse(make_points) -> None:
    from hfscale.errors import HfscaleWarning

    random = np.random.default_rng(4)
    x, y = random.uniform(0, 1000, (2, 14))
    points = make_points({"a": x, "b": y}, Z95 + random.normal(scale=2.0, size=14))
    with pytest.warns(HfscaleWarning, match="points are sparse along"):
        contour_figure(points, "a", "b", interpolation="gp", smoothing=0.0)
