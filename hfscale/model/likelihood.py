"""Expected rates, negative log-likelihood, gradient and exact Hessian of a batch of fits ("lanes"), in JAX.

Every array has the lanes as leading axis, so that the sums over nuisance parameters are matrix products whose rows
are lanes. With entries e, bins b, A_e the shifted yields and G_e the product of all factors, nu_b = sum_e A_e G_e:

    J_b  = sum_e [G_e a'_e + nu_e g_e],          a' = dA/dtheta, g = d log G / dtheta
    H    = sum_b (n_b / nu_b^2) J_b J_b^T + sum_e w_e G_e [a'_e g_e^T + g_e a'_e^T + A_e g_e g_e^T] + diagonal

with w_b = 1 - n_b / nu_b. The diagonal holds constraint curvatures and second derivatives of single factors.
Formulas of the model: CERN-OPEN-2012-016; constraint terms as in pyhf.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln
from jaxtyping import Float

from hfscale.model.structure import NORMAL, POISSON, PointNumbers, SharedNumbers, Structure

_TINY_FACTOR = 1e-9
"""Factors smaller than this count as this in derivatives, where they are divided by."""


class Evaluation(NamedTuple):
    """Likelihood of each lane at its parameters.

    Attributes:
        nll: Negative log-likelihood with all constants; NaN where a rate is negative.
        rates: Expected rates.
        gradient, hessian: Exact first and second derivatives.
        gauss_newton: A positive semidefinite stand-in for the Hessian.
    """

    nll: Float[Array, " lane"]
    rates: Float[Array, "lane bin"]
    gradient: Float[Array, "lane parameter"]
    hessian: Float[Array, "lane parameter parameter"]
    gauss_newton: Float[Array, "lane parameter parameter"]


class _Terms(NamedTuple):
    """normsys terms: value, first and second logarithmic derivative (f'/f, f''/f)."""

    value: Float[Array, "lane term"]
    first: Float[Array, "lane term"]
    second: Float[Array, "lane term"]


def _one_hot(index: np.ndarray, size: int) -> np.ndarray:
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


def _normsys_terms(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> _Terms:
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
    outside = jnp.abs(alpha) >= 1.0
    return _Terms(
        value=jnp.where(outside, jnp.exp(alpha * rate), inner),
        first=jnp.where(outside, rate, slope / inner),
        second=jnp.where(outside, rate * rate, curvature / inner),
    )


def _code4p(
    alpha: Float[Array, "lane histosys"],
) -> tuple[Float[Array, "lane histosys"], Float[Array, "lane histosys"], Float[Array, "lane histosys"]]:
    """Even part of the code 4p interpolation with its first and second derivative."""
    square = alpha * alpha
    outside = jnp.abs(alpha) >= 1.0
    return (
        jnp.where(outside, jnp.abs(alpha), square * (15 + square * (3 * square - 10)) / 8),
        jnp.where(outside, jnp.sign(alpha), alpha * (15 + square * (9 * square - 20)) / 4),
        jnp.where(outside, 0.0, (15 + square * (45 * square - 60)) / 4),
    )


def _product(
    structure: Structure, theta: Float[Array, "lane parameter"], terms: Float[Array, "lane term"]
) -> Float[Array, "lane entry"]:
    one = jnp.ones((theta.shape[0], 1))
    factors = jnp.concatenate([theta, one], axis=1)[:, structure.entry_factors]
    normsys = jnp.concatenate([terms, one], axis=1)[:, structure.entry_terms]
    return jnp.prod(factors, axis=-1) * jnp.prod(normsys, axis=-1)


def _yields(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane entry"]:
    """Nominal yields plus the additive shifts of histosys (code 4p)."""
    alpha = theta[:, : structure.n_histosys]
    even = _code4p(alpha)[0]
    n = structure.n_varying_histosys
    common = shared.nominal + alpha @ shared.half_sum.T + even @ shared.half_difference.T
    own = points.nominal + jnp.einsum("leh,lh->le", points.half_sum, alpha[:, :n])
    own += jnp.einsum("leh,lh->le", points.half_difference, even[:, :n])
    return jnp.concatenate([common, own], axis=1)


def expected_rates(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane bin"]:
    """Expected rate of every bin."""
    terms = _normsys_terms(structure, shared, points, theta).value
    rates = _yields(structure, shared, points, theta) * _product(structure, theta, terms)
    return rates @ _one_hot(structure.entry_bin, structure.n_bins)


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
    pull = (theta - points.auxdata) / points.width
    normal = 0.5 * pull * pull + jnp.log(points.width) + 0.5 * np.log(2 * np.pi)
    mean = jnp.where(structure.constraint == POISSON, theta * points.width, 1.0)
    poisson = mean - points.auxdata * jnp.log(mean) + gammaln(points.auxdata + 1.0)
    constraint = jnp.where(structure.constraint == NORMAL, normal, poisson)
    return jnp.sum(jnp.where(points.bins > 0, main, 0.0), axis=1) + jnp.sum(
        jnp.where(points.constrained > 0, constraint, 0.0), axis=1
    )


def _constraint_derivatives(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> tuple[Float[Array, "lane parameter"], Float[Array, "lane parameter"]]:
    normal = structure.constraint == NORMAL
    inverse = 1.0 / (points.width * points.width)
    safe = jnp.where(structure.constraint == POISSON, theta, 1.0)
    first = jnp.where(normal, (theta - points.auxdata) * inverse, points.width - points.auxdata / safe)
    second = jnp.where(normal, inverse, points.auxdata / (safe * safe))
    constrained = points.constrained > 0
    return jnp.where(constrained, first, 0.0), jnp.where(constrained, second, 0.0)


def _log_factor_gradient(
    structure: Structure, inverse: Float[Array, "lane parameter"], terms: _Terms
) -> Float[Array, "lane entry parameter"]:
    """g_e: derivative of log G_e by every parameter."""
    direct = _one_hot(structure.entry_factors, structure.n_parameters)
    table = np.full((structure.n_entries, structure.n_parameters), structure.n_terms)
    for e, row in enumerate(structure.entry_terms):
        own = row[row < structure.n_terms]
        table[e, structure.term_parameter[own]] = own
    first = jnp.concatenate([terms.first, jnp.zeros((terms.first.shape[0], 1))], axis=1)
    return inverse[:, None, :] * direct + first[:, table]


def _yield_gradient(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, slope: Float[Array, "lane histosys"]
) -> Float[Array, "lane entry parameter"]:
    """a'_e: derivative of A_e by every parameter."""
    n, rest = structure.n_varying_histosys, structure.n_parameters
    common = shared.half_sum + slope[:, None, :] * shared.half_difference
    own = points.half_sum + slope[:, None, :n] * points.half_difference
    pads = ((0, 0), (0, 0), (0, rest - structure.n_histosys)), ((0, 0), (0, 0), (0, rest - n))
    return jnp.concatenate([jnp.pad(common, pads[0]), jnp.pad(own, pads[1])], axis=1)


def _second_order_diagonal(
    structure: Structure,
    shared: SharedNumbers,
    points: PointNumbers,
    curvature: Float[Array, "lane histosys"],
    weighted_factor: Float[Array, "lane entry"],
    weighted_rate: Float[Array, "lane entry"],
    inverse: Float[Array, "lane parameter"],
    terms: _Terms,
) -> Float[Array, "lane parameter"]:
    """What single factors add to the diagonal beyond the products of logarithmic derivatives."""
    n, m, k = structure.n_varying_histosys, structure.n_histosys, structure.n_shared
    direct = _one_hot(structure.entry_factors, structure.n_parameters)
    by_term = weighted_rate @ _one_hot(structure.entry_terms, structure.n_terms)
    by_term = by_term * (terms.second - terms.first * terms.first)
    diagonal = by_term @ _one_hot(structure.term_parameter, structure.n_parameters)
    diagonal -= (weighted_rate @ direct) * inverse * inverse
    common = (weighted_factor[:, :k] @ shared.half_difference) * curvature
    own = jnp.einsum("le,leh->lh", weighted_factor[:, k:], points.half_difference) * curvature[:, :n]
    return diagonal.at[:, :m].add(common).at[:, :n].add(own)


def evaluate(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Evaluation:
    """Likelihood, gradient and Hessians of every lane."""
    bins = _one_hot(structure.entry_bin, structure.n_bins)
    terms = _normsys_terms(structure, shared, points, theta)
    yields = _yields(structure, shared, points, theta)
    rates = (yields * _product(structure, theta, terms.value)) @ bins
    nll = negative_log_likelihood(structure, points, theta, rates)

    safe = jnp.where(jnp.abs(theta) < _TINY_FACTOR, _TINY_FACTOR, theta)
    inverse = 1.0 / safe
    factor = _product(structure, safe, terms.value)
    slope, curvature = _code4p(theta[:, : structure.n_histosys])[1:]
    g = _log_factor_gradient(structure, inverse, terms)
    a = _yield_gradient(structure, shared, points, slope)
    jacobian = jnp.einsum("be,lep->lbp", bins.T, factor[:, :, None] * (a + yields[:, :, None] * g))

    present = points.bins > 0
    positive = jnp.where(present & (rates > 0), rates, 1.0)
    ratio = jnp.where(present, points.data / positive, 0.0)
    excess = jnp.where(present, 1.0 - ratio, 0.0)
    slope_c, curvature_c = _constraint_derivatives(structure, points, theta)
    gradient = jnp.einsum("lb,lbp->lp", excess, jacobian) + slope_c

    weighted_factor = excess[:, structure.entry_bin] * factor
    diagonal = _second_order_diagonal(
        structure, shared, points, curvature, weighted_factor, weighted_factor * yields, inverse, terms
    )
    second_order = diagonal + jnp.einsum("le,lep->lp", weighted_factor * yields, g * g)
    second_order += 2.0 * jnp.einsum("le,lep->lp", weighted_factor, a * g)
    left = jnp.concatenate([a + 0.5 * yields[:, :, None] * g, 0.5 * jacobian], axis=1)
    right = jnp.concatenate([weighted_factor[:, :, None] * g, (ratio / positive)[:, :, None] * jacobian], axis=1)
    half = jnp.einsum("lkp,lkq->lpq", left, right)
    eye = jnp.eye(structure.n_parameters)
    hessian = half + jnp.swapaxes(half, 1, 2) + (curvature_c + diagonal)[:, :, None] * eye
    weight = jnp.where(present, jnp.maximum(ratio, 0.1) / positive, 0.0)
    gauss_newton = jnp.einsum("lbp,lbq->lpq", jacobian, weight[:, :, None] * jacobian)
    clipped = curvature_c + jnp.maximum(second_order, -0.5 * curvature_c)
    return Evaluation(nll, rates, gradient, hessian, gauss_newton + clipped[:, :, None] * eye)


def value_and_gradient(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> tuple[Float[Array, " lane"], Float[Array, "lane parameter"]]:
    """Negative log-likelihood and its gradient, for minimisers that need no more."""
    ev = evaluate(structure, shared, points, theta)
    return ev.nll, ev.gradient
