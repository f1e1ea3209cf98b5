"""The global p-value: against closed forms, with an interval that holds, and where numbers run out."""

import numpy as np
import pytest
from scipy.special import ndtri

from hfscale.inference.toys.look_elsewhere import GlobalPValue, global_p_value
from hfscale.inference.toys.results import ToyStatus

LOCAL = 0.01


def q0_of(p: float) -> float:
    """Statistic of a point with a Gaussian significance."""
    return float(max(-ndtri(p), 0.0) ** 2)


def search(
    n_points: int, n_toys: int, seed: int = 0, correlation: float = 0.0, observed: float = LOCAL
) -> GlobalPValue:
    """Gaussian points with toys, the second of which has the given local p-value and the others less significant ones.

    Neighbouring points share a part of their fluctuations.
    """
    rng = np.random.default_rng(seed)
    common, own = rng.normal(size=(1, n_toys)), rng.normal(size=(n_points, n_toys))
    Z = np.sqrt(correlation) * common + np.sqrt(1.0 - correlation) * own
    q0_obs = np.full(n_points, q0_of(0.4))
    q0_obs[min(1, n_points - 1)] = q0_of(observed)
    q0 = np.maximum(Z, 0.0) ** 2
    return global_p_value(q0_obs, q0, np.full(q0.shape, int(ToyStatus.OK)))


@pytest.mark.parametrize("n_points", [1, 5, 30])
def test_independent_points_have_independent_chances(n_points: int) -> None:
    found = search(n_points, 20_000)
    expected = 1.0 - (1.0 - LOCAL) ** n_points
    assert found.point == min(1, n_points - 1)
    assert (found.n_points, found.n_toys, found.n_left_out) == (n_points, 20_000, 0)
    sigma = 0.5 * np.diff(found.global_interval)[0]
    assert abs(found.global_p - expected) < 3.0 * sigma
    # Nearly all of the uncertainty is that of the 200 toys beyond the observed local p-value.
    assert sigma / expected == pytest.approx(1.0 / np.sqrt(200), rel=0.3)


def test_points_that_fluctuate_together_are_one() -> None:
    found = search(20, 5_000, correlation=1.0)
    assert found.global_p == found.local_p
    assert found.global_interval == pytest.approx(found.local_interval, rel=1e-6)
    assert found.local_p == pytest.approx(LOCAL, rel=0.4)


def test_points_with_other_distributions_compare_by_their_local_p_values() -> None:
    rng = np.random.default_rng(4)
    q0 = np.stack([rng.normal(size=4000) ** 2, 50.0 * rng.normal(size=4000) ** 2])
    found = global_p_value(np.array([8.0, 90.0]), q0, np.full(q0.shape, int(ToyStatus.OK)))
    assert found.point == 0
    assert found.local_p == pytest.approx(0.0047, rel=0.5)
    assert found.global_p == pytest.approx(2.0 * found.local_p, rel=0.1)


@pytest.mark.parametrize(("correlation", "n_points"), [(0.0, 1), (0.5, 15)])
def test_the_interval_covers(correlation: float, n_points: int) -> None:
    truth = search(n_points, 100_000, 999, correlation, 0.02)
    found = [search(n_points, 1000, seed, correlation, 0.02) for seed in range(120)]
    covered = np.mean([f.global_interval[0] <= truth.global_p <= f.global_interval[1] for f in found])
    assert abs(covered - 0.683) < 3.0 * np.sqrt(0.683 * 0.317 / 120)


def test_data_beyond_all_toys_have_an_upper_end_that_counts_all_points() -> None:
    found = search(10, 1000, observed=1e-9)
    assert (found.local_p, found.global_p) == (0.0, 0.0)
    assert found.global_interval[0] == 0.0
    assert found.global_interval[1] == pytest.approx(10 * found.local_interval[1], rel=0.05)


def test_data_at_zero_everywhere_are_as_insignificant_as_can_be() -> None:
    found = global_p_value(np.zeros(3), np.abs(np.random.default_rng(0).normal(size=(3, 100))), np.ones((3, 100), int))
    assert (found.local_p, found.global_p) == (1.0, 1.0)
    assert found.local_interval.tolist() == found.global_interval.tolist() == [1.0, 1.0]


def test_ties_count_in_spite_of_the_last_digits_of_fits() -> None:
    q0 = np.array([[4.0 - 1e-11, 1.0, 0.0, 0.0], [0.0, 0.0, 9.0, 9.0 - 1e-11]])
    found = global_p_value(np.array([4.0, 1.0]), q0, np.ones((2, 4), int))
    assert (found.point, found.local_p) == (0, 0.25)
    # The two largest toys of the other point tie, so that each has a local p-value of one half.
    assert found.global_p == 0.25


def test_only_toys_finished_at_all_points_count() -> None:
    q0 = np.array([[9.0, 1.0, 0.0, np.nan, 9.0], [9.0, 1.0, 0.0, 0.0, np.nan]])
    status = np.array([[1, 1, 1, 0, 1], [1, 1, 1, 0, 2]])
    found = global_p_value(np.array([4.0, 0.5]), q0, status)
    assert (found.n_toys, found.n_left_out) == (3, 1)
    assert (found.local_p, found.global_p) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_points_without_observed_statistic_are_not_compared() -> None:
    q0, status = np.array([[9.0, 1.0], [np.nan, np.nan]]), np.array([[1, 1], [0, 0]])
    found = global_p_value(np.array([4.0, np.nan]), q0, status)
    assert (found.point, found.n_points, found.n_toys, found.global_p) == (0, 1, 2, 0.5)


def test_among_points_beyond_all_toys_the_largest_statistic_wins() -> None:
    q0 = np.random.default_rng(1).normal(size=(3, 50)) ** 2
    assert global_p_value(np.array([100.0, 300.0, 200.0]), q0, np.ones((3, 50), int)).point == 1


def test_points_of_other_background_models_are_not_compared() -> None:
    q0 = np.random.default_rng(2).normal(size=(4, 2000)) ** 2
    q0_obs, models = np.array([4.0, 3.9, 7.0, 1.0]), np.array([0, 0, 1, 1])
    found = global_p_value(q0_obs, q0, np.ones(q0.shape, int), models)
    alone = global_p_value(q0_obs[2:], q0[2:], np.ones((2, 2000), int))
    assert (found.point, found.n_points, found.n_other_models) == (2, 2, 2)
    assert (found.global_p, found.local_p) == (alone.global_p, alone.local_p)
    together = global_p_value(q0_obs, q0, np.ones(q0.shape, int), np.zeros(4, int))
    assert (together.n_points, together.n_other_models) == (4, 0)
    assert together.global_p > found.global_p


def test_a_point_without_toys_does_not_choose_the_background_model() -> None:
    q0 = np.random.default_rng(3).normal(size=(2, 500)) ** 2
    status = np.array([np.zeros(500, int), np.ones(500, int)])
    assert global_p_value(np.array([50.0, 2.0]), q0, status, np.array([0, 1])).point == 1


def test_nothing_to_count_is_no_number() -> None:
    empty = global_p_value(np.array([4.0, 9.0]), np.full((2, 3), np.nan), np.zeros((2, 3), int))
    assert (empty.point, empty.n_toys, empty.n_left_out) == (1, 0, 0)
    assert np.isnan([empty.local_p, empty.global_p, *empty.global_interval]).all()
    assert global_p_value(np.array([np.nan]), np.ones((1, 3)), np.ones((1, 3), int)).point == -1
