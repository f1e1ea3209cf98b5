"""Profile likelihood test statistics (arXiv:1007.1727)."""

import numpy as np
from jaxtyping import Float


def upper_limit_statistic(
    nll_conditional: Float[np.ndarray, "*n"],
    nll_free: Float[np.ndarray, "*n"],
    mu_hat: Float[np.ndarray, "*n"],
    mu: float | Float[np.ndarray, "*n"],
) -> Float[np.ndarray, "*n"]:
    """q_mu of arXiv:1007.1727 eq. 14, or q-tilde_mu of eq. 16 where the free fit keeps the POI above zero.

    Which of the two it is, is decided by the lower bound of the POI in the fits, as in pyhf.

    Args:
        nll_conditional: Minimum of -ln L with the POI at `mu`.
        nll_free: Minimum of -ln L with the POI free.
        mu_hat: POI at the free minimum.
        mu: Tested value of the POI.
    """
    statistic = np.maximum(2.0 * (nll_conditional - nll_free), 0.0)
    return np.where(mu_hat > mu, 0.0, statistic)


def discovery_statistic(
    nll_background: Float[np.ndarray, "*n"], nll_free: Float[np.ndarray, "*n"], mu_hat: Float[np.ndarray, "*n"]
) -> Float[np.ndarray, "*n"]:
    """q_0 of arXiv:1007.1727 eq. 12: what speaks against the background alone, and for a positive signal.

    Args:
        nll_background: Minimum of -ln L with the POI at 0.
        nll_free: Minimum of -ln L with the POI free.
        mu_hat: POI at the free minimum.
    """
    statistic = np.maximum(2.0 * (nll_background - nll_free), 0.0)
    return np.where(mu_hat < 0, 0.0, statistic)
