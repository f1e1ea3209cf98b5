"""Numbers that pyhf documents for two small models, from the likelihood up to the limit.

Most are printed by pyhf's docstrings (0.7.6) with eight digits. Its minimiser ends up to 2e-4 beside the minimum in a
parameter and up to 2e-7 above it in twice the negative log-likelihood; tolerances follow from that.
"""

import numpy as np
import pyhf
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

import hfscale
from hfscale.inference.results import CLsBlock
from tests.conformance.textbook import HELLO_WORLD, HISTOSYS, SHAPESYS, TWO_BINS, TWO_BINS_DIGEST
from tests.models import Spec, cls_of


def observing(*counts: float, lower: float = 0.0) -> hfscale.Likelihood:
    """Hello world with other observations, and perhaps a POI that may become negative."""
    spec: Spec = {
        **HELLO_WORLD,
        "observations": [{"name": "SR", "data": list(counts)}],
        "measurements": [
            {"name": "fit", "config": {"poi": "mu", "parameters": [{"name": "mu", "bounds": [[lower, 10.0]]}]}}
        ],
    }
    return hfscale.Likelihood.from_workspace(spec)


@pytest.mark.parametrize(
    ("spec", "logpdf"),
    [(HISTOSYS, -17.64882764), (SHAPESYS, -23.57960517), (HELLO_WORLD, -30.77525435 / 2)],
    ids=["histosys", "shapesys", "hello world"],
)
def test_log_likelihood_at_the_start_values(spec: Spec, logpdf: float) -> None:
    likelihood = hfscale.Likelihood.from_workspace(spec)
    assert likelihood.logpdf(likelihood.suggested_init) == pytest.approx(logpdf, abs=1e-8)


def test_fits_of_hello_world() -> None:
    likelihood = hfscale.Likelihood.from_workspace(HELLO_WORLD)
    free, fixed = likelihood.fit(), likelihood.fit(poi=1.0)
    assert free.twice_nll == pytest.approx(24.98393521, abs=1e-7)
    np.testing.assert_allclose(free.parameters, [0.0, 1.0030512, 0.96266961], atol=2e-5)
    assert fixed.twice_nll == pytest.approx(28.92218013, abs=1e-7)
    np.testing.assert_allclose(fixed.parameters, [1.0, 0.97224597, 0.87553894], atol=2e-5)
    asimov = likelihood.expected_data(fixed.parameters)
    np.testing.assert_allclose(asimov, [60.61229858, 56.52802479, 270.06832542, 48.31545488], rtol=2e-5)


def test_statistics_of_hello_world() -> None:
    positive, negative = observing(51, 48), observing(51, 48, lower=-10.0)
    free = negative.fit()
    # pyhf's documented minimum lies 7.5e-5 beside the true one, and 4e-9 higher.
    np.testing.assert_allclose(free.parameters, [-0.06679525, 1.00555369, 0.96930896], atol=1e-4)
    assert negative.fit(poi=1.0).twice_nll - free.twice_nll == pytest.approx(3.9549891, abs=2e-7)
    assert positive.fit(poi=1.0).twice_nll - positive.fit().twice_nll == pytest.approx(3.93824492, abs=2e-7)


def test_discovery_statistic_of_hello_world() -> None:
    likelihood = observing(60, 65, lower=-10.0)
    free, fixed = likelihood.fit(), likelihood.fit(poi=0.0)
    np.testing.assert_allclose(free.parameters, [0.95260667, 0.99635345, 1.02140172], atol=3e-4)
    np.testing.assert_allclose(fixed.parameters, [0.0, 1.03050845, 1.12128752], atol=1e-4)
    assert fixed.twice_nll - free.twice_nll == pytest.approx(2.98339447, abs=5e-7)


def test_p_values_of_hello_world() -> None:
    block = cls_of(HELLO_WORLD)
    assert block.CLs_obs[0] == pytest.approx(0.05251497, rel=2e-5)
    np.testing.assert_allclose(
        block.CLs_exp[0], [0.00260626, 0.01382005, 0.06445321, 0.23525644, 0.57303621], rtol=7e-5
    )
    # Documented beside them: the two p-values if the observed statistic were mu itself, CLsb and CLb at t = 1.
    root = np.sqrt(block.q_asimov[0])
    assert norm.sf(1.0 + root) == pytest.approx(0.00219262, rel=7e-5)


def test_limits_of_hello_world_from_roots() -> None:
    def observed(mu: float) -> float:
        return float(cls_of(HELLO_WORLD, mu=mu).CLs_obs[0])

    limit = brentq(lambda mu: observed(mu) - 0.05, 0.5, 2.0, xtol=1e-8)
    # Documented limits come from a root finder with a relative tolerance of 0.01 on the POI.
    assert limit == pytest.approx(1.01156939, rel=2e-5)
    for k, documented in enumerate([0.5600747, 0.75702605, 1.06234693, 1.50116923, 2.05078912]):
        assert cls_of(HELLO_WORLD, mu=documented).CLs_exp[0, k] == pytest.approx(0.05, rel=2e-3)


def test_limits_of_hello_world_from_a_grid() -> None:
    grid = np.linspace(0, 5, 21)[1:]
    blocks = [cls_of(HELLO_WORLD, mu=float(mu)) for mu in grid]
    assert _limit(grid, [block.CLs_obs[0] for block in blocks]) == pytest.approx(1.01764089, rel=1e-5)
    expected = [_limit(grid, [block.CLs_exp[0, k] for block in blocks]) for k in range(5)]
    np.testing.assert_allclose(expected, [0.59576921, 0.76169166, 1.08504773, 1.50170482, 2.06654952], rtol=2e-5)


def _limit(grid: np.ndarray, cls: list[float]) -> float:
    return float(np.interp(0.05, cls[::-1], grid[::-1]))


def test_fixed_fit_of_the_histosys_model() -> None:
    fit = hfscale.Likelihood.from_workspace(HISTOSYS).fit(poi=1.0)
    assert fit.twice_nll == pytest.approx(17.52954975, abs=2e-7)


@pytest.fixture(scope="module")
def two_bins() -> CLsBlock:
    return cls_of(TWO_BINS)


def test_the_two_bins_are_those_of_the_documents() -> None:
    assert pyhf.utils.digest(TWO_BINS) == TWO_BINS_DIGEST


def test_cls_of_two_bins(two_bins: CLsBlock) -> None:
    assert two_bins.CLs_obs[0] == pytest.approx(0.35998456, rel=2e-6)
    expected = [0.07807427911686156, 0.17472571775474618, 0.35998495263681285, 0.6343568235898907, 0.8809947004472013]
    np.testing.assert_allclose(two_bins.CLs_exp[0], expected, rtol=1e-5)


def test_fit_of_two_bins() -> None:
    fit = hfscale.Likelihood.from_workspace(TWO_BINS).fit()
    assert fit.twice_nll == pytest.approx(23.19636590468879, abs=1e-7)
    np.testing.assert_allclose(fit.parameters, [0.0, 1.0, 1.0], atol=2e-4)
