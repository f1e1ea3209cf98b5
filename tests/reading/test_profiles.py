"""Intervals read from profile likelihoods that are known at a few values."""

import numpy as np
import pytest

from hfscale.reading.profiles import interval_below

VALUES = np.array([-3.0, -1.0, 0.5, 2.0, 4.0])


def parabola(best: float, error: float) -> np.ndarray:
    return ((VALUES - best) / error) ** 2


@pytest.mark.parametrize("level", [1.0, 2.3])
@pytest.mark.parametrize(("best", "error"), [(0.7, 1.1), (0.5, 0.9), (1.2, 0.2)])
def test_the_ends_of_a_parabola_are_exact(best: float, error: float, level: float) -> None:
    ends = interval_below(VALUES, parabola(best, error), best, level)
    width = error * np.sqrt(level)
    assert ends == pytest.approx((best - width, best + width))


def test_an_end_that_the_values_do_not_reach_is_unknown() -> None:
    low, high = interval_below(VALUES, parabola(-2.5, 1.0), -2.5, 1.0) or (0.0, 0.0)
    assert np.isnan(low)
    assert high == pytest.approx(-1.5)


def test_a_best_fit_outside_the_values_gives_the_end_inside() -> None:
    low, high = interval_below(VALUES, parabola(-3.5, 1.0), -3.5, 1.0) or (0.0, 0.0)
    assert np.isnan(low)
    assert high == pytest.approx(-2.5)
    assert interval_below(VALUES, parabola(-9.0, 1.0), -9.0, 1.0) is None


def test_a_value_without_a_fit_ends_what_is_known() -> None:
    t = parabola(0.7, 1.1)
    t[3] = np.nan
    low, high = interval_below(VALUES, t, 0.7, 1.0) or (0.0, 0.0)
    assert low == pytest.approx(-0.4)
    assert np.isnan(high)
    assert interval_below(VALUES, np.full(5, np.nan), np.nan, 1.0) is None
