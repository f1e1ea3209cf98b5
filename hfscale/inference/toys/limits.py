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
the background toys of all values, and one set for each value (`hfscale.inference.toys.resampling`). In counting
experiments with 500 to 2,000 toys at 3 to 16 values, the intervals of observed limits cover in 62 to 72 % of the cases,
those of expected limits, whose band of Poisson numbers has steps, in 58 to 70 % (2,000 toys, 12 values).

Failed toys count in no limit. What they could change at most is told by bounds: the limits of the curves that lie as
low and as high at every value as failed toys could move them, if each were as it takes. As the nearest rising sequence
and its crossing never fall where the curve rises, no outcome of the failed toys leads beyond.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import ndtr

from hfscale.errors import InputError
from hfscale.inference.results import LimitStatus
from hfscale.inference.toys.crossings import crossings, never_falling
from hfscale.inference.toys.limit_curves import N_COLUMNS, ToysAtValue
from hfscale.inference.toys.resampling import BackgroundWeights, stream_of_value

_INTERVAL = ndtr(np.array([-1.0, 1.0]))
_BATCH = 100_000
"""Weights that are worked on at a time, which fit into a processor's cache, unless one resample has more."""


@dataclass(frozen=True)
class ToyLimits:
    """Upper limits on the POI of one signal point, from toys.

    Limits are NaN where their status is not `OK`. An end of an interval or of bounds is NaN where it lies outside the
    values at which CLs is known.

    Attributes:
        upper_limit_obs, upper_limit_exp: Observed and expected limits, the latter ascending.
        upper_limit_obs_status, upper_limit_exp_status: LimitStatus; `ABOVE_BOUND` and `BELOW_BOUND` mean the largest
            and the least value at which CLs is known, `NOT_RUN` that there is none.
        upper_limit_obs_interval, upper_limit_exp_interval: 68.3 % intervals (lower, upper) from the number of toys.
        upper_limit_obs_bounds, upper_limit_exp_bounds: Least and largest limits that failed toys leave possible, the
            limit itself where none failed; NaN where they alone could give the CLs of a value that has none.
    """

    upper_limit_obs: float
    upper_limit_exp: Float[np.ndarray, " nsigma"]
    upper_limit_obs_status: LimitStatus
    upper_limit_exp_status: Int[np.ndarray, " nsigma"]
    upper_limit_obs_interval: Float[np.ndarray, " side"]
    upper_limit_exp_interval: Float[np.ndarray, "nsigma side"]
    upper_limit_obs_bounds: Float[np.ndarray, " side"]
    upper_limit_exp_bounds: Float[np.ndarray, "nsigma side"]


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

    Toys that failed count in the bounds alone, those that were not run nowhere, and the number of toys may differ from
    value to value. A value without finished toys of both hypotheses is left out, as is, for the observed limit, one
    whose observed statistic is NaN or above that of every background toy.

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
    toys = [ToysAtValue(float(q_obs[k]), q_sb[k], status_sb[k], q_b[k], status_b[k]) for k in range(len(values))]
    used = [k for k, value in enumerate(toys) if value.known.any()]
    tested = [toys[k] for k in used]
    replicas = np.concatenate([_distances(tested, level), *_resampled(tested, q_b.shape[1], resamples, level)])
    worst = _WorstCases.of(toys, tested, level)
    known = np.array([value.known for value in tested], dtype=bool).reshape(-1, N_COLUMNS)
    numbers = np.array([value.n_sb for value in tested], dtype=np.float64)
    columns = []
    for k in range(N_COLUMNS):
        here = known[:, k]
        found = crossings(values[used][here], never_falling(replicas[:, here, k], numbers[here]))
        columns.append(_column(found, worst.crossings(values[used], here, k)))
    *expected, observed = columns
    return ToyLimits(
        upper_limit_obs=observed.limit,
        upper_limit_exp=np.array([column.limit for column in expected]),
        upper_limit_obs_status=observed.status,
        upper_limit_exp_status=np.array([int(column.status) for column in expected]),
        upper_limit_obs_interval=observed.interval,
        upper_limit_exp_interval=np.stack([column.interval for column in expected]),
        upper_limit_obs_bounds=observed.bounds,
        upper_limit_exp_bounds=np.stack([column.bounds for column in expected]),
    )


