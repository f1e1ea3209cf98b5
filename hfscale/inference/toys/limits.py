"""Upper limits from the CLs of toys at the values of a POI grid, with uncertainties. Knows no JAX.

Between the values of the grid, CLs is interpolated on the scale s of expected asymptotic CLs at N standard deviations,
CLs = Phi(-(N + s)) / Phi(-N) (arXiv:1007.1727 section 3.7): there s = mu / sigma, so that a straight line is nearly
right. N is that of the column; for the observed CLs, Phi(-N) is CLb. In counting experiments with 3 to 80 events and
values that lie 0.6 sigma apart, this is wrong by at most 0.5 % of the limit, a straight line of CLs by up to 12 %.

CLs falls with the POI, but its estimates do not always: where noise lets them rise, the nearest sequence on that scale
that never rises takes their place (isotonic regression, weighted with numbers of toys), which crosses the level once.
The last of several crossings lies above the limit on fine grids, where noise adds crossings: on a grid in steps of half
the uncertainty by one and a half uncertainties, and resampling adds them once more, so that hardly an interval covers.
Where the estimates fall, both are the same. Nothing is extrapolated beyond the least and largest known values.

Background toys of one index are the same pseudo-data at every value of the grid, those of the tested hypotheses are
independent (`hfscale.inference.toys.addresses`). So the uncertainty comes from resampled toys: one set of weights for
the background toys of all values, and one set for each value. Weights are exponential (Rubin, Ann. Statist. 9 (1981)
130), and half a toy more lies beyond each end, so that every share of toys has the Jeffreys distribution that the
intervals of p-values come from, also where few toys or none are above the observed statistic. In counting experiments
with 500 to 2,000 toys at 3 to 16 values, the intervals of observed limits cover in 62 to 72 % of the cases, those of
expected limits, whose band of Poisson numbers has steps, in 58 to 70 % (2,000 toys, 12 values).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import ndtr, ndtri

from hfscale.errors import InputError
from hfscale.inference.asymptotics import N_SIGMA
from hfscale.inference.results import LimitStatus
from hfscale.inference.toys.p_values import QUANTILES, TIE_TOLERANCE
from hfscale.inference.toys.results import ToyStatus

_N_COLUMNS = len(N_SIGMA) + 1
"""The expected limits, then the observed one."""
_INTERVAL = ndtr(np.array([-1.0, 1.0]))
_LARGEST_SCALE = float(ndtr(2.0))
"""Where CLb is 1, every CLs below 1 would be infinitely far from it."""
_KEY = 0x68667363616C65
_BATCH = 100_000
"""Weights that are worked on at a time, which fit into a processor's cache, unless one resample has more."""


@dataclass(frozen=True)
class ToyLimits:
    """Upper limits on the POI of one signal point, from toys.

    Limits are NaN where their status is not `OK`. An end of an interval is NaN where it lies outside the values at
    which CLs is known.

    Attributes:
        upper_limit_obs, upper_limit_exp: Observed and expected limits, the latter ascending.
        upper_limit_obs_status, upper_limit_exp_status: LimitStatus; `ABOVE_BOUND` and `BELOW_BOUND` mean the largest
            and the least value at which CLs is known, `NOT_RUN` that there is none.
        upper_limit_obs_interval, upper_limit_exp_interval: 68.3 % intervals (lower, upper) from the number of toys.
    """

    upper_limit_obs: float
    upper_limit_exp: Float[np.ndarray, " nsigma"]
    upper_limit_obs_status: LimitStatus
    upper_limit_exp_status: Int[np.ndarray, " nsigma"]
    upper_limit_obs_interval: Float[np.ndarray, " side"]
    upper_limit_exp_interval: Float[np.ndarray, "nsigma side"]


