"""Densities of the asymptotic distributions of the test statistics, for pictures beside toys (arXiv:1007.1727).

The distribution functions that belong to them are in `hfscale.inference.asymptotics`.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from hfscale.inference.toys.settings import Hypothesis, ToyTestStatistic


class StatisticDensity(NamedTuple):
    """A distribution with a part at exactly zero and a density above it.

    Attributes:
        at_zero: Probability of a statistic of zero, the weight of the delta function there.
        density: Density at the given values above zero.
    """

    at_zero: float
    density: Float[np.ndarray, " value"]


def statistic_density(
    q: Float[np.ndarray, " value"], q_asimov: float, hypothesis: Hypothesis, test_stat: ToyTestStatistic
) -> StatisticDensity:
    """f(q_mu | mu') (arXiv:1007.1727 eq. 55), f(q-tilde_mu | mu') (eq. 63), or f(q_0 | mu') (eq. 48).

    With sigma = mu / sqrt(q_A), the tested value lies (mu - mu') / sigma away from the true one: 0 if that is the
    tested one itself, sqrt(q_A) if it is the one that made the Asimov data. Only that number enters.

    Args:
        q: Values above 0; the density grows without limit towards 0.
        q_asimov: The statistic of the Asimov data of the other hypothesis, q_A.
        hypothesis: `sb` where toys are thrown from the tested hypothesis, `b` where they are from the other one.
        test_stat: Which statistic.
    """
    root_asimov = float(np.sqrt(q_asimov))
    distance = 0.0 if hypothesis == "sb" else root_asimov
    # For q0 the fluctuation that gives zero is the downward one, but the formula is that of q_mu.
    below = 0.5 / np.sqrt(q) * _normal(np.sqrt(q) - distance)
    if test_stat != "qtilde" or root_asimov == 0.0:
        return StatisticDensity(float(ndtr(-distance)), below)
    # Beyond mu^2 / sigma^2 = q_A the best fit lies at its bound 0. The mean there is (mu^2 - 2 mu mu') / sigma^2.
    mean = root_asimov * (2.0 * distance - root_asimov)
    above = 0.5 / root_asimov * _normal((q - mean) / (2.0 * root_asimov))
    return StatisticDensity(float(ndtr(-distance)), np.where(q <= q_asimov, below, above))


def _normal(x: Float[np.ndarray, " value"]) -> Float[np.ndarray, " value"]:
    return np.asarray(np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi))
