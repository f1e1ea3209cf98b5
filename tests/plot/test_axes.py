import dataclasses

import numpy as np
import pytest

from hfscale.errors import SelectionError
from hfscale.plot.axes import select_plane
from hfscale.plot.contours import exclusion_contours


def test_two_planes_are_refused_and_both_selections_listed(make_points, two_planes) -> None:
    first = int((two_planes["m_n1"] == 60).sum())
    second = int((two_planes["m_n2"] - two_planes["m_n1"] == 130).sum())
    with pytest.raises(SelectionError, match="m_n1 still varies") as caught:
        select_plane(make_points(two_planes), "m_sbottom", "m_n2")
    remedy = caught.value.remedy or ""
    assert f'--select "m_n1 == 60"  ({first} points)' in remedy
    assert f'--select "m_n2 - m_n1 == 130"  ({second} points)' in remedy
    assert "--project" in remedy


@pytest.mark.parametrize(
    ("select", "y"),
    [
        ("m_n1 == 60", "m_n2"),
        ("m_n1 == 60", "m_n2 - m_n1"),
        ("m_n2 - m_n1 == 130", "m_n2"),
        ("m_n2 - m_n1 == 130", "m_n1"),
        ("m_n1 == 60", "log10(m_n2)"),
        ("m_n2 - m_n1 == 130", "m_n2 / m_n1"),
    ],
)
def test_each_plane_alone_is_accepted(make_points, two_planes, select: str, y: str) -> None:
    plane = select_plane(make_points(two_planes), "m_sbottom", y, select)
    n1, n2 = two_planes["m_n1"], two_planes["m_n2"]
    kept = n1 == 60 if select == "m_n1 == 60" else n2 - n1 == 130
    assert plane.names == tuple(f"point_{index}" for index in np.flatnonzero(kept))
    np.testing.assert_array_equal(plane.x, two_planes["m_sbottom"][kept])


def test_planes_at_different_axis_values_are_still_two(make_points, two_planes) -> None:
    # Every m_n2 has one m_n1 only, so m_n1 is a function of the axes, but no plane of the model.
    labels = two_planes | {"m_n2": two_planes["m_n2"] + (two_planes["m_n1"] != 60)}
    with pytest.raises(SelectionError, match="m_n1 still varies"):
        select_plane(make_points(labels), "m_sbottom", "m_n2")


def test_suggestions_keep_the_selection_that_was_given(make_points, two_planes) -> None:
    with pytest.raises(SelectionError) as caught:
        select_plane(make_points(two_planes), "m_sbottom", "m_n2", "m_sbottom > 600")
    assert '--select "(m_sbottom > 600) and m_n1 == 60"' in (caught.value.remedy or "")


def test_every_suggestion_is_accepted(make_points, two_planes) -> None:
    points = make_points(two_planes)
    with pytest.raises(SelectionError) as caught:
        select_plane(points, "m_sbottom", "m_n2")
    suggestions = [line.split('"')[1] for line in (caught.value.remedy or "").splitlines() if "--select" in line]
    assert len(suggestions) >= 2
    for text in suggestions:
        select_plane(points, "m_sbottom", "m_n2", text)


def test_four_labels_need_two_conditions(make_points) -> None:
    a, b, c, d = (values.ravel() for values in np.meshgrid(range(4), range(4), ["u", "v"], [5, 6]))
    with pytest.raises(SelectionError, match="c, d still vary") as caught:
        select_plane(make_points({"a": a.astype(int), "b": b.astype(int), "c": c, "d": d.astype(int)}), "a", "b")
    assert "(c == 'u') and (d == 5)\"  (16 points)" in (caught.value.remedy or "")


def test_text_label_that_varies_is_refused_with_its_values(make_points, square) -> None:
    grid = np.where(np.arange(42) % 3 == 0, "Wh", "WZ")
    with pytest.raises(SelectionError, match="grid still varies") as caught:
        select_plane(make_points(square | {"grid": grid}), "m_x", "m_y")
    assert "grid == 'WZ'" in (caught.value.remedy or "")


def test_labels_that_follow_an_axis_and_mere_names_do_no_harm(make_points, square) -> None:
    more = {"xsec": np.exp(-square["m_x"] / 100), "file": np.array([f"f{index}" for index in range(42)])}
    assert len(select_plane(make_points(square | more), "m_x", "m_y").names) == 42


