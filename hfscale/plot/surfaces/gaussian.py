"""Surfaces by Gaussian processes, with their uncertainty.

The covariance of the heights at two places is s^2 k(r) with the Matern function of order 5/2, k = (1 + a + a^2 / 3)
exp(-a), a = sqrt(5) r, and r^2 = (dx / l_x)^2 + (dy / l_y)^2: C. Rasmussen and C. Williams, Gaussian Processes for
Machine Learning (2006), eq. 4.17. Heights at the points may deviate from the surface by a share g of s^2. Lengths and g
have the largest marginal likelihood (eq. 5.8 and 5.9), that of all surfaces together; each surface has its own mean,
that of its points, and its own s, the best one for these lengths.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

_STARTS = ((0.15, 1e-4), (0.5, 1e-3))  # lengths as shares of the range of the points, and g
_SHARES = (1e-8, 0.1)  # least and largest g; the least one keeps matrices invertible
_LENGTHS = (0.02, 20.0)  # least and largest length as shares of the range
_MOST_FITTED = 400  # points that lengths are found from; more make them no better and take long
_AT_ONCE = 4000  # places, to keep matrices small
_FLAT = 1e-9  # surfaces whose heights vary less are constant


@dataclass(frozen=True)
class GaussianSurfaces:
    """Surfaces and what they were made from.

    Args:
        points: Places of the points.
        means: Mean of each surface.
        scales: Standard deviation s of each surface far from all points.
        lengths: Over which surfaces change, in both coordinates.
        share: Share g of the variance by which heights at points may deviate from the surface.
        factor: Lower Cholesky factor of the points' covariance divided by s^2.
        weights: Inverse of that covariance times heights minus means.
    """

    points: Float[np.ndarray, "point 2"]
    means: Float[np.ndarray, "surface"]
    scales: Float[np.ndarray, "surface"]
    lengths: Float[np.ndarray, "2"]
    share: float
    factor: Float[np.ndarray, "point point"]
    weights: Float[np.ndarray, "point surface"]

    def __call__(self, at: Float[np.ndarray, "place 2"]) -> Float[np.ndarray, "place surface"]:
        """Evaluate at places: the mean of the posterior (eq. 2.25)."""
        pieces = np.array_split(at, len(at) // _AT_ONCE + 1)
        found = [matern(some, self.points, self.lengths) @ self.weights for some in pieces]
        return np.asarray(self.means + np.concatenate(found))

    def deviations(
        self, at: Float[np.ndarray, "place 2"], more: Float[np.ndarray, "extra 2"] | None = None
    ) -> Float[np.ndarray, "place surface"]:
        """Return the standard deviations of the surfaces at places (eq. 2.26).

        Args:
            at: Places.
            more: Places at which heights will be known besides the points; the uncertainty does not depend on which.
        """
        points, factor = self.points, self.factor
        if more is not None and len(more):
            points = np.concatenate([points, more])
            factor = _factor(points, self.lengths, self.share)
        known = [
            (solve_triangular(factor, matern(points, some, self.lengths), lower=True) ** 2).sum(axis=0)
            for some in np.array_split(at, len(at) // _AT_ONCE + 1)
        ]
        left = np.maximum(1.0 - np.concatenate(known), 0.0)
        return np.asarray(np.sqrt(left)[:, None] * self.scales)

    @property
    def errors(self) -> Float[np.ndarray, "point surface"]:
        """Height at each point minus the one there of the surface through all others, same lengths and means (5.12)."""
        root = solve_triangular(self.factor, np.eye(len(self.points)), lower=True)
        return np.asarray(self.weights / (root**2).sum(axis=0)[:, None])


def matern(
    first: Float[np.ndarray, "place 2"], second: Float[np.ndarray, "point 2"], lengths: Float[np.ndarray, "2"]
) -> Float[np.ndarray, "place point"]:
    """Return the Matern function of order 5/2 between places; 1 where they are the same."""
    a = np.sqrt(5.0) * cdist(first / lengths, second / lengths)
    return np.asarray((1.0 + a + a**2 / 3.0) * np.exp(-a))


def gaussian_surfaces(
    points: Float[np.ndarray, "point 2"], values: Float[np.ndarray, "point surface"], smoothing: float | None = None
) -> GaussianSurfaces:
    """Return the Gaussian processes that have the largest marginal likelihood.

    Args:
        points: Coordinates of the points, all different.
        values: One column per surface.
        smoothing: The share g, None for the most likely one; 0 makes surfaces go through the points, but for rounding.
    """
    extent = np.ptp(points, axis=0)
    means = values.mean(axis=0)
    varying = np.ptp(values, axis=0) > _FLAT
    bounds = _SHARES if smoothing is None else (max(smoothing, _SHARES[0]),) * 2
    lengths, share = 0.5 * extent, bounds[0]
    if varying.any():
        some = _some(len(points))
        lengths, share = _most_likely(points[some] / extent, (values - means)[some][:, varying], bounds)
        lengths = lengths * extent
    factor = _factor(points, lengths, share)
    weights = cho_solve((factor, True), values - means)
    variances = np.einsum("ps,ps->s", values - means, weights) / len(points)
    scales = np.where(varying, np.sqrt(np.maximum(variances, 0.0)), 0.0)
    return GaussianSurfaces(points, means, scales, lengths, share, factor, weights)


def marginal_likelihood(
    logarithms: Float[np.ndarray, "3"],
    points: Float[np.ndarray, "point 2"],
    heights: Float[np.ndarray, "point surface"],
) -> tuple[float, Float[np.ndarray, "3"]]:
    """Return minus the logarithm of the marginal likelihood at the best s, up to a constant, and its gradient.

    Args:
        logarithms: Of both lengths and of g.
        points: Coordinates of the points.
        heights: Minus their means, one column per surface.
    """
    lengths, share = np.exp(logarithms[:2]), float(np.exp(logarithms[2]))
    squares = _squares(points, points, lengths)
    a = np.sqrt(5.0 * squares.sum(axis=0))
    decay = np.exp(-a)
    n, surfaces = heights.shape
    covariance = (1.0 + a + a**2 / 3.0) * decay + share * np.eye(n)
    factor = cho_factor(covariance, lower=True)
    inverse = cho_solve(factor, np.eye(n))
    weights = inverse @ heights
    variances = np.einsum("ps,ps->s", heights, weights) / n
    value = 0.5 * n * np.log(variances).sum() + surfaces * np.log(np.diag(factor[0])).sum()
    slopes = [5.0 / 3.0 * (1.0 + a) * decay * square for square in squares]
    explained = [np.einsum("ps,pq,qs->s", weights, slope, weights, optimize=True) for slope in slopes]
    explained.append(share * (weights**2).sum(axis=0))
    traces = [(inverse * slope).sum() for slope in slopes] + [share * np.trace(inverse)]
    gradient = [0.5 * (surfaces * trace - (e / variances).sum()) for trace, e in zip(traces, explained, strict=True)]
    return float(value), np.array(gradient)


def _most_likely(
    points: Float[np.ndarray, "point 2"], heights: Float[np.ndarray, "point surface"], shares: tuple[float, float]
) -> tuple[Float[np.ndarray, "2"], float]:
    """Lengths and share of the largest marginal likelihood, in units of the range of the points."""
    bounds = [np.log(_LENGTHS), np.log(_LENGTHS), np.log(shares)]
    found = [
        minimize(
            marginal_likelihood,
            np.log([length, length, np.clip(share, *shares)]),
            args=(points, heights),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
        )
        for length, share in _STARTS
    ]
    best = min(found, key=lambda result: float(result.fun))
    return np.exp(best.x[:2]), float(np.exp(best.x[2]))


def _some(n: int) -> Int[np.ndarray, "some"]:
    """Which of n points lengths are found from: at most 400, always the same ones, in no order."""
    return np.random.default_rng(0).permutation(n)[:_MOST_FITTED]


def _factor(
    points: Float[np.ndarray, "point 2"], lengths: Float[np.ndarray, "2"], share: float
) -> Float[np.ndarray, "point point"]:
    return np.asarray(cholesky(matern(points, points, lengths) + share * np.eye(len(points)), lower=True))


def _squares(
    first: Float[np.ndarray, "place 2"], second: Float[np.ndarray, "point 2"], lengths: Float[np.ndarray, "2"]
) -> Float[np.ndarray, "2 place point"]:
    """Squared distances in each coordinate, in units of the lengths."""
    return np.asarray(((first.T[:, :, None] - second.T[:, None, :]) / lengths[:, None, None]) ** 2)
