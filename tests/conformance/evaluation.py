"""The likelihood of a group at given parameters, and its derivatives from automatic differentiation."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hfscale.model.likelihood import Evaluation, evaluate, expected_rates, negative_log_likelihood
from hfscale.model.structure import ModelGroup
from tests.models import on_device

FAST_COMPILATION = {"xla_backend_optimization_level": 0}


def value_of(group: ModelGroup, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rates and -ln L of every point of a group."""
    with jax.enable_x64(True):
        program = jax.jit(partial(evaluate, group.structure), compiler_options=FAST_COMPILATION)
        found = program(*on_device(group), jnp.asarray(theta))
        return np.asarray(found.rates), np.asarray(found.nll)


class Derivatives(NamedTuple):
    """Formulas of this project beside automatic differentiation, which gives H v for one direction v."""

    own: Evaluation
    gradient: Any
    hessian_times_v: Any


def derivatives(group: ModelGroup, theta: np.ndarray, v: np.ndarray) -> Derivatives:
    """Evaluate the first point of a group at `theta` (internal order)."""
    structure = group.structure

    def program(shared: Any, points: Any, at: Any) -> Derivatives:
        def nll(x: Any) -> Any:
            rates = expected_rates(structure, shared, points, x[None])
            return negative_log_likelihood(structure, points, x[None], rates)[0]

        gradient, product = jax.jvp(jax.grad(nll), (at,), (jnp.asarray(v),))
        return Derivatives(evaluate(structure, shared, points, at[None]), gradient, product)

    with jax.enable_x64(True):
        compiled = jax.jit(program, compiler_options=FAST_COMPILATION)
        found = compiled(*on_device(group), jnp.asarray(theta))
        return jax.tree.map(np.asarray, found)
