"""Which signal points and POI values get more toys: those where a contour, observed or expected, is undecided.

Toys are looked at after fixed numbers of them. After each look, the next round goes to the cells (a signal point and a
POI value) where for one of six curves the side of the level on which CLs lies is not known yet. Everything is a pure
function of the toys that there are, so that every engine, and a restart, plan the same rounds.

What looking repeatedly costs was measured with a counting experiment (`tests/benchmarks/bench_adaptive.py`, defaults,
2,000 replicas for each exact CLs). With CLs exactly at the level, 0.5 % of runs end before the last look on either
side; three standard errors of all 20,000 toys below it, 0.35 % of runs end on the wrong side, and 0.30 % with all toys
for everyone; from six on, none. The observed CLs where a run ends is biased away from the level, which moves no
contour across a point, by at most 0.44 of its standard error: by 13 % at CLs 0.02, after 1,800 toys on average. Those
runs that get to the last look are the ones that stayed near the level, and their estimate is too near to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtri

from hfscale.errors import InputError
from hfscale.inference.toys.distances import Distances
from hfscale.inference.toys.p_values import PValueStatus, ToyPValues
from hfscale.plan.cells import Cell

_GROWTH = 2
LARGEST_NSIGMA = 6.0


@dataclass(frozen=True)
class Allocation:
    """When a cell has toys enough.

    Attributes:
        level: CLs on the contours.
        nsigma: A curve is decided where its CLs is at least so many standard deviations from the level.
        min_toys: Toys per hypothesis that every cell gets.
        max_toys: Toys per hypothesis at which a cell is left as it is.
        accuracy: A curve is also decided where the uncertainty of its CLs is at most this; None: never for that.

    Raises:
        InputError: A value that is not allowed.
    """

    level: float = 0.05
    nsigma: float = 3.0
    min_toys: int = 500
    max_toys: int = 20_000
    accuracy: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.level < 1.0:
            raise InputError(f"the level {self.level:g} of CLs is impossible", remedy="choose one between 0 and 1")
        if not 0.0 < self.nsigma <= LARGEST_NSIGMA:
            raise InputError(
                f"contours cannot be decided to {self.nsigma:g} standard deviations",
                remedy=f"choose nsigma above 0 and up to {LARGEST_NSIGMA:g}",
            )
        if not 1 <= self.min_toys <= self.max_toys:
            raise InputError(
                f"there cannot be at least {self.min_toys} and at most {self.max_toys} toys",
                remedy="choose min_toys from 1 upwards, and max_toys not below it",
            )
        if self.accuracy is not None and not 0.0 < self.accuracy < 1.0:
            raise InputError(
                f"CLs cannot be known to {self.accuracy:g}", remedy="choose an accuracy between 0 and 1, or none"
            )


@dataclass(frozen=True)
class Verdict:
    """What the toys of a cell say.

    Attributes:
        distances: Standard deviations by which CLs is above the level, of six curves: observed, and the expected band
            in its order. Negative is below, that is excluded; NaN where there is no such curve.
        undecided: Whether each of these curves needs more toys.
    """

    distances: tuple[float, ...]
    undecided: tuple[bool, ...]

    @property
    def decided(self) -> bool:
        """Whether no curve needs more toys."""
        return not any(self.undecided)

    @property
    def nearest(self) -> float:
        """Distance of the nearest undecided curve from the level, infinite where there is none."""
        pairs = zip(self.distances, self.undecided, strict=True)
        return min((abs(distance) for distance, undecided in pairs if undecided), default=np.inf)


@dataclass(frozen=True)
class NextToys:
    """Toys that a further round adds.

    Attributes:
        first: Toys per hypothesis that its cells have already.
        stop: Toys per hypothesis that they have afterwards.
        cells: The cells, the most urgent first.
    """

    first: int
    stop: int
    cells: tuple[Cell, ...]


def looks(allocation: Allocation) -> tuple[int, ...]:
    """Toys per hypothesis after which the toys of a cell are looked at.

    Their number doubles from look to look: no cell gets more than about twice the toys that it needs, and there are
    few looks, each of which is one more chance of a wrong decision.
    """
    numbers = [allocation.min_toys]
    while numbers[-1] < allocation.max_toys:
        numbers.append(min(_GROWTH * numbers[-1], allocation.max_toys))
    return tuple(numbers)


def verdict(p: ToyPValues, distances: Distances, allocation: Allocation) -> Verdict:
    """Which curves of a cell need more toys, as long as it has less than the most.

    Without an observed statistic, the observed curve is none. Without a background toy above the observed statistic,
    it is undecided.

    Args:
        p: p-values of the toys.
        distances: What `distances_from_level` says about the same toys and the level of the allocation.
        allocation: When a curve is decided.
    """
    values = np.array([p.CLs_obs, *p.CLs_exp])
    intervals = np.array([p.CLs_obs_interval, *p.CLs_exp_interval])
    away = np.array([distances.observed, *distances.expected])
    undecided = np.abs(away) < allocation.nsigma
    if allocation.accuracy is not None:
        # Comparisons with NaN are false: what is unknown is not accurate.
        undecided &= ~(np.abs(intervals - values[:, None]).max(axis=1) <= allocation.accuracy)
    if p.status == PValueStatus.CLB_ZERO:
        undecided[0] = True
    return Verdict(tuple(away.tolist()), tuple(undecided.tolist()))


def next_cells(
    verdicts: Mapping[Cell, Verdict], present: Mapping[Cell, int], allocation: Allocation
) -> NextToys | None:
    """The toys that the next round adds, None where nothing is left to do.

    Args:
        verdicts: What the toys of each cell say.
        present: Toys per hypothesis that the finished rounds had for each of these cells. Those that failed or were
            lost count, or else they would be asked for again and again.
        allocation: When a cell has toys enough.
    """
    wanting = [cell for cell, found in verdicts.items() if not found.decided and present[cell] < allocation.max_toys]
    if not wanting:
        return None
    # Usually all have the same number. Where not, those with fewer come first, and the others in a later round.
    first = min(present[cell] for cell in wanting)
    stop = next(number for number in looks(allocation) if number > first)
    cells = sorted(
        (cell for cell in wanting if present[cell] == first), key=lambda cell: (verdicts[cell].nearest, cell)
    )
    return NextToys(first, stop, tuple(cells))


def order_by_distance(
    CLs_obs: Float[np.ndarray, " cell"], CLs_exp: Float[np.ndarray, "cell nsigma"], level: float
) -> Int[np.ndarray, " cell"]:
    """Positions of cells in the order in which they get their first toys: those nearest to a contour first.

    Args:
        CLs_obs, CLs_exp: Asymptotic CLs, NaN where there is none; cells without any come last.
        level: CLs on the contours.
    """
    # CLs in standard deviations of the data: in CLs itself, everything that is excluded would be equally near.
    away = np.abs(ndtri(np.column_stack([CLs_obs, CLs_exp])) - ndtri(level))
    return np.argsort(np.fmin.reduce(away, axis=1), kind="stable")
