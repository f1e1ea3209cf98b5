"""Constraint terms: what auxiliary measurements contribute to -ln L, with first and second derivative.

With auxiliary value a, parameter theta and width w (as pyhf counts them, with every constant):

    normal      a ~ Normal(theta, w)
    Poisson     a ~ Poisson(theta w), continuous a allowed
    log-normal  ln a ~ Normal(ln theta, w), as a density of a; theta is the median of a, and exp(w) is what ROOT's
                RooLognormal calls kappa

A program has the operations of the kinds of constraints that occur in it, for the parameters that have them.
"""

import math
from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln
from jaxtyping import Float, Int

from hfscale.model.structure import LOGNORMAL, NORMAL, POISSON, PointNumbers, Structure

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


Columns = Float[Array, "lane own"]
Formula = Callable[[Columns, Columns, Columns], Columns]
"""Of parameters, auxiliary values and widths."""


def constraint_terms(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane parameter"]:
    """-ln of the density of every auxiliary value; 0 for parameters without constraint."""

    def normal(x: Columns, a: Columns, w: Columns) -> Columns:
        pull = (x - a) / w
        return 0.5 * pull * pull + jnp.log(w) + _HALF_LOG_2PI

    def poisson(x: Columns, a: Columns, w: Columns) -> Columns:
        value: Columns = x * w - a * jnp.log(x * w) + gammaln(a + 1.0)
        return value

    def lognormal(x: Columns, a: Columns, w: Columns) -> Columns:
        pull = jnp.log(x / a) / w
        return 0.5 * pull * pull + jnp.log(a * w) + _HALF_LOG_2PI

    return _by_kind(structure, points, theta, {NORMAL: normal, POISSON: poisson, LOGNORMAL: lognormal})


def constraint_slopes(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane parameter"]:
    """First derivatives of `constraint_terms`."""
    formulas: dict[int, Formula] = {
        NORMAL: lambda x, a, w: (x - a) / (w * w),
        POISSON: lambda x, a, w: w - a / x,
        LOGNORMAL: lambda x, a, w: jnp.log(x / a) / (w * w * x),
    }
    return _by_kind(structure, points, theta, formulas)


def constraint_curvatures(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane parameter"]:
    """Second derivatives of `constraint_terms`; negative for a log-normal one above e times its auxiliary value."""
    formulas: dict[int, Formula] = {
        NORMAL: lambda x, a, w: 1.0 / (w * w),
        POISSON: lambda x, a, w: a / (x * x),
        LOGNORMAL: lambda x, a, w: (1.0 - jnp.log(x / a)) / (w * w * x * x),
    }
    return _by_kind(structure, points, theta, formulas)


def _by_kind(
    structure: Structure,
    points: PointNumbers,
    theta: Float[Array, "lane parameter"],
    formulas: Mapping[int, Formula],
) -> Float[Array, "lane parameter"]:
    """Evaluate each formula for the parameters of its kind alone; 0 for parameters that a lane has no constraint of."""
    constrained = points.constrained > 0
    # Finite numbers stand for those of absent constraints, so that nothing infinite is ever multiplied by zero.
    auxdata, width = (jnp.where(constrained, array, 1.0) for array in (points.auxdata, points.width))
    order, parts = [np.flatnonzero(~np.isin(structure.constraint, list(formulas)))], []
    parts.append(jnp.zeros((theta.shape[0], len(order[0]))))
    for kind, formula in formulas.items():
        own = np.flatnonzero(structure.constraint == kind)
        if len(own):
            order.append(own)
            parts.append(formula(theta[:, own], auxdata[:, own], width[:, own]))
    joined = jnp.concatenate(parts, axis=1)[:, np.argsort(np.concatenate(order))]
    return jnp.where(constrained, joined, 0.0)


def has_lognormal(structure: Structure) -> bool:
    """Whether any parameter has a log-normal constraint."""
    return bool((structure.constraint == LOGNORMAL).any())


def expected_auxdata(
    constraint: Int[np.ndarray, " parameter"],
    width: Float[np.ndarray, "*#batch parameter"],
    theta: Float[np.ndarray, "*#batch parameter"],
) -> Float[np.ndarray, "*#batch parameter"]:
    """Auxiliary data that have these parameters as their maximum-likelihood estimate.

    They are the expectation of a normal or Poisson constraint, and the median of a log-normal one.
    """
    return np.where(constraint == POISSON, theta * width, theta)
