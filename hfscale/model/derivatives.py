"""Gradient, low-rank curvature and exact Hessian of the negative log-likelihood of a batch of fits ("lanes").

With entries e, bins b, A_e the shifted yields, G_e the product of all factors and nu_b = sum_e A_e G_e:

    J_b  = sum_e [G_e a'_e + nu_e g_e],          a' = dA/dtheta, g = d log G / dtheta
    H    = sum_b (n_b / nu_b^2) J_b J_b^T + sum_e w_e G_e [a'_e g_e^T + g_e a'_e^T + A_e g_e g_e^T] + diagonal

with w_b = 1 - n_b / nu_b. The diagonal holds constraint curvatures and second derivatives of single factors. The
low-rank curvature drops the second sum but for its diagonal, which leaves a diagonal plus one row per bin.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from hfscale.model import extended
from hfscale.model.clipping import clipped_bins, clipped_samples, moving_bins, moving_samples
from hfscale.model.constraints import constraint_curvatures, constraint_slopes, has_lognormal
from hfscale.model.likelihood import (
    HistosysFeatures,
    NormsysTerms,
    histosys_features,
    negative_log_likelihood,
    normsys_terms,
    one_hot,
    product,
    yields_of,
)
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure
from hfscale.model.tables import grouping, multiplying_pairs, padded_bins, shortened_lists

_TINY_FACTOR = 1e-9
"""Factors smaller than this count as this in derivatives, where they are divided by."""
_FEW = 16
_LEAST_RATIO = 0.1
"""The low-rank curvature counts at least this part of a rate as observed, so that empty bins curve too."""


class FirstOrder(NamedTuple):
    """Likelihood and gradient of each lane at its parameters, with what second derivatives are made of.

    Attributes:
        nll: Negative log-likelihood with all constants; NaN where a rate is negative.
        rates: Expected rates.
        gradient: Derivative of `nll`.
        jacobian: Derivative of every rate by every parameter.
        ratio, excess: Observed over expected counts, and one minus it; 0 for bins that the lane does not have.
        positive: The rates, 1 where they are not positive.
        constraint: Curvature of the constraint terms.
        yields, factor: A_e and G_e of every entry.
        inverse: One over each parameter, held away from infinity.
        terms: normsys terms.
        features: Interpolation of histosys.
        derived: With derived quantities, the same for parameters and derived values; None without.
    """

    nll: Float[Array, " lane"]
    rates: Float[Array, "lane bin"]
    gradient: Float[Array, "lane parameter"]
    jacobian: Float[Array, "lane bin parameter"]
    ratio: Float[Array, "lane bin"]
    excess: Float[Array, "lane bin"]
    positive: Float[Array, "lane bin"]
    constraint: Float[Array, "lane parameter"]
    yields: Float[Array, "lane entry"]
    factor: Float[Array, "lane entry"]
    inverse: Float[Array, "lane parameter"]
    terms: NormsysTerms
    features: HistosysFeatures
    derived: "Derived | None" = None


class Derived(NamedTuple):
    """Derivatives by parameters and derived values, and how to carry them back to the parameters.

    Attributes:
        ev: First order by both.
        slope: Derivative of every derived value by the parameters that any of them uses.
        bent: Second derivatives of the derived values by these, weighted by the derivative of `nll` by each value.
    """

    ev: FirstOrder
    slope: Float[Array, "lane derived input"]
    bent: Float[Array, "lane input input"]


def first_order(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> FirstOrder:
    """Likelihood, gradient and derivatives of the rates of every lane."""
    if structure.derived.size:
        return _derived_first_order(structure, shared, points, theta)
    terms = normsys_terms(structure, shared, points, theta)
    yields = yields_of(structure, shared, points, theta)
    samples = yields * product(structure, theta, terms.value)
    sums = clipped_samples(structure, samples) @ one_hot(structure.entry_bin[:, None], structure.n_bins)
    rates = clipped_bins(structure, sums)
    safe = jnp.where(jnp.abs(theta) < _TINY_FACTOR, _TINY_FACTOR, theta)
    inverse = 1.0 / safe
    factor = moving_samples(structure, samples, product(structure, safe, terms.value))
    features = histosys_features(structure.codes.histosys, theta[:, : structure.n_histosys])
    by_bin = padded_bins(structure.entry_bin, structure.n_bins)
    additive = additive_sums(structure, shared, points, factor, features, by_bin)
    jacobian = jnp.pad(additive, ((0, 0), (0, 0), (0, structure.n_parameters - structure.n_histosys)))
    jacobian += _multiplicative_jacobian(structure, factor * yields, jnp.concatenate([inverse, terms.first], axis=1))
    jacobian = moving_bins(structure, sums, jacobian)
    present = points.bins > 0
    positive = jnp.where(present & (rates > 0), rates, 1.0)
    ratio = jnp.where(present, points.data / positive, 0.0)
    excess = moving_bins(structure, sums, jnp.where(present, 1.0 - ratio, 0.0))
    return FirstOrder(
        nll=negative_log_likelihood(structure, points, theta, rates),
        rates=rates,
        gradient=jnp.einsum("lb,lbp->lp", excess, jacobian) + constraint_slopes(structure, points, theta),
        jacobian=jacobian,
        ratio=ratio,
        excess=excess,
        positive=positive,
        constraint=constraint_curvatures(structure, points, theta),
        yields=yields,
        factor=factor,
        inverse=inverse,
        terms=terms,
        features=features,
    )


def additive_sums(
    structure: Structure,
    shared: SharedNumbers,
    points: PointNumbers,
    weights: Float[Array, "lane entry"],
    features: HistosysFeatures,
    table: Int[np.ndarray, "group local_entry"],
) -> Float[Array, "lane group histosys"]:
    """sum_e w_e a'_e over groups of entries: for shared entries a product of lanes with constant shifts.

    Args:
        structure, shared, points: The lanes.
        weights: w of every entry.
        features: Interpolation of histosys.
        table: Entries of each group, padded with the number of entries.
    """
    n, k = structure.n_varying_histosys, structure.n_shared
    common = shortened_lists(np.where(table < k, table, k), k)
    padded = jnp.concatenate([weights[:, :k], jnp.zeros((weights.shape[0], 1))], axis=1)[:, common]
    rows = [jnp.pad(block, ((0, 1), (0, 0)))[common] for block in (shared.half_sum, shared.half_difference)]
    odd, even = (_group_sums(padded, block) for block in rows)
    odd_slope, even_slope = features.odd_slope[:, None, :], features.even_slope[:, None, :]
    result = odd_slope * odd + even_slope * even
    own = odd_slope[..., :n] * points.half_sum + even_slope[..., :n] * points.half_difference
    own = weights[:, k:, None] * own
    groups = one_hot(table, structure.n_entries)[:, k:]
    return result.at[:, :, :n].add(jnp.einsum("ge,leh->lgh", groups, own))


def _group_sums(
    weights: Float[Array, "lane group item"], rows: Float[Array, "group item histosys"]
) -> Float[Array, "lane group histosys"]:
    """sum_k w_gk r_gkh; groups of few items are summed in one loop, which many tiny matrix products are not."""
    if weights.shape[2] > _FEW:
        return jnp.einsum("lgk,gkh->lgh", weights, rows)
    total = jnp.zeros((weights.shape[0], rows.shape[0], rows.shape[2]))
    for k in range(weights.shape[2]):
        total += weights[:, :, k, None] * rows[:, k]
    return total


def _multiplicative_jacobian(
    structure: Structure, rates: Float[Array, "lane entry"], logarithmic: Float[Array, "lane source"]
) -> Float[Array, "lane bin parameter"]:
    """sum_e nu_e g_e, from the few (bin, parameter) pairs that have factors at all."""
    pairs = multiplying_pairs(structure)
    parts = rates[:, pairs.entry] * logarithmic[:, pairs.source]
    zero = jnp.zeros((rates.shape[0], 1))
    sums = jnp.concatenate([parts, zero], axis=1)[:, pairs.parts].sum(axis=-1)
    flat = jnp.concatenate([sums, zero], axis=1)[:, pairs.place]
    return flat.reshape(-1, structure.n_bins, structure.n_parameters)


def second_order_diagonal(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, ev: FirstOrder
) -> tuple[Float[Array, "lane parameter"], Float[Array, "lane parameter"]]:
    """Second derivatives of single yields and factors, weighted by the excess: additive part, factor part (f''/f)."""
    n, m, k = structure.n_varying_histosys, structure.n_histosys, structure.n_shared
    weighted = ev.excess[:, structure.entry_bin] * ev.factor
    common = (weighted[:, :k] @ shared.half_difference) * ev.features.even_curvature
    own = jnp.einsum("le,leh->lh", weighted[:, k:], points.half_difference) * ev.features.even_curvature[:, :n]
    additive = jnp.pad(common.at[:, :n].add(own), ((0, 0), (0, structure.n_parameters - m)))
    by_term = grouped_sums(weighted * ev.yields, structure.entry_terms, structure.n_terms)
    factors = grouped_sums(by_term * ev.terms.second, structure.term_parameter[:, None], structure.n_parameters)
    return additive, factors


def low_rank_curvature(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, ev: FirstOrder
) -> tuple[Float[Array, "lane parameter"], Float[Array, "lane bin parameter"]]:
    """A positive definite stand-in for the Hessian: its diagonal D and rows R of D + R^T R.

    Unconstrained parameters have no curvature of their own; a small part of what the bins give them stands for it.
    """
    if ev.derived is not None:
        slope, inputs = ev.derived.slope, structure.derived.inputs
        diagonal, rows = low_rank_curvature(*extended.extended_model(structure, shared, points), ev.derived.ev)
        return extended.contracted(diagonal, slope * slope, inputs), extended.contracted(rows, slope, inputs)
    weight = jnp.where(points.bins > 0, jnp.maximum(ev.ratio, _LEAST_RATIO) / ev.positive, 0.0)
    rows = jnp.sqrt(weight)[:, :, None] * ev.jacobian
    additive, factors = second_order_diagonal(structure, shared, points, ev)
    # The curvature of a log-normal constraint may be negative.
    constraint = jnp.maximum(ev.constraint, 0.0) if has_lognormal(structure) else ev.constraint
    diagonal = constraint + jnp.maximum(additive + factors, -0.5 * constraint)
    least = 1e-4 * jnp.einsum("lbp,lbp->lp", rows, rows)
    return jnp.maximum(diagonal, least), rows


def exact_hessian(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, ev: FirstOrder
) -> Float[Array, "lane parameter parameter"]:
    """All second derivatives of the negative log-likelihood."""
    if ev.derived is not None:
        hessian = exact_hessian(*extended.extended_model(structure, shared, points), ev.derived.ev)
        return extended.contracted_hessian(hessian, ev.derived.slope, ev.derived.bent, structure.derived.inputs)
    g = _log_factor_gradient(structure, ev.inverse, ev.terms)
    a = _yield_gradient(structure, shared, points, ev.features)
    weighted = ev.excess[:, structure.entry_bin] * ev.factor
    left = jnp.concatenate([a + 0.5 * ev.yields[:, :, None] * g, 0.5 * ev.jacobian], axis=1)
    bins = (ev.ratio / ev.positive)[:, :, None] * ev.jacobian
    half = jnp.einsum("lkp,lkq->lpq", left, jnp.concatenate([weighted[:, :, None] * g, bins], axis=1))

    # The products above count (d log f)^2 on the diagonal where f''/f belongs.
    additive, factors = second_order_diagonal(structure, shared, points, ev)
    diagonal = ev.constraint + additive + factors - counted_squares(structure, ev)
    return half + jnp.swapaxes(half, 1, 2) + diagonal[:, :, None] * jnp.eye(structure.n_parameters)


def counted_squares(structure: Structure, ev: FirstOrder) -> Float[Array, "lane parameter"]:
    """sum_e w_e nu_e (d log f)^2 of every parameter: what products of log-derivatives put on the diagonal."""
    rates = ev.excess[:, structure.entry_bin] * ev.factor * ev.yields
    by_term = grouped_sums(rates, structure.entry_terms, structure.n_terms) * ev.terms.first**2
    counted = grouped_sums(by_term, structure.term_parameter[:, None], structure.n_parameters)
    return counted + grouped_sums(rates, structure.entry_factors, structure.n_parameters) * ev.inverse**2


def grouped_sums(
    values: Float[Array, "lane item"], totals: Int[np.ndarray, "item choice"], size: int
) -> Float[Array, "lane total"]:
    """Sum items into totals; a product with a matrix of zeros and ones would read that matrix at every step."""
    items, place = grouping(totals, size)
    none = jnp.zeros((values.shape[0], 1))
    sums = jnp.concatenate([values, none], axis=1)[:, items].sum(axis=-1)
    return jnp.concatenate([sums, none], axis=1)[:, place]


def _log_factor_gradient(
    structure: Structure, inverse: Float[Array, "lane parameter"], terms: NormsysTerms
) -> Float[Array, "lane entry parameter"]:
    """g_e: derivative of log G_e by every parameter."""
    direct = one_hot(structure.entry_factors, structure.n_parameters)
    table = np.full((structure.n_entries, structure.n_parameters), structure.n_terms)
    for e, row in enumerate(structure.entry_terms):
        own = row[row < structure.n_terms]
        table[e, structure.term_parameter[own]] = own
    first = jnp.concatenate([terms.first, jnp.zeros((terms.first.shape[0], 1))], axis=1)
    return inverse[:, None, :] * direct + first[:, table]


def _yield_gradient(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, features: HistosysFeatures
) -> Float[Array, "lane entry parameter"]:
    """a'_e: derivative of A_e by every parameter."""
    n, rest = structure.n_varying_histosys, structure.n_parameters
    odd, even = features.odd_slope[:, None, :], features.even_slope[:, None, :]
    common = odd * shared.half_sum + even * shared.half_difference
    own = odd[..., :n] * points.half_sum + even[..., :n] * points.half_difference
    pads = ((0, 0), (0, 0), (0, rest - structure.n_histosys)), ((0, 0), (0, 0), (0, rest - n))
    return jnp.concatenate([jnp.pad(common, pads[0]), jnp.pad(own, pads[1])], axis=1)


def _derived_first_order(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> FirstOrder:
    model, inputs = extended.extended_model(structure, shared, points), structure.derived.inputs
    ev = first_order(*model, extended.extended_theta(structure, points, theta))
    slope = extended.slopes(structure, points, theta)
    weights = ev.gradient[:, structure.n_parameters :]
    return ev._replace(
        gradient=extended.contracted(ev.gradient, slope, inputs),
        jacobian=extended.contracted(ev.jacobian, slope, inputs),
        derived=Derived(ev, slope, extended.curvature(structure, points, theta, weights)),
    )


def value_and_gradient(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> tuple[Float[Array, " lane"], Float[Array, "lane parameter"]]:
    """Negative log-likelihood and its gradient, for minimisers that need no more."""
    ev = first_order(structure, shared, points, theta)
    return ev.nll, ev.gradient
