"""Profile likelihoods as figures."""

import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

from hfscale.plot.profiles import draw_profile_curve, draw_profile_plane

VALUES = np.linspace(-2.0, 3.0, 26)


def artists(figure: Figure, gid: str) -> list[Artist]:
    return [artist for artist in figure.axes[0].get_children() if artist.get_gid() == gid]


def test_a_curve_its_levels_and_their_ends_are_drawn() -> None:
    t = (VALUES - 0.5) ** 2
    t[3] = np.nan
    figure = draw_profile_curve(VALUES, t, 0.5, name="alpha", intervals=[(-0.5, 1.5), (np.nan, 2.5)], title="a point")
    (line,) = artists(figure, "profile")
    np.testing.assert_array_equal(line.get_xydata(), np.column_stack([VALUES, t]))
    assert [artists(figure, f"t = {level}")[0].get_ydata()[0] for level in (1, 3.84)] == pytest.approx(
        [1.0, 3.841], abs=1e-3
    )
    ends = [[segment[0][0] for segment in artists(figure, f"ends at t = {k}")[0].get_segments()] for k in (1, 3.84)]
    assert ends == [[-0.5, 1.5], [2.5]]
    assert artists(figure, "best fit")[0].get_xydata().tolist() == [[0.5, 0.0]]
    assert figure.axes[0].get_title(loc="left") == "a point"
    assert figure.axes[0].get_ylim()[1] > 6.0


def test_a_best_fit_elsewhere_is_not_marked() -> None:
    figure = draw_profile_curve(VALUES, (VALUES - 9.0) ** 2, 9.0, name="alpha")
    assert artists(figure, "best fit") == []


def test_contours_of_two_parameters_are_where_t_has_their_quantiles() -> None:
    first, second = np.linspace(-4.0, 4.0, 41), np.linspace(-8.0, 8.0, 33)
    t = first[:, None] ** 2 + (second / 2.0) ** 2
    figure = draw_profile_plane(first, second, t, (0.0, 0.0), names=("a", "b"))
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("a", "b")
    for gid, level in {"68.3%": 2.30, "95%": 5.991}.items():
        (contour,) = artists(figure, gid)
        assert isinstance(contour, ContourSet)
        vertices = np.concatenate([path.vertices for path in contour.get_paths()])
        heights = vertices[:, 0] ** 2 + (vertices[:, 1] / 2.0) ** 2
        assert heights == pytest.approx(level, rel=0.02)
        assert vertices[:, 0].max() == pytest.approx(np.sqrt(level), rel=0.01)


def test_a_contour_outside_the_values_is_left_out() -> None:
    first = np.linspace(-1.0, 1.0, 5)
    figure = draw_profile_plane(first, first, first[:, None] ** 2 + first**2 + 3.0, (0.0, 0.0), names=("a", "b"))
    assert artists(figure, "68.3%") == []
