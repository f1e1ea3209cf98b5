"""Which plane a report draws on its own."""

import numpy as np

from hfscale.plot.axes import select_plane
from hfscale.plot.points import PlanePoints
from hfscale.reporting.selection import likely_contour


def test_a_plane_is_found_where_other_labels_vary() -> None:
    places = np.array([(x, y, z) for x in (1, 2, 3) for y in (1, 2, 3) for z in (10, 20) if z == 20 or x < 3], float)
    expected = np.full((len(places), 5), 0.1)
    names = tuple(f"p{k}" for k in range(len(places)))
    labels = {"text": np.array(names), **{key: places[:, k] for k, key in enumerate(("a", "m-b", "c"))}}
    points = PlanePoints(names, labels, expected[:, 0], expected, ("ok",) * len(names))
    contour = likely_contour(points)
    assert contour is not None
    assert (contour.x, contour.y, contour.select) == ("a", "`m-b`", "c == 20")
    assert len(select_plane(points, **contour.plane).names) == 9


def test_labels_of_one_line_or_of_text_have_no_plane() -> None:
    expected = np.full((4, 5), 0.1)
    labels = {"a": np.arange(4.0), "b": 2.0 * np.arange(4.0), "name": np.array(list("wxyz"))}
    points = PlanePoints(tuple("wxyz"), labels, expected[:, 0], expected, ("ok",) * 4)
    assert likely_contour(points) is None
