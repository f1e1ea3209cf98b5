"""Quadratic models of a likelihood around a point, and Newton directions that respect bounds.

A curvature answers two questions about the parameters that move: H x = r, and H v. The arrow holds the exact Hessian
in blocks; the low-rank one a diagonal plus one row per bin, which costs bins^2 x parameters instead of parameters^3
(Woodbury).
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.scipy.linalg import solve_triangular
from jaxtyping import Bool, Float, Int

from hfscale.model.arrow import ArrowHessian, ArrowLayout

_RIDGE = 1e-12
"""Added to the Hessian once its diagonal is 1: directions that change nothing (two normalisations of one yield) are
singular up to rounding, and stay solvable with it. Steps along other directions change by as little."""
_SOFTEST = 1e-8
"""Curvature, in the same units, below which a direction counts as flat."""
_BOUND_PASSES = 6
_BULK_BOUND_PASSES = 2


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


class ArrowCurvature(NamedTuple):
    """The exact Hessian of every lane, in blocks."""

    layout: ArrowLayout
    hessian: ArrowHessian

    def solve(
        self, free: Bool[Array, "lane parameter"], right: Float[Array, "lane parameter"]
    ) -> Float[Array, "lane parameter"]:
        """Solve H x = right for the free parameters; the others get 0. NaN where H is not positive definite."""
        return factorise(self, free).solve(right[..., None])[..., 0]

    def multiply(self, vector: Float[Array, "lane parameter"]) -> Float[Array, "lane parameter"]:
        """H v."""
        h = self.hessian
        core, local = self.layout.split(vector)
        border = jnp.einsum("lbmg,lbm->lg", h.border, local)
        inner = jnp.einsum("lbmg,lg->lbm", h.border, core) + jnp.einsum("lbmn,lbn->lbm", h.blocks, local)
        return self.layout.join(jnp.einsum("lgh,lh->lg", h.core, core) + border, inner)

    def diagonal(self) -> Float[Array, "lane parameter"]:
        """Diagonal of H."""
        h = self.hessian
        return self.layout.join(
            jnp.diagonal(h.core, axis1=1, axis2=2), jnp.diagonal(h.blocks, axis1=2, axis2=3)
        )  # fmt: skip

    def row(self, parameter: int) -> Float[Array, "lane parameter"]:
        """Row of H that belongs to a parameter of the core."""
        place = int(np.searchsorted(self.layout.core, parameter))
        return self.layout.join(self.hessian.core[:, place], self.hessian.border[..., place])


def dense_curvature(hessian: Float[Array, "lane parameter parameter"]) -> ArrowCurvature:
    """A Hessian that is given as one matrix: all core."""
    n = hessian.shape[-1]
    layout = ArrowLayout(n, np.arange(n), np.zeros((0, 0), dtype=np.int64))
    empty = jnp.zeros((hessian.shape[0], 0, 0, n))
    return ArrowCurvature(layout, ArrowHessian(hessian, empty, empty[..., :0]))


Curvature = ArrowCurvature | LowRankCurvature


class Factored(NamedTuple):
    """Cholesky factors of the Hessian of the parameters that move, scaled to a unit diagonal.

    The blocks of the bins are factorised first and eliminated from the core (Schur complement).

    Attributes:
        layout: Which parameters are where.
        core: Factor of the complement.
        blocks: Factors of the blocks.
        border: Border, solved with the factors of the blocks.
        scale: One over the root of the diagonal, 0 for parameters that do not move.
        moves: Parameters that move.
    """

    layout: ArrowLayout
    core: Float[Array, "lane core core"]
    blocks: Float[Array, "lane bin slot slot"]
    border: Float[Array, "lane bin slot core"]
    scale: Float[Array, "lane parameter"]
    moves: Bool[Array, "lane parameter"]

    def solve(self, right: Float[Array, "lane parameter k"]) -> Float[Array, "lane parameter k"]:
        """Solve H x = right for the moving parameters; the others get 0. NaN where H is not positive definite."""
        core, local = self.layout.split(right * self.scale[:, :, None])
        if not self.layout.has_local:
            return self.layout.join(_cholesky_solve(self.core, core), local) * self.scale[:, :, None]
        half = solve_triangular(self.blocks, local, lower=True)
        inner = _cholesky_solve(self.core, core - jnp.einsum("lbmg,lbmk->lgk", self.border, half))
        rest = half - jnp.einsum("lbmg,lgk->lbmk", self.border, inner)
        outer = solve_triangular(self.blocks, rest, lower=True, trans=1)
        return self.layout.join(inner, outer) * self.scale[:, :, None]


def _cholesky_solve(factor: Float[Array, "lane n n"], right: Float[Array, "lane n k"]) -> Float[Array, "lane n k"]:
    half = solve_triangular(factor, right, lower=True)
    return solve_triangular(factor, half, lower=True, trans=1)


def factorise(curvature: ArrowCurvature, free: Bool[Array, "lane parameter"]) -> Factored:
    """Factorise the Hessian of the free parameters that it depends on."""
    layout, hessian = curvature
    diagonal = jnp.abs(curvature.diagonal())
    moves = free & (diagonal > 0)
    scale = jnp.where(moves, 1.0 / jnp.sqrt(jnp.where(moves, diagonal, 1.0)), 0.0)
    core, local = layout.split(scale)
    ridge = jnp.where(moves, _RIDGE, 1.0)
    # A place without a parameter gets 0 from `split` where it needs 1.
    ridge_core, ridge_local = layout.split(ridge - 1.0)
    scaled = hessian.core * core[:, :, None] * core[:, None, :]
    scaled += (ridge_core + 1.0)[:, :, None] * jnp.eye(len(layout.core))
    if not layout.has_local:
        factor = jnp.linalg.cholesky(scaled, symmetrize_input=False)
        return Factored(layout, factor, hessian.blocks, hessian.border, scale, moves)
    blocks = hessian.blocks * local[..., None] * local[..., None, :]
    blocks += (ridge_local + 1.0)[..., None] * jnp.eye(local.shape[-1])
    blocks = jnp.linalg.cholesky(blocks, symmetrize_input=False)
    inverse = solve_triangular(blocks, jnp.broadcast_to(jnp.eye(local.shape[-1]), blocks.shape), lower=True)
    border = _small_products(inverse, hessian.border * local[..., None] * core[:, None, None, :])
    flat = border.reshape(len(border), -1, border.shape[-1])
    complement = scaled - jnp.einsum("lsg,lsh->lgh", flat, flat)
    return Factored(layout, jnp.linalg.cholesky(complement, symmetrize_input=False), blocks, border, scale, moves)


def _small_products(
    factors: Float[Array, "lane bin slot slot"], border: Float[Array, "lane bin slot core"]
) -> Float[Array, "lane bin slot core"]:
    """Products with one small matrix per bin, written as sums: many tiny matrix products take longer."""
    total = jnp.zeros_like(border)
    for k in range(factors.shape[-1]):
        total += factors[..., k, None] * border[:, :, k, None, :]
    return total


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
    curvature: ArrowCurvature,
    gradient: Float[Array, "lane parameter"],
    free: Bool[Array, "lane parameter"],
    poi: int,
) -> NewtonStep:
    """Newton direction, its distance to the minimum, and the POI's variance.

    The variance comes from a unit vector where the POI moves, and from its row of the Hessian where it is fixed or at
    a bound (Schur complement). A flat direction shows in one step of inverse iteration from a random vector.
    """
    n = gradient.shape[-1]
    factored = factorise(curvature, free)
    row = curvature.row(poi)
    moving = factored.moves[:, poi]
    unit = jnp.zeros(n).at[poi].set(1.0)
    probe = jnp.where(factored.moves, _probe(n), 0.0)
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

    # The low-rank direction is rough anyway; one lane that needs many passes would keep all others waiting.
    most = _BULK_BOUND_PASSES if isinstance(curvature, LowRankCurvature) else _BOUND_PASSES

    def crosses(state: _Bounded) -> Bool[Array, ""]:
        return (share(state.direction) < 1.0).any() & (state.passes < most)

    def again(state: _Bounded) -> _Bounded:
        part = share(state.direction)
        first = jnp.min(part, axis=1, keepdims=True)
        held = state.held | ((part < 1.0) & (part <= first))
        pushed = jnp.where(held, jnp.clip(state.direction, *room), 0.0)
        rest = curvature.solve(free & ~held, -(gradient + curvature.multiply(pushed)))
        return _Bounded(jnp.where(held, pushed, rest), held, state.passes + 1)

    start = _Bounded(direction, jnp.zeros_like(free), jnp.array(0))
    return lax.while_loop(crosses, again, start).direction
