"""Least expected rates: a rate below its limit is the limit, and depends on no parameter there (as pyhf).

Without limits, nothing of this is part of a program.
"""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from hfscale.model.structure import Structure


def clipped_samples(structure: Structure, rates: Float[Array, "lane entry"]) -> Float[Array, "lane entry"]:
    """Rates of samples in bins, held at their limit."""
    limit = structure.clip.samples
    return rates if limit is None else jnp.maximum(rates, limit)


def clipped_bins(structure: Structure, rates: Float[Array, "lane bin"]) -> Float[Array, "lane bin"]:
    """Rates of bins, held at their limit."""
    limit = structure.clip.bins
    return rates if limit is None else jnp.maximum(rates, limit)


def moving_samples(
    structure: Structure, rates: Float[Array, "lane entry"], values: Float[Array, "lane entry"]
) -> Float[Array, "lane entry"]:
    """Values of samples in bins, 0 where the rate is held at its limit.

    Args:
        structure: The structure.
        rates: Rates without limit.
        values: What derivatives are made of.
    """
    limit = structure.clip.samples
    return values if limit is None else jnp.where(rates < limit, 0.0, values)


def moving_bins(
    structure: Structure, rates: Float[Array, "lane bin"], values: Float[Array, "lane bin *more"]
) -> Float[Array, "lane bin *more"]:
    """The same for bins."""
    limit = structure.clip.bins
    if limit is None:
        return values
    held = jnp.expand_dims(rates < limit, tuple(range(2, values.ndim)))
    return jnp.where(held, 0.0, values)
