"""How surely toys say on which side of a level CLs is: never more surely than the toys allow."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr, ndtri

from hfscale.inference.toys.distances import Distances, distances_from_level, ratio_distance
from hfscale.inference.toys.p_values import QUANTILES
from hfscale.inference.toys.results import ToyStatus
from tests.counting_toys import Counting

LEVEL = 0.05


def distances(q_obs: float, q_sb: np.ndarray, q_b: np.ndarray) -> Distances:
    statuses = (np.full(len(q), int(ToyStatus.OK)) for q in (q_sb, q_b))
    return distances_from_level(q_obs, q_sb, next(statuses), q_b, next(statuses), LEVEL)


def test_many_toys_have_the_gaussian_distance() -> None:
    n, above, above_b = 1_000_000, 20_600, 420_000
    ratio = above / above_b
    error = ratio * np.sqrt((1 - above / n) / above + (1 - above_b / n) / above_b)
    assert ratio_distance(above, n, above_b, n, LEVEL) == pytest.approx((ratio - LEVEL) / error, abs=0.1)


def test_without_a_toy_above_the_distance_is_that_of_the_binomial() -> None:
    # With CLb = 1 nothing but the numerator is uncertain: the chance of no toy above, were CLs at the level.
    assert ratio_distance(0, 100, 10**9, 10**9, LEVEL) == pytest.approx(ndtri((1 - LEVEL) ** 100), abs=1e-3)


def test_no_background_toy_above_tells_nothing() -> None:
    assert ratio_distance(3, 1000, 0, 1000, LEVEL) == 0.0


@pytest.mark.parametrize("CLb", [0.03, 0.3, 0.9])
def test_the_observed_distance_is_exceeded_as_rarely_as_it_says(CLb: float) -> None:
    n, experiments = 500, 20_000
    rng = np.random.default_rng(3)
    above, above_b = rng.binomial(n, LEVEL * CLb, experiments), rng.binomial(n, CLb, experiments)
    pairs, counts = np.unique(np.stack([above, above_b]), axis=1, return_counts=True)
    found = np.array([ratio_distance(int(k), n, int(k_b), n, LEVEL) for k, k_b in pairs.T])
    for nsigma in (1.0, 2.0, 3.0):
        for wrong in (found <= -nsigma, found >= nsigma):
            allowed = stats.binom.isf(1e-4, experiments, ndtr(-nsigma))
            assert counts[wrong].sum() <= allowed


def shifted_to_level(column: int, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Toys of both hypotheses with a continuous statistic, where one value of the exact band is at the level."""
    share = QUANTILES[column]
    separation = ndtri(share) - ndtri(LEVEL * share)
    return rng.normal(0.0, 1.0, n) + 20.0, rng.normal(separation, 1.0, n) + 20.0


@pytest.mark.parametrize(("column", "n"), [(0, 8000), (2, 400), (4, 400)])
def test_the_expected_distance_is_exceeded_as_rarely_as_it_says(column: int, n: int) -> None:
    rng, experiments = np.random.default_rng(4), 150
    found = np.array(
        [distances(np.nan, *shifted_to_level(column, n, rng)).expected[column] for _ in range(experiments)]
    )
    for nsigma in (1.0, 2.0):
        allowed = stats.binom.isf(1e-4, experiments, ndtr(-nsigma))
        assert (found <= -nsigma).sum() <= allowed
        assert (found >= nsigma).sum() <= allowed
    # Nor is it far too careful: that would cost toys.
    assert found.std() > 0.7


@pytest.mark.parametrize("column", [0, 2])
def test_the_expected_distance_holds_with_few_events(column: int) -> None:
    rng, experiments, background = np.random.default_rng(5), 150, 3.0
    events = int(stats.poisson.ppf(QUANTILES[column], background))
    model = Counting.with_cls(LEVEL, background, events)
    assert model.band()[column] == pytest.approx(LEVEL)
    found = np.array([distances(np.nan, *model.throw(500, rng)).expected[column] for _ in range(experiments)])
    for nsigma in (1.0, 2.0):
        allowed = stats.binom.isf(1e-4, experiments, ndtr(-nsigma))
        assert (found <= -nsigma).sum() <= allowed
        assert (found >= nsigma).sum() <= allowed
    assert found.std() > 0.5


def test_strong_exclusion_holds_for_the_whole_band() -> None:
    # At -2 sigma, CLsb is to be compared with 0.0011, which 500 toys cannot do.
    found = distances(np.nan, np.linspace(0.0, 5.0, 500), np.linspace(6.0, 9.0, 500))
    assert (found.expected < -4.0).all()


def test_strong_exclusion_holds_for_data_below_the_band() -> None:
    # CLb is 0.02, so that CLsb is to be compared with 0.001, which 500 toys cannot do; beyond 0.5 % of toys it is.
    q_sb, q_b = np.linspace(0.0, 5.0, 500), np.linspace(6.0, 9.0, 500)
    assert abs(ratio_distance(0, 500, 10, 500, LEVEL)) < 1.0
    assert distances(8.945, q_sb, q_b).observed < -4.0
    # The other side: all but a few background toys are above, at CLs of almost 1.
    near = np.linspace(5.0, 9.0, 500)
    assert distances(5.01, near, near).observed > 5.0


def test_statistics_that_many_toys_share_are_decided_too() -> None:
    # Two events at most: the median background toy has 1, where CLs is exactly 0.2 / 0.7.
    q_sb, q_b = np.repeat([4.0, 2.0, 0.0], [20, 180, 800]), np.repeat([4.0, 2.0, 0.0], [300, 400, 300])
    found = distances(2.0, q_sb, q_b)
    assert found.observed == pytest.approx(found.expected[2], abs=1.0)
    assert found.expected[2] > 5.0
    assert distances(4.0, q_sb, q_b).observed == pytest.approx(ratio_distance(20, 1000, 300, 1000, LEVEL), abs=0.1)


def test_an_observed_statistic_of_zero_is_certain() -> None:
    assert distances(0.0, np.array([0.0, 3.0]), np.array([0.0, 5.0])).observed == np.inf


def test_without_observed_data_there_is_the_band_alone() -> None:
    found = distances(np.nan, np.zeros(50), np.linspace(0.0, 9.0, 50))
    assert np.isnan(found.observed)
    assert np.isfinite(found.expected).all()


def test_without_toys_nothing_is_known() -> None:
    assert distances(1.0, np.zeros(0), np.zeros(5)).observed == 0.0
    assert distances(1.0, np.zeros(5), np.zeros(0)).expected.tolist() == [0.0] * 5


def test_failed_toys_do_not_count() -> None:
    q, status = np.array([5.0] * 40 + [0.0] * 60), np.full(100, int(ToyStatus.OK))
    with_failed = np.append(q, np.full(30, np.nan)), np.append(status, np.full(30, int(ToyStatus.FAILED)))
    found = distances_from_level(2.0, *with_failed, *with_failed, LEVEL)
    expected = distances_from_level(2.0, q, status, q, status, LEVEL)
    assert found.observed == expected.observed
    assert found.expected.tolist() == expected.expected.tolist()
