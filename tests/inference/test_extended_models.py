"""CLs of a counting experiment whose background has a Poisson or log-normal constraint, against formulas by hand."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import lognorm, norm

from tests.models import cls_of, counting, modifier, normfactor, sample, workspace

SIGNAL, BACKGROUND, OBSERVED, UNCERTAINTY = 25.0, 50.0, 58.0, 0.2
Constraint = Callable[[float, float], float]
"""-ln of the density of an auxiliary value, given gamma."""


class Experiment(NamedTuple):
    """Main and auxiliary data."""

    events: float
    auxiliary: float


def poisson_terms(auxiliary: float, gamma: float) -> float:
    tau = 1 / UNCERTAINTY**2
    # Differences of -ln L need no constants, which lets the auxiliary counts of Asimov data be fractional.
    return gamma * tau - auxiliary * np.log(gamma * tau)


def lognormal_terms(auxiliary: float, gamma: float) -> float:
    return float(-lognorm.logpdf(auxiliary, UNCERTAINTY, scale=gamma))


def minimum(data: Experiment, mu: float, constraint: Constraint) -> tuple[float, float]:
    """Lowest -ln L without constants of the data, and its gamma."""

    def nll(gamma: float) -> float:
        rate = mu * SIGNAL + gamma * BACKGROUND
        return float(rate - data.events * np.log(rate)) + constraint(data.auxiliary, gamma)

    found = minimize_scalar(nll, bounds=(0.2, 3.0), options={"xatol": 1e-10})
    return float(found.fun), float(found.x)


def statistic(data: Experiment, mu: float, constraint: Constraint) -> float:
    """q-tilde (arXiv:1007.1727 eq. 16)."""
    best = minimize_scalar(lambda m: minimum(data, m, constraint)[0], bounds=(0.0, 5.0), options={"xatol": 1e-10})
    return 2 * (minimum(data, mu, constraint)[0] - float(best.fun)) if best.x <= mu else 0.0


@pytest.mark.parametrize(
    ("kind", "terms", "auxiliary", "per_gamma"),
    [("poisson", poisson_terms, 25.0, 25.0), ("lognormal", lognormal_terms, 1.0, 1.0)],
)
def test_cls_is_that_of_the_formulas(kind: str, terms: Constraint, auxiliary: float, per_gamma: float) -> None:
    spec = counting(SIGNAL, BACKGROUND, OBSERVED, modifier("staterror", "stat", [UNCERTAINTY * BACKGROUND]))
    spec["measurements"][0]["config"]["hfscale"] = {"parameters": [{"name": "stat", "constraint": kind}]}
    block = cls_of(spec)

    observed = Experiment(OBSERVED, auxiliary)
    _, gamma = minimum(observed, 0.0, terms)
    asimov = Experiment(gamma * BACKGROUND, gamma * per_gamma)
    q, q_asimov = statistic(observed, 1.0, terms), statistic(asimov, 1.0, terms)
    assert block.q[0] == pytest.approx(q, rel=1e-6)
    assert block.q_asimov[0] == pytest.approx(q_asimov, rel=1e-6)
    shift = np.sqrt(q) - np.sqrt(q_asimov)
    assert shift <= 0
    assert block.CLs_obs[0] == pytest.approx(norm.sf(np.sqrt(q)) / norm.sf(shift), rel=1e-6)


def test_a_poisson_staterror_is_a_control_region_with_the_simulated_events() -> None:
    """A relative uncertainty of 1/5 are 25 simulated events, here counted in a second channel."""
    stat = modifier("staterror", "stat", [UNCERTAINTY * BACKGROUND])
    constrained = counting(SIGNAL, BACKGROUND, OBSERVED, stat)
    constrained["measurements"][0]["config"]["hfscale"] = {"staterror": {"constraint": "poisson"}}
    gamma = normfactor("gamma")
    channels = {
        "SR": [sample("signal", [SIGNAL], normfactor()), sample("bkg", [BACKGROUND], gamma)],
        "CR": [sample("bkg", [25.0], gamma)],
    }
    counted = cls_of(workspace(channels, {"SR": [OBSERVED], "CR": [25.0]}))
    found = cls_of(constrained)
    np.testing.assert_allclose(found.CLs_obs, counted.CLs_obs, rtol=1e-7)
    np.testing.assert_allclose(found.CLs_exp, counted.CLs_exp, rtol=1e-7)
    np.testing.assert_allclose(found.twice_nll_free, counted.twice_nll_free, rtol=1e-9)
