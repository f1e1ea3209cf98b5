"""Toys per signal point as figures."""

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from hfscale.plot.axes import select_plane
from hfscale.plot.contours import exclusion_contours
from hfscale.plot.spent import draw_spent


def marked(figure: Figure, gid: str) -> int:
    found = [artist for artist in figure.axes[0].get_children() if artist.get_gid() == gid]
    return sum(len(artist.get_xdata()) for artist in found)


def test_numbers_are_colours_and_problems_are_marked(make_points, square) -> None:
    plane = select_plane(make_points(square, 1.0, status={3: "failed", 4: "pending"}), "m_x", "m_y")
    toys = np.full(len(plane.names), 1000)
    toys[:10] = 16000
    toys[[3, 4]] = 0, 0
    failed = np.zeros(len(toys), dtype=np.int64)
    failed[7] = 2
    figure = draw_spent(plane, toys, failed)
    (scatter,) = (artist for artist in figure.axes[0].collections if artist.get_gid() == "toys")
    np.testing.assert_array_equal(scatter.get_array(), toys[toys > 0])
    np.testing.assert_array_equal(scatter.get_offsets(), np.column_stack([plane.x, plane.y])[toys > 0])
    assert isinstance(scatter.norm, LogNorm)
    assert [marked(figure, gid) for gid in ("No toys", "Some toys failed", "Failed point")] == [2, 1, 1]
    assert len(figure.axes) == 2  # the second one is the bar of colours


def test_contours_are_drawn_with_them(make_points, square) -> None:
    plane = select_plane(make_points(square, 1.645 + (500 - square["m_x"]) / 150), "m_x", "m_y")
    toys, failed = np.full(len(plane.names), 500), np.zeros(len(plane.names), dtype=np.int64)
    figure = draw_spent(plane, toys, failed, contours=exclusion_contours(plane))
    assert {"observed", "expected"} <= {line.get_gid() for line in figure.axes[0].lines}
    assert figure.legends[0].get_title().get_text() == "95% CL"


def test_no_toys_at_all_is_still_a_figure(make_points, square) -> None:
    plane = select_plane(make_points(square, 1.0), "m_x", "m_y")
    nothing = np.zeros(len(plane.names), dtype=np.int64)
    figure = draw_spent(plane, nothing, nothing)
    assert marked(figure, "No toys") == len(plane.names)
    assert len(figure.axes) == 1
