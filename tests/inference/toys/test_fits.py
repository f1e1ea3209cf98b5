"""Toys from data to CLs: against exact sums, against asymptotics, and where fits fail."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

import hfscale.inference.toys.fits as toy_fits
from hfscale.errors import InputError
from hfscale.fit.status import FitStatus
from hfscale.inference.results import PointStatus
from hfscale.inference.toys.addresses import address_of
from hfscale.inference.toys.fits import run_toys
from hfscale.inference.toys.origins import toy_origins
from hfscale.inference.toys.p_values import ToyPValues, toy_p_values
from hfscale.inference.toys.results import ToyBlock, ToyStatus
from hfscale.inference.toys.settings import ToySettings
from hfscale.inference.toys.throw import throw_toys
from hfscale.model.structure import ModelGroup
from tests.models import (
    cls_of,
    counting,
    group_of,
    histosys,
    modifier,
    normfactor,
    normsys,
    one_channel,
    position,
    sample,
)

SETTINGS = ToySettings()


def run(
    group: ModelGroup, count: int, *, row: int = 0, mu: float = 1.0, settings: ToySettings = SETTINGS, first: int = 0
) -> tuple[float, ToyBlock, ToyBlock]:
    """Observed statistic and toys of both hypotheses of one point."""
    origins = toy_origins(group, np.array([row]), mu, settings)
    sb = run_toys(group, row, origins, "sb", mu, first, count, settings)
    b = run_toys(group, row, origins, "b", mu, first, count, settings)
    return float(origins.q_obs[0]), sb, b


def p_values(q_obs: float, sb: ToyBlock, b: ToyBlock) -> ToyPValues:
    return toy_p_values(q_obs, sb.q, sb.status, b.q, b.status)


def test_counting_experiments_against_poisson_sums() -> None:
    rng = np.random.default_rng(8)
    cases = [
        (s, b, float(rng.poisson(b))) for s, b in zip(rng.uniform(2, 9, 50), rng.uniform(0.5, 20, 50), strict=True)
    ]
    group = group_of(*(counting(s, b, n) for s, b, n in cases))
    origins = toy_origins(group, np.arange(50), 1.0, SETTINGS)
    count, inside, extreme = 400, [], []
    for row, (s, b, n) in enumerate(cases):
        sb_toys, b_toys = (run_toys(group, row, origins, h, 1.0, 0, count, SETTINGS) for h in ("sb", "b"))
        p = p_values(float(origins.q_obs[row]), sb_toys, b_toys)
        # q falls with n and is 0 from the best fit at the tested value on: q >= q_obs means n <= n_obs.
        saturated = n >= s + b
        exact_sb, exact_b = (1.0 if saturated else float(stats.poisson.cdf(n, mean)) for mean in (s + b, b))
        extreme += [stats.binomtest(c.above, count, e).pvalue for c, e in ((p.sb, exact_sb), (p.b, exact_b))]
        if not saturated:
            inside.append(p.CLs_obs_interval[0] <= exact_sb / exact_b <= p.CLs_obs_interval[1])
    assert min(extreme) > 1e-4
    assert len(inside) > 35
    assert 0.5 < np.mean(inside) < 0.9


def test_many_events_are_asymptotic() -> None:
    spec = counting(60.0, 1000.0, 1010.0, normsys("a", 1.01, 0.99))
    p = p_values(*run(group_of(spec), 3000))
    expected = cls_of(spec)
    error = np.diff(p.CLs_obs_interval)[0] / 2
    assert p.CLs_obs == pytest.approx(expected.CLs_obs[0], abs=3.5 * error)
    errors = np.diff(p.CLs_exp_interval, axis=1)[:, 0] / 2
    assert (np.abs(p.CLs_exp - expected.CLs_exp[0])[:4] < 3.5 * errors[:4] + 0.005).all()


def test_a_toy_has_one_result_whatever_its_block() -> None:
    group = group_of(shifted())
    whole = run(group, 60)[1]
    part = run(group, 25, first=20)[1]
    assert part.q == pytest.approx(whole.q[20:45], rel=0, abs=1e-9)
    assert part.mu_hat == pytest.approx(whole.mu_hat[20:45], rel=0, abs=1e-6)


def shifted() -> Any:
    """A shift that raises the background up and down, which gives toys two minima."""
    return one_channel(
        [48.0, 60.0],
        sample("signal", [6.0, 12.0], normfactor()),
        sample("bkg", [40.0, 55.0], histosys("up", [52.0, 66.0], [50.0, 70.0]), modifier("shapesys", "u", [3.0, 4.0])),
    )


def test_discovery_toys_follow_the_half_chi_squared() -> None:
    settings = ToySettings(test_stat="q0")
    group = group_of(counting(30.0, 400.0, 430.0))
    q_obs, at_zero, at_one = run(group, 3000, mu=0.0, settings=settings)
    expected = 2.0 * (430.0 * np.log(430.0 / 400.0) - 30.0)
    assert q_obs == pytest.approx(expected, abs=1e-8)
    assert np.mean(at_zero.q >= q_obs) == pytest.approx(stats.poisson.sf(429, 400.0), abs=0.02)
    assert np.mean(at_one.q >= q_obs) == pytest.approx(stats.poisson.sf(429, 430.0), abs=0.04)
    assert np.mean(at_zero.q == 0.0) == pytest.approx(0.5, abs=0.05)


def test_prefit_toys_are_thrown_from_suggested_values() -> None:
    group = group_of(counting(5.0, 50.0, 80.0, normsys("a", 1.2, 0.8)))
    origins = toy_origins(group, np.array([0]), 2.0, ToySettings(nuisance="prefit"))
    assert origins.rates_sb == pytest.approx(np.array([[60.0]]))
    assert origins.rates_b == pytest.approx(np.array([[50.0]]))
    profiled = toy_origins(group, np.array([0]), 2.0, SETTINGS)
    assert profiled.rates_b[0, 0] > 55.0
    assert origins.q_obs == pytest.approx(profiled.q_obs)


def test_points_without_signal_have_no_toys() -> None:
    group = group_of(counting(0.0, 50.0, 51.0), counting(5.0, 50.0, 51.0))
    origins = toy_origins(group, np.arange(2), 1.0, SETTINGS)
    assert origins.status.tolist() == [PointStatus.NO_SIGNAL, PointStatus.OK]
    assert np.isnan(origins.q_obs[0])
    block = run_toys(group, 0, origins, "sb", 1.0, 0, 4, SETTINGS)
    assert (block.status == ToyStatus.NOT_RUN).all()
    assert np.isnan(block.q).all()
    assert (run_toys(group, 1, origins, "sb", 1.0, 0, 4, SETTINGS).status == ToyStatus.OK).all()


def test_a_failed_fit_is_recorded_and_harms_no_other_toy(monkeypatch: pytest.MonkeyPatch) -> None:
    group = group_of(counting(5.0, 50.0, 51.0))
    origins = toy_origins(group, np.array([0]), 1.0, SETTINGS)
    whole = run_toys(group, 0, origins, "sb", 1.0, 10, 6, SETTINGS)
    original = toy_fits.best_fits

    def failing(*arguments: Any, **options: Any) -> Any:
        results = original(*arguments, **options)
        status, nll = results.status.copy(), results.nll.copy()
        status[2], nll[2] = int(FitStatus.NOT_CONVERGED), np.nan  # the conditional fit of the third toy
        return results._replace(status=status, nll=nll)

    monkeypatch.setattr(toy_fits, "best_fits", failing)
    block = run_toys(group, 0, origins, "sb", 1.0, 10, 6, SETTINGS)
    assert block.status.tolist() == [1, 1, 2, 1, 1, 1]
    assert block.reasons.keys() == {12}
    assert block.reasons[12].startswith("conditional fit: no certified minimum")
    assert np.isnan([block.q[2], block.mu_hat[2], block.twice_nll_conditional[2]]).all()
    assert np.delete(block.q, 2) == pytest.approx(np.delete(whole.q, 2), abs=1e-9)
    assert toy_p_values(1.0, block.q, block.status, whole.q, whole.status).sb.failed == 1


def test_auxiliary_measurements_without_events_can_be_fitted() -> None:
    shapesys = modifier("shapesys", "u", [4.0, 3.5])
    spec = one_channel([4.0, 3.0], sample("signal", [3.0, 4.0], normfactor()), sample("bkg", [5.0, 4.0], shapesys))
    group = group_of(spec)
    origins = toy_origins(group, np.array([0]), 1.0, SETTINGS)
    address = address_of((group.digests[0], group.background_digests[0]), "sb", 1.0, SETTINGS)
    thrown = throw_toys(group, 0, address, *origins.generating(0, "sb"), 0, 200)
    empty = (thrown.auxdata[:, [position(group, "u[0]"), position(group, "u[1]")]] == 0.0).any(axis=1)
    assert empty.sum() > 40
    block = run_toys(group, 0, origins, "sb", 1.0, 0, 200, SETTINGS)
    assert (block.status == ToyStatus.OK).all()
    for toy in np.flatnonzero(empty)[:5]:
        # The minimum is at most the value where both factors are at their lower bound.
        rates = np.array([3.0 + 5.0 * 1e-10, 4.0 + 4.0 * 1e-10])
        at_bounds = -2.0 * stats.poisson.logpmf(thrown.data[toy], rates).sum()
        taus = group.points.width[0, [position(group, "u[0]"), position(group, "u[1]")]]
        counts = thrown.auxdata[toy, [position(group, "u[0]"), position(group, "u[1]")]]
        at_bounds -= 2.0 * stats.poisson.logpmf(counts, taus * 1e-10).sum()
        assert block.twice_nll_conditional[toy] <= at_bounds + 1e-6


@pytest.mark.parametrize(
    ("mu", "settings", "told"),
    [(11.0, SETTINGS, "outside its bounds 0 to 10"), (1.0, ToySettings(test_stat="q0"), "q0 tests the POI value 0")],
)
def test_values_that_cannot_be_tested(mu: float, settings: ToySettings, told: str) -> None:
    with pytest.raises(InputError, match=told):
        toy_origins(group_of(counting(5.0, 50.0, 51.0)), np.array([0]), mu, settings)


def test_toys_that_cannot_be_run() -> None:
    group = group_of(counting(5.0, 50.0, 51.0))
    origins = toy_origins(group, np.array([0]), 1.0, SETTINGS)
    with pytest.raises(InputError, match="at least 0"):
        run_toys(group, 0, origins, "sb", 1.0, -1, 4, SETTINGS)
    with pytest.raises(InputError, match="generator 'other'"):
        run_toys(group, 0, origins, "sb", 1.0, 0, 4, replace(SETTINGS, generator="other"))


def test_a_seed_is_not_negative() -> None:
    with pytest.raises(InputError, match="seed of toys is -1"):
        ToySettings(seed=-1)