def _check(values: Float[np.ndarray, " mu"], level: float) -> None:
    if not (np.diff(values) > 0).all():
        raise InputError("the POI values of a toy limit do not ascend", remedy="sort them, each once")
    if not 0.0 < level < 1.0:
        raise InputError(f"the level of a limit is {level:g}", remedy="choose a CLs between 0 and 1, such as 0.05")


def _distances(toys: list[ToysAtValue], level: float) -> Float[np.ndarray, "1 mu column"]:
    return np.array([value.distances(level) for value in toys]).reshape(1, -1, N_COLUMNS)


def _resampled(
    toys: list[ToysAtValue], n_columns: int, resamples: int, level: float
) -> Iterator[Float[np.ndarray, "resample mu column"]]:
    """Curves with resampled toys, in batches that fit into memory, whose size does not change the numbers."""
    if not toys:
        yield np.empty((resamples, 0, N_COLUMNS))
        return
    background, streams = BackgroundWeights(n_columns), [stream_of_value(k) for k in range(len(toys))]
    size = max(_BATCH // max(n_columns, 1), 1)
    for first in range(0, resamples, size):
        weights, ends = background.draw(min(size, resamples - first))
        batch = [value.resampled_distances(own, weights, ends, level) for value, own in zip(toys, streams, strict=True)]
        yield np.stack(batch, axis=1)


class _WorstCases(NamedTuple):
    """The lowest and highest curves that failed toys leave possible.

    Attributes:
        any_failed: Whether there are failed toys at all.
        could_be_known: Columns that failed toys could give a CLs to at a value at which they have none.
        distances: Least and largest distances from the level; nothing where no toy failed.
        numbers: Toys of the tested hypothesis, failed ones too.
    """

    any_failed: bool
    could_be_known: Bool[np.ndarray, " column"]
    distances: Float[np.ndarray, "side mu column"]
    numbers: Float[np.ndarray, " mu"]

    @classmethod
    def of(cls, toys: list[ToysAtValue], tested: list[ToysAtValue], level: float) -> "_WorstCases":
        """Of the toys at all values, and at those at which some CLs is known."""
        any_failed = any(value.failed_sb + value.failed_b for value in toys)
        more = np.zeros(N_COLUMNS, dtype=bool)
        for value in toys:
            more |= value.could_be_known & ~value.known
        distances = [value.worst_distances(level) for value in tested] if any_failed else []
        return cls(
            any_failed,
            more,
            np.array(distances).reshape(-1, 2, N_COLUMNS).swapaxes(0, 1),
            np.array([value.n_sb + value.failed_sb for value in tested], dtype=np.float64),
        )

    def crossings(
        self, values: Float[np.ndarray, " mu"], known: Bool[np.ndarray, " mu"], column: int
    ) -> Float[np.ndarray, " curve"]:
        """Where the curves of a column cross zero: nowhere else where no toy failed, NaN where that is not known."""
        if not self.any_failed:
            return np.empty(0)
        if self.could_be_known[column]:
            return np.full(1, np.nan)
        return crossings(values[known], never_falling(self.distances[:, known, column], self.numbers[known]))


class _Column(NamedTuple):
    """The limit of one column."""

    limit: float
    status: LimitStatus
    interval: Float[np.ndarray, " side"]
    bounds: Float[np.ndarray, " side"]


def _column(found: Float[np.ndarray, " replica"], worst: Float[np.ndarray, " curve"]) -> _Column:
    """The limit from the first replica, which is not resampled, the interval from the others."""
    unknown = np.full(2, np.nan)
    if np.isnan(found[0]):
        return _Column(np.nan, LimitStatus.NOT_RUN, unknown, unknown)
    limit, resampled = float(found[0]), np.sort(found[1:])
    interval = unknown
    if len(resampled):
        interval = _around(limit, resampled[np.rint(_INTERVAL * (len(resampled) - 1)).astype(np.int64)])
    bounds = _around(limit, worst)
    if np.isinf(limit):
        return _Column(np.nan, LimitStatus.ABOVE_BOUND if limit > 0 else LimitStatus.BELOW_BOUND, interval, bounds)
    return _Column(limit, LimitStatus.OK, interval, bounds)


def _around(limit: float, others: Float[np.ndarray, " _"]) -> Float[np.ndarray, " side"]:
    """Ends of a range that has the limit in it; NaN for those that lie outside the values."""
    every = np.append(others, limit)
    ends = np.array([every.min(), every.max()])
    ends[~np.isfinite(ends)] = np.nan
    return ends
