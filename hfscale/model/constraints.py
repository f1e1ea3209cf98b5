"""Constraint terms: what auxiliary measurements contribute to -ln L, with first and second derivative.

With auxiliary value a, parameter theta and width w (as pyhf counts them, with every constant):

    normal      a ~ Normal(theta, w)
    Poisson     a ~ Poisson(theta w), continuous a allowed
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln
from jaxtyping import Float

from hfscale.model.structure import NORMAL, POISSON, PointNumbers, Structure


def constraint_terms(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane parameter"]:
    """-ln of the density of every auxiliary value; 0 for parameters without constraint."""
    pull = (theta - points.auxdata) / points.width
    normal = 0.5 * pull * pull + jnp.log(points.width) + 0.5 * np.log(2 * np.pi)
    mean = jnp.where(structure.constraint == POISSON, theta * points.width, 1.0)
    poisson = mean - points.auxdata * jnp.log(mean) + gammaln(points.auxdata + 1.0)
    terms = jnp.where(structure.constraint == NORMAL, normal, poisson)
    return jnp.where(points.constrained > 0, terms, 0.0)


def constraint_slopes(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane parameter"]:
    """First derivatives of `constraint_terms`."""
    inverse = 1.0 / (points.width * points.width)
    safe = jnp.where(structure.constraint == POISSON, theta, 1.0)
    normal = (theta - points.auxdata) * inverse
    slopes = jnp.where(structure.constraint == NORMAL, normal, points.width - points.auxdata / safe)
    return jnp.where(points.constrained > 0, slopes, 0.0)


def constraint_curvatures(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane parameter"]:
    """Second derivatives of `constraint_terms`."""
    inverse = 1.0 / (points.width * points.width)
    safe = jnp.where(structure.constraint == POISSON, theta, 1.0)
    curvatures = jnp.where(structure.constraint == NORMAL, inverse, points.auxdata / (safe * safe))
    return jnp.where(points.constrained > 0, curvatures, 0.0)
