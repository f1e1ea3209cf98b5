"""p-values and CLs from the statistics of toys, with uncertainties that hold at small counts. Knows no JAX.

A p-value is the share of toys whose statistic is at least as large as the observed one (as pyhf counts). Statistics
are compared with a tolerance, because equal data are fitted to a finite precision only. The expected band takes the
statistic of every background toy for the observed one: its percentiles of CLsb, CLb and CLs, each on its own (as
pyhf), are the expected values, so that the expected CLs is not the ratio of the expected p-values.

Uncertainties are 68.3 % intervals: for a p-value the Jeffreys interval (Brown, Cai, DasGupta, Statist. Sci. 16 (2001)
101), which is one-sided where no toy or every toy is above; for CLs the quantiles of the ratio of both posteriors. A
value of the band has the binomial interval of its rank among the background toys (order statistics) and the interval
of CLsb there, added in quadrature. The statistic is never negative, so where the observed one is zero all p-values are
1 exactly.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

from hfscale.inference.toys.intervals import rank_intervals, ratio_interval, share_interval
from hfscale.inference.toys.results import ToyStatus

TIE_TOLERANCE = 1e-9
"""Statistics that differ by less (absolutely, and relative to the compared one) are ties."""

QUANTILES = ndtr(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]))
"""Quantiles of the expected band, in the order that makes CLs ascend: index 0 is "-2 sigma"."""


class PValueStatus(IntEnum):
    """What became of p-values of toys."""

    NO_TOYS = 0
    OK = 1
    CLB_ZERO = 2
    FAILED = 3


class Counts(NamedTuple):
    """Toys of one hypothesis: above the observed statistic, finished, and failed."""

    above: int
    finished: int
    failed: int

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and largest p-value that the failed toys leave possible."""
        n = max(self.finished + self.failed, 1)
        return self.above / n, (self.above + self.failed) / n


@dataclass(frozen=True)
class ToyPValues:
    """p-values of toys.

    Attributes:
        status: PValueStatus. Only where it is OK are all numbers meant; others are NaN where they are undefined.
        reason: What is wrong, empty where the status is OK.
        CLsb, CLb, CLs_obs: Observed values.
        CLsb_exp, CLb_exp, CLs_exp: Expected band of each, ascending.
        CLsb_interval, CLb_interval, CLs_obs_interval, CLs_exp_interval: 68.3 % intervals (lower, upper).
        CLs_obs_bounds: Least and largest CLs if every failed toy counted against it.
        sb, b: Numbers of toys.
    """

    status: PValueStatus
    reason: str
    CLsb: float
    CLb: float
    CLs_obs: float
    CLsb_exp: Float[np.ndarray, " nsigma"]
    CLb_exp: Float[np.ndarray, " nsigma"]
    CLs_exp: Float[np.ndarray, " nsigma"]
    CLsb_interval: Float[np.ndarray, " side"]
    CLb_interval: Float[np.ndarray, " side"]
    CLs_obs_interval: Float[np.ndarray, " side"]
    CLs_exp_interval: Float[np.ndarray, "nsigma side"]
    CLs_obs_bounds: Float[np.ndarray, " side"]
    sb: Counts
    b: Counts


def toy_p_values(
    q_obs: float,
    q_sb: Float[np.ndarray, " toy_sb"],
    status_sb: Int[np.ndarray, " toy_sb"],
    q_b: Float[np.ndarray, " toy_b"],
    status_b: Int[np.ndarray, " toy_b"],
    tie_tolerance: float = TIE_TOLERANCE,
) -> ToyPValues:
    """p-values, CLs and expected band.

    Toys that failed count in no p-value, but in `CLs_obs_bounds`; toys that were not run count nowhere.

    Args:
        q_obs: Observed statistic, NaN where its fits failed.
        q_sb, status_sb: Statistic and ToyStatus of toys of the tested hypothesis.
        q_b, status_b: The same of the other hypothesis.
        tie_tolerance: See `TIE_TOLERANCE`.
    """
    sb, b = (FinishedToys(q, status, tie_tolerance) for q, status in ((q_sb, status_sb), (q_b, status_b)))
    counts_sb, counts_b = sb.counts(q_obs), b.counts(q_obs)
    status, reason = _status(q_obs, counts_sb, counts_b)
    observed = _observed(q_obs <= tie_tolerance, counts_sb, counts_b) if status in _COUNTED else _NOTHING_OBSERVED
    band = _band(sb, b) if sb.n and b.n else _NO_BAND
    return ToyPValues(status=status, reason=reason, sb=counts_sb, b=counts_b, **observed._asdict(), **band._asdict())


def _status(q_obs: float, sb: Counts, b: Counts) -> tuple[PValueStatus, str]:
    if not np.isfinite(q_obs):
        return (
            PValueStatus.FAILED,
            "a fit of the observed data failed, so that their test statistic is unknown",
        )
    for counts, name in ((sb, "signal plus background"), (b, "background")):
        if not counts.finished:
            failed = f", and {counts.failed} failed" if counts.failed else ""
            return PValueStatus.NO_TOYS, f"no toy of the {name} hypothesis is finished{failed}"
    if not b.above:
        return PValueStatus.CLB_ZERO, (
            f"none of {b.finished} background toys is as extreme as the observed data, so that CLs = CLsb / CLb is"
            " undefined; more toys may settle it"
        )
    return PValueStatus.OK, ""


