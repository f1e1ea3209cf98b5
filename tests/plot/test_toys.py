"""Distributions of toys as figures."""

import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from hfscale.inference.densities import statistic_density
from hfscale.plot.toys import draw_toys

Q_ASIMOV = 6.0


@pytest.fixture
def toys() -> dict[str, np.ndarray]:
    """Statistics q of a normal estimate under both hypotheses."""
    rng = np.random.default_rng(4)
    root = np.sqrt(Q_ASIMOV)
    thrown = {"sb": rng.normal(root, 1.0, 4000), "b": rng.normal(0.0, 1.0, 3000)}
    return {name: np.where(x > root, 0.0, (x - root) ** 2) for name, x in thrown.items()}


def artists(figure: Figure, gid: str) -> list[Artist]:
    return [artist for artist in figure.axes[0].get_children() if artist.get_gid() == gid]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_histograms_are_densities_beside_the_asymptotic_ones(toys: dict[str, np.ndarray]) -> None:
    figure = draw_toys(toys["sb"], toys["b"], 3.5, q_asimov=Q_ASIMOV, test_stat="q")
    for name, q in toys.items():
        (steps,) = artists(figure, f"toys {name}")
        heights, edges, _ = steps.get_data()
        assert (heights * np.diff(edges)).sum() == pytest.approx((q > 0).mean())
        (curve,) = artists(figure, f"asymptotic {name}")
        x, y = curve.get_xydata().T
        np.testing.assert_allclose(y, statistic_density(x, Q_ASIMOV, name, "q").density)
        # These toys follow the formulas: most steps of the histogram touch the curve within three of its errors.
        middle = 0.5 * (edges[1:] + edges[:-1])
        expected = np.interp(middle, x, y)
        error = np.sqrt(np.maximum(expected, 1e-9) / (len(q) * np.diff(edges)))
        many = expected * len(q) * np.diff(edges) > 20
        assert (np.abs(heights - expected)[many][1:] < 3.5 * error[many][1:]).all()
    (observed,) = artists(figure, "observed")
    assert set(observed.get_xdata()) == {3.5}
    assert figure.axes[0].get_yscale() == "log"


def test_the_legend_tells_the_shares_at_zero(toys: dict[str, np.ndarray]) -> None:
    share = 100.0 * (toys["sb"] == 0).mean()
    figure = draw_toys(toys["sb"], toys["b"], 3.5, q_asimov=Q_ASIMOV, labels=("tested", "other"))
    said = texts(figure)
    assert f"4000 toys, tested ({share:.3g}% at 0)" in said
    assert "Asymptotic, tested (50% at 0)" in said
    assert "Asymptotic, other (0.715% at 0)" in said
    assert "Observed: 3.5" in said


def test_what_is_unknown_is_not_drawn(toys: dict[str, np.ndarray]) -> None:
    figure = draw_toys(toys["sb"], np.empty(0), float("nan"))
    assert len(texts(figure)) == 1
    assert artists(figure, "observed") == artists(figure, "toys b") == artists(figure, "asymptotic sb") == []


def test_everything_is_within_the_axes(toys: dict[str, np.ndarray]) -> None:
    figure = draw_toys(toys["sb"], toys["b"], 40.0, q_asimov=Q_ASIMOV)
    axes = figure.axes[0]
    assert axes.get_xlim()[1] > 40.0
    low, high = axes.get_ylim()
    heights = artists(figure, "toys sb")[0].get_data()[0]
    assert low < heights[heights > 0].min()
    assert high > heights.max()
