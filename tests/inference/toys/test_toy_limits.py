"""Upper limits from toys: against exact ones of a counting experiment, with intervals that hold, and their statuses."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy import optimize, stats

import hfscale.inference.toys.limits
from hfscale.errors import InputError
from hfscale.inference.results import LimitStatus
from hfscale.inference.toys.limits import ToyLimits, toy_limits
from hfscale.inference.toys.p_values import ToyPValues, toy_p_values
from hfscale.inference.toys.results import ToyStatus

OK, FAILED, NOT_RUN = (int(status) for status in (ToyStatus.OK, ToyStatus.FAILED, ToyStatus.NOT_RUN))
SIGNAL, BACKGROUND = 5.0, 9.3
GRID = np.linspace(0.0, 4.0, 21)


class Toys(NamedTuple):
    """Arguments of `toy_limits` between the values and the level."""

    q_obs: np.ndarray
    q_sb: np.ndarray
    status_sb: np.ndarray
    q_b: np.ndarray
    status_b: np.ndarray

    def take(self, index: object) -> "Toys":
        """The toys at some of the values."""
        return Toys(*(array[index] for array in self))

    def p_values(self, i: int) -> ToyPValues:
        """p-values at one of the values."""
        return toy_p_values(float(self.q_obs[i]), *(array[i] for array in self[1:]))


def q_tilde(mu: float, n: np.ndarray) -> np.ndarray:
    """Statistic of a counting experiment with known background."""
    tested, best = mu * SIGNAL + BACKGROUND, np.maximum(n, BACKGROUND)
    q = 2.0 * (tested - best - n * np.log(tested / best))
    return np.where(best >= tested, 0.0, np.maximum(q, 0.0))


def throw(n: int, n_sb: int, n_b: int, seed: int = 0, grid: np.ndarray = GRID) -> Toys:
    """Toys at all values: the same background counts at each, independent ones of the tested hypotheses."""
    rng = np.random.default_rng(seed)
    counts_b = rng.poisson(BACKGROUND, n_b).astype(float)
    q_b = np.stack([q_tilde(mu, counts_b) for mu in grid])
    q_sb = np.stack([q_tilde(mu, rng.poisson(mu * SIGNAL + BACKGROUND, n_sb).astype(float)) for mu in grid])
    q_obs = np.array([float(q_tilde(mu, np.array(float(n)))) for mu in grid])
    return Toys(q_obs, q_sb, np.full(q_sb.shape, OK), q_b, np.full(q_b.shape, OK))


def exact_limit(n: int, level: float = 0.05) -> float:
    def difference(mu: float) -> float:
        return float(stats.poisson.cdf(n, mu * SIGNAL + BACKGROUND) / stats.poisson.cdf(n, BACKGROUND)) - level

    return float(optimize.brentq(difference, 0.0, 20.0))


def width(limits: ToyLimits) -> float:
    low, high = limits.upper_limit_obs_interval
    return float(0.5 * (high - low))


def test_limits_are_where_the_cls_of_toys_cross_the_level() -> None:
    grid = np.linspace(0.0, 4.2, 7)
    toys = throw(8, 4000, 3000, grid=grid)
    CLs = np.array([[*p.CLs_exp, p.CLs_obs] for p in (toys.p_values(i) for i in range(len(grid)))])
    limits = toy_limits(grid, *toys, resamples=0)
    falling = [k for k in range(6) if (np.diff(CLs[:, k]) <= 0).all()]
    assert len(falling) >= 3
    for k in falling:
        first = int(np.flatnonzero(CLs[:, k] <= 0.05)[0])
        assert grid[first - 1] < [*limits.upper_limit_exp, limits.upper_limit_obs][k] <= grid[first]
    assert (limits.upper_limit_exp_status == int(LimitStatus.OK)).all()
    assert limits.upper_limit_obs_status is LimitStatus.OK
    assert (np.diff(limits.upper_limit_exp) > 0).all()


def test_a_value_at_which_toys_have_the_level_is_the_limit() -> None:
    grid = np.array([0.6, 1.2, 1.8])
    toys = throw(8, 2000, 1500, grid=grid)
    p = toys.p_values(1)
    for k, CLs in enumerate([*p.CLs_exp, p.CLs_obs]):
        if CLs == 1.0:
            continue
        found = toy_limits(grid, *toys, level=float(CLs), resamples=0)
        assert [*found.upper_limit_exp, found.upper_limit_obs][k] == pytest.approx(1.2, abs=1e-9)


def test_many_toys_give_the_exact_limit_on_a_wide_grid() -> None:
    grid = np.array([0.3, 0.9, 1.5, 2.1])
    found = toy_limits(grid, *throw(7, 100_000, 30_000, grid=grid), resamples=0)
    assert found.upper_limit_obs == pytest.approx(exact_limit(7), rel=0.015)


@pytest.mark.parametrize(("n", "n_sb", "n_b"), [(7, 4000, 1000), (6, 4000, 400)])
def test_pulls_have_a_width_near_one(n: int, n_sb: int, n_b: int) -> None:
    truth = exact_limit(n)
    near = np.array([0.7, 1.0, 1.3, 1.6])
    found = [toy_limits(near, *throw(n, n_sb, n_b, seed, near), resamples=60) for seed in range(100)]
    pulls = np.array([(limits.upper_limit_obs - truth) / width(limits) for limits in found])
    covered = [limits.upper_limit_obs_interval[0] <= truth <= limits.upper_limit_obs_interval[1] for limits in found]
    assert abs(np.mean(pulls)) < 0.35
    assert 0.8 < np.std(pulls) < 1.3
    assert 0.53 < np.mean(covered) < 0.83


def test_background_toys_are_resampled_once_for_all_values() -> None:
    """The stated uncertainty is the true one where background toys are shared, and larger than without sharing.

    Two values enclose the limit, and few background toys make nearly all of the uncertainty: shared ones move CLs at
    both values together, independent ones partly cancel.
    """
    grid = np.array([0.55, 1.3])
    shared = [throw(4, 20_000, 300, seed, grid) for seed in range(60)]
    spread = np.std([toy_limits(grid, *toys, resamples=0).upper_limit_obs for toys in shared])
    stated = np.mean([width(toy_limits(grid, *toys, resamples=60)) for toys in shared[:15]])
    assert stated == pytest.approx(spread, rel=0.3)

    def with_own_columns(toys: Toys) -> Toys:
        """The same statistics, but as if background toys at different values were different pseudo-data."""
        n_mu, n = toys.q_b.shape
        q_b, status = np.full((n_mu, n_mu * n), np.nan), np.full((n_mu, n_mu * n), NOT_RUN)
        for i in range(n_mu):
            q_b[i, i * n : (i + 1) * n], status[i, i * n : (i + 1) * n] = toys.q_b[i], OK
        return toys._replace(q_b=q_b, status_b=status)

    ignored = [toy_limits(grid, *with_own_columns(toys), resamples=60) for toys in shared[:15]]
    assert [limits.upper_limit_obs for limits in ignored] == pytest.approx(
        [toy_limits(grid, *toys, resamples=0).upper_limit_obs for toys in shared[:15]]
    )
    assert np.mean([width(limits) for limits in ignored]) < 0.93 * stated


def test_intervals_are_reproduced_and_do_not_depend_on_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    toys = throw(8, 300, 200)
    first = toy_limits(GRID, *toys, resamples=30)
    monkeypatch.setattr(hfscale.inference.toys.limits, "_BATCH", 2000)
    again = toy_limits(GRID, *toys, resamples=30)
    assert again.upper_limit_obs_interval.tolist() == first.upper_limit_obs_interval.tolist()
    np.testing.assert_array_equal(again.upper_limit_exp_interval, first.upper_limit_exp_interval)


def test_noise_on_a_fine_grid_does_not_move_the_limit() -> None:
    grid = np.linspace(0.6, 2.0, 51)
    found = [toy_limits(grid, *throw(7, 400, 400, seed, grid), resamples=0).upper_limit_obs for seed in range(20)]
    error_of_mean = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - exact_limit(7)) < 3.0 * error_of_mean
    toys = throw(7, 400, 400, 0, grid)
    CLs = np.array([toys.p_values(i).CLs_obs for i in range(len(grid))])
    assert len(np.flatnonzero(np.diff(np.sign(CLs - 0.05)))) > 1


def test_limits_outside_the_tested_values_are_not_extrapolated() -> None:
    toys = throw(8, 500, 500)
    low, high = toy_limits(GRID[:4], *toys.take(slice(0, 4))), toy_limits(GRID[17:], *toys.take(slice(17, None)))
    assert low.upper_limit_obs_status is LimitStatus.ABOVE_BOUND
    assert high.upper_limit_obs_status is LimitStatus.BELOW_BOUND
    assert (low.upper_limit_exp_status == int(LimitStatus.ABOVE_BOUND)).all()
    assert (high.upper_limit_exp_status == int(LimitStatus.BELOW_BOUND)).all()
    for limits in (low, high):
        assert np.isnan([limits.upper_limit_obs, *limits.upper_limit_exp]).all()
        assert np.isnan(limits.upper_limit_obs_interval).all()


def test_an_interval_that_leaves_the_tested_values_is_open() -> None:
    toys = throw(7, 200, 200)
    whole = toy_limits(GRID, *toys)
    last = int(np.searchsorted(GRID, whole.upper_limit_obs)) + 1
    cut = toy_limits(GRID[:last], *toys.take(slice(0, last)))
    assert cut.upper_limit_obs == whole.upper_limit_obs or cut.upper_limit_obs_status is LimitStatus.ABOVE_BOUND
    assert cut.upper_limit_obs_interval[0] == pytest.approx(whole.upper_limit_obs_interval[0], rel=0.05)
    assert np.isnan(cut.upper_limit_obs_interval[1])


def test_toys_without_result_count_nowhere() -> None:
    toys = throw(8, 400, 300)
    fewer = Toys(*(array.copy() for array in toys))
    fewer.status_sb[3, 100:], fewer.status_sb[5, :40], fewer.status_b[4, 50:90] = NOT_RUN, FAILED, FAILED
    fewer.status_b[7:, 200:] = NOT_RUN
    for q, status in ((fewer.q_sb, fewer.status_sb), (fewer.q_b, fewer.status_b)):
        q[status != OK] = np.nan
    found, whole = toy_limits(GRID, *fewer), toy_limits(GRID, *toys)
    assert found.upper_limit_obs == pytest.approx(whole.upper_limit_obs, abs=2.0 * width(whole))
    assert np.isfinite([*found.upper_limit_exp, *found.upper_limit_exp_interval.ravel()]).all()


def test_values_without_toys_are_left_out() -> None:
    toys = throw(8, 400, 300)
    kept = np.arange(len(GRID)) % 3 == 0
    lacking = toys._replace(status_sb=np.where(kept[:, None], toys.status_sb, NOT_RUN))
    found = toy_limits(GRID, *lacking, resamples=0)
    expected = toy_limits(GRID[kept], *toys.take(kept), resamples=0)
    assert found.upper_limit_obs == expected.upper_limit_obs
    assert found.upper_limit_exp.tolist() == expected.upper_limit_exp.tolist()


def test_without_any_toys_there_is_no_limit() -> None:
    toys = throw(8, 10, 10)
    found = toy_limits(GRID, *toys._replace(status_b=np.full_like(toys.status_b, NOT_RUN)))
    assert found.upper_limit_obs_status is LimitStatus.NOT_RUN
    assert found.upper_limit_exp_status.tolist() == [int(LimitStatus.NOT_RUN)] * 5
    assert np.isnan(found.upper_limit_exp_interval).all()


def test_failed_observed_fits_leave_the_expected_limits() -> None:
    toys = throw(8, 400, 300)
    none = toy_limits(GRID, *toys._replace(q_obs=np.full(len(GRID), np.nan)))
    assert none.upper_limit_obs_status is LimitStatus.NOT_RUN
    assert none.upper_limit_exp.tolist() == toy_limits(GRID, *toys, resamples=0).upper_limit_exp.tolist()
    one = toys.q_obs.copy()
    one[5] = np.nan
    kept = np.arange(len(GRID)) != 5
    assert (
        toy_limits(GRID, *toys._replace(q_obs=one), resamples=0).upper_limit_obs
        == toy_limits(GRID[kept], *toys.take(kept), resamples=0).upper_limit_obs
    )


def test_data_below_every_background_toy_have_no_observed_limit() -> None:
    """CLb is then zero, and CLs unknown: more toys may settle it."""
    found = toy_limits(GRID[1:], *throw(0, 300, 300).take(slice(1, None)))
    assert found.upper_limit_obs_status is LimitStatus.NOT_RUN
    assert (found.upper_limit_exp_status != int(LimitStatus.NOT_RUN)).all()


def test_no_toy_above_still_leaves_an_uncertainty() -> None:
    """With 100 toys, CLs of 0.005 is mostly no toy at all; it is between zero and a few per cent."""
    grid = np.array([0.5, 4.0])
    found = toy_limits(grid, *throw(7, 100, 100, 1, grid))
    low, high = found.upper_limit_obs_interval
    assert 0.5 < low < found.upper_limit_obs < high < 4.0


NEAR = np.array([0.4, 0.8, 1.2, 1.6, 2.4, 3.6])


def with_failures(toys: Toys, share: float, rng: np.random.Generator) -> Toys:
    """The same with some toys of both hypotheses failed."""
    failed = [rng.random(toys.q_sb.shape) < share, rng.random(toys.q_b.shape) < share]
    return toys._replace(
        q_sb=np.where(failed[0], np.nan, toys.q_sb),
        status_sb=np.where(failed[0], FAILED, toys.status_sb),
        q_b=np.where(failed[1], np.nan, toys.q_b),
        status_b=np.where(failed[1], FAILED, toys.status_b),
    )


def settled(toys: Toys, extreme: tuple[object, object]) -> Toys:
    """The same with failed toys of each hypothesis as extreme as can be (at infinity) where that is true, else at 0."""
    return toys._replace(
        q_sb=np.where(toys.status_sb == FAILED, np.where(extreme[0], 1e6, 0.0), toys.q_sb),
        q_b=np.where(toys.status_b == FAILED, np.where(extreme[1], 1e6, 0.0), toys.q_b),
        status_sb=np.full_like(toys.status_sb, OK),
        status_b=np.full_like(toys.status_b, OK),
    )


def ends(bounds: np.ndarray) -> np.ndarray:
    """Bounds of the six limits, open ones infinite."""
    open_ends = np.array([-np.inf, np.inf])
    return np.where(np.isnan(bounds), open_ends, bounds)


def limits_of(toys: Toys) -> np.ndarray:
    """The six limits, infinite where they lie outside the tested values."""
    found = toy_limits(NEAR, *toys, resamples=0)
    outside = {LimitStatus.ABOVE_BOUND: np.inf, LimitStatus.BELOW_BOUND: -np.inf}
    codes = [*found.upper_limit_exp_status, found.upper_limit_obs_status]
    values = [*found.upper_limit_exp, found.upper_limit_obs]
    return np.array([outside.get(LimitStatus(int(code)), x) for code, x in zip(codes, values, strict=True)])


@pytest.mark.parametrize("seed", range(12))
def test_bounds_hold_wherever_failed_toys_may_be(seed: int) -> None:
    rng = np.random.default_rng(seed)
    toys = with_failures(throw(int(rng.integers(4, 12)), 150, 120, seed, NEAR), float(rng.choice([0.01, 0.1])), rng)
    found = toy_limits(NEAR, *toys, resamples=0)
    bounds = ends(np.array([*found.upper_limit_exp_bounds, found.upper_limit_obs_bounds]))
    anywhere = tuple(rng.random(array.shape) < 0.5 for array in (toys.q_sb, toys.q_b))
    by_value = tuple(rng.random((len(NEAR), 1)) < 0.5 for _ in range(2))
    alike = [(sb, b) for sb in (True, False) for b in (True, False)]
    for extreme in (*alike, anywhere, by_value):
        settled_limits = limits_of(settled(toys, extreme))
        assert (bounds[:, 0] <= settled_limits + 1e-9).all()
        assert (settled_limits <= bounds[:, 1] + 1e-9).all()
    assert (bounds[:, 0] <= limits_of(toys)).all()
    assert (limits_of(toys) <= bounds[:, 1]).all()


def test_bounds_of_the_observed_limit_are_reached() -> None:
    """They are those of all failed toys of one hypothesis being extreme, and none of the other."""
    toys = with_failures(throw(9, 400, 300, 1, NEAR), 0.02, np.random.default_rng(1))
    low, high = toy_limits(NEAR, *toys, resamples=0).upper_limit_obs_bounds
    reached = [limits_of(settled(toys, extreme))[-1] for extreme in ((False, True), (True, False))]
    assert [low, high] == pytest.approx(reached, abs=1e-9)
    assert high > low


def test_bounds_without_failed_toys_are_the_limits() -> None:
    found = toy_limits(NEAR, *throw(8, 300, 200, 2, NEAR))
    assert found.upper_limit_obs_bounds.tolist() == [found.upper_limit_obs] * 2
    np.testing.assert_array_equal(found.upper_limit_exp_bounds, np.stack([found.upper_limit_exp] * 2, axis=1))


def test_bounds_are_open_where_failed_toys_alone_could_tell_the_cls() -> None:
    toys = throw(8, 100, 100, 3, NEAR)
    status = toys.status_b.copy()
    status[2] = FAILED
    found = toy_limits(NEAR, *toys._replace(status_b=status))
    assert np.isfinite(found.upper_limit_obs)
    assert np.isnan([*found.upper_limit_obs_bounds, *found.upper_limit_exp_bounds.ravel()]).all()


@pytest.mark.parametrize(("values", "level"), [([1.0, 1.0], 0.05), ([2.0, 1.0], 0.05), ([1.0, 2.0], 0.0)])
def test_bad_input_is_refused(values: list[float], level: float) -> None:
    with pytest.raises(InputError):
        toy_limits(np.array(values), *throw(8, 5, 5).take(slice(0, 2)), level=level)
