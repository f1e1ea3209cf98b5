"""Fits of a single likelihood, against pyhf's minimisers and iminuit's HESSE."""

import json

import numpy as np
import pyhf
import pytest

import hfscale
from hfscale.errors import InputError
from hfscale.fit.covariance import correlation_of, covariance_of
from hfscale.fit.status import FitStatus
from tests.likelihood.models import EVERYTHING, HELLO_WORLD, Case, case_of, example_case
from tests.models import PYHF_WARNING, modifier, normfactor, one_channel, sample

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING)

CASES = {"hello world": lambda: case_of(HELLO_WORLD), "everything": lambda: case_of(EVERYTHING)}


@pytest.fixture(params=["hello world", "everything", pytest.param("example", marks=pytest.mark.slow)])
def case(request: pytest.FixtureRequest) -> Case:
    return example_case() if request.param == "example" else CASES[request.param]()


def pyhf_minimum(case: Case, poi: float | None = None) -> float:
    """The lowest -2 ln L that pyhf finds with scipy and with iminuit."""
    found = []
    for optimizer in (pyhf.optimize.scipy_optimizer(tolerance=1e-12), pyhf.optimize.minuit_optimizer(tolerance=1e-3)):
        pyhf.set_backend("numpy", optimizer)
        try:
            if poi is None:
                _, value = pyhf.infer.mle.fit(case.data, case.model, return_fitted_val=True)
            else:
                _, value = pyhf.infer.mle.fixed_poi_fit(poi, case.data, case.model, return_fitted_val=True)
        finally:
            pyhf.set_backend("numpy", default=True)
        found.append(float(value))
    return min(found)


def assert_errors_agree(likelihood: hfscale.Likelihood, fit: hfscale.likelihood.Fit) -> None:
    """Errors of parameters away from their bounds, against differences of the gradient and against HESSE."""
    free = ~fit.fixed & ~fit.at_bound
    steps = 1e-4 * np.diag(fit.errors)[free]
    differences = likelihood.gradient(fit.parameters - steps) - likelihood.gradient(fit.parameters + steps)
    hessian = differences / (2e-4 * fit.errors[free])[:, None]
    np.testing.assert_allclose(
        fit.covariance[np.ix_(free, free)], np.linalg.inv(hessian[:, free]), rtol=1e-5, atol=1e-8
    )

    minuit = likelihood.cost().minuit(fit.parameters)
    minuit.fixed = (~free).tolist()
    minuit.limits = (-np.inf, np.inf)  # near a limit, iminuit's internal coordinates bend the likelihood
    minuit.errors = np.where(free, fit.errors, 1.0)
    minuit.strategy = 2
    minuit.hesse()
    # HESSE takes differences of its own and is good to a few percent.
    np.testing.assert_allclose(np.array(minuit.errors)[free], fit.errors[free], rtol=5e-2)
    correlation = np.array(minuit.covariance.correlation())[np.ix_(free, free)]
    np.testing.assert_allclose(fit.correlation[np.ix_(free, free)], correlation, atol=5e-2)


@pytest.mark.parametrize("poi", [None, 1.0])
def test_minima_are_at_least_as_low_as_those_of_pyhf(case: Case, poi: float | None) -> None:
    fit = case.likelihood.fit(poi=poi)
    assert fit.status in (FitStatus.CONVERGED, FitStatus.AT_BOUND)
    reference = pyhf_minimum(case, poi)
    assert reference - 1e-3 < fit.twice_nll <= reference + 1e-6
    assert fit.twice_nll == pytest.approx(-2 * float(case.likelihood.logpdf(fit.parameters)), rel=1e-12)
    assert fit.edm < 1e-10
    if poi is not None:
        index = fit.names.index(case.likelihood.poi_name or "")
        assert (fit.parameters[index], fit.errors[index], bool(fit.fixed[index])) == (poi, 0.0, True)


def test_errors_are_right(case: Case) -> None:
    assert_errors_agree(case.likelihood, case.likelihood.fit())


@pytest.mark.data
@pytest.mark.slow
def test_a_published_point(region_a: Case) -> None:
    likelihood = region_a.likelihood
    fit = likelihood.fit()
    assert fit.twice_nll <= 2 * -region_a.model.logpdf(likelihood.suggested_init, region_a.data)[0]
    minuit = likelihood.cost().minuit()
    minuit.strategy = 2
    minuit.tol = 1e-6
    minuit.migrad()
    assert minuit.fval - 1e-4 < fit.twice_nll <= minuit.fval + 1e-6
    assert_errors_agree(likelihood, fit)


def test_fit_of_other_data() -> None:
    likelihood = case_of(EVERYTHING).likelihood
    truth = likelihood.suggested_init
    truth[likelihood.parameter_names.index("mu")] = 2.0
    fit = likelihood.fit(likelihood.expected_data(truth))
    np.testing.assert_allclose(fit.parameters, truth, atol=1e-5)
    assert fit.twice_nll == pytest.approx(
        likelihood.with_data(likelihood.expected_data(truth)).fit().twice_nll, rel=1e-12
    )


