"""Confidence intervals of the POI from toys at many of its values (Feldman, Cousins, Phys. Rev. D 57 (1998) 3873).

Toys are ordered by t_mu = -2 ln of the profile likelihood ratio with the best fit inside the bounds of the POI, that is
by the ratio R of eq. 4.2 there. A value belongs to the interval if the share of toys, thrown with this value, in which
t_mu is at least the observed one is above 1 - the probability. With nuisance parameters, toys are thrown as
`hfscale.inference.toys.settings` tells; profiled ones make it the profile construction (arXiv:2207.14353, section 3).

The interval reaches from the lowest to the highest value that belongs to it: with few events, the share rises and falls
in steps, and Feldman and Cousins fill the holes too. Knows no JAX.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from hfscale.errors import InputError
from hfscale.inference.toys.intervals import share_interval
from hfscale.inference.toys.p_values import TIE_TOLERANCE, FinishedToys
from hfscale.inference.toys.results import ToyStatus

_AT_BOUND = 1e-6
"""Best fits are at a bound up to so much of the range of POI values."""


class TwoSidedToys(NamedTuple):
    """Toys of a signal point that were thrown with the POI at one value.

    Attributes:
        t: -2 ln of the profile likelihood ratio of each; NaN where a fit failed.
        mu_hat: POI at the free minimum.
        status: `ToyStatus` of each.
    """

    t: Float[np.ndarray, " toy"]
    mu_hat: Float[np.ndarray, " toy"]
    status: Int[np.ndarray, " toy"]


class ConfidenceInterval(NamedTuple):
    """Interval of one probability; ends that the tested values do not reach are NaN, both where no value is inside.

    Attributes:
        probability: Of containing the true value.
        lower, upper: Its ends; a bound of the POI where it reaches up to that.
        lower_interval, upper_interval: Between which values each end lies, from `p_interval` in place of p.
        is_empty: Whether no tested value is inside: the interval lies between two of them, or beyond.
    """

    probability: float
    lower: float
    upper: float
    lower_interval: Float[np.ndarray, " side"]
    upper_interval: Float[np.ndarray, " side"]
    is_empty: bool


@dataclass(frozen=True, eq=False)
class FeldmanCousins:
    """Intervals of a signal point, and the curve that they are read from.

    Attributes:
        p: Share of toys with at least the observed t at each value, NaN without toys.
        p_interval: Its 68.3 % interval, made wider by what toys with failed fits leave possible.
        n_toys, n_failed: Finished and failed toys at each value.
        intervals: One for each probability.
    """

    p: Float[np.ndarray, " mu"]
    p_interval: Float[np.ndarray, "mu side"]
    n_toys: Int[np.ndarray, " mu"]
    n_failed: Int[np.ndarray, " mu"]
    intervals: tuple[ConfidenceInterval, ...]


def feldman_cousins(
    values: Float[np.ndarray, " mu"],
    t_obs: Float[np.ndarray, " mu"],
    toys: Sequence[TwoSidedToys],
    probabilities: Sequence[float],
) -> FeldmanCousins:
    """Find the intervals of a signal point.

    Args:
        values: Tested values of the POI, ascending.
        t_obs: -2 ln of the observed profile likelihood ratio at each; NaN where it is not known.
        toys: Those of each value.
        probabilities: Of the intervals, such as 0.9.

    Raises:
        InputError: A probability is not between 0 and 1.
    """
    for probability in probabilities:
        if not 0.0 < probability < 1.0:
            raise InputError(f"no interval has the probability {probability:g}", remedy="choose one such as 0.9")
    shares = [_share(observed, found) for observed, found in zip(t_obs, toys, strict=True)]
    p = np.array([share.p for share in shares])
    p_interval = np.array([share.interval for share in shares]).reshape(len(values), 2)
    bounds = _bounds(values, toys)
    return FeldmanCousins(
        p=p,
        p_interval=p_interval,
        n_toys=np.array([share.finished for share in shares], dtype=np.int64),
        n_failed=np.array([share.failed for share in shares], dtype=np.int64),
        intervals=tuple(_interval(values, p, p_interval, bounds, probability) for probability in probabilities),
    )


class _Share(NamedTuple):
    p: float
    interval: Float[np.ndarray, " side"]
    finished: int
    failed: int


def _share(t_obs: float, toys: TwoSidedToys) -> _Share:
    """Share of the toys of one value with at least the observed t."""
    counted = FinishedToys(toys.t, toys.status, TIE_TOLERANCE)
    above, finished, failed = counted.counts(float(t_obs))
    if not finished or not np.isfinite(t_obs):
        return _Share(float("nan"), np.full(2, np.nan), finished, failed)
    if t_obs <= TIE_TOLERANCE:
        return _Share(1.0, np.ones(2), finished, failed)
    n = finished + failed
    ends = np.array([share_interval(above, n)[0], share_interval(above + failed, n)[1]])
    return _Share(above / finished, ends, finished, failed)


def _bounds(values: Float[np.ndarray, " mu"], toys: Sequence[TwoSidedToys]) -> tuple[bool, bool]:
    """Whether the lowest and the highest value are bounds of the POI: no toy of theirs has its best fit beyond."""
    margin = _AT_BOUND * float(values[-1] - values[0])
    lowest, highest = (found.mu_hat[found.status == ToyStatus.OK] for found in (toys[0], toys[-1]))
    return (
        bool(len(lowest) and (lowest >= values[0] - margin).all()),
        bool(len(highest) and (highest <= values[-1] + margin).all()),
    )


def _interval(
    values: Float[np.ndarray, " mu"],
    p: Float[np.ndarray, " mu"],
    p_interval: Float[np.ndarray, "mu side"],
    bounds: tuple[bool, bool],
    probability: float,
) -> ConfidenceInterval:
    known = np.isfinite(p)
    x, alpha = values[known], 1.0 - probability
    # A value without toys at the edge: the bound is not among the known ones.
    at_bound = (bounds[0] and bool(known[0]), bounds[1] and bool(known[-1]))
    lower, upper = _ends(x, p[known] - alpha, at_bound)
    inner, outer = (_ends(x, p_interval[known, side] - alpha, at_bound) for side in (0, 1))
    return ConfidenceInterval(
        probability=probability,
        lower=lower,
        upper=upper,
        lower_interval=np.array([outer[0], inner[0]]),
        upper_interval=np.array([inner[1], outer[1]]),
        is_empty=not (p[known] > alpha).any(),
    )


def _ends(
    x: Float[np.ndarray, " value"], excess: Float[np.ndarray, " value"], at_bound: tuple[bool, bool]
) -> tuple[float, float]:
    """Where a curve is above 0 first and last, by straight lines; NaN where it is not seen to leave 0."""
    inside = np.flatnonzero(excess > 0.0)
    if not len(inside):
        return float("nan"), float("nan")
    first, last = int(inside[0]), int(inside[-1])
    lower = _crossing(x, excess, first, first - 1) if first > 0 else _edge(x[0], at_bound[0])
    upper = _crossing(x, excess, last, last + 1) if last < len(x) - 1 else _edge(x[-1], at_bound[1])
    return lower, upper


def _edge(value: float, is_bound: bool) -> float:
    return float(value) if is_bound else float("nan")


def _crossing(x: Float[np.ndarray, " value"], excess: Float[np.ndarray, " value"], inside: int, outside: int) -> float:
    part = excess[inside] / (excess[inside] - excess[outside])
    return float(x[inside] + part * (x[outside] - x[inside]))
