"""p-values of the asymptotic distributions, and their expected band (arXiv:1007.1727 section 3.6 and 3.7)."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import log_ndtr

TestStatistic = Literal["qtilde", "q"]

N_SIGMA = np.array([2.0, 1.0, 0.0, -1.0, -2.0])
"""Background fluctuations of the expected band, in the order that makes CLs ascend: index 0 is "-2 sigma"."""


class AsymptoticPValues(NamedTuple):
    """CLsb, CLb and their ratio, observed and expected."""

    CLsb: Float[np.ndarray, "*n"]
    CLb: Float[np.ndarray, "*n"]
    CLs_obs: Float[np.ndarray, "*n"]
    CLs_exp: Float[np.ndarray, "*n nsigma"]


def asymptotic_p_values(
    q: Float[np.ndarray, "*n"], q_asimov: Float[np.ndarray, "*n"], test_stat: TestStatistic
) -> AsymptoticPValues:
    """CLs from the observed statistic and that of the background-only Asimov data.

    With sigma = mu / sqrt(q_A), the transformed statistic is sqrt(q) - sqrt(q_A) for q_mu, and for q-tilde_mu
    above q_A it is (q - q_A) / (2 sqrt(q_A)) (eq. 59, 64 to 66). Ratios are formed from logarithms, so that they keep
    their digits where both p-values are tiny.
    """
    root, root_asimov = np.sqrt(q), np.sqrt(q_asimov)
    transformed = root - root_asimov
    if test_stat == "qtilde":
        above = (root > root_asimov) & (q_asimov > 0)
        slope = np.where(above, root_asimov, 1.0)
        transformed = np.where(above, (q - q_asimov) / (2.0 * slope), transformed)
    log_sb, log_b = log_ndtr(-(transformed + root_asimov)), log_ndtr(-transformed)
    expected = log_ndtr(-(N_SIGMA + root_asimov[..., None])) - log_ndtr(-N_SIGMA)
    return AsymptoticPValues(np.exp(log_sb), np.exp(log_b), np.exp(log_sb - log_b), np.exp(expected))
