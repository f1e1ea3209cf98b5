"""What calculations with toys give: where toys are thrown from, and the statistic of each. Knows no JAX."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float, Int

from hfscale.inference.toys.settings import Hypothesis


class ToyStatus(IntEnum):
    """What became of a toy; stored as a small integer."""

    NOT_RUN = 0
    OK = 1
    FAILED = 2


@dataclass(frozen=True)
class ToyOrigins:
    """What toys of some points are thrown from, and the observed statistic that they are compared with.

    Parameters are in the group's internal order. Where `status` is not OK, numbers may be NaN and no toys can be run.

    Attributes:
        rows: Points of the group.
        theta_sb, theta_b: Generating parameters of both hypotheses, the POI among them.
        rates_sb, rates_b: Expected rates there.
        q_obs: Statistic of the observed data.
        twice_nll_conditional, twice_nll_free: Minima on the observed data.
        status: `hfscale.inference.results.PointStatus` of each point.
        reasons: Why a point failed, empty elsewhere.
    """

    rows: Int[np.ndarray, " point"]
    theta_sb: Float[np.ndarray, "point parameter"]
    theta_b: Float[np.ndarray, "point parameter"]
    rates_sb: Float[np.ndarray, "point bin"]
    rates_b: Float[np.ndarray, "point bin"]
    q_obs: Float[np.ndarray, " point"]
    twice_nll_conditional: Float[np.ndarray, " point"]
    twice_nll_free: Float[np.ndarray, " point"]
    status: Int[np.ndarray, " point"]
    reasons: tuple[str, ...]

    def position(self, row: int) -> int:
        """Place of a point of the group among `rows`.

        Raises:
            KeyError: The point is not among them.
        """
        found = np.flatnonzero(self.rows == row)
        if not len(found):
            raise KeyError(row)
        return int(found[0])

    def generating(
        self, row: int, hypothesis: Hypothesis
    ) -> tuple[Float[np.ndarray, " parameter"], Float[np.ndarray, " bin"]]:
        """Parameters and rates that toys of a point of the group are thrown from."""
        k = self.position(row)
        return (self.theta_sb[k], self.rates_sb[k]) if hypothesis == "sb" else (self.theta_b[k], self.rates_b[k])


@dataclass(frozen=True)
class ToyBlock:
    """Consecutive toys of one point and hypothesis.

    Numbers are NaN where `status` is not OK, except minima of single fits that were found.

    Attributes:
        q: Test statistic.
        mu_hat: POI at the free minimum.
        twice_nll_conditional, twice_nll_free: Minima with the POI at the tested value, and free.
        status: ToyStatus.
        reasons: Toy index (counted over all toys, not within the block) -> why it failed.
    """

    q: Float[np.ndarray, " toy"]
    mu_hat: Float[np.ndarray, " toy"]
    twice_nll_conditional: Float[np.ndarray, " toy"]
    twice_nll_free: Float[np.ndarray, " toy"]
    status: Int[np.ndarray, " toy"]
    reasons: dict[int, str]
