"""Regions in which no contour is drawn."""

import numpy as np
import pytest

from hfscale.errors import SelectionError
from hfscale.plot.axes import Plane, select_plane
from hfscale.plot.contours import exclusion_contours
from hfscale.plot.expressions import evaluate_margin, parse_expression
from hfscale.plot.forbidden import parse_forbidden
from hfscale.plot.ground import make_ground
from hfscale.plot.mirrored import mirror_points
from hfscale.plot.outlines import forbidden_region
from hfscale.plot.quantities import UPPER_LIMITS
from hfscale.plot.significance import significance_of_level
from hfscale.plot.surfaces.settings import SurfaceSettings

Z95 = significance_of_level(0.05)


@pytest.fixture
def masses() -> dict[str, np.ndarray]:
    """A parent and a light particle on a square grid, and a third mass between them."""
    parent, light = (values.ravel() for values in np.meshgrid(np.arange(200.0, 901, 100), np.arange(0.0, 701, 100)))
    return {"m_parent": parent, "m_light": light, "m_middle": light + 60.0}


@pytest.fixture
def vertical(make_points, masses) -> Plane:
    """The contour is the line m_parent == 650."""
    return select_plane(make_points(masses, Z95 + (650 - masses["m_parent"]) / 200), "m_parent", "m_light")


@pytest.mark.parametrize(
    "forbidden", ["y > x - 125", "m_light > m_parent - 125", "m_middle + 65 > x", "not y <= x-125"]
)
def test_lines_end_at_the_edge(vertical: Plane, forbidden: str) -> None:
    (line,) = exclusion_contours(vertical, interpolation="linear", forbidden=forbidden).observed
    np.testing.assert_allclose(line[:, 0], 650.0, atol=1e-6)
    assert sorted(line[[0, -1], 1]) == pytest.approx([0.0, 525.0], abs=1e-4)
    (whole,) = exclusion_contours(vertical, interpolation="linear").observed
    assert whole[:, 1].max() == pytest.approx(700.0, abs=1e-6)


def test_a_line_across_a_strip_is_in_two_pieces(vertical: Plane) -> None:
    contours = exclusion_contours(vertical, forbidden="(y > 200) and (y < 330)")
    ends = sorted(value for line in contours.observed for value in line[[0, -1], 1])
    assert ends == pytest.approx([0.0, 200.0, 330.0, 700.0], abs=1e-4)


def test_the_region_is_drawn_to_beyond_the_points(vertical: Plane) -> None:
    region = forbidden_region(exclusion_contours(vertical, forbidden="y > x - 125").grid)
    corners = {tuple(np.round(vertex, 6)) for vertex in region.vertices}
    assert (130.0, 770.0) in corners  # a tenth beyond the points
    on_edge = region.vertices[np.abs(region.vertices[:, 1] - region.vertices[:, 0] + 125.0) < 1e-6]
    assert on_edge[:, 1].min() == pytest.approx(5.0, abs=5.0)
    assert on_edge[:, 1].max() == pytest.approx(770.0, abs=5.0)


@pytest.mark.parametrize(
    ("forbidden", "said"),
    [
        ("m_other > x", "'m_other' is no function of the axes"),
        ("y > -1", "all 64 signal points are in the forbidden region"),
        ("y + x", "where a condition is needed"),
        ("True", "is no condition"),
        ("y >", "is not an expression"),
    ],
)
def test_what_is_no_region_is_refused(vertical: Plane, forbidden: str, said: str) -> None:
    with pytest.raises(SelectionError, match=said):
        exclusion_contours(vertical, forbidden=forbidden)


def test_labels_that_do_not_follow_from_the_axes_cannot_be_used(make_points, masses) -> None:
    points = make_points({**masses, "width": masses["m_light"] ** 2}, 0.0)
    plane = select_plane(points, "m_parent", "m_light")
    assert set(plane.labels) == {"m_parent", "m_light", "m_middle"}
    with pytest.raises(SelectionError, match="'width' is no function"):
        parse_forbidden("width > 3", plane.labels, plane.places)


def test_margins_of_conditions() -> None:
    x, y = np.array([0.0, 2.0, 5.0]), np.array([1.0, 1.0, 1.0])

    def margin(text: str) -> list[float]:
        return evaluate_margin(parse_expression(text), {"x": x, "y": y, "name": np.array(["a", "b", "a"])}).tolist()

    assert margin("x > 2 * y") == [-2.0, 0.0, 3.0]
    assert margin("0 < x <= 4") == [0.0, 2.0, -1.0]
    assert margin("x < 1 or x > 4") == [1.0, -1.0, 1.0]
    assert margin("(x > 1) & ~(x > 4)") == [-1.0, 1.0, -1.0]
    assert margin("x == 2") == [-2.0, 0.0, -3.0]
    assert margin("name == 'a'") == [1.0, -1.0, 1.0]


def test_histfitter_mirrors_points_at_the_edge(make_points, masses) -> None:
    allowed = masses["m_light"] < masses["m_parent"] - 125
    labels = {name: values[allowed] for name, values in masses.items()}
    Z = np.full(allowed.sum(), 3.0)
    plane = select_plane(make_points(labels, Z), "m_parent", "m_light")
    region = parse_forbidden("y > x - 125", plane.labels, plane.places)
    mirrored = mirror_points(plane.places, region)
    # The mirror image of (x, y) at y = x - 125 is (y + 125, x - 125), and halfway is the place of the edge.
    origins = plane.places[mirrored.origins]
    np.testing.assert_allclose(mirrored.images, origins[:, ::-1] + [125.0, -125.0], atol=1e-6)
    assert len(mirrored.origins) == len(plane.places)
    halfway = {tuple(np.round(place, 4)) for place in (mirrored.images + origins) / 2}
    assert {tuple(np.round(foot, 4)) for foot in mirrored.feet} == halfway  # each place once
    heights = mirrored.heights(plane.Z_obs[:, None])[:, 0]
    np.testing.assert_array_equal(heights[: len(mirrored.feet)], 1.0)
    np.testing.assert_allclose(heights[len(mirrored.feet) :], -3.0)
    (line,) = exclusion_contours(
        plane, interpolation="rbf", forbidden="y > x - 125", forbidden_style="histfitter"
    ).observed
    below = (line[:, 0] - 125.0 - line[:, 1]) / np.sqrt(2)
    inner = (line[:, 0] > 350) & (line[:, 0] < 800)
    assert (below[inner] > 0).all()
    assert (below[inner] < 60).all()


def test_styles_that_cannot_be_are_refused(vertical: Plane, make_points, masses) -> None:
    with pytest.raises(SelectionError, match="no style 'mirror'"):
        exclusion_contours(vertical, forbidden="y > x", forbidden_style="mirror")
    with pytest.raises(SelectionError, match="no forbidden region"):
        exclusion_contours(vertical, forbidden_style="histfitter")
    with pytest.raises(SelectionError, match="not near the signal points"):
        exclusion_contours(vertical, forbidden="y > x + 5000", forbidden_style="histfitter")
    import dataclasses

    points = dataclasses.replace(make_points(masses, 0.0), quantity=UPPER_LIMITS, level=0.05)
    limits = select_plane(points, "m_parent", "m_light")
    with pytest.raises(SelectionError, match="these are upper limits"):
        make_ground(limits, SurfaceSettings(), forbidden="y > x", forbidden_style="histfitter")
