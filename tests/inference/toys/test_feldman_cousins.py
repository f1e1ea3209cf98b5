"""Intervals of Feldman and Cousins against their published table and closed forms."""

import numpy as np
import pytest
from scipy.stats import norm, poisson

from hfscale.errors import InputError
from hfscale.inference.toys.feldman_cousins import ConfidenceInterval, TwoSidedToys, feldman_cousins
from hfscale.inference.toys.results import ToyStatus

PUBLISHED = {
    1: (0.00, 1.88), 2: (0.00, 3.04), 3: (0.00, 4.42), 4: (0.00, 5.60), 5: (0.00, 6.99),
    6: (0.15, 8.47), 7: (0.89, 9.53), 8: (1.51, 10.99), 9: (1.88, 12.30), 10: (2.63, 13.50),
}  # fmt: skip
"""Ends of the 90 % intervals for a background of 3 events, by the observed number: G. J. Feldman, R. D. Cousins, Phys.
Rev. D 57 (1998) 3873, table IV. That of no event is left out: the article lengthens it, lest it shrink with more
background.
"""
BACKGROUND = 3.0
OK = int(ToyStatus.OK)


def places(n: int) -> np.ndarray:
    """Probabilities spread evenly: toys at their quantiles have the exact distribution."""
    return (np.arange(n) + 0.5) / n


def counting_t(events: np.ndarray, mu: float) -> np.ndarray:
    """-2 ln of the ratio of eq. 4.2 of the article: the best signal is not negative."""
    n = np.asarray(events, dtype=float)
    best = np.maximum(n, BACKGROUND)
    return np.maximum(2.0 * (mu + BACKGROUND - best - n * np.log((mu + BACKGROUND) / best)), 0.0)


def counting_toys(values: np.ndarray, n: int) -> list[TwoSidedToys]:
    found = []
    for mu in values:
        events = poisson.ppf(places(n), mu + BACKGROUND)
        found.append(TwoSidedToys(counting_t(events, mu), np.maximum(events - BACKGROUND, 0.0), np.full(n, OK)))
    return found


def test_counting_experiments_have_the_published_intervals() -> None:
    values = np.arange(0.0, 15.0, 0.05)
    toys = counting_toys(values, 4000)
    for events, expected in PUBLISHED.items():
        t_obs = np.array([counting_t(np.array(events), mu) for mu in values])
        (found,) = feldman_cousins(values, t_obs, toys, [0.9]).intervals
        assert (found.lower, found.upper) == pytest.approx(expected, abs=0.06), events


def gaussian(values: np.ndarray, observed: float, n: int = 2000, failed: int = 0) -> list[ConfidenceInterval]:
    """Intervals of the mean of a normal distribution without bounds."""
    toys = []
    for mu in values:
        x = norm.ppf(places(n), mu)
        status = np.full(n, OK)
        status[:failed] = ToyStatus.FAILED
        toys.append(TwoSidedToys((x - mu) ** 2, x, status))
    return list(feldman_cousins(values, (observed - values) ** 2, toys, [0.683, 0.95]).intervals)


def test_normal_measurements_have_central_intervals() -> None:
    narrow, wide = gaussian(np.linspace(-3.0, 5.0, 81), 1.2)
    for found, probability in ((narrow, 0.683), (wide, 0.95)):
        width = norm.isf((1.0 - probability) / 2.0)
        assert (found.lower, found.upper) == pytest.approx((1.2 - width, 1.2 + width), abs=0.01)
        for end, (low, high) in ((found.lower, found.lower_interval), (found.upper, found.upper_interval)):
            assert low < end < high


def test_ends_that_the_values_do_not_reach_are_unknown() -> None:
    narrow, wide = gaussian(np.linspace(0.0, 3.0, 31), 1.5)
    assert (narrow.lower, narrow.upper) == pytest.approx((0.5, 2.5), abs=0.01)
    assert np.isnan([wide.lower, wide.upper]).all()
    assert not wide.is_empty
    empty, _ = gaussian(np.linspace(3.0, 4.0, 5), 1.5)
    assert empty.is_empty


def test_failed_toys_widen_what_is_known_of_the_ends() -> None:
    values = np.linspace(-3.0, 5.0, 81)
    without, failing = gaussian(values, 1.2)[1], gaussian(values, 1.2, failed=20)[1]
    assert np.ptp(failing.upper_interval) > 1.2 * np.ptp(without.upper_interval)


def test_probabilities_are_between_0_and_1() -> None:
    with pytest.raises(InputError, match="no interval has the probability 90"):
        feldman_cousins(np.array([0.0, 1.0]), np.zeros(2), counting_toys(np.array([0.0, 1.0]), 5), [90.0])
