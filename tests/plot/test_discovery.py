"""Discovery contours."""

import numpy as np
import pytest

from hfscale.errors import SelectionError
from hfscale.plot.axes import select_plane
from hfscale.plot.discovery import discovery_contours, discovery_lines, draw_discovery
from tests.plot.searches import X, Y, points_at, searched, significances

Z = 2.0 + (700.0 - X) / 60.0 - Y / 80.0
"""At Y = 0, 5 at X = 520 and 3 at X = 640; above the 5 at which significances of CLs are clipped for small X."""


def edge(lines: tuple[np.ndarray, ...]) -> float:
    """Where a contour meets the lower edge."""
    (line,) = lines
    return float(line[line[:, 1].argmin(), 0])


def test_they_are_where_the_significance_is() -> None:
    plane = select_plane(significances(Z), "m_x", "m_y")
    found = discovery_contours(plane, interpolation="linear")
    assert found.significances == (3.0, 5.0)
    assert [edge(lines) for lines in found.observed] == pytest.approx([640.0, 520.0])
    assert [edge(lines) for lines in found.expected] == pytest.approx([700.0, 580.0])
    assert discovery_lines(found).keys() == {"observed_Z=3", "observed_Z=5", "expected_Z=3", "expected_Z=5"}
    (line,) = discovery_contours(plane, [2.5], interpolation="linear").observed[0]
    np.testing.assert_allclose(2.0 + (700.0 - line[:, 0]) / 60.0 - line[:, 1] / 80.0, 2.5, atol=1e-9)


def test_what_is_missing_is_said_and_written_into_the_figure() -> None:
    plane = select_plane(significances(Z - 8.0), "m_x", "m_y")
    found = discovery_contours(plane, [3.0])
    assert found.messages == ("there is no observed contour of Z = 3: none of 42 points is above",)
    assert "There is no observed contour of Z = 3" in draw_discovery(found, plane).axes[0].texts[0].get_text()


@pytest.mark.parametrize("asked", [[], [0.0], [np.inf], [1.0, 2.0, 3.0, 4.0, 5.0]])
def test_significances_that_cannot_be_drawn_are_refused(asked: list[float]) -> None:
    with pytest.raises(SelectionError, match="no contours of the significances"):
        discovery_contours(select_plane(significances(Z), "m_x", "m_y"), asked)


def test_they_are_of_significances_only() -> None:
    plane, _ = searched(points_at(1.0))
    with pytest.raises(SelectionError, match="discovery contours are drawn of significances"):
        discovery_contours(plane)
