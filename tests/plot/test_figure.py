import logging
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from hfscale.errors import InputError, SelectionError
from hfscale.plot.axes import Plane, select_plane
from hfscale.plot.contours import exclusion_contours
from hfscale.plot.figure import draw_contour
from hfscale.plot.files import save_figure
from hfscale.plot.styles import Style


@pytest.fixture
def plane(make_points, square) -> Plane:
    Z = 1.645 + (500 - square["m_x"]) / 150 - (square["m_y"] - 50) / 50
    status = {3: "failed", 9: "pending", 20: "no_signal"}
    return select_plane(make_points(square, Z, status=status), "m_x", "m_y - m_x / 10")


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def artists(figure: Figure, gid: str) -> list:
    return [artist for artist in figure.axes[0].get_children() if artist.get_gid() == gid]


def test_shows_lines_band_points_and_labels(plane: Plane) -> None:
    contours = exclusion_contours(plane)
    figure = draw_contour(contours, plane, title="A search")
    axes = figure.axes[0]
    (observed,) = artists(figure, "observed")
    (expected,) = artists(figure, "expected")
    np.testing.assert_array_equal(observed.get_xydata(), contours.observed[0])
    np.testing.assert_array_equal(expected.get_xydata(), contours.expected[2][0])
    assert observed.get_linestyle() == "-"
    assert expected.get_linestyle() == "--"
    assert len(artists(figure, "one-sigma band")) == 1
    assert axes.get_xlabel() == r"$m_{\mathrm{x}}$"
    assert axes.get_ylabel() == r"$m_{\mathrm{y}}$ − $m_{\mathrm{x}}$ / 10"
    assert axes.get_title(loc="left") == "A search"
    assert figure.legends[0].get_title().get_text() == "95% CL"
    assert texts(figure)[:3] == ["Observed limit", "Expected limit", r"Expected $\pm 1\,\sigma$"]


def test_points_are_told_apart_by_shape(plane: Plane) -> None:
    figure = draw_contour(exclusion_contours(plane), plane)
    kinds = ["Excluded point", "Point not excluded", "Failed point", "Point not computed"]
    assert texts(figure)[3:] == kinds
    drawn = [artists(figure, kind)[0] for kind in kinds]
    assert [len(line.get_xdata()) for line in drawn] == [
        int((plane.Z_obs[plane.done] > 1.6449).sum()),
        int((plane.Z_obs[plane.done] < 1.6449).sum()),
        1,
        1,
    ]
    assert len({(line.get_marker(), line.get_markerfacecolor() == "white") for line in drawn}) == 4


def test_points_where_asymptotics_is_doubtful_are_marked(make_points, square) -> None:
    points = make_points(square, 1.645 + (500 - square["m_x"]) / 150)
    doubtful = square["m_x"] > 600
    plane = select_plane(replace(points, doubtful=doubtful), "m_x", "m_y", select="m_x > 250")
    contours = exclusion_contours(plane)
    figure = draw_contour(contours, plane)
    assert texts(figure)[-1] == "Asymptotics doubtful"
    (marked,) = artists(figure, "Asymptotics doubtful")
    assert marked.get_markerfacecolor() == "none"
    assert set(marked.get_xdata()) == {700.0, 800.0}
    assert len(marked.get_xdata()) == doubtful.sum()
    unmarked = select_plane(points, "m_x", "m_y", select="m_x > 250")
    assert "Asymptotics doubtful" not in texts(draw_contour(contours, unmarked))


def test_labels_can_be_given(plane: Plane) -> None:
    axes = draw_contour(exclusion_contours(plane), plane, x_label="mass [GeV]", y_label="gap [GeV]").axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("mass [GeV]", "gap [GeV]")


def test_no_crossing_draws_the_points_and_says_so(make_points, square) -> None:
    plane = select_plane(make_points(square, -1.0), "m_x", "m_y")
    figure = draw_contour(exclusion_contours(plane), plane)
    assert texts(figure) == ["Point not excluded"]
    (said,) = [text.get_text() for text in figure.axes[0].texts]
    assert said.startswith("There is no observed contour: none of 42 points is excluded")


def test_another_level_is_in_the_legend(plane: Plane) -> None:
    figure = draw_contour(exclusion_contours(plane, level=0.1), plane)
    assert figure.legends[0].get_title().get_text() == "90% CL"


@pytest.mark.parametrize("style", ["plain", "ATLAS", "CMS"])
def test_styles_leave_no_trace_and_find_their_fonts(plane: Plane, style: Style, tmp_path: Path, caplog) -> None:
    before = dict(matplotlib.rcParams)
    with caplog.at_level(logging.WARNING, logger="matplotlib"):
        figure = draw_contour(exclusion_contours(plane), plane, style=style)
        save_figure(figure, tmp_path / "figure.pdf")
    assert caplog.records == []
    assert dict(matplotlib.rcParams) == before
    assert not any(style in text for text in texts(figure))


def test_user_settings_do_not_change_the_figure(plane: Plane, tmp_path: Path) -> None:
    contours = exclusion_contours(plane)
    save_figure(draw_contour(contours, plane, style="ATLAS"), tmp_path / "one.png")
    with matplotlib.rc_context({"font.family": "serif", "font.size": 30, "lines.linewidth": 9}):
        save_figure(draw_contour(contours, plane, style="ATLAS"), tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_unknown_style_is_refused(plane: Plane) -> None:
    with pytest.raises(SelectionError, match="no style 'D0'"):
        draw_contour(exclusion_contours(plane), plane, style="D0")  # type: ignore[arg-type]


@pytest.mark.parametrize(("suffix", "start"), [(".pdf", b"%PDF"), (".png", b"\x89PNG"), (".SVG", b"<?xml")])
def test_files_are_what_they_say_and_reproducible(plane: Plane, tmp_path: Path, suffix: str, start: bytes) -> None:
    contours = exclusion_contours(plane)
    for name in ("one", "two"):
        save_figure(draw_contour(contours, plane), tmp_path / f"{name}{suffix}")
    written = (tmp_path / f"one{suffix}").read_bytes()
    assert written.startswith(start)
    assert written == (tmp_path / f"two{suffix}").read_bytes()
    assert b"CreationDate" not in written
    assert b"<dc:date>" not in written


@pytest.mark.parametrize("name", ["figure.jpg", "figure"])
def test_other_suffixes_are_refused(plane: Plane, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=name) as caught:
        save_figure(draw_contour(exclusion_contours(plane), plane), tmp_path / name)
    assert ".pdf, .png, .svg" in (caught.value.remedy or "")
    assert list(tmp_path.iterdir()) == []


def test_file_that_cannot_be_written_is_named(plane: Plane, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*nowhere"):
        save_figure(draw_contour(exclusion_contours(plane), plane), tmp_path / "nowhere" / "figure.png")
