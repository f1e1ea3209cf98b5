"""Covariances of best fits, also where the likelihood does not depend on some combination of parameters.

A parameter at a bound takes no part, as a fixed one: its error is 0. MINUIT comes to the same for all other
parameters. It minimises in x = a + (b - a) (sin u + 1) / 2, of which dx/du is 0 at a bound, so the second derivatives
of the function that mix such a parameter with others vanish there. The error that MINUIT gives for the parameter
itself says how far it can go before the function has risen, seen along u; `hfscale.inference.measurement.minos` tells
that properly. Errors away from bounds are those from the Hessian in the parameters themselves. MINUIT inverts the one
in u and transforms back, so its errors of parameters with limits at five widths are up to 1 % smaller.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from hfscale.fit.covariance import covariance_of

_FLAT = 1e-9
"""Eigenvalues of the Hessian, scaled to a unit diagonal, that count as 0."""
_PART = 1e-3
"""Components of a flat direction that count."""


class Uncertainties(NamedTuple):
    """Uncertainties of one fit.

    Attributes:
        covariance: 0 for parameters that are not free, infinite variances for flat ones; NaN where there is none.
        flat: Free parameters on which the likelihood does not depend, alone or in a combination.
    """

    covariance: Float[np.ndarray, "parameter parameter"]
    flat: Bool[np.ndarray, " parameter"]


def uncertainties_of(
    hessian: Float[np.ndarray, "parameter parameter"], free: Bool[np.ndarray, " parameter"]
) -> Uncertainties:
    """Invert the Hessian of the free parameters, leaving out directions in which nothing changes."""
    covariance = covariance_of(hessian, free)
    alone = free & np.isinf(np.diagonal(covariance))
    index = np.flatnonzero(free & ~alone)
    block = hessian[np.ix_(index, index)]
    if not np.isnan(covariance).any() or not np.isfinite(block).all() or (np.diagonal(block) <= 0).any():
        return Uncertainties(covariance, alone)
    scale = 1.0 / np.sqrt(np.diagonal(block))
    values, vectors = np.linalg.eigh(block * np.outer(scale, scale))
    if values[0] < -_FLAT:
        return Uncertainties(covariance, alone)
    none = values < _FLAT
    part = (np.abs(vectors[:, none]) > _PART).any(axis=1)
    inverse = (vectors[:, ~none] / values[~none]) @ vectors[:, ~none].T * np.outer(scale, scale)
    inverse[part], inverse[:, part] = 0.0, 0.0
    inverse[part, part] = np.inf
    covariance[np.ix_(index, index)] = inverse
    flat = alone.copy()
    flat[index[part]] = True
    return Uncertainties(covariance, flat)
