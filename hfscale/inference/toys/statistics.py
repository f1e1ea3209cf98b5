"""Test statistics of toys and of the data that they are compared with."""

import numpy as np
from jaxtyping import Float

from hfscale.inference.test_statistics import upper_limit_statistic
from hfscale.inference.toys.settings import ToyTestStatistic


def toy_statistic(
    nll_conditional: Float[np.ndarray, " toy"],
    nll_free: Float[np.ndarray, " toy"],
    mu_hat: Float[np.ndarray, " toy"],
    mu: float,
    test_stat: ToyTestStatistic,
) -> Float[np.ndarray, " toy"]:
    """q_mu or q-tilde_mu, or q_0 of arXiv:1007.1727 eq. 12, which is 0 where the POI is below 0 at the free minimum.

    Args:
        nll_conditional, nll_free: Minima of -ln L with the POI at `mu`, and free.
        mu_hat: POI at the free minimum.
        mu: Tested value of the POI.
        test_stat: Which statistic.
    """
    if test_stat == "q0":
        return np.where(mu_hat < 0.0, 0.0, np.maximum(2.0 * (nll_conditional - nll_free), 0.0))
    return upper_limit_statistic(nll_conditional, nll_free, mu_hat, mu)
