"""What is drawn besides the two contours: bands, single quantiles, varied cross-sections, numbers, styles."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from hfscale.errors import InputError, SelectionError
from hfscale.plot.contours import contours_to_csv
from hfscale.plot.figure import draw_contour
from hfscale.plot.markers import Numbers
from tests.plot.searches import falling, points_at, searched, with_signal

Z = falling(500.0)


def artists(figure: Figure, gid: str) -> list:
    return [artist for artist in figure.axes[0].get_children() if artist.get_gid() == gid]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_bands_and_quantiles_are_as_many_as_asked_for() -> None:
    plane, contours = searched(points_at(Z))
    for bands, expected in ((0, []), (1, ["one"]), (2, ["one", "two"])):
        figure = draw_contour(contours, plane, bands=bands)
        assert [n for n in ("one", "two") if artists(figure, f"{n}-sigma band")] == expected
    figure = draw_contour(contours, plane, bands=0, expected_lines=[1, -2, 1])
    (line,) = artists(figure, "expected +1 sigma")
    np.testing.assert_array_equal(line.get_xydata(), contours.expected[3][0])
    assert texts(figure)[2:4] == [r"Expected $+1\,\sigma$", r"Expected $-2\,\sigma$"]
    with pytest.raises(SelectionError, match="no expected contour of \\+3"):
        draw_contour(contours, plane, expected_lines=[3])
    with pytest.raises(SelectionError, match="no 3 bands"):
        draw_contour(contours, plane, bands=3)


def test_the_cross_section_of_the_signal_moves_the_observed_contour(tmp_path: Path) -> None:
    plane, contours = searched(with_signal(points_at(Z), Z, shift=0.4))
    down, up = contours.signal
    # A significance that falls by 1 in 150 of m_x.
    nominal = contours.observed[0][:, 0].max()
    assert down[0][:, 0].max() == pytest.approx(nominal - 60.0, abs=5.0)
    assert up[0][:, 0].max() == pytest.approx(nominal + 60.0, abs=5.0)
    figure = draw_contour(contours, plane)
    assert len(artists(figure, "observed signal")) == 2
    assert texts(figure)[2] == r"Observed $\pm 1\,\sigma_\mathrm{theory}$"
    contours_to_csv(contours, tmp_path / "lines.csv")
    rows = [row.split(",") for row in (tmp_path / "lines.csv").read_text().splitlines()]
    for name, lines in (("observed_signal_-1sigma", down), ("observed_signal_+1sigma", up)):
        assert [[float(x), float(y)] for line, _, x, y in rows if line == name] == lines[0].tolist()


def test_numbers_stand_at_their_points() -> None:
    plane, contours = searched(points_at(Z))
    values = {"point_0": 0.1234, "point_8": 12.0, "point_9": float("nan"), "elsewhere": 1.0}
    figure = draw_contour(contours, plane, numbers=Numbers(values, "Limit"))
    found = {text.get_text(): text.xy for text in artists(figure, "number")}
    assert found == {"0.12": (plane.x[0], plane.y[0]), "12": (plane.x[8], plane.y[8])}
    assert texts(figure)[-1] == "Limit"
    assert "Limit" not in texts(draw_contour(contours, plane, numbers=Numbers({}, "Limit")))


def test_units_and_labels() -> None:
    plane, contours = searched(points_at(Z))
    axes = draw_contour(contours, plane, x_unit="GeV", y_label="gap", y_unit="GeV").axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (r"$m_{\mathrm{x}}$ [GeV]", "gap [GeV]")


def test_a_style_file_goes_over_the_style(tmp_path: Path) -> None:
    plane, contours = searched(points_at(Z))
    file = tmp_path / "own.mplstyle"
    file.write_text('# mine\nfigure.figsize: 3, 4  # small\naxes.facecolor: "#eeeeee"\nbackend: pdf\n')
    figure = draw_contour(contours, plane, style="ATLAS", style_file=file)
    assert figure.get_size_inches().tolist() == [3.0, 4.0]
    assert figure.axes[0].get_facecolor()[:3] == pytest.approx((0.933, 0.933, 0.933), abs=1e-3)
    for text, said in (
        ("axes.labelsize 3\n", "no colon"),
        ("\naxes.nonsense: 3\n", "line 2"),
        ("axes.linewidth: much\n", "much"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=said):
            draw_contour(contours, plane, style_file=file)
    with pytest.raises(InputError, match="cannot be read"):
        draw_contour(contours, plane, style_file=tmp_path / "nowhere.mplstyle")
