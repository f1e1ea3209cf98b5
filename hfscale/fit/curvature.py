"""Quadratic models of a likelihood around a point, and Newton directions that respect bounds.

A curvature answers two questions about the parameters that move: H x = r, and H v. The dense one holds the exact
Hessian; the low-rank one a diagonal plus one row per bin, which costs bins^2 x parameters instead of parameters^3
(Woodbury).
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.scipy.linalg import solve_triangular
from jaxtyping import Bool, Float, Int

_RIDGE = 1e-12
"""Added to the Hessian once its diagonal is 1: directions that change nothing (two normalisations of one yield) are
singular up to rounding, and stay solvable with it. Steps along other directions change by as little."""
_SOFTEST = 1e-8
"""Curvature, in the same units, below which a direction counts as flat."""
_BOUND_PASSES = 6


class DenseCurvature(NamedTuple):
    """The exact Hessian of every lane."""

    hessian: Float[Array, "lane parameter parameter"]

    def solve(
        self, free: Bool[Array, "lane parameter"], right: Float[Array, "lane parameter"]
    ) -> Float[Array, "lane parameter"]:
        """Solve H x = right for the free parameters; the others get 0. NaN where H is not positive definite."""
        return factorise(self.hessian, free).solve(right[..., None])[..., 0]

    def multiply(self, vector: Float[Array, "lane parameter"]) -> Float[Array, "lane parameter"]:
        """H v."""
        return jnp.einsum("lpq,lq->lp", self.hessian, vector)


class LowRankCurvature(NamedTuple):
    """D + R^T R with a positive diagonal D and one row of R per bin."""

    diagonal: Float[Array, "lane parameter"]
    rows: Float[Array, "lane bin parameter"]

    def solve(
        self, free: Bool[Array, "lane parameter"], right: Float[Array, "lane parameter"]
    ) -> Float[Array, "lane parameter"]:
        """Solve (D + R^T R) x = right for the free parameters; the others get 0."""
        inverse = jnp.where(free & (self.diagonal > 0), 1.0 / jnp.where(self.diagonal > 0, self.diagonal, 1.0), 0.0)
        scaled = self.rows * inverse[:, None, :]
        kernel = jnp.einsum("lbp,lcp->lbc", scaled, self.rows) + jnp.eye(self.rows.shape[1])
        factor = jnp.linalg.cholesky(kernel, symmetrize_input=False)
        seen = jnp.einsum("lbp,lp->lb", scaled, right)[..., None]
        half = solve_triangular(factor, seen, lower=True)
        inner = solve_triangular(factor, half, lower=True, trans=1)[..., 0]
        return inverse * right - jnp.einsum("lbp,lb->lp", scaled, inner)

    def multiply(self, vector: Float[Array, "lane parameter"]) -> Float[Array, "lane parameter"]:
        """(D + R^T R) v."""
        seen = jnp.einsum("lbp,lp->lb", self.rows, vector)
        return self.diagonal * vector + jnp.einsum("lbp,lb->lp", self.rows, seen)


Curvature = DenseCurvature | LowRankCurvature


class Factored(NamedTuple):
    """Cholesky factor of the Hessian of the parameters that move, scaled to a unit diagonal."""

    factor: Float[Array, "lane parameter parameter"]
    scale: Float[Array, "lane parameter"]
    moves: Bool[Array, "lane parameter"]

    def solve(self, right: Float[Array, "lane parameter k"]) -> Float[Array, "lane parameter k"]:
        """Solve H x = right for the moving parameters; the others get 0. NaN where H is not positive definite."""
        half = solve_triangular(self.factor, right * self.scale[:, :, None], lower=True)
        return solve_triangular(self.factor, half, lower=True, trans=1) * self.scale[:, :, None]


def factorise(hessian: Float[Array, "lane parameter parameter"], free: Bool[Array, "lane parameter"]) -> Factored:
    """Factorise the Hessian of the free parameters that it depends on."""
    diagonal = jnp.abs(jnp.diagonal(hessian, axis1=1, axis2=2))
    moves = free & (diagonal > 0)
    scale = jnp.where(moves, 1.0 / jnp.sqrt(jnp.where(moves, diagonal, 1.0)), 0.0)
    scaled = hessian * scale[:, :, None] * scale[:, None, :]
    scaled += jnp.where(moves, _RIDGE, 1.0)[:, :, None] * jnp.eye(hessian.shape[-1])
    return Factored(jnp.linalg.cholesky(scaled, symmetrize_input=False), scale, moves)


class NewtonStep(NamedTuple):
    """Exact Newton direction of every lane.

    Attributes:
        direction: NaN where the Hessian is not positive definite.
        edm: Estimated distance to the minimum, g^T H^-1 g / 2.
        poi_variance: Variance of the POI from the inverse Hessian.
        definite: Whether the Hessian is positive definite on the free parameters, flat directions aside.
        flat: Whether the likelihood hardly changes along some direction of the free parameters.
    """

    direction: Float[Array, "lane parameter"]
    edm: Float[Array, " lane"]
    poi_variance: Float[Array, " lane"]
    definite: Bool[Array, " lane"]
    flat: Bool[Array, " lane"]


def newton_step(
    hessian: Float[Array, "lane parameter parameter"],
    gradient: Float[Array, "lane parameter"],
    free: Bool[Array, "lane parameter"],
    poi: int,
) -> NewtonStep:
    """Newton direction, its distance to the minimum, and the POI's variance.

    The variance comes from a unit vector where the POI moves, and from its row of the Hessian where it is fixed or at
    a bound (Schur complement). A flat direction shows in one step of inverse iteration from a random vector.
    """
    factored = factorise(hessian, free)
    row = hessian[:, poi, :]
    moving = factored.moves[:, poi]
    unit = jnp.zeros(hessian.shape[-1]).at[poi].set(1.0)
    probe = jnp.where(factored.moves, _probe(hessian.shape[-1]), 0.0)
    roots = jnp.where(factored.moves, 1.0 / jnp.where(factored.moves, factored.scale, 1.0), 0.0)
    sides = [-gradient, jnp.where(moving[:, None], unit, row), probe * roots]
    direction, companion, softened = jnp.moveaxis(factored.solve(jnp.stack(sides, axis=-1)), -1, 0)
    complement = row[:, poi] - jnp.sum(row * companion, axis=1)
    soft = jnp.sum(probe**2, axis=1) < _SOFTEST**2 * jnp.sum((softened * roots) ** 2, axis=1)
    # Without curvature a gradient leads on to a bound or to a rate of zero; only without either is it flat.
    linear = free & ~factored.moves & (gradient != 0)
    return NewtonStep(
        direction=direction,
        edm=-0.5 * jnp.sum(gradient * direction, axis=1),
        poi_variance=jnp.where(moving, companion[:, poi], 1.0 / complement),
        definite=jnp.isfinite(direction).all(axis=1) & ~linear.any(axis=1),
        flat=(free & ~factored.moves).any(axis=1) | soft,
    )


def _probe(n: int) -> Float[np.ndarray, " parameter"]:
    """A vector that has a part along every direction one meets: random, the same in every run."""
    return np.random.Generator(np.random.Philox(key=n)).normal(size=n)


class _Bounded(NamedTuple):
    """A direction inside the bounds in the making: parameters held at a bound, and how often it was solved."""

    direction: Float[Array, "lane parameter"]
    held: Bool[Array, "lane parameter"]
    passes: Int[Array, ""]


def within_bounds(
    curvature: Curvature,
    gradient: Float[Array, "lane parameter"],
    free: Bool[Array, "lane parameter"],
    direction: Float[Array, "lane parameter"],
    room: tuple[Float[Array, "lane parameter"], Float[Array, "lane parameter"]],
    concerned: Bool[Array, " lane"],
) -> Float[Array, "lane parameter"]:
    """Minimum of the quadratic model inside the bounds, approached by holding what crosses a bound first.

    Parameters that leave the bounds early along the direction stop there, and the others are solved again: clipping
    alone would leave them with a step that made sense only together with the forbidden one.

    Args:
        curvature, gradient: The quadratic model.
        free: Parameters that may move.
        direction: Its minimum without bounds.
        room: Distance to the lower and to the upper bounds.
        concerned: Lanes whose direction is asked for; the others do not cause work.
    """

    def share(d: Float[Array, "lane parameter"]) -> Float[Array, "lane parameter"]:
        limit = jnp.where(d < 0, room[0], room[1])
        crossing = (jnp.abs(d) > jnp.abs(limit)) & concerned[:, None]
        return jnp.where(crossing, limit / jnp.where(d == 0, 1.0, d), 1.0)

    def crosses(state: _Bounded) -> Bool[Array, ""]:
        return (share(state.direction) < 1.0).any() & (state.passes < _BOUND_PASSES)

    def again(state: _Bounded) -> _Bounded:
        part = share(state.direction)
        first = jnp.min(part, axis=1, keepdims=True)
        held = state.held | ((part < 1.0) & (part <= first))
        pushed = jnp.where(held, jnp.clip(state.direction, *room), 0.0)
        rest = curvature.solve(free & ~held, -(gradient + curvature.multiply(pushed)))
        return _Bounded(jnp.where(held, pushed, rest), held, state.passes + 1)

    start = _Bounded(direction, jnp.zeros_like(free), jnp.array(0))
    return lax.while_loop(crosses, again, start).direction
