"""Spreading the results of the fitted points over a block, of which the points without signal are part too."""

import numpy as np
from jaxtyping import Bool, Float, Int

from hfscale.fit.lanes import FitResults
from hfscale.fit.status import FitStatus
from hfscale.inference.results import PointStatus
from hfscale.model.structure import ModelGroup


class Assembly:
    """The points of a block and which of them were fitted: those with a signal.

    Args:
        group: The group of the points.
        rows: Rows of the group that make the block.
    """

    def __init__(self, group: ModelGroup, rows: Int[np.ndarray, " point"]) -> None:
        self.group, self.rows = group, rows
        self.signal: Bool[np.ndarray, " point"] = group.has_signal[rows]

    @property
    def fitted(self) -> Int[np.ndarray, " fitted"]:
        """Rows of the group that are fitted."""
        fitted: np.ndarray = self.rows[self.signal]
        return fitted

    def spread(self, values: Float[np.ndarray, "fitted *k"], rest: float = np.nan) -> Float[np.ndarray, "point *k"]:
        """Numbers of the fitted points, and `rest` for the others."""
        result = np.full((len(self.rows), *values.shape[1:]), rest)
        result[self.signal] = values
        return result

    def flags(self, values: Int[np.ndarray, "fitted *k"], rest: int) -> Int[np.ndarray, "point *k"]:
        """Status codes of the fitted points, and `rest` for the others."""
        result = np.full((len(self.rows), *values.shape[1:]), rest, dtype=np.int64)
        result[self.signal] = values
        return result

    def parameters(self, fits: FitResults) -> Float[np.ndarray, "point parameter"]:
        """Best-fit parameters in the group's order, NaN for those that a point does not have."""
        present = self.group.present[self.fitted]
        return self.spread(self.group.external(np.where(present, fits.theta, np.nan)))

    def point_status(self, ok: Bool[np.ndarray, " fitted"]) -> Int[np.ndarray, " point"]:
        """Status of every point."""
        codes = np.where(ok, int(PointStatus.OK), int(PointStatus.FAILED))
        return self.flags(codes, int(PointStatus.NO_SIGNAL))

    def fit_status(self, fits: FitResults) -> Int[np.ndarray, " point"]:
        """How the fits of every point ended."""
        return self.flags(fits.status, int(FitStatus.NOT_RUN))

    def reasons(self, ok: Bool[np.ndarray, " fitted"], **fits: FitResults) -> tuple[str, ...]:
        """Why each point failed: the advice of those of its fits that failed, by their names."""
        reasons = [""] * len(self.rows)
        for k, point in enumerate(np.flatnonzero(self.signal)):
            if ok[k]:
                continue
            statuses = {name: results.take_status(k) for name, results in fits.items()}
            failed = [f"{name} fit: {status.advice}" for name, status in statuses.items() if not status.succeeded]
            reasons[point] = "; ".join(failed) or "the test statistic is not finite"
        return tuple(reasons)


def finite(nll: Float[np.ndarray, " fitted"]) -> Float[np.ndarray, " fitted"]:
    """Minima of -ln L, NaN where a fit never found a finite value."""
    return np.where(np.isfinite(nll), nll, np.nan)


def root(variance: Float[np.ndarray, " fitted"]) -> Float[np.ndarray, " fitted"]:
    """Square root, NaN where the curvature gives no variance."""
    return np.sqrt(np.where(variance > 0, variance, np.nan))
