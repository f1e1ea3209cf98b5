"""The likelihood of a group at given parameters, and its derivatives beside those of automatic differentiation."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hfscale.model.derivatives import exact_hessian, first_order, low_rank_curvature
from hfscale.model.likelihood import expected_rates, negative_log_likelihood
from hfscale.model.structure import ModelGroup, PointNumbers, SharedNumbers
from tests.models import on_device

FAST_COMPILATION = {"xla_backend_optimization_level": 0}


def _compiled(program: Callable[..., Any], group: ModelGroup, theta: np.ndarray) -> Any:
    with jax.enable_x64(True):
        run = jax.jit(program, compiler_options=FAST_COMPILATION)
        return jax.tree.map(np.asarray, run(*on_device(group), jnp.asarray(theta)))


def _nll(group: ModelGroup, shared: SharedNumbers, points: PointNumbers, theta: Any) -> Any:
    """-ln L of the first point at one set of parameters."""
    rates = expected_rates(group.structure, shared, points, theta[None])
    return negative_log_likelihood(group.structure, points, theta[None], rates)[0]


def value_of(group: ModelGroup, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rates and -ln L of every point of a group."""

    def program(shared: Any, points: Any, at: Any) -> tuple[Any, Any]:
        rates = expected_rates(group.structure, shared, points, at)
        return rates, negative_log_likelihood(group.structure, points, at, rates)

    found: tuple[np.ndarray, np.ndarray] = _compiled(program, group, theta)
    return found


class Derivatives(NamedTuple):
    """Value and derivatives of the first point: formulas of this project beside automatic ones.

    Attributes:
        rates, nll, gradient, hessian: Formulas of this project.
        diagonal, rows: Its low-rank stand-in for the Hessian, D + R^T R.
        automatic_gradient, automatic_product: Automatic gradient, and Hessian times a given direction.
    """

    rates: np.ndarray
    nll: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    diagonal: np.ndarray
    rows: np.ndarray
    automatic_gradient: np.ndarray
    automatic_product: np.ndarray


def derivatives(group: ModelGroup, theta: np.ndarray, direction: np.ndarray) -> Derivatives:
    """Evaluate the first point of a group at `theta` (internal order)."""

    def program(shared: Any, points: Any, at: Any) -> Derivatives:
        ev = first_order(group.structure, shared, points, at[None])
        hessian = exact_hessian(group.structure, shared, points, ev)
        diagonal, rows = low_rank_curvature(group.structure, shared, points, ev)
        nll = partial(_nll, group, shared, points)
        automatic = jax.jvp(jax.grad(nll), (at,), (jnp.asarray(direction),))
        return Derivatives(ev.rates[0], ev.nll[0], ev.gradient[0], hessian[0], diagonal[0], rows[0], *automatic)

    found: Derivatives = _compiled(program, group, theta)
    return found


def hessian_of(group: ModelGroup, theta: np.ndarray) -> np.ndarray:
    """Automatic second derivatives of -ln L of the first point at `theta` (internal order)."""

    def program(shared: Any, points: Any, at: Any) -> Any:
        return jax.hessian(partial(_nll, group, shared, points))(at)

    found: np.ndarray = _compiled(program, group, theta)
    return found
