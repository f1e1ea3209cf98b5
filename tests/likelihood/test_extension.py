"""Likelihoods beyond pyhf's models, from workspaces with the key ``hfscale``."""

import copy
from typing import Any

import numpy as np
import pyhf
import pytest
import scipy.optimize
import scipy.stats

import hfscale
from hfscale.errors import InputError, SelectionError
from tests.likelihood.models import EVERYTHING, HELLO_WORLD, around
from tests.models import (
    PYHF_WARNING,
    Spec,
    histosys,
    modifier,
    normfactor,
    normsys,
    one_channel,
    sample,
)

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING)


def extended(spec: Spec, **key: Any) -> Spec:
    result = copy.deepcopy(spec)
    result["measurements"][0]["config"]["hfscale"] = key
    return result


def likelihood_of(spec: Spec, **key: Any) -> hfscale.Likelihood:
    return hfscale.Likelihood.from_workspace(extended(spec, **key))


def test_an_empty_key_changes_nothing() -> None:
    plain, empty = hfscale.Likelihood.from_workspace(EVERYTHING), likelihood_of(EVERYTHING)
    at = around(plain, 3)
    np.testing.assert_array_equal(plain.logpdf(at), empty.logpdf(at))
    assert plain.group.structure.digest == empty.group.structure.digest


def test_fixed_bins_are_those_of_pyhf_given_to_its_fit() -> None:
    likelihood = likelihood_of(HELLO_WORLD, parameters=[{"name": "uncorrelated", "fixed": [False, True]}])
    measured = pyhf.Workspace(HELLO_WORLD)
    model = measured.model()
    fixed = [False, False, True]
    found = likelihood.fit()
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-12))
    try:
        parameters, twice_nll = pyhf.infer.mle.fit(
            measured.data(model), model, fixed_params=fixed, return_fitted_val=True
        )
    finally:
        pyhf.set_backend("numpy", default=True)
    assert likelihood.suggested_fixed.tolist() == fixed
    assert found.twice_nll == pytest.approx(float(twice_nll), abs=1e-6)
    np.testing.assert_allclose(found.parameters, parameters, atol=1e-3)
    assert found.parameters[2] == 1.0
    assert found.errors[2] == 0.0


@pytest.mark.parametrize("clip", [{"samples": 0.0}, {"bins": 2.5}, {"samples": 1.0, "bins": 0.0}])
def test_clipping_is_that_of_pyhf(clip: dict[str, float]) -> None:
    spec = one_channel(
        [3, 31],
        sample("signal", [5.0, 8.0], normfactor()),
        sample("bkg", [2.0, 30.0], normsys("a", 1.2, 0.85), histosys("b", [4.5, 28.0], [-1.0, 33.0])),
    )
    likelihood = likelihood_of(spec, clip=clip)
    measured = pyhf.Workspace(spec)
    settings = {"samples": "clip_sample_data", "bins": "clip_bin_data"}
    model = measured.model(**{settings[name]: limit for name, limit in clip.items()})
    free = measured.model()
    raised = 0
    for b in (-3.0, -1.0, 0.0, 1.0):
        for mu in (0.05, 0.15, 1.0):
            row = np.array([b, mu, 0.3])
            expected = model.expected_data(row)
            raised += not np.allclose(expected, free.expected_data(row), equal_nan=True)
            np.testing.assert_allclose(likelihood.expected_data(row), expected, rtol=1e-12)
            np.testing.assert_allclose(
                likelihood.logpdf(row), model.logpdf(row, measured.data(model))[0], rtol=1e-10
            )  # fmt: skip
    assert 0 < raised < 12


def test_the_fit_of_poisson_staterrors_is_that_of_a_written_out_likelihood() -> None:
    spec = one_channel(
        [58, 31],
        sample("signal", [5.0, 8.0], normfactor()),
        sample("bkg", [50.0, 30.0], modifier("staterror", "stat", [10.0, 6.0])),
    )
    likelihood = likelihood_of(spec, staterror={"constraint": "poisson"})
    tau = np.array([25.0, 25.0])

    def twice_nll(x: np.ndarray) -> float:
        rates = x[0] * np.array([5.0, 8.0]) + x[1:] * np.array([50.0, 30.0])
        main = scipy.stats.poisson.logpmf([58, 31], rates).sum()
        return float(-2 * (main + scipy.stats.poisson.logpmf(tau, x[1:] * tau).sum()))

    found = likelihood.fit()
    bounds = [(0, 10), (1e-10, 10), (1e-10, 10)]
    best = scipy.optimize.minimize(twice_nll, [1.0, 1.0, 1.0], bounds=bounds, method="L-BFGS-B", tol=1e-14)
    assert found.status.succeeded
    assert found.twice_nll == pytest.approx(best.fun, abs=1e-8)
    assert found.twice_nll == pytest.approx(twice_nll(found.parameters), abs=1e-9)
    np.testing.assert_allclose(found.parameters, best.x, atol=1e-3)
    assert likelihood.auxdata.tolist() == pytest.approx([25.0, 25.0])
    data = likelihood.expected_data([1.0, 1.1, 0.9])
    np.testing.assert_allclose(data, [60.0, 35.0, 27.5, 22.5])
    # The parameters that made the data are their minimum.
    np.testing.assert_allclose(likelihood.fit(data).parameters, [1.0, 1.1, 0.9], atol=1e-4)


