"""Densities of the test statistics against the distribution functions that p-values come from."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

from hfscale.inference.asymptotics import TestStatistic, asymptotic_p_values
from hfscale.inference.densities import statistic_density
from hfscale.inference.toys.settings import Hypothesis, ToyTestStatistic

STATISTICS: list[TestStatistic] = ["q", "qtilde"]
HYPOTHESES: list[Hypothesis] = ["sb", "b"]


def tail(q: np.ndarray, q_asimov: float, hypothesis: Hypothesis, statistic: TestStatistic) -> np.ndarray:
    """Probability of a larger statistic: CLsb or CLb."""
    p = asymptotic_p_values(q, np.full(len(q), q_asimov), statistic)
    return p.CLsb if hypothesis == "sb" else p.CLb


@pytest.mark.parametrize("q_asimov", [0.3, 2.7, 12.0])
@pytest.mark.parametrize("hypothesis", HYPOTHESES)
@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_density_is_the_derivative_of_the_distribution_function(
    statistic: TestStatistic, hypothesis: Hypothesis, q_asimov: float
) -> None:
    step = 1e-5
    q = np.linspace(0.05, 25.0, 200)
    q = q[np.abs(q - q_asimov) > 10 * step]  # q-tilde has a kink there
    up, down = (tail(q + side * step, q_asimov, hypothesis, statistic) for side in (1, -1))
    found = statistic_density(q, q_asimov, hypothesis, statistic)
    np.testing.assert_allclose(found.density, (down - up) / (2 * step), rtol=1e-5, atol=1e-10)


@pytest.mark.parametrize("q_asimov", [0.3, 2.7, 12.0])
@pytest.mark.parametrize("hypothesis", HYPOTHESES)
@pytest.mark.parametrize("statistic", STATISTICS)
def test_what_is_not_at_zero_lies_above_it(statistic: TestStatistic, hypothesis: Hypothesis, q_asimov: float) -> None:
    # Over the root of q, in which the density has no pole.
    def integrand(root: float) -> float:
        return 2.0 * root * float(statistic_density(np.array([root**2]), q_asimov, hypothesis, statistic).density[0])

    above, _ = quad(integrand, 1e-12, 12.0, points=[np.sqrt(q_asimov)], limit=200)
    at_zero = statistic_density(np.array([1.0]), q_asimov, hypothesis, statistic).at_zero
    assert at_zero + above == pytest.approx(1.0, abs=1e-8)
    (just_above,) = tail(np.array([1e-20]), q_asimov, hypothesis, statistic)
    assert 1.0 - at_zero == pytest.approx(just_above, abs=1e-8)


@pytest.mark.parametrize("statistic", ["q", "qtilde", "q0"])
def test_densities_are_those_of_a_normal_estimate(statistic: ToyTestStatistic) -> None:
    """The formulas hold exactly where mu-hat is normal and the likelihood a parabola: thrown here with sigma 1."""
    rng, separation, n = np.random.default_rng(20), 1.7, 200_000
    edges = np.array([1e-12, 0.2, 0.8, 2.0, 3.5, 6.0, 12.0])
    for hypothesis in HYPOTHESES:
        if statistic == "q0":
            tested, true = 0.0, (0.0 if hypothesis == "sb" else separation)
        else:
            tested, true = separation, (separation if hypothesis == "sb" else 0.0)
        estimate = rng.normal(true, 1.0, n)
        best = np.maximum(estimate, 0.0) if statistic == "qtilde" else estimate
        # Twice the logarithm of the ratio of the likelihoods at the tested value and at the best one.
        q = (estimate - tested) ** 2 - (estimate - best) ** 2
        q[estimate < 0.0 if statistic == "q0" else estimate > tested] = 0.0
        found = statistic_density(np.array([1.0]), separation**2, hypothesis, statistic)
        assert found.at_zero == pytest.approx((q == 0.0).mean(), abs=4 * 0.5 / np.sqrt(n))
        share, _ = np.histogram(q, edges)
        fine = [np.linspace(low**0.5, high**0.5, 2001) for low, high in pairwise(edges)]
        expected = [
            np.trapezoid(2 * r * statistic_density(r**2, separation**2, hypothesis, statistic).density, r) for r in fine
        ]
        np.testing.assert_allclose(share / n, expected, atol=4 * 0.5 / np.sqrt(n))


def test_no_sensitivity_is_a_half_chi_square() -> None:
    q = np.array([0.5, 2.0])
    for hypothesis in HYPOTHESES:
        found = statistic_density(q, 0.0, hypothesis, "qtilde")
        assert found.at_zero == float(ndtr(0.0))
        np.testing.assert_allclose(found.density, 0.5 * np.exp(-q / 2) / np.sqrt(2 * np.pi * q))