def toy_limits(
    values: Float[np.ndarray, " mu"],
    q_obs: Float[np.ndarray, " mu"],
    q_sb: Float[np.ndarray, "mu toy_sb"],
    status_sb: Int[np.ndarray, "mu toy_sb"],
    q_b: Float[np.ndarray, "mu toy_b"],
    status_b: Int[np.ndarray, "mu toy_b"],
    level: float = 0.05,
    resamples: int = 200,
) -> ToyLimits:
    """Observed and expected upper limits.

    Toys that failed or were not run count nowhere, and their number may differ from value to value. A value without
    finished toys of both hypotheses is left out, as is, for the observed limit, one whose observed statistic is NaN or
    above that of every background toy.

    Args:
        values: Tested POI values, ascending.
        q_obs: Observed statistic, NaN where its fits failed.
        q_sb, status_sb: Statistic and ToyStatus of toys of the tested hypothesis.
        q_b, status_b: The same of the background; toys of one column are the same pseudo-data.
        level: CLs at the limits.
        resamples: How many times toys are resampled for the intervals; the same toys always give the same intervals.

    Raises:
        InputError: The values do not ascend, or the level is not between 0 and 1.
    """
    _check(values, level)
    toys = [_Value(float(q_obs[k]), q_sb[k], status_sb[k], q_b[k], status_b[k]) for k in range(len(values))]
    known = np.array([value.known for value in toys], dtype=bool).reshape(len(values), _N_COLUMNS)
    numbers = np.array([value.n_sb for value in toys], dtype=np.float64)
    tested = known.any(axis=1)
    used = [toys[k] for k in np.flatnonzero(tested)]
    curves = np.stack([value.CLs() for value in used])[None] if used else np.empty((1, 0, _N_COLUMNS))
    replicas = np.concatenate([curves, *_resampled(used, q_b.shape[1], resamples)])
    # No toy above is less than the level, however few toys there are.
    floors = np.array([value.floors for value in used]).reshape(len(used), _N_COLUMNS)
    CLs = np.clip(replicas, np.minimum(floors, 0.5 * level), 1.0)
    scales = np.array([value.scales for value in used]).reshape(len(used), _N_COLUMNS)
    distance = ndtri(level * scales) - ndtri(CLs * scales)
    columns = [
        _column(values[known[:, k]], distance[:, known[tested, k], k], numbers[known[:, k]]) for k in range(_N_COLUMNS)
    ]
    *expected, observed = columns
    return ToyLimits(
        upper_limit_obs=observed.limit,
        upper_limit_exp=np.array([column.limit for column in expected]),
        upper_limit_obs_status=observed.status,
        upper_limit_exp_status=np.array([int(column.status) for column in expected]),
        upper_limit_obs_interval=observed.interval,
        upper_limit_exp_interval=np.stack([column.interval for column in expected]),
    )


def _check(values: Float[np.ndarray, " mu"], level: float) -> None:
    if not (np.diff(values) > 0).all():
        raise InputError("the POI values of a toy limit do not ascend", remedy="sort them, each once")
    if not 0.0 < level < 1.0:
        raise InputError(f"the level of a limit is {level:g}", remedy="choose a CLs between 0 and 1, such as 0.05")


class _Weights(NamedTuple):
    """Weights of the toys of a hypothesis in several resamples, and of the half toys beyond both ends."""

    toys: Float[np.ndarray, "resample toy"]
    ends: Float[np.ndarray, "resample side"]

    def shares_above(self, below: Int[np.ndarray, "resample k"]) -> Float[np.ndarray, "resample k"]:
        """Shares of the toys that are not among the lowest `below`."""
        sums = np.zeros((len(self.toys), self.toys.shape[1] + 1))
        np.cumsum(self.toys, axis=1, out=sums[:, 1:])
        lowest = np.take_along_axis(sums, below, axis=1)
        shares: Float[np.ndarray, "resample k"] = (sums[:, -1:] - lowest + self.ends[:, 1:]) / (
            sums[:, -1:] + self.ends.sum(axis=1, keepdims=True)
        )
        return shares


