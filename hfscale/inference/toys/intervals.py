"""68.3 % intervals of shares, of their ratio, and of ranks, which hold at small counts too."""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import betainc, betaincinv, ndtr
from scipy.stats import binom

_TAIL = float(ndtr(-1.0))
_PROBABILITIES = np.array([_TAIL, 1.0 - _TAIL])
_NODES = (np.arange(400) + 0.5) / 400
_BISECTIONS = 60
_LARGEST_LOGARITHM = 80.0


def share_interval(above: int, n: int) -> Float[np.ndarray, " side"]:
    """Jeffreys interval of the share `above` / `n`, open to 0 or 1 where none or all are above.

    Brown, Cai, DasGupta, Statist. Sci. 16 (2001) 101, section 4.1.2.
    """
    found = np.asarray(betaincinv(above + 0.5, n - above + 0.5, _PROBABILITIES))
    return np.array([0.0 if above == 0 else found[0], 1.0 if above == n else found[1]])


def ratio_interval(above: int, n: int, above_b: int, n_b: int) -> Float[np.ndarray, " side"]:
    """Quantiles of the ratio of the shares `above` / `n` and `above_b` / `n_b`, of independent Jeffreys posteriors."""
    # P(ratio < r) is the mean of the numerator's distribution function at r times the denominator, over quantiles
    # of the denominator.
    denominators = np.asarray(betaincinv(above_b + 0.5, n_b - above_b + 0.5, _NODES))

    def probability(logarithm: Float[np.ndarray, " side"]) -> Float[np.ndarray, " side"]:
        numerators = np.minimum(np.exp(logarithm)[:, None] * denominators, 1.0)
        mean: Float[np.ndarray, " side"] = np.mean(betainc(above + 0.5, n - above + 0.5, numerators), axis=1)
        return mean

    low, high = np.full(2, -_LARGEST_LOGARITHM), np.full(2, _LARGEST_LOGARITHM)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        below = probability(middle) < _PROBABILITIES
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    lower, upper = np.exp(0.5 * (low + high))
    return np.array([0.0 if above == 0 else lower, upper])


def rank_intervals(n: int, quantiles: Float[np.ndarray, " quantile"]) -> Int[np.ndarray, "quantile side"]:
    """Ranks (1 to `n`) of ordered values between which quantiles of their distribution lie; 0 and `n` + 1 are open."""
    inner: Int[np.ndarray, "quantile side"] = binom.ppf(_PROBABILITIES, n, quantiles[:, None]).astype(np.int64)
    ranks: Int[np.ndarray, "quantile side"] = np.clip(inner + np.array([0, 1]), 0, n + 1)
    return ranks
