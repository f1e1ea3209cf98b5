"""How surely toys say that CLs is above or below a level, in standard deviations. Knows no JAX.

These are tests, and not the displayed 68.3 % intervals made wider: a decision at three standard deviations must be
wrong in at most 0.13 % of cases also where few toys or none are above, where the interval of Jeffreys is wrong up to
four times as often. So shares have the one-sided distributions of Clopper and Pearson, Biometrika 26 (1934) 404, each
on its cautious side, and both shares of the observed CLs are joined by melding: Fay, Proschan, Brittain, Biometrics 71
(2015) 146.

A value of the expected band is CLs where the share of background toys above is that of the band. How many of the toys
that there are lie above that unknown statistic is a binomial number, whatever the distribution is; for each such
number the toys of the tested hypothesis above are counted. Where many background toys have equal statistics (few
events), the share at the statistic is larger than the band's, and is estimated from them.

CLs falls where the statistic rises. So whatever is known of one value of the band holds for those beyond, and for an
observed statistic that is surely beyond: a strongly excluded point is excluded at -2 sigma too, though thousands of
toys would be needed to see it from CLsb there alone.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import betainc, betaincc, betaincinv, betaln, ndtr, ndtri, xlog1py, xlogy

from hfscale.inference.toys.p_values import QUANTILES, TIE_TOLERANCE, FinishedToys

_NODES = np.linspace(-8.0, 8.0, 161)
_WEIGHTS = np.exp(-0.5 * _NODES**2) / np.exp(-0.5 * _NODES**2).sum()


class Distances(NamedTuple):
    """Standard deviations by which CLs is above a level; negative below, 0 where the toys do not tell.

    Attributes:
        observed: Of the observed CLs; NaN where there is no observed statistic.
        expected: Of the expected band, in its order.
    """

    observed: float
    expected: Float[np.ndarray, " nsigma"]


def distances_from_level(
    q_obs: float,
    q_sb: Float[np.ndarray, " toy_sb"],
    status_sb: Int[np.ndarray, " toy_sb"],
    q_b: Float[np.ndarray, " toy_b"],
    status_b: Int[np.ndarray, " toy_b"],
    level: float,
    tie_tolerance: float = TIE_TOLERANCE,
) -> Distances:
    """How far CLs of toys is from a level; the first five arguments are those of `toy_p_values`."""
    sb, b = FinishedToys(q_sb, status_sb, tie_tolerance), FinishedToys(q_b, status_b, tie_tolerance)
    if not sb.n or not b.n:
        return Distances(0.0 if np.isfinite(q_obs) else np.nan, np.zeros(5))
    band = _band_confidences(sb, b, level)
    expected = _distances(band)
    if not np.isfinite(q_obs):
        return Distances(np.nan, expected)
    if q_obs <= tie_tolerance:
        return Distances(np.inf, expected)  # CLs is 1, whatever the toys
    above_b = b.counts(q_obs).above
    observed = _ratio_confidences(sb.counts(q_obs).above, sb.n, above_b, b.n, level)
    return Distances(float(_distances(_with_band(observed, band, above_b, b.n))), expected)


def ratio_distance(above: int, n: int, above_b: int, n_b: int, level: float) -> float:
    """Standard deviations by which the ratio of the shares `above` / `n` and `above_b` / `n_b` is above a level.

    It is 0 where `above_b` is 0, and the ratio undefined.
    """
    return float(_distances(_ratio_confidences(above, n, above_b, n_b, level)))


class _Confidences(NamedTuple):
    """Confidences, both rather too large, that CLs is at least and that it is at most the level."""

    at_least: Float[np.ndarray, "*k"]
    at_most: Float[np.ndarray, "*k"]


def _distances(confidences: _Confidences) -> Float[np.ndarray, "*k"]:
    at_least, at_most = confidences
    below, above = np.minimum(ndtri(at_least), 0.0), np.maximum(-ndtri(at_most), 0.0)
    nearer: Float[np.ndarray, "*k"] = np.where(at_least < at_most, below, above)
    return nearer


def _ratio_confidences(above: int, n: int, above_b: int, n_b: int, level: float) -> _Confidences:
    if above_b == 0:
        return _Confidences(np.array(1.0), np.array(1.0))
    probabilities = ndtr(_NODES)
    least = betaincinv(above_b, n_b - above_b + 1, probabilities)
    largest = betaincinv(above_b + 1, n_b - above_b, probabilities) if above_b < n_b else np.ones(len(_NODES))
    counts = np.full(len(_NODES), above)
    at_least = _WEIGHTS @ _at_least(counts, n, level * least)
    at_most = _WEIGHTS @ _at_most(counts, n, level * largest)
    return _Confidences(np.array(at_least), np.array(at_most))


def _with_band(observed: _Confidences, band: _Confidences, above_b: int, n_b: int) -> _Confidences:
    """What is known of the observed CLs from a value of the band that it is surely below or above, if that is more."""
    counts = np.full(len(QUANTILES), above_b)
    at_least = np.min(band.at_least + _at_least(counts, n_b, QUANTILES))
    at_most = np.min(band.at_most + _at_most(counts, n_b, QUANTILES))
    return _Confidences(np.minimum(observed.at_least, at_least), np.minimum(observed.at_most, at_most))


def _band_confidences(sb: FinishedToys, b: FinishedToys, level: float) -> _Confidences:
    at_least, at_most = np.array([_expected_confidences(sb, b, float(share), level) for share in QUANTILES]).T
    return _Confidences(np.minimum.accumulate(at_least[::-1])[::-1], np.minimum.accumulate(at_most))


def _expected_confidences(sb: FinishedToys, b: FinishedToys, share: float, level: float) -> tuple[float, float]:
    """Confidences that CLs is at least and at most the level where a share of background toys is above."""
    ranks, weights = _binomial_numbers(b.n, share)
    # The unknown statistic is between those of the toys `ranks` and `ranks` + 1, counted from the largest.
    upper, upper_b = _above_toy(sb, b, ranks + 1)
    lower, lower_b = _above_toy(sb, b, ranks)
    at_least = weights @ _at_least(upper, sb.n, level * _share_at(upper_b, ranks + 1, b.n, share))
    at_most = weights @ _at_most(lower, sb.n, level * _share_at(lower_b, ranks, b.n, share))
    return float(at_least), float(at_most)


def _binomial_numbers(n: int, share: float) -> tuple[Int[np.ndarray, " rank"], Float[np.ndarray, " rank"]]:
    """Binomial numbers that are not impossibly far from the mean, and their probabilities."""
    reach = 9.0 * np.sqrt(n * share * (1.0 - share)) + 30.0
    ranks = np.arange(max(int(n * share - reach), 0), min(int(n * share + reach), n) + 1)
    logarithms = xlogy(ranks, share) + xlog1py(n - ranks, -share) - betaln(ranks + 1, n - ranks + 1)
    weights = np.exp(logarithms - logarithms.max())
    return ranks, weights / weights.sum()


def _above_toy(
    sb: FinishedToys, b: FinishedToys, ranks: Int[np.ndarray, " rank"]
) -> tuple[Int[np.ndarray, " rank"], Int[np.ndarray, " rank"]]:
    """Toys of both hypotheses at or above background toys; before the first there is none, after the last are all."""
    q = b.q[::-1][np.clip(ranks, 1, b.n) - 1]

    def counted(toys: FinishedToys) -> Int[np.ndarray, " rank"]:
        return np.where(ranks < 1, 0, np.where(ranks > b.n, toys.n, toys.above(q)))

    return counted(sb), counted(b)


def _share_at(
    above: Int[np.ndarray, " rank"], ranks: Int[np.ndarray, " rank"], n: int, share: float
) -> Float[np.ndarray, " rank"]:
    """Share of background at or above a statistic that `ranks` toys reach beyond ties, and with ties `above` toys."""
    tied: Float[np.ndarray, " rank"] = np.maximum(above - ranks, 0) / np.maximum(n - ranks, 1)
    return share + (1.0 - share) * tied


def _at_least(above: Int[np.ndarray, " k"], n: int, share: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Confidence, at most too large, that the true share of `above` among `n` is at least `share`."""
    return np.where(above < n, betaincc(above + 1, np.maximum(n - above, 1), share), 1.0)


def _at_most(above: Int[np.ndarray, " k"], n: int, share: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Confidence, at most too large, that the true share of `above` among `n` is at most `share`."""
    return np.where(above > 0, betainc(np.maximum(above, 1), n - above + 1, share), 1.0)