class _Value:
    """The finished toys at one value of the POI, sorted and counted once for all resamples."""

    def __init__(
        self,
        q_obs: float,
        q_sb: Float[np.ndarray, " toy_sb"],
        status_sb: Int[np.ndarray, " toy_sb"],
        q_b: Float[np.ndarray, " toy_b"],
        status_b: Int[np.ndarray, " toy_b"],
    ) -> None:
        sb = np.sort(q_sb[status_sb == ToyStatus.OK])
        finished = np.flatnonzero(status_b == ToyStatus.OK)
        self.columns: Int[np.ndarray, " toy"] = finished[np.argsort(q_b[finished], kind="stable")]
        b = q_b[self.columns]
        self.n_sb, self.n_b = len(sb), len(b)
        # The statistics that CLs is computed for: those of the background toys, and the observed one.
        compared = np.append(b, q_obs)
        with_ties = compared - TIE_TOLERANCE * (1.0 + np.abs(compared))
        self.below_sb, self.below_b = np.searchsorted(sb, with_ties), np.searchsorted(b, with_ties)
        self.is_zero: Bool[np.ndarray, " compared"] = compared <= TIE_TOLERANCE
        self.share_b = (self.n_b - int(self.below_b[-1])) / max(self.n_b, 1)

    @property
    def known(self) -> list[bool]:
        """Columns for which there is a CLs."""
        has_toys = self.n_sb > 0 and self.n_b > 0
        return [has_toys] * len(N_SIGMA) + [has_toys and (self.share_b > 0.0 or bool(self.is_zero[-1]))]

    @property
    def scales(self) -> Float[np.ndarray, " column"]:
        """The CLb that makes the scale on which CLs is interpolated."""
        return np.append(ndtr(-N_SIGMA), min(self.share_b or 1.0, _LARGEST_SCALE))

    @property
    def floors(self) -> Float[np.ndarray, " column"]:
        """CLs with half a toy above: less cannot be told from none."""
        floors: Float[np.ndarray, " column"] = np.minimum(0.5 / (self.n_sb * self.scales), 1.0)
        return floors

    def CLs(self) -> Float[np.ndarray, " column"]:
        """Expected and observed CLs, as `hfscale.inference.toys.p_values.toy_p_values` gives them."""
        values: Float[np.ndarray, " column"] = self.weighted_CLs(_equal(self.n_sb), _equal(self.n_b))[0]
        return values

    def weighted_CLs(self, sb: _Weights, b: _Weights) -> Float[np.ndarray, "resample column"]:
        """The same with toys that count as much as their weights say; those of the background are sorted by `columns`.

        Where the observed one is not known, it may be anything.
        """
        lower, upper, part = _quantile_places(b.toys[:, self.order])
        observed = np.full((len(part), 1), self.n_b)
        CLs = self._CLs_of(sb, b, np.concatenate([self.order[lower], self.order[upper], observed], axis=1))
        n = len(QUANTILES)
        expected = (1.0 - part) * CLs[:, :n] + part * CLs[:, n:-1]
        return np.concatenate([expected, CLs[:, -1:]], axis=1)

    @cached_property
    def order(self) -> Int[np.ndarray, " toy"]:
        """Background toys by their CLs, of equal ones first that with the largest statistic.

        That of resampled toys is hardly another, so that it is kept for them.
        """
        every = np.arange(self.n_b)
        CLs = self._CLs_of(_equal(self.n_sb), _equal(self.n_b), every[None])[0]
        order: Int[np.ndarray, " toy"] = np.lexsort((-every, CLs))
        return order

    def _CLs_of(
        self, sb: _Weights, b: _Weights, index: Int[np.ndarray, "resample k"]
    ) -> Float[np.ndarray, "resample k"]:
        """CLs for some of the compared statistics, which may be others in each resample."""
        CLsb, CLb = sb.shares_above(self.below_sb[index]), b.shares_above(self.below_b[index])
        return np.where(self.is_zero[index], 1.0, CLsb / np.where(CLb > 0.0, CLb, 1.0))


def _equal(n: int) -> _Weights:
    """Every toy once, and nothing beyond the ends."""
    return _Weights(np.ones((1, n)), np.zeros((1, 2)))


def _quantile_places(
    weights: Float[np.ndarray, "resample toy"],
) -> tuple[
    Int[np.ndarray, "resample nsigma"], Int[np.ndarray, "resample nsigma"], Float[np.ndarray, "resample nsigma"]
]:
    """Between which of ordered toys the expected band lies, and how far from the first to the second of them.

    With equal weights, these are the quantiles of numpy.
    """
    places = np.zeros_like(weights)
    np.cumsum(0.5 * (weights[:, 1:] + weights[:, :-1]), axis=1, out=places[:, 1:])
    wanted = QUANTILES * places[:, -1:]
    last = weights.shape[1] - 1
    found = np.stack([np.searchsorted(row, values) for row, values in zip(places, wanted, strict=True)])
    upper = np.clip(found, min(1, last), last)
    lower = np.maximum(upper - 1, 0)
    below, above = (np.take_along_axis(places, index, axis=1) for index in (lower, upper))
    return lower, upper, (wanted - below) / np.where(above > below, above - below, 1.0)


