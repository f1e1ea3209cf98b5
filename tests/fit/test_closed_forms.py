"""Fits whose minimum is known in closed form, and the status that says how each of them ended."""

import numpy as np
import pytest
from scipy import stats

from hfscale.fit import newton
from hfscale.fit.lanes import FitResults
from hfscale.fit.programs import queue_program
from hfscale.fit.status import FitStatus
from hfscale.model.structure import ModelGroup
from tests.models import (
    Spec,
    counting,
    fit_all,
    group_of,
    histosys,
    modifier,
    normfactor,
    normsys,
    one_channel,
    position,
    sample,
    with_poi,
)


def value(group: ModelGroup, results: FitResults, name: str) -> float:
    return float(results.theta[0, position(group, name)])


def only_status(results: FitResults) -> FitStatus:
    assert len(results.status) == 1
    return results.take_status(0)


def test_one_bin_with_free_signal() -> None:
    group = group_of(counting(s=8, b=50, n=62))
    results = fit_all(group)
    assert only_status(results) is FitStatus.CONVERGED
    assert value(group, results, "mu") == pytest.approx(12 / 8, abs=1e-7)
    assert results.nll[0] == pytest.approx(-stats.poisson.logpmf(62, 62), rel=1e-12)
    assert results.rates[0, 0] == pytest.approx(62, abs=1e-5)
    assert results.poi_variance[0] == pytest.approx(62 / 8**2, rel=1e-6)
    assert results.edm[0] < 1e-10


def test_a_deficit_ends_at_the_lower_bound() -> None:
    group = group_of(counting(s=8, b=50, n=42))
    results = fit_all(group)
    assert only_status(results) is FitStatus.AT_BOUND
    assert value(group, results, "mu") == 0.0
    assert results.nll[0] == pytest.approx(-stats.poisson.logpmf(42, 50), rel=1e-12)


def test_a_large_excess_ends_at_the_upper_bound() -> None:
    group = group_of(counting(s=8, b=50, n=300))
    results = fit_all(group)
    assert only_status(results) is FitStatus.AT_BOUND
    assert value(group, results, "mu") == 10.0


def test_a_start_outside_the_bounds_is_moved_onto_them() -> None:
    group = group_of(counting(s=8, b=50, n=62))
    results = fit_all(group, start=np.full_like(group.inits, 99.0))
    assert value(group, results, "mu") == pytest.approx(1.5, abs=1e-7)


def test_a_parameter_without_effect_goes_to_its_auxiliary_value() -> None:
    spec = counting(8, 50, 62, normsys("a", 1.0, 1.0), parameters=[{"name": "a", "auxdata": [0.7]}])
    group = group_of(spec)
    results = fit_all(group)
    assert only_status(results) is FitStatus.CONVERGED
    assert value(group, results, "a") == pytest.approx(0.7, abs=1e-9)


def test_pulls_of_two_constraints_balance() -> None:
    # A quadratic: with a huge count the Poisson term is normal, and alpha shifts the rate by one of its sigmas.
    n = 1e8
    group = group_of(counting(0.0, n, n + 1e4, histosys("a", [n + 1e4], [n - 1e4])))
    results = fit_all(group)
    assert value(group, results, "a") == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("n", [0.0, 30.0, 61.0])
def test_gamma_of_a_fixed_signal_solves_a_quadratic_equation(n: float) -> None:
    s, b, tau = 6.0, 50.0, 50.0**2 / 7.0**2
    group = group_of(counting(s, b, n, modifier("shapesys", "mc", [7.0])))
    points, start = with_poi(group, 1.0)
    results = fit_all(group, start, points)
    # b + tau = n b / (s + gamma b) + tau / gamma, times gamma (s + gamma b):
    roots = np.roots([b * (b + tau), s * (b + tau) - n * b - tau * b, -tau * s])
    assert value(group, results, "mc[0]") == pytest.approx(roots.max(), abs=1e-6)
    assert value(group, results, "mu") == 1.0


def test_fixed_parameters_stay() -> None:
    fixed = [{"name": "a", "fixed": True, "inits": [0.9]}]
    group = group_of(counting(8, 50, 62, normsys("a", 1.2, 0.8), parameters=fixed))
    results = fit_all(group)
    assert only_status(results) is FitStatus.CONVERGED
    assert value(group, results, "a") == 0.9


def test_a_free_parameter_without_effect_is_flat() -> None:
    empty = sample("empty", [0.0], normfactor("k"))
    group = group_of(one_channel([62], sample("signal", [8.0], normfactor()), sample("bkg", [50.0]), empty))
    results = fit_all(group)
    assert only_status(results) is FitStatus.FLAT
    assert value(group, results, "k") == 1.0
    assert value(group, results, "mu") == pytest.approx(1.5, abs=1e-7)


def test_events_where_nothing_is_expected_are_not_finite() -> None:
    group = group_of(one_channel([3, 5], sample("signal", [0.0, 4.0], normfactor())))
    results = fit_all(group)
    assert only_status(results) is FitStatus.NOT_FINITE
    assert not results.succeeded.any()


def test_a_fit_that_may_not_go_on_has_not_converged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newton, "MAX_ITERATIONS", 1)
    monkeypatch.setattr(newton, "MAX_BULK_ITERATIONS", 1)
    queue_program.cache_clear()
    try:
        results = fit_all(group_of(counting(8, 50, 200, normsys("a", 1.3, 0.7), normsys("b", 1.3, 0.6))))
    finally:
        queue_program.cache_clear()
    assert only_status(results) is FitStatus.NOT_CONVERGED
    assert results.iterations[0] == 2
    assert np.isfinite(results.nll[0])


def test_every_status_has_advice() -> None:
    assert all(status.advice for status in FitStatus)
    assert {s for s in FitStatus if s.succeeded} == {FitStatus.CONVERGED, FitStatus.AT_BOUND, FitStatus.FLAT}


def background_model(*extra: Spec) -> ModelGroup:
    return group_of(counting(8, 50, 0, normsys("a", 1.2, 0.8), *extra))


def test_an_empty_observation_is_fitted() -> None:
    results = fit_all(background_model())
    assert only_status(results) is FitStatus.AT_BOUND
    assert results.theta[0, 0] == 0.0 or results.theta[0, 1] == 0.0