def test_the_fit_with_log_normal_constraints_is_that_of_a_written_out_likelihood() -> None:
    spec = one_channel([71], sample("signal", [5.0], normfactor()), sample("bkg", [50.0], normfactor("k")))
    settings = {"name": "k", "constraint": "lognormal", "sigmas": [0.2], "auxdata": [1.1]}
    likelihood = likelihood_of(spec, parameters=[settings])
    order = [likelihood.parameter_names.index(name) for name in ("mu", "k")]

    def twice_nll(x: np.ndarray) -> float:
        main = scipy.stats.poisson.logpmf(71, 5.0 * x[0] + 50.0 * x[1])
        return float(-2 * (main + scipy.stats.lognorm.logpdf(1.1, 0.2, scale=x[1])))

    for mu in (0.0, 1.0, 4.0):
        found = likelihood.fit(poi=mu)
        best = scipy.optimize.minimize_scalar(
            lambda k, mu=mu: twice_nll(np.array([mu, k])), bounds=(0.5, 2.0), options={"xatol": 1e-9}
        )
        assert found.status.succeeded
        assert found.twice_nll == pytest.approx(best.fun, abs=1e-9)
        np.testing.assert_allclose(found.parameters[order], [mu, best.x], atol=1e-6)
    np.testing.assert_allclose(likelihood.auxdata, [1.1])
    data = likelihood.expected_data(np.array([1.5, 0.8])[order])
    np.testing.assert_allclose(data, [47.5, 0.8])
    np.testing.assert_allclose(likelihood.fit(data).parameters[order], [1.5, 0.8], atol=1e-4)


def test_a_freed_nuisance_parameter_has_no_auxiliary_data() -> None:
    likelihood = likelihood_of(EVERYTHING, parameters=[{"name": "jes", "constraint": "none"}])
    plain = hfscale.Likelihood.from_workspace(EVERYTHING)
    assert len(likelihood.auxdata) == len(plain.auxdata) - 1
    at = around(plain, 1)[0]
    jes = at[plain.parameter_names.index("jes")]
    assert plain.logpdf(at) == pytest.approx(likelihood.logpdf(at) + scipy.stats.norm.logpdf(jes), rel=1e-12)
    assert likelihood.fit().status.succeeded


def test_a_further_minimum_where_a_rate_is_clipped_is_not_taken() -> None:
    """A start in which the first step falls below the limit of a bin with an event ends in a higher minimum."""
    spec = one_channel(
        [1, 60],
        sample("signal", [5.0, 8.0], normfactor()),
        sample("bkg", [2.0, 30.0], normsys("a", 1.2, 0.85), histosys("b", [4.5, 28.0], [-1.0, 33.0])),
    )
    clipped = likelihood_of(spec, clip={"bins": 0.01}).fit(poi=0.0)
    plain = hfscale.Likelihood.from_workspace(spec).fit(poi=0.0)
    assert clipped.status.succeeded
    assert clipped.twice_nll == pytest.approx(plain.twice_nll, abs=1e-8)


def two_pois() -> Spec:
    return one_channel(
        [70, 40],
        sample("one", [10.0, 2.0], normfactor("mu_a")),
        sample("two", [3.0, 9.0], normfactor("mu_b")),
        sample("bkg", [50.0, 25.0], modifier("shapesys", "u", [3.0, 2.0])),
        poi="mu_a",
    )


def test_several_pois() -> None:
    likelihood = likelihood_of(two_pois(), poi_names=["mu_b", "mu_a"])
    assert likelihood.poi_names == ("mu_b", "mu_a")
    assert likelihood.poi_name == "mu_b"
    both = likelihood.fit(poi={"mu_a": 1.0, "mu_b": 0.5})
    where = [likelihood.parameter_names.index(name) for name in ("mu_a", "mu_b")]
    np.testing.assert_array_equal(both.parameters[where], [1.0, 0.5])
    assert both.fixed[where].all()
    one = likelihood.fit(poi=0.5)
    assert one.parameters[where[1]] == 0.5
    assert likelihood.fit().twice_nll < one.twice_nll < both.twice_nll
    with pytest.raises(InputError, match="'u' is no POI of the model") as caught:
        likelihood.fit(poi={"u": 1.0})
    assert "mu_b, mu_a" in str(caught.value.remedy)


def test_another_poi_can_be_chosen_among_several() -> None:
    spec = extended(two_pois(), poi_names=["mu_b", "mu_a"])
    chosen = hfscale.Likelihood.from_workspace(spec, poi="mu_a")
    assert chosen.poi_names == ("mu_a", "mu_b")
    assert hfscale.Likelihood.from_workspace(spec, poi="").poi_names == ()
    assert hfscale.Likelihood.from_workspace(two_pois()).poi_names == ("mu_a",)


def test_names_that_the_model_does_not_have_are_refused() -> None:
    place = "measurements[fit]/config"
    with pytest.raises(SelectionError, match="the POI 'mu_c' is no parameter"):
        likelihood_of(two_pois(), poi_names=["mu_a", "mu_c"])
    with pytest.raises(SelectionError, match="the POI 'u' has 2 components"):
        likelihood_of(two_pois(), poi_names=["mu_a", "u"])
    with pytest.raises(SelectionError, match="'v' is no parameter of the model") as caught:
        likelihood_of(two_pois(), parameters=[{"name": "v", "constraint": "none"}])
    assert caught.value.place == f"{place}/hfscale/parameters[v]"
