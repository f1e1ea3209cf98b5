"""Constraint terms: what auxiliary measurements contribute to -ln L, with first and second derivative.

With auxiliary value a, parameter theta and width w (as pyhf counts them, with every constant):

    normal      a ~ Normal(theta, w)
    Poisson     a ~ Poisson(theta w), continuous a allowed
    log-normal  ln a ~ Normal(ln theta, w), as a density of a; theta is the median of a, and exp(w) is what ROOT's
                RooLognormal calls kappa

A program without log-normal constraints has none of their operations.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln
from jaxtyping import Float, Int

from hfscale.model.structure import LOGNORMAL, NORMAL, POISSON, PointNumbers, Structure


def constraint_terms(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane parameter"]:
    """-ln of the density of every auxiliary value; 0 for parameters without constraint."""
    pull = (theta - points.auxdata) / points.width
    normal = 0.5 * pull * pull + jnp.log(points.width) + 0.5 * np.log(2 * np.pi)
    mean = jnp.where(structure.constraint == POISSON, theta * points.width, 1.0)
    poisson = mean - points.auxdata * jnp.log(mean) + gammaln(points.auxdata + 1.0)
    terms = jnp.where(structure.constraint == NORMAL, normal, poisson)
    if has_lognormal(structure):
        pull, _ = _logarithmic_pull(structure, points, theta)
        density = 0.5 * pull * pull + jnp.log(_auxdata(structure, points) * points.width) + 0.5 * np.log(2 * np.pi)
        terms = jnp.where(structure.constraint == LOGNORMAL, density, terms)
    return jnp.where(points.constrained > 0, terms, 0.0)


def constraint_slopes(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane parameter"]:
    """First derivatives of `constraint_terms`."""
    inverse = 1.0 / (points.width * points.width)
    safe = jnp.where(structure.constraint == POISSON, theta, 1.0)
    normal = (theta - points.auxdata) * inverse
    slopes = jnp.where(structure.constraint == NORMAL, normal, points.width - points.auxdata / safe)
    if has_lognormal(structure):
        pull, scale = _logarithmic_pull(structure, points, theta)
        slopes = jnp.where(structure.constraint == LOGNORMAL, pull / scale, slopes)
    return jnp.where(points.constrained > 0, slopes, 0.0)


def constraint_curvatures(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane parameter"]:
    """Second derivatives of `constraint_terms`; negative for a log-normal one above e times its auxiliary value."""
    inverse = 1.0 / (points.width * points.width)
    safe = jnp.where(structure.constraint == POISSON, theta, 1.0)
    curvatures = jnp.where(structure.constraint == NORMAL, inverse, points.auxdata / (safe * safe))
    if has_lognormal(structure):
        pull, scale = _logarithmic_pull(structure, points, theta)
        curvatures = jnp.where(
            structure.constraint == LOGNORMAL, (1.0 - pull * points.width) / (scale * scale), curvatures
        )
    return jnp.where(points.constrained > 0, curvatures, 0.0)


def has_lognormal(structure: Structure) -> bool:
    """Whether any parameter has a log-normal constraint."""
    return bool((structure.constraint == LOGNORMAL).any())


def _logarithmic_pull(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> tuple[Float[Array, "lane parameter"], Float[Array, "lane parameter"]]:
    """(ln theta - ln a) / w, and theta w, of log-normal constraints."""
    own = structure.constraint == LOGNORMAL
    safe = jnp.where(own, theta, 1.0)
    return jnp.log(safe / _auxdata(structure, points)) / points.width, safe * points.width


def _auxdata(structure: Structure, points: PointNumbers) -> Float[Array, "lane parameter"]:
    """Auxiliary values of log-normal constraints, 1 elsewhere, so that all logarithms are finite."""
    own = (structure.constraint == LOGNORMAL) & (points.constrained > 0)
    return jnp.where(own, points.auxdata, 1.0)


def expected_auxdata(
    constraint: Int[np.ndarray, " parameter"],
    width: Float[np.ndarray, "*#batch parameter"],
    theta: Float[np.ndarray, "*#batch parameter"],
) -> Float[np.ndarray, "*#batch parameter"]:
    """Auxiliary data that have these parameters as their maximum-likelihood estimate.

    They are the expectation of a normal or Poisson constraint, and the median of a log-normal one.
    """
    return np.where(constraint == POISSON, theta * width, theta)
