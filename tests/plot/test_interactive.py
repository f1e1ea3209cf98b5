"""What a page of a contour draws: the lines, bands and points that there are, on the axes that were asked for."""

import json
import re
from typing import Any

import numpy as np
import pytest

from hfscale.errors import InputError
from hfscale.plot.axes import Plane, select_plane
from hfscale.plot.contours import exclusion_contours
from hfscale.plot.interactive import Fact, interactive_contour, label_parts
from hfscale.plot.points import PlanePoints


def plane_of(log_x: bool = False, failed: int | None = None) -> Plane:
    """A grid of five times five points whose CLs rises with x."""
    x, y = (values.ravel() for values in np.meshgrid([1.0, 10.0, 100.0, 1000.0, 10000.0], np.arange(5.0)))
    median = 0.05 * 10.0 ** ((np.log10(x) - 2.2) / 2.0)
    expected = np.minimum(median[:, None] * 10.0 ** (0.2 * np.arange(-2, 3)), 0.99)
    status = tuple("failed" if k == failed else "ok" for k in range(len(x)))
    names = tuple(f"p{k}" for k in range(len(x)))
    points = PlanePoints(names, {"m_x": x, "m_y": y}, expected[:, 3], expected, status)
    return select_plane(points, "m_x", "m_y", log_x=log_x)


def drawn(plane: Plane, **options: Any) -> dict[str, Any]:
    """The document of a page, as the page holds it."""
    forbidden = options.pop("forbidden", None)
    found = interactive_contour(exclusion_contours(plane, forbidden=forbidden), plane, {}, **options)
    (text,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', found.to_html())
    document: dict[str, Any] = json.loads(text)
    return document


def test_a_logarithmic_axis_is_one_on_the_page() -> None:
    document = drawn(plane_of(log_x=True), x_unit="GeV")
    assert (document["x"]["scale"], document["y"]["scale"]) == ("log", "linear")
    assert 0.5 < document["x"]["low"] < 1.0
    assert 1e4 < document["x"]["high"] < 2e4
    assert document["x"]["label"] == [["m", False], ["x", True], [" [GeV]", False]]
    (line,) = next(layer for layer in document["layers"] if layer["id"] == "observed")["lines"]
    assert [x for x, _ in line] == pytest.approx([10.0**1.8] * len(line), rel=0.05)


def test_layers_are_what_there_is_and_quantiles_wait_to_be_shown() -> None:
    layers = {layer["id"]: layer for layer in drawn(plane_of(failed=12), forbidden="y > x + 2")["layers"]}
    assert {name for name, layer in layers.items() if layer.get("hidden")} == {
        "expected-2",
        "expected-1",
        "expected+1",
        "expected+2",
    }
    assert {"one-sigma", "two-sigma", "expected", "observed", "forbidden", "excluded", "allowed"} <= layers.keys()
    assert not {"toys", "signal", "doubtful", "waiting"} & layers.keys()
    assert layers["failed"]["points"] == [12]
    shown = sorted(k for name in ("excluded", "allowed", "failed") for k in layers[name]["points"])
    assert shown == list(range(25))


def test_points_without_facts_tell_their_status_and_missing_numbers_are_null() -> None:
    plane = plane_of()
    contours = exclusion_contours(plane)
    page = interactive_contour(contours, plane, {"p3": [Fact("CLs observed", None), Fact("toys", 3)]})
    points = page.document["points"]
    assert points[3]["facts"] == [["CLs observed", None], ["toys", 3]]
    assert points[4]["facts"] == [["status", "ok"]]


def test_labels_have_subscripts() -> None:
    assert label_parts("m_n2 - m_n1") == [("m", False), ("n2", True), (" - m", False), ("n1", True)]
    assert label_parts("mass") == [("mass", False)]


def test_a_page_is_not_written_under_another_suffix(tmp_path: Any) -> None:
    plane = plane_of()
    page = interactive_contour(exclusion_contours(plane), plane, {})
    with pytest.raises(InputError, match="cannot write a page"):
        page.save(tmp_path / "contour.svg")
    assert list(tmp_path.iterdir()) == []
