"""Heights of profile likelihoods that bound regions of 68.3 and 95 % confidence. Knows no JAX."""

from math import erf, sqrt

from scipy.special import chdtri

PROBABILITIES = (erf(sqrt(0.5)), 0.95)
"""Of one standard deviation of a single parameter, 68.27 %, and of what is quoted as 95 %."""


def height_of(probability: float, n_parameters: int) -> float:
    """t inside of which the true values lie with a probability, asymptotically.

    By Wilks' theorem (Ann. Math. Statist. 9 (1938) 60) it is the quantile of the chi-squared distribution: 1 and 3.84
    for one parameter, 2.30 and 5.99 for two.

    Args:
        probability: Above 0 and below 1.
        n_parameters: Number of parameters that are scanned together.
    """
    # Rounded, so that one standard deviation is 1.
    return round(float(chdtri(n_parameters, 1.0 - probability)), 12)
