"""Compiled evaluations of likelihoods, and running batches of any size through few compiled shapes."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import jax
import numpy as np
from jax import Array
from jaxtyping import Float

from hfscale.model.derivatives import exact_hessian, first_order, value_and_gradient
from hfscale.model.likelihood import expected_rates, negative_log_likelihood
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

Program = Callable[[SharedNumbers, PointNumbers, Float[np.ndarray, "lane parameter"]], tuple[Array, ...]]

MANY_LANES = 64
"""Most evaluations in one call; they share the work of a call and still fit into the cache of a core."""
HESSIAN_LANES = 4
"""The same for Hessians, whose intermediate arrays are much larger."""


class Programs(NamedTuple):
    """Functions of one structure, compiled when they are first called for a number of lanes.

    Attributes:
        rates: Expected rate of every bin.
        value: -ln L.
        gradient: -ln L and its gradient.
        hessian: Second derivatives of -ln L.
    """

    rates: Program
    value: Program
    gradient: Program
    hessian: Program


@lru_cache(maxsize=16)
def programs_of(structure: Structure) -> Programs:
    """Programs of a structure, shared by all likelihoods that have it."""
    return Programs(
        *(jax.jit(partial(function, structure)) for function in (_rates, _value, value_and_gradient, _hessian))
    )


def _rates(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> tuple[Float[Array, "lane bin"]]:
    return (expected_rates(structure, shared, points, theta),)


def _value(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> tuple[Float[Array, " lane"]]:
    return (negative_log_likelihood(structure, points, theta, *_rates(structure, shared, points, theta)),)


def _hessian(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> tuple[Float[Array, "lane parameter parameter"]]:
    return (exact_hessian(structure, shared, points, first_order(structure, shared, points, theta)),)


def evaluate(
    program: Program,
    shared: SharedNumbers,
    point: PointNumbers,
    theta: Float[np.ndarray, "n parameter"],
    data: Float[np.ndarray, "n bin"],
    auxdata: Float[np.ndarray, "n parameter"],
    most_lanes: int = MANY_LANES,
) -> tuple[np.ndarray, ...]:
    """Evaluate one model at many parameters, each with its own data.

    Batches are cut and padded to powers of two, so that few shapes are ever compiled.

    Args:
        program: What to evaluate.
        shared, point: Numbers of the model; the leading axis of `point` has length 1.
        theta: Parameters in the internal order, n > 0 points.
        data, auxdata: Main and auxiliary data of each.
        most_lanes: How many are evaluated at once; a power of two.
    """
    n = len(theta)
    lanes = min(most_lanes, 1 << (n - 1).bit_length())
    every = point.take(np.zeros(lanes, dtype=np.int64))
    pieces = []
    with jax.enable_x64(True):
        for start in range(0, n, lanes):
            index = np.minimum(np.arange(start, start + lanes), n - 1)
            numbers = every._replace(data=data[index], auxdata=auxdata[index])
            pieces.append([np.asarray(a) for a in program(shared, numbers, theta[index])])
    return tuple(np.concatenate(arrays)[:n] for arrays in zip(*pieces, strict=True))
