"""Figures look as they did when somebody last looked at them."""

from pathlib import Path

import pytest
from matplotlib.testing.compare import compare_images

from tests.plot.make_references import DPI, FOLDER
from tests.plot.searches import reference_figures

TOLERANCE = 2.0
"""Root mean square of 255 that other versions of libraries may differ by; a missing line is about 5."""


def test_every_figure_looks_like_its_reference(tmp_path: Path) -> None:
    figures = reference_figures()
    assert {path.stem for path in FOLDER.glob("*.png")} == set(figures)
    for name, figure in figures.items():
        drawn = tmp_path / f"{name}.png"
        figure.savefig(drawn, dpi=DPI)
        assert compare_images(str(FOLDER / f"{name}.png"), str(drawn), tol=TOLERANCE) is None


@pytest.mark.parametrize("name", ["observed", "expected", "observed signal", "one-sigma band", "Excluded point"])
def test_what_is_missing_is_noticed(tmp_path: Path, name: str) -> None:
    figure = reference_figures()["exclusion"]
    for artist in [artist for artist in figure.axes[0].get_children() if artist.get_gid() == name]:
        artist.remove()
    figure.savefig(tmp_path / "drawn.png", dpi=DPI)
    reference = str(FOLDER / "exclusion.png")
    assert "Error" in str(compare_images(reference, str(tmp_path / "drawn.png"), tol=TOLERANCE))


@pytest.mark.parametrize("name", ["exclusion", "several", "discovery"])
def test_references_are_small(name: str) -> None:
    assert (FOLDER / f"{name}.png").stat().st_size < 60_000