def test_start_values_bounds_and_fixed_parameters() -> None:
    likelihood = case_of(HELLO_WORLD).likelihood
    free = likelihood.fit()
    again = likelihood.fit(init=[4.0, 0.5, 2.0])
    np.testing.assert_allclose(again.parameters, free.parameters, atol=1e-6)
    bounds = likelihood.suggested_bounds
    bounds[0] = (0.0, 0.25)
    bounded = likelihood.fit(bounds=bounds, init=[0.1, 1.0, 1.0])
    assert bounded.status is FitStatus.AT_BOUND
    assert bounded.at_bound.tolist() == [True, False, False]
    assert (bounded.parameters[0], bounded.errors[0]) == (0.25, 0.0)
    held = likelihood.fit(init=[0.25, 1.0, 1.0], fixed=[True, False, False])
    assert held.twice_nll == pytest.approx(bounded.twice_nll, abs=1e-8)
    assert held.fixed.tolist() == [True, False, False]
    np.testing.assert_allclose(held.errors, bounded.errors, rtol=1e-5)


def test_covariance_in_closed_form() -> None:
    """One bin, n observed, mu s + b expected: the error of mu is sqrt(n) / s."""
    spec = one_channel([120.0], sample("signal", [10.0], normfactor()), sample("bkg", [100.0]))
    fit = hfscale.Likelihood.from_workspace(spec).fit()
    assert fit.parameters[0] == pytest.approx(2.0, abs=1e-5)
    assert fit.errors[0] == pytest.approx(np.sqrt(120.0) / 10.0, rel=1e-6)
    assert fit.covariance[0, 0] == pytest.approx(1.2, rel=1e-6)
    assert fit.correlation.tolist() == [[1.0]]


def test_a_parameter_without_effect_has_an_infinite_error() -> None:
    spec = one_channel(
        [120.0],
        sample("signal", [10.0], normfactor()),
        sample("bkg", [100.0], modifier("normfactor", "k_other")),
        sample("other", [0.0], modifier("normfactor", "k_empty")),
    )
    likelihood = hfscale.Likelihood.from_workspace(spec)
    fixed = [name == "k_other" for name in likelihood.parameter_names]
    fit = likelihood.fit(fixed=fixed)
    assert fit.status is FitStatus.FLAT
    errors = dict(zip(fit.names, fit.errors))
    assert errors["k_empty"] == np.inf
    assert errors["mu"] == pytest.approx(np.sqrt(120.0) / 10.0, rel=1e-5)
    assert fit.summary()["parameters"]["k_empty"]["error"] is None


def test_a_failed_fit_says_so() -> None:
    spec = one_channel([3.0], sample("bkg", [0.0], normfactor()))
    fit = hfscale.Likelihood.from_workspace(spec).fit()
    assert fit.status is FitStatus.NOT_FINITE
    summary = fit.summary()
    assert summary["twice_nll"] is None
    assert "not finite" in summary["advice"]


def test_covariance_of_a_matrix_that_is_not_positive_definite() -> None:
    hessian = np.array([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 4.0]])
    covariance = covariance_of(hessian, np.array([True, True, False]))
    assert np.isnan(covariance[:2, :2]).all()
    assert (covariance[2] == 0.0).all()
    assert (correlation_of(covariance) == 0.0).all()


def test_the_summary_is_json() -> None:
    fit = case_of(HELLO_WORLD).likelihood.fit()
    summary = json.loads(json.dumps(fit.summary(), allow_nan=False))
    assert summary["status"] == "converged"
    assert summary["twice_nll"] == fit.twice_nll
    assert list(summary["parameters"]) == list(fit.names)
    assert summary["parameters"]["mu"] == {
        "value": fit.parameters[0],
        "error": fit.errors[0],
        "fixed": False,
        "at_bound": False,
    }


def test_bad_requests_are_refused() -> None:
    likelihood = case_of(HELLO_WORLD).likelihood
    with pytest.raises(InputError, match=r"'mu': the value 20 lies outside its bounds \[0, 10\]"):
        likelihood.fit(init=[20.0, 1.0, 1.0])
    with pytest.raises(InputError, match="'mu': the value -1 lies outside its bounds"):
        likelihood.fit(poi=-1.0)
    with pytest.raises(InputError, match=r"bounds of the shape \(2, 2\) are given, the model has 3 parameters"):
        likelihood.fit(bounds=[(0.0, 1.0), (0.0, 1.0)])
    with pytest.raises(InputError, match=r"shape \(1,\), the model has 3 parameters"):
        likelihood.fit(fixed=[True])
    with pytest.raises(InputError, match="2 parameters are given, the model has 3"):
        likelihood.fit(init=[1.0, 1.0])
    with pytest.raises(InputError, match="2-dimensional data"):
        likelihood.fit(np.tile(likelihood.data, (2, 1)))
