"""What is known of the profile likelihood of many points: its minima at some POI values, and where they lie."""

from bisect import bisect_left

import numpy as np
from jaxtyping import Float


class Profile:
    """Minima of -ln L of one set of data per point, at POI values in ascending order.

    Args:
        nll: Minima at POI = 0.
        theta: Parameters there.
    """

    def __init__(self, nll: Float[np.ndarray, " point"], theta: Float[np.ndarray, "point parameter"]) -> None:
        self._mu: list[list[float]] = [[0.0] for _ in nll]
        self._nll: list[list[float]] = [[float(value)] for value in nll]
        self._theta: list[list[np.ndarray]] = [[row] for row in theta]

    def add(self, point: int, mu: float, nll: float, theta: Float[np.ndarray, " parameter"]) -> None:
        """Keep the minimum of a point at one more POI value."""
        place = bisect_left(self._mu[point], mu)
        if place < len(self._mu[point]) and self._mu[point][place] == mu:
            return
        self._mu[point].insert(place, mu)
        self._nll[point].insert(place, nll)
        self._theta[point].insert(place, theta)

    def samples(self, point: int) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """POI values and minima of a point."""
        return np.array(self._mu[point]), np.array(self._nll[point])

    def nearest(self, point: int, mu: float) -> Float[np.ndarray, " parameter"]:
        """Parameters at the known minimum of a point whose POI value is nearest."""
        distances = np.abs(np.array(self._mu[point]) - mu)
        return self._theta[point][int(np.argmin(distances))]
