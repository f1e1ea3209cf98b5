"""What the uncertainty of the POI is made of: the data, and the auxiliary data of every nuisance parameter.

To first order the estimates are linear in the data: with the covariance C of the parameters, rates nu and their
derivatives J, and the terms of the constraints with auxiliary data a,

    d theta / d n_b = C J_b / nu_b,    d theta / d a_k = - C_k d2(-ln L) / (d theta_k d a_k).

A. Pinto et al., arXiv:2307.04007, sections 2 and 3: the change of an estimate for one standard deviation of a datum is
that datum's part of the uncertainty. The data are independent, so the parts add up in quadrature, for groups too. They
do so to the whole C exactly where the data are the expected ones: for other data, C has the observed information in
place of the expected one. The impacts of a ranking have no such sum.
"""

from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from jaxtyping import Float

from hfscale.inference.measurement.minima import Minima
from hfscale.model.derivatives import first_order
from hfscale.model.structure import LOGNORMAL, NORMAL, POISSON, ModelGroup, PointNumbers, SharedNumbers, Structure

_LANES = 4
"""Points in one call: their intermediate arrays are large."""


class Components(NamedTuple):
    """Parts of the uncertainty of the POI, in the group's internal order of parameters.

    Attributes:
        auxiliary: Change of the POI for one standard deviation of the auxiliary datum of each parameter, NaN for
            parameters without one.
        data: Standard deviation of the POI from the Poisson fluctuations of all bins.
    """

    auxiliary: Float[np.ndarray, "point parameter"]
    data: Float[np.ndarray, " point"]


@lru_cache(maxsize=8)
def _program(structure: Structure) -> Any:
    return jax.jit(partial(_jacobian, structure))


def _jacobian(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane bin parameter"]:
    return first_order(structure, shared, points, theta).jacobian


def components(group: ModelGroup, minima: Minima) -> Components:
    """Parts of the uncertainty of the POI at best fits; NaN where there is no covariance."""
    row = minima.covariance[:, group.structure.poi]
    row = np.where(np.isfinite(row).all(axis=1, keepdims=True), row, np.nan)
    auxiliary = row * np.sqrt(_information(group.structure, minima))
    program, found = _program(group.structure), []
    for begin in range(0, len(row), _LANES):
        index = np.minimum(np.arange(begin, begin + _LANES), len(row) - 1)
        with jax.enable_x64(True):
            jacobian = np.asarray(program(group.shared, minima.points.take(index), minima.free.theta[index]))
        slopes = np.einsum("lbp,lp->lb", jacobian, row[index])
        rates = minima.free.rates[index]
        counted = (minima.points.bins[index] > 0) & (rates > 0)
        variance = np.where(counted, slopes**2 / np.where(counted, rates, 1.0), 0.0).sum(axis=1)
        found.append(np.where(np.isnan(row[index]).any(axis=1), np.nan, np.sqrt(variance)))
    return Components(auxiliary, np.concatenate([np.zeros(0), *found])[: len(row)])


def _information(structure: Structure, minima: Minima) -> Float[np.ndarray, "point parameter"]:
    """Expected information that each auxiliary datum has of its parameter, NaN where there is none.

    It is the curvature of the constraint term at data of which the parameter is the best fit.
    """
    theta, width, kind = minima.free.theta, minima.points.width, structure.constraint
    size = np.where(theta > 0, theta, 1.0)
    found = np.full_like(theta, np.nan)
    for code, values in (
        (NORMAL, width**-2.0), (POISSON, width / size), (LOGNORMAL, (width * size) ** -2.0),
    ):  # fmt: skip
        found = np.where(kind == code, values, found)
    return np.where(minima.points.constrained > 0, found, np.nan)
