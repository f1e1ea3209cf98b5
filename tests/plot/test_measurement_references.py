"""Figures of fits, rankings, yields and templates look as they did when somebody last looked at them."""

import matplotlib
import numpy as np
import pytest
from matplotlib.testing.compare import compare_images

from hfscale.errors import InputError, SelectionError

pytest.importorskip("cabinetry")
from pathlib import Path

from matplotlib import pyplot

from hfscale.plot.cabinetry.data_mc import draw_data_mc
from hfscale.plot.cabinetry.fits import draw_correlations, draw_pulls, draw_ranking
from hfscale.plot.cabinetry.templates import Heights, draw_templates
from hfscale.plot.files import save_figure
from hfscale.plot.group_impacts import Impact, draw_group_impacts
from tests.plot.make_references import DPI, MEASUREMENTS
from tests.plot.measurement_figures import fit, measurement_figures, ranking, stack, variation

TOLERANCE = 2.0


def test_every_figure_looks_like_its_reference(tmp_path: Path) -> None:
    figures = measurement_figures()
    assert {path.stem for path in MEASUREMENTS.glob("*.png")} == set(figures)
    for name, figure in figures.items():
        drawn, reference = tmp_path / f"{name}.png", MEASUREMENTS / f"{name}.png"
        figure.savefig(drawn, dpi=DPI)
        assert compare_images(str(reference), str(drawn), tol=TOLERANCE) is None
        assert reference.stat().st_size < 30_000


def test_a_moved_number_is_noticed(tmp_path: Path) -> None:
    other = fit()._replace(bestfit=np.array([0.9, -1.2, 1.1, 1.0]))
    from tests.plot.measurement_figures import without_text

    without_text(draw_pulls(other)).savefig(tmp_path / "drawn.png", dpi=DPI)
    reference = str(MEASUREMENTS / "pulls.png")
    assert "Error" in str(compare_images(reference, str(tmp_path / "drawn.png"), tol=TOLERANCE))


def test_nothing_is_left_in_pyplot_and_its_settings() -> None:
    before = matplotlib.rcParams.copy()
    draw_ranking(ranking(), style="ATLAS", title="A title")
    draw_data_mc(stack())
    assert matplotlib.rcParams == before
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("style", ["plain", "ATLAS"])
def test_styles_and_titles(tmp_path: Path, style: str) -> None:
    figure = draw_data_mc(stack(), style=style, title="A title")
    assert figure.axes[0].get_title(loc="left") == "A title"
    for suffix in (".pdf", ".png"):
        save_figure(figure, tmp_path / f"a{suffix}")
        save_figure(figure, tmp_path / f"b{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_what_cannot_be_stacked_is_refused() -> None:
    negative = stack()._replace(yields=np.array([[5.0, -2.0], [1.0, 1.0]]), samples=("a", "b"))
    with pytest.raises(SelectionError, match="channel SR are negative in bin 2"):
        draw_data_mc(negative)
    with pytest.raises(SelectionError, match="SR has no expected yields"):
        draw_data_mc(stack()._replace(yields=np.zeros((3, 6))))


def test_many_bins_and_empty_templates_are_drawn() -> None:
    n = 120
    many = stack()._replace(
        yields=np.ones((3, n)), errors=np.ones(n), data=np.zeros(n), edges=np.arange(n + 1, dtype=np.float64)
    )
    assert draw_data_mc(many).axes[0].get_xlim() == (0.0, n)
    nothing = Heights(np.zeros(4), np.zeros(4))
    empty = variation()._replace(nominal=nothing, up=nothing, down=None, up_processed=None)
    assert len(draw_templates(empty).axes) == 2
    below = variation()._replace(nominal=Heights(np.array([40.0, -2.0, 0.0, 6.0]), np.ones(4)))
    assert draw_templates(below).axes[1].get_ylabel() == "variation / abs(nominal)"


@pytest.mark.parametrize("n", [8, 25])
def test_many_samples_have_colours_of_their_own(n: int) -> None:
    names = tuple(f"sample {k}" for k in range(n))
    figure = draw_data_mc(stack()._replace(samples=names, yields=np.ones((n, 6))))
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert len({patch.get_facecolor() for patch in legend.get_patches()[:n]}) == n


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(SelectionError, match="no parameter"):
        draw_pulls(fit(), exclude=["jets", "scale", "mu"])
    with pytest.raises(SelectionError, match=r"as large as 0\.9") as caught:
        draw_correlations(fit(), threshold=0.9)
    assert caught.value.remedy == "the largest is 0.7"
    with pytest.raises(SelectionError, match="no nuisance parameter"):
        draw_ranking(ranking()._replace(labels=[]))
    with pytest.raises(SelectionError, match="no impacts"):
        draw_group_impacts([], [Impact("total", 1.0, 1.0)], poi="mu")
    with pytest.raises(SelectionError, match="the uncertainty of mu is 0"):
        draw_group_impacts([Impact("jets", 0.0, np.nan)], [Impact("total", 0.0, 0.0)], poi="mu")
    with pytest.raises(SelectionError, match="no style"):
        draw_pulls(fit(), style="mine")


def test_without_cabinetry_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cabinetry", None)
    with pytest.raises(InputError, match="not installed") as caught:
        draw_pulls(fit())
    assert caught.value.remedy == "install it with pip install 'hfscale[cabinetry]'"
