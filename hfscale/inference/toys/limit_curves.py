"""The toys at one POI value as a point of the six curves whose crossings are limits. Knows no JAX.

The columns of all arrays are the five expected limits, ascending, and the observed one. Curves are not those of CLs but
of distances from the level on the scale that `hfscale.inference.toys.limits` tells: above the limit they are positive.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import ndtr, ndtri

from hfscale.inference.asymptotics import N_SIGMA
from hfscale.inference.toys.p_values import QUANTILES, TIE_TOLERANCE
from hfscale.inference.toys.resampling import Weights, resampled_shares
from hfscale.inference.toys.results import ToyStatus

N_COLUMNS = len(N_SIGMA) + 1
"""The expected limits, then the observed one."""
_N_EXPECTED = len(N_SIGMA)
_EXPECTED_SCALES = ndtr(-N_SIGMA)
_LARGEST_SCALE = float(ndtr(2.0))
"""Where CLb is 1, every CLs below 1 would be infinitely far from it."""


class _Shares(NamedTuple):
    """Least and largest shares of the toys of a hypothesis that failed toys leave possible."""

    least: Float[np.ndarray, " compared"]
    largest: Float[np.ndarray, " compared"]


class ToysAtValue:
    """The finished toys at one value of the POI, sorted and counted once for all that is asked of them.

    Attributes:
        n_sb, n_b: Finished toys.
        failed_sb, failed_b: Failed ones.
        columns: Positions of the finished background toys among all, in the order of their statistics.
    """

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
        self.failed_sb, self.failed_b = (int((s == ToyStatus.FAILED).sum()) for s in (status_sb, status_b))
        # The statistics that CLs is computed for: those of the background toys, and the observed one.
        compared = np.append(b, q_obs)
        with_ties = compared - TIE_TOLERANCE * (1.0 + np.abs(compared))
        self._below_sb, self._below_b = np.searchsorted(sb, with_ties), np.searchsorted(b, with_ties)
        self._is_zero: Bool[np.ndarray, " compared"] = compared <= TIE_TOLERANCE
        self._has_data = bool(np.isfinite(q_obs))

    @property
    def _n_above_b(self) -> int:
        """Background toys at least as extreme as the data."""
        return self.n_b - int(self._below_b[-1])

    @property
    def known(self) -> Bool[np.ndarray, " column"]:
        """Columns for which there is a CLs."""
        observed = self._n_above_b > 0 or bool(self._is_zero[-1])
        return np.array([True] * _N_EXPECTED + [observed]) & (self.n_sb > 0 and self.n_b > 0)

    @property
    def could_be_known(self) -> Bool[np.ndarray, " column"]:
        """Columns for which there would be a CLs if failed toys were somewhere."""
        observed = self._has_data and (self._n_above_b + self.failed_b > 0 or bool(self._is_zero[-1]))
        has_toys = self.n_sb + self.failed_sb > 0 and self.n_b + self.failed_b > 0
        return np.array([True] * _N_EXPECTED + [observed]) & has_toys

    def distances(self, level: float) -> Float[np.ndarray, " column"]:
        """Distances from the level, those of unknown columns anything."""
        distances: Float[np.ndarray, " column"] = self._distances(self._CLs()[None], level)[0]
        return distances

    def resampled_distances(
        self,
        generator: np.random.Generator,
        b: Float[np.ndarray, "resample toy"],
        ends: Float[np.ndarray, "resample side"],
        level: float,
    ) -> Float[np.ndarray, "resample column"]:
        """The same with resampled toys.

        Args:
            generator: Of the weights of the toys of the tested hypothesis.
            b, ends: Weights of all background toys and beyond their ends, the same at all POI values.
            level: CLs at the limits.
        """
        lower, upper, part = Weights.of(b[:, self.columns[self._order]], ends).quantiles(QUANTILES)
        observed = np.full((len(b), 1), self.n_b)
        index = np.concatenate([self._order[lower], self._order[upper], observed], axis=1)
        CLsb = resampled_shares(generator, self.n_sb, self._below_sb[index])
        CLb = Weights.of(b[:, self.columns], ends).shares_above(self._below_b[index])
        CLs = self._ratio(CLsb, CLb, index)
        n = _N_EXPECTED
        expected = (1.0 - part) * CLs[:, :n] + part * CLs[:, n:-1]
        return self._distances(np.concatenate([expected, CLs[:, -1:]], axis=1), level)

    def worst_distances(self, level: float) -> Float[np.ndarray, "side column"]:
        """Least and largest distances if failed toys are anywhere; those of unknown columns anything.

        Failed toys may shift every p-value, and take any place in the expected band.
        """
        sb, b = (
            self._worst(*counts)
            for counts in ((self._below_sb, self.n_sb, self.failed_sb), (self._below_b, self.n_b, self.failed_b))
        )
        n, n_b = self.n_sb + self.failed_sb, self.n_b + self.failed_b
        CLs = np.stack([sb.least / b.largest, sb.largest / np.maximum(b.least, 1.0 / n_b)])[:, :-1]
        # CLb of a toy is at least one toy, so that its CLs is at most their number.
        failed = np.repeat([[0.0], [float(n_b)]], self.failed_b, axis=1)
        band = np.quantile(np.concatenate([CLs, failed], axis=1), QUANTILES, axis=1).T
        expected = _distance(band[::-1], _EXPECTED_SCALES, n, level)
        return np.column_stack([expected, self._worst_observed(sb, b, n, level)])

    def _worst_observed(self, sb: _Shares, b: _Shares, n: int, level: float) -> Float[np.ndarray, " side"]:
        """The distance rises with CLb and falls with CLsb, but where CLs is 1, it falls with CLb."""
        (least_sb, largest_sb), (least_b, largest_b) = ((shares.least[-1], shares.largest[-1]) for shares in (sb, b))
        CLsb = np.array([largest_sb, least_sb, least_sb])
        CLb = np.array([np.clip(largest_sb, least_b, largest_b), least_b, largest_b])
        CLb = np.where(CLb > 0.0, CLb, 1.0)
        least, *others = _distance(CLsb / CLb, np.minimum(CLb, _LARGEST_SCALE), n, level)
        return np.array([least, max(others)])

    def _worst(self, below: Int[np.ndarray, " compared"], n: int, failed: int) -> _Shares:
        least, largest = ((n - below + more) / max(n + failed, 1) for more in (0, failed))
        return _Shares(np.where(self._is_zero, 1.0, least), np.where(self._is_zero, 1.0, largest))

    def _CLs(self) -> Float[np.ndarray, " column"]:
        """Expected and observed CLs, as `hfscale.inference.toys.p_values.toy_p_values` gives them."""
        CLs = self._CLs_of_compared
        return np.append(np.quantile(CLs[:-1], QUANTILES), CLs[-1])

    @cached_property
    def _CLs_of_compared(self) -> Float[np.ndarray, " compared"]:
        CLsb, CLb = (self.n_sb - self._below_sb) / self.n_sb, (self.n_b - self._below_b) / self.n_b
        return self._ratio(CLsb, CLb, np.arange(self.n_b + 1))

    @cached_property
    def _order(self) -> Int[np.ndarray, " toy"]:
        """Background toys by their CLs, of equal ones first that with the largest statistic.

        That of resampled toys is hardly another, so that it is kept for them.
        """
        order: Int[np.ndarray, " toy"] = np.lexsort((-np.arange(self.n_b), self._CLs_of_compared[:-1]))
        return order

    def _ratio(
        self, CLsb: Float[np.ndarray, "*k"], CLb: Float[np.ndarray, "*k"], index: Int[np.ndarray, "*k"]
    ) -> Float[np.ndarray, "*k"]:
        """CLs for some of the compared statistics, which may be others in each resample."""
        return np.where(self._is_zero[index], 1.0, CLsb / np.where(CLb > 0.0, CLb, 1.0))

    def _distances(
        self, CLs: Float[np.ndarray, "replica column"], level: float
    ) -> Float[np.ndarray, "replica column"]:  # fmt: skip
        share_b = self._n_above_b / self.n_b
        return _distance(CLs, np.append(_EXPECTED_SCALES, min(share_b or 1.0, _LARGEST_SCALE)), self.n_sb, level)


def _distance(
    CLs: Float[np.ndarray, "*k"], scale: Float[np.ndarray, " _"], n_sb: int, level: float
) -> Float[np.ndarray, "*k"]:
    """Distance of CLs from the level, for CLb or what stands for it as `scale`."""
    # Half a toy above cannot be told from none, and no toy is less than the level, however few toys there are.
    least = np.minimum(0.5 / (n_sb * scale), 0.5 * level)
    distance: Float[np.ndarray, "*k"] = ndtri(level * scale) - ndtri(np.clip(CLs, least, 1.0) * scale)
    return distance
