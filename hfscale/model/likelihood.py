"""Expected rates and negative log-likelihood of a batch of fits ("lanes"), in JAX.

Every array has the lanes as leading axis, so that the sums over nuisance parameters are matrix products whose rows
are lanes. An entry is a (sample, channel, bin); its rate is its yield, shifted by histosys, times all its factors.
Formulas of the model: CERN-OPEN-2012-016; constraint terms as in pyhf.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln
from jaxtyping import Float

from hfscale.model.clipping import clipped_bins, clipped_samples
from hfscale.model.constraints import constraint_terms
from hfscale.model.extended import extended_model, extended_theta
from hfscale.model.interpolation import HistosysCode
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure


class NormsysTerms(NamedTuple):
    """normsys terms: value, first and second logarithmic derivative (f'/f, f''/f)."""

    value: Float[Array, "lane term"]
    first: Float[Array, "lane term"]
    second: Float[Array, "lane term"]


def one_hot(index: np.ndarray, size: int) -> np.ndarray:
    """Rows of a table of indices as sums of unit vectors; indices equal to `size` (padding) drop out."""
    table = np.zeros((len(index), size + 1))
    for row, entries in zip(table, index, strict=True):
        np.add.at(row, entries, 1.0)
    return table[:, :size]


def _lanes(
    shared: Float[Array | np.ndarray, "*n"], own: Float[Array | np.ndarray, "lane *m"]
) -> Float[Array, "lane *k"]:
    """Shared numbers, repeated for every lane, followed by the lane's own."""
    return jnp.concatenate([jnp.broadcast_to(shared, (own.shape[0], *shared.shape)), own], axis=1)


def normsys_terms(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> NormsysTerms:
    """Values and derivatives of all normsys terms: code 4, or code 1, which is its outer part everywhere."""
    alpha = theta[:, structure.term_parameter]
    log_hi, log_lo = _lanes(shared.log_hi, points.log_hi), _lanes(shared.log_lo, points.log_lo)
    a = jnp.moveaxis(_lanes(shared.polynomial, points.polynomial), -1, 0)
    value = jnp.zeros_like(alpha)
    slope = jnp.zeros_like(alpha)
    curvature = jnp.zeros_like(alpha)
    for k in range(6, 0, -1):
        value = value * alpha + a[k - 1]
        slope = slope * alpha + k * a[k - 1]
    for k in range(6, 1, -1):
        curvature = curvature * alpha + k * (k - 1) * a[k - 1]
    inner = 1.0 + alpha * value
    rate = jnp.where(alpha > 0, log_hi, -log_lo)
    outside = jnp.abs(alpha) >= (0.0 if structure.codes.normsys == "code1" else 1.0)
    return NormsysTerms(
        value=jnp.where(outside, jnp.exp(alpha * rate), inner),
        first=jnp.where(outside, rate, slope / inner),
        second=jnp.where(outside, rate * rate, curvature / inner),
    )


class HistosysFeatures(NamedTuple):
    """An additive shift is odd * (up - down) / 2 + even * ((up + down) / 2 - nominal), in every code.

    Attributes:
        odd, odd_slope: Odd feature of the parameter and its derivative.
        even, even_slope, even_curvature: Even feature and its derivatives.
    """

    odd: Float[Array, "lane histosys"]
    odd_slope: Float[Array, "lane histosys"]
    even: Float[Array, "lane histosys"]
    even_slope: Float[Array, "lane histosys"]
    even_curvature: Float[Array, "lane histosys"]


def histosys_features(code: HistosysCode, alpha: Float[Array, "lane histosys"]) -> HistosysFeatures:
    """Features of the histosys parameters. At -1 and +1, code 2 takes its inner branch, as pyhf."""
    one, zero, sign, size = jnp.ones_like(alpha), jnp.zeros_like(alpha), jnp.sign(alpha), jnp.abs(alpha)
    square = alpha * alpha
    if code == "code0":
        return HistosysFeatures(alpha, one, size, sign, zero)
    if code == "code2":
        outside = size > 1.0
        return HistosysFeatures(
            odd=jnp.where(outside, alpha - sign, alpha),
            odd_slope=one,
            even=jnp.where(outside, 2.0 * (size - 1.0), square),
            even_slope=jnp.where(outside, 2.0 * sign, 2.0 * alpha),
            even_curvature=jnp.where(outside, zero, 2.0),
        )
    outside = size >= 1.0
    return HistosysFeatures(
        odd=alpha,
        odd_slope=one,
        even=jnp.where(outside, size, square * (15 + square * (3 * square - 10)) / 8),
        even_slope=jnp.where(outside, sign, alpha * (15 + square * (9 * square - 20)) / 4),
        even_curvature=jnp.where(outside, zero, (15 + square * (45 * square - 60)) / 4),
    )


def product(
    structure: Structure, theta: Float[Array, "lane parameter"], terms: Float[Array, "lane term"]
) -> Float[Array, "lane entry"]:
    """Product of all factors of every entry; the bins of a sample in a channel share their normsys terms."""
    one = jnp.ones((theta.shape[0], 1))
    factors = jnp.concatenate([theta, one], axis=1)[:, structure.entry_factors]
    rows, row_of_entry = np.unique(structure.entry_terms, axis=0, return_inverse=True)
    normsys = jnp.prod(jnp.concatenate([terms, one], axis=1)[:, rows], axis=-1)
    return jnp.prod(factors, axis=-1) * normsys[:, row_of_entry.ravel()]


def yields_of(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane entry"]:
    """Nominal yields plus the additive shifts of histosys."""
    alpha = theta[:, : structure.n_histosys]
    features = histosys_features(structure.codes.histosys, alpha)
    odd, even = features.odd, features.even
    n = structure.n_varying_histosys
    common = shared.nominal + odd @ shared.half_sum.T + even @ shared.half_difference.T
    own = points.nominal + jnp.einsum("leh,lh->le", points.half_sum, odd[:, :n])
    own += jnp.einsum("leh,lh->le", points.half_difference, even[:, :n])
    return jnp.concatenate([common, own], axis=1)


def expected_rates(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane bin"]:
    """Expected rate of every bin."""
    rates = sample_rates(structure, shared, points, theta)
    return clipped_bins(structure, rates @ one_hot(structure.entry_bin[:, None], structure.n_bins))


def sample_rates(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane entry"]:
    """Expected rate of every sample in every bin, an entry each."""
    if structure.derived.size:
        return sample_rates(*extended_model(structure, shared, points), extended_theta(structure, points, theta))
    terms = normsys_terms(structure, shared, points, theta).value
    rates = yields_of(structure, shared, points, theta) * product(structure, theta, terms)
    return clipped_samples(structure, rates)


def negative_log_likelihood(
    structure: Structure,
    points: PointNumbers,
    theta: Float[Array, "lane parameter"],
    rates: Float[Array, "lane bin"],
) -> Float[Array, " lane"]:
    """-ln L with every constant, as pyhf counts them (constraint terms of fixed parameters included).

    Continuous counts are allowed (Asimov data). A negative rate gives NaN; a rate of zero is right for zero counts.
    """
    counts = points.data
    log_rate = jnp.where(counts > 0, jnp.log(jnp.where(counts > 0, rates, 1.0)), 0.0)
    main = jnp.where(rates >= 0, rates - counts * log_rate + gammaln(counts + 1.0), jnp.nan)
    constraint = constraint_terms(structure, points, theta)
    return jnp.sum(jnp.where(points.bins > 0, main, 0.0), axis=1) + jnp.sum(constraint, axis=1)
