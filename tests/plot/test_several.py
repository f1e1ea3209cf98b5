"""Contours of several searches in one figure."""

from dataclasses import replace

import numpy as np
import pytest

from hfscale.errors import SelectionError
from hfscale.plot.axes import select_plane
from hfscale.plot.contours import exclusion_contours
from hfscale.plot.several import Search, draw_several, lines_of_several
from tests.plot.searches import falling, points_at, searched


@pytest.fixture
def searches() -> dict[str, Search]:
    return {"A $x$": searched(points_at(falling(500.0))), "B": searched(points_at(falling(600.0)))}


def test_each_search_has_its_lines_in_a_colour_of_its_own(searches: dict[str, Search]) -> None:
    figure = draw_several(searches, x_unit="GeV", title="Both")
    drawn = {artist.get_gid(): artist for artist in figure.axes[0].get_lines()}
    assert set(drawn) == {f"{kind} {name}" for kind in ("observed", "expected") for name in searches}
    for name, (_, contours) in searches.items():
        np.testing.assert_array_equal(drawn[f"observed {name}"].get_xydata(), contours.observed[0])
        assert drawn[f"observed {name}"].get_color() == drawn[f"expected {name}"].get_color()
        assert drawn[f"observed {name}"].get_linestyle() != drawn[f"expected {name}"].get_linestyle()
    assert len({line.get_color() for line in drawn.values()}) == 2
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [r"A \$x\$", "B", "Observed limit", "Expected limit"]
    assert figure.axes[0].get_xlabel() == r"$m_{\mathrm{x}}$ [GeV]"


def test_lines_are_named_after_their_search(searches: dict[str, Search]) -> None:
    lines = lines_of_several(searches)
    np.testing.assert_array_equal(lines["B/expected_-1sigma"][0], searches["B"][1].expected[1][0])
    assert len(lines) == 2 * 10


def test_searches_that_do_not_fit_are_refused(searches: dict[str, Search]) -> None:
    plane, contours = searches["B"]
    turned = select_plane(points_at(falling(600.0)), "m_y", "m_x")
    for other, said in (
        ((turned, exclusion_contours(turned)), "different axes"),
        ((plane, exclusion_contours(plane, level=0.1)), "different levels of CLs: 0.05, 0.1"),
    ):
        with pytest.raises(SelectionError, match=said):
            draw_several({"A": searches["A $x$"], "B": other})
    with pytest.raises(SelectionError, match="8 searches cannot be told apart"):
        draw_several({str(k): (plane, replace(contours)) for k in range(8)})
