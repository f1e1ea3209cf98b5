"""Expected signal events, and limits on numbers of events (S95) against pyhf and exact ones."""

import numpy as np
import pyhf
import pytest
from pyhf.infer.intervals.upper_limits import toms748_scan
from scipy import optimize, stats

from hfscale.inference.limits import upper_limits
from hfscale.inference.toys.limits import toy_limits
from hfscale.inference.toys.results import ToyStatus
from hfscale.inference.yields import signal_yields
from hfscale.model.structure import ModelGroup
from tests.models import PYHF_WARNING, counting, group_of, normfactor, normsys, one_channel, sample

BOUNDS = {"name": "mu", "bounds": [[0.0, 50.0]], "inits": [1.0]}


def model_of(spec: object) -> "pyhf.pdf.Model":
    return pyhf.Workspace(spec).model()


def test_yields_are_the_signal_of_all_bins_before_any_fit() -> None:
    background = one_channel([52, 27], sample("bkg", [40.0, 20.0], normsys("JES", 1.15, 0.9)))
    signals = [[3.0, 1.5], [0.0, 0.0], [30.0, 0.25]]
    specs = [
        one_channel(
            [52, 27], *background["channels"][0]["samples"], sample("sig", s, normfactor(), normsys("X", 2, 0.5))
        )
        for s in signals
    ]
    group = group_of(*specs, background=background)
    rows = np.arange(3)
    assert signal_yields(group, rows).tolist() == pytest.approx([4.5, 0.0, 30.25], rel=1e-12)
    assert signal_yields(group, rows[[2]]).tolist() == pytest.approx([30.25], rel=1e-12)


@pytest.fixture(scope="module")
def unit() -> ModelGroup:
    """A signal of one event in one region."""
    return group_of(counting(1.0, 10.0, 10.0, parameters=[BOUNDS]))


def test_yields_do_not_depend_on_the_bounds_of_the_poi() -> None:
    narrow = {"name": "mu", "bounds": [[0.0, 0.5]], "inits": [0.1]}
    group = group_of(counting(7.0, 10.0, 10.0, parameters=[narrow]))
    assert signal_yields(group, np.array([0])).tolist() == pytest.approx([7.0], rel=1e-12)


@pytest.mark.filterwarnings(PYHF_WARNING)
def test_limits_on_events_are_those_of_pyhf(unit: ModelGroup) -> None:
    found = upper_limits(unit, np.array([0]), rtol=1e-6)
    assert found.signal_yield.tolist() == [1.0]
    model = model_of(counting(1.0, 10.0, 10.0, parameters=[BOUNDS]))
    observed, expected = toms748_scan([10.0, *model.config.auxdata], model, 0.0, 50.0, rtol=1e-6)
    assert found.upper_limit_obs[0] * found.signal_yield[0] == pytest.approx(float(observed), rel=1e-4)
    assert found.upper_limit_exp[0] * found.signal_yield == pytest.approx(np.array(expected), rel=1e-4)


def test_limits_on_events_do_not_depend_on_the_size_of_the_signal(unit: ModelGroup) -> None:
    small = group_of(counting(0.4, 10.0, 10.0, parameters=[{**BOUNDS, "bounds": [[0.0, 100.0]]}]))
    one, other = upper_limits(unit, np.array([0])), upper_limits(small, np.array([0]))
    assert other.upper_limit_exp * other.signal_yield == pytest.approx(one.upper_limit_exp, rel=3e-4)


def test_limits_on_events_are_near_the_exact_one(unit: ModelGroup) -> None:
    """Ten events on ten expected ones: 8.08 by Poisson sums, of which the asymptotic limit has 7 % less."""
    asymptotic = float(upper_limits(unit, np.array([0])).upper_limit_obs[0])

    def excess(events: float) -> float:
        return float(stats.poisson.cdf(10, 10.0 + events) / stats.poisson.cdf(10, 10.0)) - 0.05

    exact = float(optimize.brentq(excess, 0.0, 50.0))
    assert asymptotic == pytest.approx(exact, rel=0.08)
    rng, values = np.random.default_rng(1), np.linspace(4.0, 12.0, 9)
    counts_b = rng.poisson(10.0, 20_000).astype(float)
    q_sb = np.stack([_q_tilde(s, rng.poisson(10.0 + s, 20_000).astype(float)) for s in values])
    q_b = np.stack([_q_tilde(s, counts_b) for s in values])
    q_obs = np.array([_q_tilde(s, np.array([10.0]))[0] for s in values])
    status = np.full(q_b.shape, int(ToyStatus.OK))
    from_toys = toy_limits(values, q_obs, q_sb, status, q_b, status, resamples=20)
    low, high = from_toys.upper_limit_obs_interval
    assert abs(from_toys.upper_limit_obs - exact) < 3.0 * (high - low)


def _q_tilde(signal: float, n: np.ndarray) -> np.ndarray:
    tested, best = 10.0 + signal, np.maximum(n, 10.0)
    q = 2.0 * (tested - best - n * np.log(tested / best))
    return np.where(best >= tested, 0.0, np.maximum(q, 0.0))