class FinishedToys:
    """Statistics of the finished toys of a hypothesis, ready to be counted."""

    def __init__(self, q: Float[np.ndarray, " toy"], status: Int[np.ndarray, " toy"], tolerance: float) -> None:
        self.q = np.sort(q[status == ToyStatus.OK])
        self.n = len(self.q)
        self.failed = int((status == ToyStatus.FAILED).sum())
        self.tolerance = tolerance

    def above(self, q: Float[np.ndarray, " value"]) -> Int[np.ndarray, " value"]:
        """How many have a statistic of at least each of `q`."""
        below: Int[np.ndarray, " value"] = np.searchsorted(self.q, q - self.tolerance * (1.0 + np.abs(q)))
        return self.n - below

    def counts(self, q_obs: float) -> Counts:
        """Numbers of toys, none above an unknown statistic."""
        return Counts(int(self.above(np.array([q_obs]))[0]) if np.isfinite(q_obs) else 0, self.n, self.failed)


class _Observed(NamedTuple):
    """Fields of `ToyPValues` that concern the observed statistic."""

    CLsb: float
    CLb: float
    CLs_obs: float
    CLsb_interval: Float[np.ndarray, " side"]
    CLb_interval: Float[np.ndarray, " side"]
    CLs_obs_interval: Float[np.ndarray, " side"]
    CLs_obs_bounds: Float[np.ndarray, " side"]


_COUNTED = (PValueStatus.OK, PValueStatus.CLB_ZERO)
_NOTHING_OBSERVED = _Observed(np.nan, np.nan, np.nan, *(np.full(2, np.nan) for _ in range(4)))


def _observed(is_zero: bool, sb: Counts, b: Counts) -> _Observed:
    """Observed p-values; those of a statistic of zero are 1 whatever the toys."""
    if is_zero:
        return _Observed(1.0, 1.0, 1.0, *(np.ones(2) for _ in range(4)))
    return _Observed(
        CLsb=sb.above / sb.finished,
        CLb=b.above / b.finished,
        CLs_obs=(sb.above / sb.finished) / (b.above / b.finished) if b.above else np.nan,
        CLsb_interval=share_interval(sb.above, sb.finished),
        CLb_interval=share_interval(b.above, b.finished),
        CLs_obs_interval=ratio_interval(sb.above, sb.finished, b.above, b.finished),
        CLs_obs_bounds=_worst_cases(sb, b),
    )


def _worst_cases(sb: Counts, b: Counts) -> Float[np.ndarray, " side"]:
    """Least and largest CLs that the failed toys leave possible; the largest is infinite where CLb may be 0."""
    (least_sb, largest_sb), (least_b, largest_b) = sb.bounds, b.bounds
    least = least_sb / largest_b if largest_b > 0 else 0.0
    return np.array([least, largest_sb / least_b if least_b > 0 else np.inf])


class _Band(NamedTuple):
    """Fields of `ToyPValues` that concern the expected band."""

    CLsb_exp: Float[np.ndarray, " nsigma"]
    CLb_exp: Float[np.ndarray, " nsigma"]
    CLs_exp: Float[np.ndarray, " nsigma"]
    CLs_exp_interval: Float[np.ndarray, "nsigma side"]


_UNKNOWN = np.full(5, np.nan)
_NO_BAND = _Band(_UNKNOWN, _UNKNOWN, _UNKNOWN, np.full((5, 2), np.nan))


def _band(sb: FinishedToys, b: FinishedToys) -> _Band:
    above, above_b = sb.above(b.q), b.above(b.q)
    CLsb, CLb = above / sb.n, above_b / b.n
    CLs = CLsb / CLb
    order = np.argsort(CLs, kind="stable")
    CLs_exp = np.quantile(CLs, QUANTILES)
    # Beyond the outermost toys, only the limits of CLs are known.
    padded = np.concatenate([[0.0], CLs[order], [max(1.0, CLs.max())]])
    by_rank = padded[rank_intervals(b.n, QUANTILES)]
    nearest = order[np.rint(QUANTILES * (b.n - 1)).astype(np.int64)]
    shares = [share_interval(int(above[k]), sb.n) / CLb[k] for k in nearest]
    by_share = np.where(b.q[nearest, None] <= b.tolerance, 1.0, shares)
    value = CLs_exp[:, None]
    sides = np.array([-1.0, 1.0])
    distances = np.hypot(*(np.maximum((ends - value) * sides, 0.0) for ends in (by_rank, by_share)))
    interval = np.maximum(value + sides * distances, 0.0)
    return _Band(np.quantile(CLsb, QUANTILES), np.quantile(CLb, QUANTILES), CLs_exp, interval)
