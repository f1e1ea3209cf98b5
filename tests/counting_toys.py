"""Toys of counting experiments with a known background, whose p-values are Poisson sums, and adaptive runs of them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import poisson

from hfscale.inference.toys.distances import distances_from_level, ratio_distance
from hfscale.inference.toys.p_values import QUANTILES, ToyPValues, toy_p_values
from hfscale.inference.toys.results import ToyStatus
from hfscale.plan.adaptive import Allocation, Verdict, looks, verdict


@dataclass(frozen=True)
class Counting:
    """`background` events are expected, and `signal` more with the POI at the tested value."""

    background: float
    signal: float

    @classmethod
    def with_cls(cls, CLs: float, background: float, observed: int) -> "Counting":
        """The experiment in which an observed number of events has a given exact CLs."""

        def excess(signal: float) -> float:
            return cls(background, signal).cls(observed) - CLs

        return cls(background, float(brentq(excess, 1e-6, 20.0 * (background + 10.0), xtol=1e-13)))

    @property
    def total(self) -> float:
        """Events expected with signal."""
        return self.background + self.signal

    def statistic(self, events: np.ndarray) -> np.ndarray:
        """q-tilde, which falls with the number of events and is 0 from the expected one on (arXiv:1007.1727 eq. 16)."""
        n = np.asarray(events, dtype=float)
        best = np.clip(n, self.background, self.total)
        q = 2.0 * (self.total - best - n * np.log(self.total / best))
        return np.where(n < self.total, np.maximum(q, 0.0), 0.0)

    def p_values(self, observed: int) -> tuple[float, float]:
        """Exact CLsb and CLb."""
        if observed >= self.total:
            return 1.0, 1.0
        return float(poisson.cdf(observed, self.total)), float(poisson.cdf(observed, self.background))

    def cls(self, observed: int) -> float:
        """Exact CLs."""
        sb, b = self.p_values(observed)
        return sb / b

    def band(self) -> np.ndarray:
        """Exact expected band of CLs."""
        return np.array([self.cls(int(n)) for n in poisson.ppf(QUANTILES, self.background)])

    def throw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Statistics of `n` toys of each hypothesis."""
        return self.statistic(rng.poisson(self.total, n)), self.statistic(rng.poisson(self.background, n))


class Runs(NamedTuple):
    """Many replicas of an adaptive run that has the observed curve alone, and of the same with all toys.

    Attributes:
        CLs: Estimate where the run ended.
        toys: Toys per hypothesis there.
        fixed: Estimate from the most toys that are allowed, whose first are those of the run.
    """

    CLs: np.ndarray
    toys: np.ndarray
    fixed: np.ndarray


def observed_runs(
    model: Counting, observed: int, allocation: Allocation, replicas: int, rng: np.random.Generator
) -> Runs:
    """Follow the observed CLs from look to look until it is decided."""
    p_sb, p_b = model.p_values(observed)
    numbers = np.array(looks(allocation))
    steps = np.diff(numbers, prepend=0)
    above, above_b = (rng.binomial(steps, p, (replicas, len(steps))).cumsum(axis=1) for p in (p_sb, p_b))
    stop = np.full(replicas, len(steps) - 1)
    for replica in range(replicas):
        for k, n in enumerate(numbers[:-1].tolist()):
            found = ratio_distance(int(above[replica, k]), n, int(above_b[replica, k]), n, allocation.level)
            if abs(found) >= allocation.nsigma:
                stop[replica] = k
                break
    CLs = above / np.maximum(above_b, 1)
    return Runs(CLs[np.arange(replicas), stop], numbers[stop], CLs[:, -1])


class CellRun(NamedTuple):
    """An adaptive run with all six curves of a cell: its end, and the same with all toys."""

    toys: int
    end: ToyPValues
    fixed: ToyPValues


def cell_run(model: Counting, observed: int, allocation: Allocation, rng: np.random.Generator) -> CellRun:
    """Follow a cell until all curves are decided or it has the most toys."""
    q_obs = float(model.statistic(np.array(observed)))
    q_sb, q_b = model.throw(allocation.max_toys, rng)
    status = np.full(allocation.max_toys, int(ToyStatus.OK))

    def found(n: int) -> tuple[ToyPValues, Verdict]:
        toys = (q_obs, q_sb[:n], status[:n], q_b[:n], status[:n])
        p = toy_p_values(*toys)
        return p, verdict(p, distances_from_level(*toys, allocation.level), allocation)

    fixed, _ = found(allocation.max_toys)
    for n in looks(allocation)[:-1]:
        p, says = found(n)
        if says.decided:
            return CellRun(n, p, fixed)
    return CellRun(allocation.max_toys, fixed, fixed)
