"""Derived quantities in JAX: their values behind the parameters, and derivatives carried back to the parameters.

With parameters theta, derived quantities phi(theta) and a likelihood f of both, and D = dphi/dtheta, the chain rule
gives

    J = J_theta + J_phi D            and the same for a gradient,
    H = H_tt + H_tp D + D^T H_pt + D^T H_pp D + sum_k (df/dphi_k) d2phi_k/dtheta2.

D has a column for each of the few parameters that any derived quantity uses.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from hfscale.errors import ModelError
from hfscale.model.custom import CustomTerm
from hfscale.model.derived import NOTHING_DERIVED, DerivedQuantities
from hfscale.model.structure import UNCONSTRAINED, PointNumbers, SharedNumbers, Structure
from hfscale.workspace.expressions import FUNCTIONS, evaluate_arithmetic


def _functions() -> dict[str, Callable[..., Array]]:
    binary = {"min": jnp.minimum, "max": jnp.maximum}
    return {name: binary[name] if name in binary else getattr(jnp, name) for name in FUNCTIONS}


def _values(
    derived: DerivedQuantities, inputs: Float[Array, " input"], data: Float[Array, " datum"]
) -> Float[Array, " derived"]:
    """Values of one lane."""
    functions = _functions()
    known: dict[str, Any] = {name: inputs[k] for k, name in enumerate(derived.names)}
    for formula in derived.formulas:
        known[formula.name] = evaluate_arithmetic(formula.expression, known, functions)
    values = [jnp.zeros(0, inputs.dtype)]
    values += [jnp.asarray(known[name], inputs.dtype)[None] for name in derived.factors]
    start = 0
    for term in derived.terms:
        values.append(_term_values(term, known, data[start : start + term.n_data]))
        start += term.n_data
    return jnp.concatenate(values)


def _term_values(term: CustomTerm, known: dict[str, Any], data: Float[Array, " datum"]) -> Float[Array, " value"]:
    parameters = {name: known[name] for name in term.uses}
    result = jnp.asarray(term.modifier.function(parameters, term.unpack(data)), data.dtype)
    if result.shape not in ((), (term.bins,)):
        raise ModelError(
            f"the function of the modifier type {term.type!r} returned an array of the shape {result.shape} for"
            f" {term.name!r}, whose channels have {term.bins} bins",
            remedy="return one number per bin of the channel, or one for all bins",
        )
    return jnp.broadcast_to(result, (term.bins,))


def _inputs(derived: DerivedQuantities, theta: Float[Array, "lane parameter"]) -> Float[Array, "lane input"]:
    return jnp.asarray(theta)[:, np.array(derived.inputs, dtype=np.int64)]


def extended_theta(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane extended"]:
    """Parameters with the values of the derived quantities behind them."""
    derived = structure.derived
    phi = jax.vmap(partial(_values, derived))(_inputs(derived, theta), jnp.asarray(points.derived))
    return jnp.concatenate([jnp.asarray(theta), phi], axis=1)


def slopes(
    structure: Structure, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane derived input"]:
    """D: derivative of every derived value by the parameters that any of them uses."""
    derived = structure.derived
    slope: Float[Array, "lane derived input"] = jax.vmap(jax.jacfwd(partial(_values, derived)))(
        _inputs(derived, theta), jnp.asarray(points.derived)
    )
    return slope


def curvature(
    structure: Structure,
    points: PointNumbers,
    theta: Float[Array, "lane parameter"],
    weights: Float[Array, "lane derived"],
) -> Float[Array, "lane input input"]:
    """Second derivatives of the derived values, summed with the given weights."""
    derived = structure.derived

    def total(
        inputs: Float[Array, " input"], data: Float[Array, " datum"], weight: Float[Array, " derived"]
    ) -> Float[Array, ""]:
        return weight @ _values(derived, inputs, data)

    bent: Float[Array, "lane input input"] = jax.vmap(jax.hessian(total))(
        _inputs(derived, theta), jnp.asarray(points.derived), weights
    )
    return bent


def extended_structure(structure: Structure) -> Structure:
    """The structure in which derived values are plain unconstrained parameters."""
    more = structure.derived.size
    return replace(
        structure,
        constraint=np.concatenate([structure.constraint, np.full(more, UNCONSTRAINED)]),
        gamma=np.concatenate([structure.gamma, np.zeros(more, dtype=bool)]),
        derived=NOTHING_DERIVED,
    )


def extended_model(
    structure: Structure, shared: SharedNumbers, points: PointNumbers
) -> tuple[Structure, SharedNumbers, PointNumbers]:
    """The model in which derived values are plain parameters without constraint terms."""

    def padded(array: Any, value: float) -> Any:
        return jnp.pad(array, ((0, 0), (0, structure.derived.size)), constant_values=value)

    own = points._replace(
        auxdata=padded(points.auxdata, 0.0),
        width=padded(points.width, 1.0),
        constrained=padded(points.constrained, 0.0),
    )
    return extended_structure(structure), shared, own


def contracted(
    array: Float[Array, "lane *k extended"], slope: Float[Array, "lane derived input"], inputs: Sequence[int]
) -> Float[Array, "lane *k parameter"]:
    """Derivatives by the parameters, from those by parameters and derived values behind them.

    Args:
        array: The latter, along the last axis.
        slope: Derivative of every derived value by the parameters that any of them uses.
        inputs: Positions of these parameters.
    """
    n = array.shape[-1] - slope.shape[1]
    carried = jnp.einsum("l...k,lki->l...i", array[..., n:], slope)
    return array[..., :n].at[..., np.array(inputs, dtype=np.int64)].add(carried)


def contracted_hessian(
    hessian: Float[Array, "lane extended extended"],
    slope: Float[Array, "lane derived input"],
    bent: Float[Array, "lane input input"],
    inputs: Sequence[int],
) -> Float[Array, "lane parameter parameter"]:
    """E^T H E with E = [1; D], plus the curvature of the derived values themselves."""
    half = contracted(hessian, slope, inputs)
    full = contracted(jnp.swapaxes(half, 1, 2), slope, inputs)
    where = np.array(inputs, dtype=np.int64)
    return full.at[:, where[:, None], where].add(bent)
