"""Free minima of signal points, and where their parameters go when some are moved away from there.

Fits of a profile likelihood start where the other parameters go in a normal approximation.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from hfscale.fit.covariance import covariances
from hfscale.fit.escalation import refit
from hfscale.fit.lanes import FitResults
from hfscale.fit.slots import AGREEMENT
from hfscale.inference.fits import fit_numbers
from hfscale.model.structure import ModelGroup, PointNumbers


class Surroundings(NamedTuple):
    """Free minima of some points, and what there is around them, in the group's internal order of parameters.

    Attributes:
        points: Numbers of the points.
        columns: The scanned parameters.
        free: The free minima.
        error: Uncertainties of the scanned parameters; NaN where there is none.
        slope: Changes of all parameters with the scanned ones, if -ln L is a parabola; 0 where that is not known.
    """

    points: PointNumbers
    columns: Int[np.ndarray, " scanned"]
    free: FitResults
    error: Float[np.ndarray, "point scanned"]
    slope: Float[np.ndarray, "point parameter scanned"]

    @classmethod
    def of(
        cls, group: ModelGroup, rows: Int[np.ndarray, " point"], columns: Int[np.ndarray, " scanned"]
    ) -> "Surroundings":
        """Fit the points in `rows` of a group, which have the parameters."""
        points, inits = group.points.take(rows), group.inits[rows]
        free = fit_numbers(group, points, inits, inits)
        covariance = _covariance(group, points, free, columns)
        error = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)[:, columns])
        towards = covariance[:, :, columns]
        good = np.isfinite(towards).all(axis=(1, 2))
        slope = np.zeros_like(towards)
        slope[good] = towards[good] @ np.linalg.pinv(towards[good][:, columns], hermitian=True)
        return cls(points, columns, free, error, slope)

    def moved(
        self,
        point: Int[np.ndarray, " fit"],
        theta: Float[np.ndarray, "fit parameter"],
        places: Float[np.ndarray, "fit scanned"],
    ) -> Float[np.ndarray, "fit parameter"]:
        """Where parameters go, inside of their bounds, when the scanned ones are moved to other values.

        Args:
            point: Which of the points each is of.
            theta: Where they are.
            places: The other values.
        """
        change = places - theta[:, self.columns]
        moved = theta + np.einsum("fps,fs->fp", self.slope[point], change)
        inside: Float[np.ndarray, "fit parameter"] = np.clip(moved, self.points.lower[point], self.points.upper[point])
        inside[:, self.columns] = places
        return inside

    def not_above(
        self, group: ModelGroup, nll: Float[np.ndarray, " point"], theta: Float[np.ndarray, "point parameter"]
    ) -> "Surroundings":
        """Free minima that lie above one of the profile, which cannot be, are sought again from there.

        Args:
            group: The group.
            nll: The lowest -ln L of each profile, infinite where there is none.
            theta: Where that is.
        """
        above = ~(self.free.nll <= nll + AGREEMENT) & np.isfinite(nll)
        return self._replace(free=refit(group.structure, group.shared, self.points, theta, above, self.free))


def _covariance(
    group: ModelGroup, points: PointNumbers, free: FitResults, columns: Int[np.ndarray, " scanned"]
) -> Float[np.ndarray, "point parameter parameter"]:
    """Covariance at the free minima, in which scanned parameters vary also where they are at a bound."""
    moving = ~points.fixed & (free.theta > points.lower) & (free.theta < points.upper)
    moving[:, columns] = True
    theta = np.where(np.isfinite(free.theta), free.theta, 0.0)
    return covariances(group.structure, group.shared, points, theta, moving)