def _resampled(
    toys: list[_Value], n_columns: int, resamples: int
) -> Iterator[Float[np.ndarray, "resample mu column"]]:  # fmt: skip
    """CLs with resampled toys, in batches that fit into memory, whose size does not change the numbers."""
    if not toys:
        yield np.empty((resamples, 0, _N_COLUMNS))
        return
    streams = [_Stream(k) for k in range(len(toys) + 1)]
    size = max(_BATCH // max(n_columns, *(value.n_sb for value in toys)), 1)
    for first in range(0, resamples, size):
        count = min(size, resamples - first)
        background = streams[0].weights(count, n_columns)
        batch = [
            value.weighted_CLs(
                stream.weights(count, value.n_sb), background._replace(toys=background.toys[:, value.columns])
            )
            for value, stream in zip(toys, streams[1:], strict=True)
        ]
        yield np.stack(batch, axis=1)


class _Stream:
    """Weights from a counter-based generator of random numbers with a fixed key."""

    def __init__(self, number: int) -> None:
        self._generator = np.random.Philox(key=np.array([_KEY, number], dtype=np.uint64))

    def weights(self, count: int, n_toys: int) -> _Weights:
        """Weights of the next `count` resamples of so many toys."""
        raw = np.asarray(self._generator.random_raw(count * (n_toys + 2)), dtype=np.uint64)
        uniforms = (((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52).reshape(count, n_toys + 2)
        # Half the square of a normal number is half a toy: it has the gamma distribution with shape 1/2.
        return _Weights(-np.log(uniforms[:, 2:]), 0.5 * ndtri(uniforms[:, :2]) ** 2)


class _Column(NamedTuple):
    """The limit of one column."""

    limit: float
    status: LimitStatus
    interval: Float[np.ndarray, " side"]


def _column(
    values: Float[np.ndarray, " mu"], distance: Float[np.ndarray, "replica mu"], numbers: Float[np.ndarray, " mu"]
) -> _Column:
    """The limit from the first replica, which is not resampled, and the interval from the others."""
    if not len(values):
        return _Column(np.nan, LimitStatus.NOT_RUN, np.full(2, np.nan))
    crossings = _crossings(values, _rising(distance, numbers))
    limit, resampled = float(crossings[0]), np.sort(crossings[1:])
    interval = np.full(2, np.nan)
    if len(resampled):
        interval = resampled[np.rint(_INTERVAL * (len(resampled) - 1)).astype(np.int64)]
        interval = np.array([min(interval[0], limit), max(interval[1], limit)])
    interval[~np.isfinite(interval)] = np.nan
    if np.isinf(limit):
        return _Column(np.nan, LimitStatus.ABOVE_BOUND if limit > 0 else LimitStatus.BELOW_BOUND, interval)
    return _Column(limit, LimitStatus.OK, interval)


def _rising(
    f: Float[np.ndarray, "replica mu"], weights: Float[np.ndarray, " mu"]
) -> Float[np.ndarray, "replica mu"]:  # fmt: skip
    """The nearest sequences that never fall, in the sense of weighted least squares.

    By the min-max formula: Robertson, Wright, Dykstra, Order Restricted Statistical Inference (1988), eq. 1.4.1.
    """
    result = np.full_like(f, -np.inf)
    for first in range(f.shape[1]):
        means = np.cumsum(f[:, first:] * weights[first:], axis=1) / np.cumsum(weights[first:])
        least = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
        np.maximum(result[:, first:], least, out=result[:, first:])
    return result


def _crossings(values: Float[np.ndarray, " mu"], f: Float[np.ndarray, "replica mu"]) -> Float[np.ndarray, " replica"]:
    """Where sequences that never fall cross zero; infinite where they do so outside the values."""
    if len(values) == 1:
        return np.where(f[:, 0] == 0.0, values[0], np.where(f[:, 0] < 0.0, np.inf, -np.inf))
    upper = np.clip((f < 0.0).sum(axis=1), 1, len(values) - 1)
    rows = np.arange(len(f))
    low, high = f[rows, upper - 1], f[rows, upper]
    part = np.clip(-low / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    found = values[upper - 1] + part * (values[upper] - values[upper - 1])
    return np.where(f[:, -1] < 0.0, np.inf, np.where(f[:, 0] > 0.0, -np.inf, found))