def test_points_at_the_same_place_are_refused(make_points) -> None:
    labels = {"a": np.array([0, 1, 0, 1, 1]), "b": np.array([0, 0, 1, 1, 1])}
    with pytest.raises(SelectionError, match="'point_3' and 'point_4' are at the same place"):
        select_plane(make_points(labels), "a", "b")


def test_projection_keeps_the_weakest_expectation_at_each_place(make_points) -> None:
    labels = {"a": np.array([0, 1, 0, 1, 1, 0]), "b": np.array([0, 0, 1, 1, 1, 0]), "c": np.arange(6)}
    points = make_points(labels, [1.0, 2.0, 3.0, 4.0, 3.5, 1.5])
    plane = select_plane(points, "a", "b", project=True)
    assert plane.names == ("point_0", "point_1", "point_2", "point_4")
    assert plane.hidden == ("point_3", "point_5")


def test_projection_does_not_let_a_result_cover_a_failure(make_points) -> None:
    points = make_points({"a": np.array([0, 0]), "b": np.array([0, 0])}, 3.0, status={1: "failed"})
    assert select_plane(points, "a", "b", project=True).names == ("point_1",)


@pytest.mark.parametrize("status", ["failed", "pending", "not_run"])
def test_points_without_results_do_not_enter(make_points, square, status: str) -> None:
    plane = select_plane(make_points(square, 1.0, status={5: status}), "m_x", "m_y")
    assert np.flatnonzero(~plane.done).tolist() == [5]


def test_point_without_signal_counts_as_not_excluded(make_points, square) -> None:
    points = make_points(square, 3.0, status={5: "no_signal"})
    points.observed[5] = np.nan
    plane = select_plane(points, "m_x", "m_y")
    assert plane.done.all()
    assert plane.Z_obs[5] == pytest.approx(0.0)
    assert (plane.Z_exp[5] < 1e-9).all()


def test_expected_only_has_no_observed_even_with_a_point_without_signal(make_points, square) -> None:
    points = make_points(square, 3.0, status={5: "no_signal"})
    points = dataclasses.replace(points, observed=np.full(42, np.nan))
    plane = select_plane(points, "m_x", "m_y")
    assert not plane.has_observed
    assert plane.done.all()


def test_empty_selection_says_what_there_is(make_points, square) -> None:
    with pytest.raises(SelectionError, match="no signal point of 42 has m_x > 900") as caught:
        select_plane(make_points(square), "m_x", "m_y", "m_x > 900")
    assert "m_x from 200 to 800" in (caught.value.remedy or "")


def test_axis_that_is_not_finite_names_the_point(make_points, square) -> None:
    with pytest.raises(SelectionError, match=r"'log10\(m_y\)' has no finite value at signal point 'point_0'"):
        select_plane(make_points(square), "m_x", "log10(m_y)")


def test_axes_on_one_line_are_refused(make_points, square) -> None:
    with pytest.raises(SelectionError, match=r"on one line in m_x and 2 [*] m_x"):
        select_plane(make_points(square), "m_x", "2 * m_x")


def test_arrays_of_different_lengths_are_refused(make_points, square) -> None:
    with pytest.raises(SelectionError, match="label 'm_x' has 3 values for 42 signal points"):
        dataclasses.replace(make_points(square), labels={"m_x": np.arange(3)})


def test_a_point_without_signal_is_as_low_as_the_lowest_other_one(make_points, square) -> None:
    """A cliff would make surfaces ring, and draw islands of exclusion beside it."""
    Z = 1.6 + (500 - square["m_x"]) / 150
    plane = select_plane(make_points(square, Z, status={20: "no_signal"}), "m_x", "m_y")
    assert plane.Z_obs[20] == pytest.approx(Z.min())
    np.testing.assert_allclose(
        plane.Z_exp[20], np.minimum(Z.min() + np.array([2.0, 1.0, 0.0, -1.0, -2.0]), 0.0), atol=1e-9
    )
    assert len(exclusion_contours(plane).observed) == 1
    everywhere = select_plane(make_points(square, 4.0, status={20: "no_signal"}), "m_x", "m_y")
    assert everywhere.Z_obs[20] == pytest.approx(0.0)
