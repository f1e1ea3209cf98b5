"""Contours of the profile likelihood of two parameters that is known on a grid."""

import numpy as np
import pytest

from hfscale.inference.profile_levels import PROBABILITIES, height_of
from hfscale.reading.profile_contours import profile_contour

CORRELATION = 0.6
FIRST, SECOND = np.linspace(-3.0, 3.0, 41), np.linspace(-6.0, 6.0, 31)


def gaussian(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """t of two correlated normal parameters with the uncertainties 1 and 2."""
    x, y = first[:, None], second[None, :] / 2.0
    return (x**2 - 2.0 * CORRELATION * x * y + y**2) / (1.0 - CORRELATION**2)


def test_heights_are_those_of_the_tables() -> None:
    heights = [height_of(p, n) for n in (1, 2) for p in PROBABILITIES]
    assert heights == pytest.approx([1.0, 3.8415, 2.2957, 5.9915], abs=1e-4)


@pytest.mark.parametrize("level", [2.2957, 5.9915])
def test_the_contour_of_normal_parameters_is_the_ellipse(level: float) -> None:
    found = profile_contour(FIRST, SECOND, gaussian(FIRST, SECOND), level)
    (line,) = found.lines
    assert line[0].tolist() == line[-1].tolist()
    heights = [gaussian(point[:1], point[1:])[0, 0] for point in line]
    assert heights == pytest.approx([level] * len(line), rel=0.03)
    # The ellipse extends over the root of the level times the uncertainty of each, whatever the correlation.
    width = np.sqrt(level)
    expected = np.array([[-width, width], [-2.0 * width, 2.0 * width]])
    np.testing.assert_allclose(found.extent, expected, rtol=0.01)


def test_a_contour_that_leaves_the_values_is_open_and_its_extent_unknown_there() -> None:
    half = FIRST[FIRST > -0.5]
    found = profile_contour(half, SECOND, gaussian(half, SECOND), 2.2957)
    (line,) = found.lines
    assert line[0].tolist() != line[-1].tolist()
    assert {line[0, 0], line[-1, 0]} == {half[0]}
    assert np.isnan(found.extent[0, 0])
    assert found.extent[0, 1] == pytest.approx(np.sqrt(2.2957), rel=0.01)


def test_two_minima_give_two_lines_and_a_hole_none() -> None:
    t = np.minimum(gaussian(FIRST - 1.6, SECOND), gaussian(FIRST + 1.6, SECOND)) * 9.0
    t[:5] = np.nan
    found = profile_contour(FIRST, SECOND, t, 2.2957)
    assert len(found.lines) == 2
    assert found.lines[0].shape[1] == 2
    assert profile_contour(FIRST, SECOND, t + 9.0, 2.2957).lines == ()
