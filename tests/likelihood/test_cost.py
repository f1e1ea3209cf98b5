"""The cost function in the hands of iminuit."""

import numpy as np
import pytest
from iminuit import Minuit
from iminuit.util import describe

from hfscale.errors import InputError
from tests.likelihood.models import EVERYTHING, HELLO_WORLD, around, case_of, example_case
from tests.models import PYHF_WARNING

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING)


def test_it_is_twice_the_negative_log_likelihood() -> None:
    likelihood = case_of(EVERYTHING).likelihood
    cost = likelihood.cost()
    at = around(likelihood, 1)[0]
    assert cost(at) == pytest.approx(-2 * float(likelihood.logpdf(at)), rel=1e-14)
    assert cost(*at) == cost(at)
    np.testing.assert_allclose(cost.grad(at), -2 * likelihood.gradient(at), rtol=1e-12)
    np.testing.assert_array_equal(cost.grad(*at), cost.grad(at))


def test_iminuit_finds_names_limits_and_gradient_by_itself() -> None:
    likelihood = case_of(HELLO_WORLD).likelihood
    cost = likelihood.cost()
    assert describe(cost) == ["mu", "uncorrelated[0]", "uncorrelated[1]"]
    for minuit in (Minuit(cost, *cost.init), Minuit(cost, cost.init)):
        assert minuit.parameters == likelihood.parameter_names
        assert minuit.limits["mu"] == (0.0, 10.0)
        minuit.migrad()
        assert minuit.valid
        assert minuit.ngrad > 0
        assert minuit.fval == pytest.approx(likelihood.fit().twice_nll, abs=1e-4)


@pytest.mark.parametrize("name", ["everything", pytest.param("example", marks=pytest.mark.slow)])
def test_migrad_converges_to_the_minimum_of_the_fit(name: str) -> None:
    likelihood = example_case().likelihood if name == "example" else case_of(EVERYTHING).likelihood
    minuit = likelihood.cost().minuit()
    assert list(minuit.fixed) == likelihood.suggested_fixed.tolist()
    assert list(minuit.limits) == [tuple(pair) for pair in likelihood.suggested_bounds]
    minuit.strategy = 2
    minuit.tol = 1e-5
    minuit.migrad()
    fit = likelihood.fit()
    assert minuit.valid
    assert fit.twice_nll <= minuit.fval + 1e-6
    assert minuit.fval == pytest.approx(fit.twice_nll, abs=1e-5)
    near = ~fit.at_bound & ~fit.fixed
    pulls = (np.array(minuit.values) - fit.parameters)[near] / fit.errors[near]
    assert np.abs(pulls).max() < 1e-2


def test_minos_agrees_with_a_scan_of_the_fit() -> None:
    likelihood = case_of(HELLO_WORLD).likelihood
    minuit = likelihood.cost().minuit()
    minuit.migrad()
    minuit.minos("mu")
    upper = minuit.values["mu"] + minuit.merrors["mu"].upper
    assert likelihood.fit(poi=upper).twice_nll - likelihood.fit().twice_nll == pytest.approx(1.0, abs=1e-2)


def test_other_data_and_start_values() -> None:
    likelihood = case_of(HELLO_WORLD).likelihood
    data = likelihood.expected_data([3.0, 1.0, 1.0])
    minuit = likelihood.cost(data).minuit([2.0, 1.1, 0.9])
    assert list(minuit.values) == [2.0, 1.1, 0.9]
    minuit.migrad()
    assert minuit.values["mu"] == pytest.approx(3.0, abs=1e-2)
    with pytest.raises(InputError, match="3 data are given"):
        likelihood.cost(data[:3])
    with pytest.raises(InputError, match="2 parameters are given"):
        likelihood.cost()(1.0, 1.0)
