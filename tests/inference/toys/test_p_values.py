"""p-values of toys: counted as pyhf counts, with intervals, and without surprises where numbers run out."""

import numpy as np
import pytest
from scipy import stats

from hfscale.inference.toys.intervals import rank_intervals, ratio_interval, share_interval
from hfscale.inference.toys.p_values import PValueStatus, ToyPValues, toy_p_values
from hfscale.inference.toys.results import ToyStatus

PERCENTILES = [2.27501319, 15.86552539, 50.0, 84.13447461, 97.72498681]


def p_values(q_obs: float, q_sb: object, q_b: object, failed_sb: int = 0, failed_b: int = 0) -> ToyPValues:
    """p-values where the last toys of each hypothesis failed."""
    numbers, statuses = [], []
    for q, failed in ((q_sb, failed_sb), (q_b, failed_b)):
        values = np.asarray(q, dtype=float)
        numbers.append(np.concatenate([values, np.full(failed, np.nan)]))
        statuses.append(np.repeat([int(ToyStatus.OK), int(ToyStatus.FAILED)], [len(values), failed]))
    return toy_p_values(q_obs, numbers[0], statuses[0], numbers[1], statuses[1])


def drawn(n_sb: int, n_b: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Statistics with a spike at zero, as of toys."""
    rng = np.random.default_rng(seed)
    sb, b = rng.normal(0.0, 1.0, n_sb), rng.normal(1.5, 1.0, n_b)
    return np.maximum(sb, 0.0) ** 2, np.maximum(b, 0.0) ** 2


def test_observed_values_are_shares_of_toys_at_least_as_large() -> None:
    p = p_values(2.0, [1.0, 2.0, 3.0, 0.0], [2.0, 2.5, 0.0, 5.0])
    assert (p.CLsb, p.CLb, p.CLs_obs) == (0.5, 0.75, pytest.approx(2.0 / 3.0))
    assert p.status is PValueStatus.OK
    assert p.reason == ""


def test_the_band_is_that_of_pyhf() -> None:
    q_sb, q_b = drawn(500, 400)
    p = p_values(1.0, q_sb, q_b)
    columns = []
    for q in q_b:
        CLsb, CLb = np.mean(q_sb >= q), np.mean(q_b >= q)
        columns.append((CLsb, CLb, CLsb / CLb))
    expected = np.percentile(columns, PERCENTILES, axis=0)
    assert np.stack([p.CLsb_exp, p.CLb_exp, p.CLs_exp], axis=1) == pytest.approx(expected, abs=1e-9)


def test_ties_count_in_spite_of_the_last_digits_of_fits() -> None:
    p = p_values(2.0, [2.0 - 1e-10, 2.0 - 1e-7], [2.0 - 1e-10, 5.0])
    assert (p.CLsb, p.CLb) == (0.5, 1.0)


def test_everything_at_zero_is_exactly_one() -> None:
    p = p_values(0.0, np.zeros(7), np.zeros(5))
    assert (p.CLsb, p.CLb, p.CLs_obs) == (1.0, 1.0, 1.0)
    assert p.CLs_exp.tolist() == [1.0] * 5
    for interval in (p.CLsb_interval, p.CLb_interval, p.CLs_obs_interval, p.CLs_obs_bounds):
        assert interval.tolist() == [1.0, 1.0]


def test_no_background_toy_above_is_a_status_and_not_a_number() -> None:
    p = p_values(9.0, [1.0, 10.0], [1.0, 2.0, 3.0])
    assert p.status is PValueStatus.CLB_ZERO
    assert "none of 3 background toys" in p.reason
    assert np.isnan(p.CLs_obs)
    assert (p.CLsb, p.CLb) == (0.5, 0.0)
    assert p.CLb_interval[0] == 0.0
    assert p.CLb_interval[1] > 0.1
    assert np.isfinite(p.CLs_obs_interval).all()
    assert np.isfinite(p.CLs_exp).all()


@pytest.mark.parametrize(("n_sb", "n_b", "failed"), [(0, 0, 0), (0, 5, 3), (5, 0, 0)])
def test_without_toys_there_are_no_values(n_sb: int, n_b: int, failed: int) -> None:
    p = p_values(1.0, np.ones(n_sb), np.ones(n_b), failed_sb=failed)
    assert p.status is PValueStatus.NO_TOYS
    assert p.reason
    assert np.isnan([p.CLsb, p.CLb, p.CLs_obs, *p.CLs_exp, *p.CLs_obs_interval]).all()
    assert p.sb.failed == failed


def test_failed_observed_fits_leave_the_band() -> None:
    p = p_values(np.nan, *drawn(50, 50))
    assert p.status is PValueStatus.FAILED
    assert np.isnan(p.CLs_obs)
    assert np.isfinite(p.CLs_exp).all()


def test_toys_that_were_not_run_count_nowhere() -> None:
    status = np.array([int(ToyStatus.OK), int(ToyStatus.NOT_RUN)])
    p = toy_p_values(1.0, np.array([2.0, np.nan]), status, np.array([2.0, np.nan]), status)
    assert (p.sb.finished, p.sb.failed, p.CLsb) == (1, 0, 1.0)


def test_failed_toys_bound_cls_from_both_sides() -> None:
    p = p_values(2.0, [3.0] * 10 + [1.0] * 90, [3.0] * 50 + [1.0] * 50, failed_sb=5, failed_b=10)
    assert p.CLs_obs == pytest.approx(0.1 / 0.5)
    assert p.CLs_obs_bounds == pytest.approx([(10 / 105) / (60 / 110), (15 / 105) / (50 / 110)])
    assert (p.sb.failed, p.b.failed) == (5, 10)


def test_no_toy_above_is_never_certain() -> None:
    p = p_values(9.0, np.zeros(100), np.full(100, 10.0))
    assert p.CLs_obs == 0.0
    assert p.CLs_obs_interval[0] == 0.0
    assert 0.004 < p.CLs_obs_interval[1] < 0.02
    assert 0.004 < p.CLs_exp_interval[0, 1] < 0.02


def test_intervals_of_shares_cover() -> None:
    n = 60
    for true in (0.01, 0.05, 0.3, 0.9):
        counts = np.arange(n + 1)
        intervals = np.array([share_interval(int(k), n) for k in counts])
        inside = (intervals[:, 0] <= true) & (true <= intervals[:, 1])
        assert 0.55 < stats.binom.pmf(counts, n, true)[inside].sum() < 0.95


def test_intervals_of_ratios_become_gaussian() -> None:
    k, n, k_b, n_b = 4000, 40_000, 20_000, 40_000
    ratio = (k / n) / (k_b / n_b)
    error = ratio * np.sqrt((1 - k / n) / k + (1 - k_b / n_b) / k_b)
    assert ratio_interval(k, n, k_b, n_b) == pytest.approx([ratio - error, ratio + error], rel=1e-3)


def test_ranks_beyond_the_toys_are_open() -> None:
    ranks = rank_intervals(10, np.array([0.02, 0.5, 0.98]))
    assert ranks[0, 0] == 0
    assert ranks[2, 1] == 11
    assert ranks[1].tolist() == [3, 8]


@pytest.mark.slow
def test_intervals_of_the_band_cover_the_values_of_many_toys() -> None:
    exact = p_values(1.0, *drawn(400_000, 400_000, seed=5))
    inside = np.zeros(5)
    for seed in range(300):
        p = p_values(1.0, *drawn(300, 300, seed=100 + seed))
        inside += (p.CLs_exp_interval[:, 0] <= exact.CLs_exp) & (exact.CLs_exp <= p.CLs_exp_interval[:, 1])
        assert (p.CLs_exp_interval[:, 0] <= p.CLs_exp).all()
        assert (p.CLs_exp <= p.CLs_exp_interval[:, 1]).all()
    assert (inside / 300 > 0.6).all()
    # Beyond the outermost toys nothing is known: there, and only there, intervals are much too wide.
    assert (inside[1:4] / 300 < 0.9).all()
