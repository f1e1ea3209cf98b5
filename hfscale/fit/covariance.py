"""Covariances of parameters at minima, from the inverse of the exact Hessian."""

from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
from jax import Array
from jaxtyping import Bool, Float

from hfscale.model.derivatives import exact_hessian, first_order
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

_LANES = 4
"""Hessians in one call: their intermediate arrays are large."""


@lru_cache(maxsize=8)
def _program(structure: Structure) -> Any:
    return jax.jit(partial(_hessian, structure))


def _hessian(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane parameter parameter"]:
    return exact_hessian(structure, shared, points, first_order(structure, shared, points, theta))


def covariances(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    theta: Float[np.ndarray, "fit parameter"],
    free: Bool[np.ndarray, "fit parameter"],
) -> Float[np.ndarray, "fit parameter parameter"]:
    """Covariance of the parameters of each fit at its minimum; numbers that are missing as in `covariance_of`.

    Args:
        structure, shared, fits: The fits.
        theta: Their minima.
        free: Parameters that are neither fixed nor held by a bound.
    """
    curvature = hessians(structure, shared, fits, theta)
    found = [covariance_of(*pair) for pair in zip(curvature, free, strict=True)]
    return np.array(found).reshape(*theta.shape, theta.shape[1])


def hessians(
    structure: Structure, shared: SharedNumbers, fits: PointNumbers, theta: Float[np.ndarray, "fit parameter"]
) -> Float[np.ndarray, "fit parameter parameter"]:
    """Exact second derivatives of -ln L of each fit; arguments as in `covariances`."""
    program, found = _program(structure), [np.zeros((0, theta.shape[1], theta.shape[1]))]
    for begin in range(0, len(theta), _LANES):
        index = np.minimum(np.arange(begin, begin + _LANES), len(theta) - 1)
        with jax.enable_x64(True):
            found.append(np.asarray(program(shared, fits.take(index), theta[index])))
    return np.concatenate(found)[: len(theta)]


def covariance_of(
    hessian: Float[np.ndarray, "parameter parameter"], free: Bool[np.ndarray, " parameter"]
) -> Float[np.ndarray, "parameter parameter"]:
    """Invert the Hessian of the free parameters.

    Rows and columns of the others are 0. A free parameter on which nothing depends has an infinite variance; all
    free ones are NaN where the rest is not positive definite.
    """
    diagonal = np.diagonal(hessian)
    flat = free & (diagonal == 0.0)
    index = np.flatnonzero(free & ~flat)
    covariance = np.zeros_like(hessian)
    covariance[np.ix_(index, index)] = _inverse(hessian[np.ix_(index, index)])
    covariance[flat, flat] = np.inf
    return covariance


def _inverse(hessian: Float[np.ndarray, "free free"]) -> Float[np.ndarray, "free free"]:
    """Inverse of a positive definite matrix, scaled to a unit diagonal for accuracy; NaN for any other."""
    diagonal = np.diagonal(hessian)
    if not (np.isfinite(hessian).all() and (diagonal > 0).all()):
        return np.full_like(hessian, np.nan)
    scale = 1.0 / np.sqrt(diagonal)
    try:
        factor = np.linalg.cholesky(hessian * np.outer(scale, scale))
    except np.linalg.LinAlgError:
        return np.full_like(hessian, np.nan)
    half = np.linalg.solve(factor, np.diag(scale))
    inverse: Float[np.ndarray, "free free"] = half.T @ half
    return inverse


def correlation_of(covariance: Float[np.ndarray, "parameter parameter"]) -> Float[np.ndarray, "parameter parameter"]:
    """Correlations of the parameters that have a finite error; 0 for the others."""
    variance = np.diagonal(covariance)
    known = np.isfinite(variance) & (variance > 0)
    inverse = np.where(known, 1.0 / np.sqrt(np.where(known, variance, 1.0)), 0.0)
    result: Float[np.ndarray, "parameter parameter"] = np.where(np.outer(known, known), covariance, 0.0)
    result *= np.outer(inverse, inverse)
    np.fill_diagonal(result, np.where(known, 1.0, 0.0))
    return result
