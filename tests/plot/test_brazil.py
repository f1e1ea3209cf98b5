"""CLs against the POI and upper limits against a label, as figures."""

import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from scipy.special import ndtr

from hfscale.errors import SelectionError
from hfscale.plot.brazil import draw_brazil, draw_limits, limit_of_curve

VALUES = np.linspace(0.0, 3.0, 31)
NSIGMA = np.array([2.0, 1.0, 0.0, -1.0, -2.0])


def curves() -> tuple[np.ndarray, np.ndarray]:
    """CLs of a measurement with sigma = 0.5, observed one standard deviation below the expectation."""
    root = VALUES / 0.5
    expected = ndtr(-(NSIGMA + root[:, None])) / ndtr(-NSIGMA)
    return expected[:, 1], expected


def artists(figure: Figure, gid: str) -> list[Artist]:
    return [artist for artist in figure.axes[0].get_children() if artist.get_gid() == gid]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_curves_bands_level_and_limits_are_drawn() -> None:
    observed, expected = curves()
    figure = draw_brazil(VALUES, observed, expected, title="a point")
    (line,), (median,) = artists(figure, "observed"), artists(figure, "expected")
    np.testing.assert_array_equal(line.get_xydata(), np.column_stack([VALUES, observed]))
    np.testing.assert_array_equal(median.get_xydata(), np.column_stack([VALUES, expected[:, 2]]))
    for gid, (low, high) in {"one-sigma band": (1, 3), "two-sigma band": (0, 4)}.items():
        (band,) = artists(figure, gid)
        outline = {tuple(vertex) for vertex in band.get_paths()[0].vertices}
        assert {*zip(VALUES, expected[:, low]), *zip(VALUES, expected[:, high])} <= outline
    (level,) = artists(figure, "level")
    assert set(level.get_ydata()) == {0.05}
    (limit,) = artists(figure, "expected limit")
    # Phi(-x) / 0.5 = 0.05 at x = 1.95996
    assert limit.get_xdata()[0] == pytest.approx(1.95996 * 0.5, rel=2e-3)
    assert texts(figure)[1] == f"Expected (limit {limit.get_xdata()[0]:.3g})"
    assert figure.axes[0].get_title(loc="left") == "a point"
    assert figure.legends[0].get_title().get_text() == "CLs = 0.05 (95% CL)"


def test_error_bars_of_toys() -> None:
    observed, expected = curves()
    interval = np.column_stack([0.9 * observed, 1.2 * observed])
    interval[3] = np.nan
    figure = draw_brazil(VALUES, observed, expected, CLs_obs_interval=interval)
    (bars,) = artists(figure, "observed interval")
    ends = [(*segment[0], segment[1][1]) for segment in bars.get_segments()]
    assert len(ends) == len(VALUES) - 1
    assert ends[5] == pytest.approx((VALUES[6], *interval[6]))


def test_missing_values_leave_gaps_and_no_observed_curve_is_no_entry() -> None:
    _, expected = curves()
    expected[10] = np.nan
    figure = draw_brazil(VALUES, np.full(len(VALUES), np.nan), expected)
    assert artists(figure, "observed") == []
    assert len(texts(figure)) == 3
    (band,) = artists(figure, "one-sigma band")
    assert len(band.get_paths()) == 2


def test_a_logarithmic_axis_shows_the_level_and_keeps_zeros_out() -> None:
    observed, expected = curves()
    observed[-5:] = 0.0
    axes = draw_brazil(VALUES, observed, expected, log=True).axes[0]
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert 0.0 < low < 0.05
    assert high > 1.0


def test_the_limit_is_the_last_crossing() -> None:
    values = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    CLs = np.array([1.0, 0.04, 0.2, np.nan, 0.0125])
    assert limit_of_curve(values, CLs, 0.05) == pytest.approx(3.0)


@pytest.mark.parametrize("CLs", [[1.0, 0.5, 0.2], [0.04, 0.02, 0.01], [np.nan, np.nan, 0.1]])
def test_no_crossing_is_no_limit(CLs: list[float]) -> None:
    assert np.isnan(limit_of_curve(np.array([0.0, 1.0, 2.0]), np.array(CLs), 0.05))


def test_toys_that_see_nothing_above_still_end_the_curve() -> None:
    limit = limit_of_curve(np.array([0.0, 1.0, 2.0]), np.array([1.0, 0.06, 0.0]), 0.05)
    assert 1.0 < limit < 1.1


def limits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = np.array([200.0, 400.0, 800.0, 1600.0])
    expected = 1e-3 * x[:, None] * np.array([0.5, 0.7, 1.0, 1.5, 2.1])
    return x, 1.2 * expected[:, 2], expected


def test_limits_are_drawn_on_a_logarithmic_axis_with_the_nominal_signal() -> None:
    x, observed, expected = limits()
    observed[1] = expected[3, 4] = np.nan
    figure = draw_limits(x, observed, expected, x_label="$m$", y_label="limit")
    axes = figure.axes[0]
    assert axes.get_yscale() == "log"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$m$", "limit")
    (line,) = artists(figure, "observed")
    assert list(np.isnan(line.get_ydata())) == [False, True, False, False]
    low, high = axes.get_ylim()
    assert low < 0.1
    assert high > 2.4
    assert set(artists(figure, "nominal signal")[0].get_ydata()) == {1.0}
    one, two = (artists(figure, f"{name}-sigma band")[0].get_paths()[0].vertices[:, 0].max() for name in ("one", "two"))
    assert (one, two) == (1600.0, 800.0)


def test_unknown_style_is_refused() -> None:
    observed, expected = curves()
    with pytest.raises(SelectionError, match="no style 'D0'"):
        draw_brazil(VALUES, observed, expected, style="D0")
