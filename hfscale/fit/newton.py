"""One step of a bounded Newton minimisation of many likelihoods side by side ("lanes").

A step evaluates the likelihood at the trial point of every lane, accepts or shortens, and solves for the next
direction with the exact Hessian on the parameters that are free to move (neither fixed nor pushed against a bound).
Where that Hessian is not positive definite, a Gauss-Newton stand-in gives the direction; a lane ends only where the
exact one is positive definite and the estimated distance to the minimum, g^T H^-1 g / 2, is below the tolerance.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax
from jax.scipy.linalg import solve_triangular
from jaxtyping import Bool, Float, Int

from hfscale.fit.status import FitStatus
from hfscale.model.likelihood import evaluate
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

TOLERANCE = 1e-10
"""Estimated distance to the minimum of -ln L at which a fit ends."""
MAX_ITERATIONS = 150
_SHRINK = 0.3
_SHORTEST_STEP = 1e-4
_GAMMA_FLOOR = 0.2
_NOISE = 1e-13
_SINGULAR = 1e-12
_BOUND_PASSES = 6


class State(NamedTuple):
    """Where every lane stands.

    Attributes:
        theta, nll: Best parameters so far and -ln L there; +inf before the first evaluation.
        direction, step: The next trial point is theta + step * direction, held inside the bounds.
        edm: Estimated distance to the minimum at theta.
        rates: Expected rates at theta.
        poi_variance: Variance of the POI from the inverse Hessian at theta.
        safe: The next direction is that of steepest descent.
        iterations, troubles: Evaluations, and how many of them were rejected or without positive definite Hessian.
        status: FitStatus, NOT_RUN while the lane is running.
    """

    theta: Float[Array, "lane parameter"]
    nll: Float[Array, " lane"]
    direction: Float[Array, "lane parameter"]
    step: Float[Array, " lane"]
    edm: Float[Array, " lane"]
    rates: Float[Array, "lane bin"]
    poi_variance: Float[Array, " lane"]
    safe: Bool[Array, " lane"]
    iterations: Int[Array, " lane"]
    troubles: Int[Array, " lane"]
    status: Int[Array, " lane"]


class _Factored(NamedTuple):
    """Cholesky factor of the Hessian of the parameters that move, scaled to a unit diagonal."""

    factor: Float[Array, "lane parameter parameter"]
    scale: Float[Array, "lane parameter"]
    moves: Bool[Array, "lane parameter"]

    def solve(self, right: Float[Array, "lane parameter k"]) -> Float[Array, "lane parameter k"]:
        """Solve H x = right for the moving parameters; the others get 0. NaN where H is not positive definite."""
        half = solve_triangular(self.factor, right * self.scale[:, :, None], lower=True)
        return solve_triangular(self.factor, half, lower=True, trans=1) * self.scale[:, :, None]


class _Solution(NamedTuple):
    direction: Float[Array, "lane parameter"]
    edm: Float[Array, " lane"]
    poi_variance: Float[Array, " lane"]
    definite: Bool[Array, " lane"]
    flat: Bool[Array, " lane"]


def _trial(structure: Structure, points: PointNumbers, state: State) -> Float[Array, "lane parameter"]:
    trial = state.theta + state.step[:, None] * state.direction
    # Near zero a gamma's curvature explodes: let it fall slowly, so that the quadratic model stays true.
    trial = jnp.where(structure.gamma, jnp.maximum(trial, _GAMMA_FLOOR * state.theta), trial)
    return jnp.where(points.fixed, state.theta, jnp.clip(trial, points.lower, points.upper))


def _factor(hessian: Float[Array, "lane parameter parameter"], free: Bool[Array, "lane parameter"]) -> _Factored:
    diagonal = jnp.abs(jnp.diagonal(hessian, axis1=1, axis2=2))
    moves = free & (diagonal > 0)
    scale = jnp.where(moves, 1.0 / jnp.sqrt(jnp.where(moves, diagonal, 1.0)), 0.0)
    scaled = hessian * scale[:, :, None] * scale[:, None, :]
    scaled += jnp.where(moves, 0.0, 1.0)[:, :, None] * jnp.eye(hessian.shape[-1])
    return _Factored(jnp.linalg.cholesky(scaled, symmetrize_input=False), scale, moves)


def _newton(
    hessian: Float[Array, "lane parameter parameter"],
    gradient: Float[Array, "lane parameter"],
    free: Bool[Array, "lane parameter"],
    poi: int,
) -> _Solution:
    """Newton direction, its distance to the minimum, and the POI's variance.

    The variance comes from a unit vector where the POI moves, and from its row of the Hessian where it is fixed or at
    a bound (Schur complement).
    """
    factored = _factor(hessian, free)
    row = hessian[:, poi, :]
    moving = factored.moves[:, poi]
    unit = jnp.zeros(hessian.shape[-1]).at[poi].set(1.0)
    solution = factored.solve(jnp.stack([-gradient, jnp.where(moving[:, None], unit, row)], axis=-1))
    direction, companion = solution[..., 0], solution[..., 1]
    complement = row[:, poi] - jnp.sum(row * companion, axis=1)
    pivots = jnp.diagonal(factored.factor, axis1=1, axis2=2)
    return _Solution(
        direction=direction,
        edm=-0.5 * jnp.sum(gradient * direction, axis=1),
        poi_variance=jnp.where(moving, companion[:, poi], 1.0 / complement),
        definite=jnp.isfinite(direction).all(axis=1),
        flat=(free & ~factored.moves).any(axis=1) | (jnp.min(pivots, axis=1) ** 2 < _SINGULAR),
    )


def _steepest(
    hessian: Float[Array, "lane parameter parameter"],
    gradient: Float[Array, "lane parameter"],
    free: Bool[Array, "lane parameter"],
) -> Float[Array, "lane parameter"]:
    diagonal = jnp.diagonal(hessian, axis1=1, axis2=2)
    return jnp.where(free & (diagonal > 0), -gradient / jnp.where(diagonal > 0, diagonal, 1.0), 0.0)


class _Bounded(NamedTuple):
    """A direction inside the bounds in the making: parameters held at a bound, and how often it was solved."""

    direction: Float[Array, "lane parameter"]
    held: Bool[Array, "lane parameter"]
    passes: Int[Array, ""]


def _within_bounds(
    hessian: Float[Array, "lane parameter parameter"],
    gradient: Float[Array, "lane parameter"],
    free: Bool[Array, "lane parameter"],
    direction: Float[Array, "lane parameter"],
    room: tuple[Float[Array, "lane parameter"], Float[Array, "lane parameter"]],
) -> Float[Array, "lane parameter"]:
    """Minimum of the quadratic model inside the bounds, approached by holding what crosses a bound first.

    Parameters that leave the bounds early along the direction stop there, and the others are solved again: clipping
    alone would leave them with a step that made sense only together with the forbidden one.
    """

    def share(d: Float[Array, "lane parameter"]) -> Float[Array, "lane parameter"]:
        limit = jnp.where(d < 0, room[0], room[1])
        return jnp.where(jnp.abs(d) > jnp.abs(limit), limit / jnp.where(d == 0, 1.0, d), 1.0)

    def crosses(state: _Bounded) -> Bool[Array, ""]:
        return (share(state.direction) < 1.0).any() & (state.passes < _BOUND_PASSES)

    def again(state: _Bounded) -> _Bounded:
        part = share(state.direction)
        first = jnp.min(part, axis=1, keepdims=True)
        held = state.held | ((part < 1.0) & (part <= first))
        pushed = jnp.where(held, jnp.clip(state.direction, *room), 0.0)
        gradient_there = gradient + jnp.einsum("lpq,lq->lp", hessian, pushed)
        rest = _factor(hessian, free & ~held).solve(-gradient_there[..., None])[..., 0]
        return _Bounded(jnp.where(held, pushed, rest), held, state.passes + 1)

    start = _Bounded(direction, jnp.zeros_like(free), jnp.array(0))
    return lax.while_loop(crosses, again, start).direction


def step(structure: Structure, shared: SharedNumbers, points: PointNumbers, state: State) -> State:
    """Advance every lane by one evaluation."""
    trial = _trial(structure, points, state)
    ev = evaluate(structure, shared, points, trial)
    noise = _NOISE * jnp.abs(ev.nll) * structure.n_bins**0.5
    accepted = jnp.isfinite(ev.nll) & (ev.nll <= state.nll + noise)

    at_lower = (trial <= points.lower) & (ev.gradient > 0)
    at_upper = (trial >= points.upper) & (ev.gradient < 0)
    movable = jnp.logical_not(points.fixed)
    free = movable & ~at_lower & ~at_upper
    room = (jnp.asarray(points.lower) - trial, jnp.asarray(points.upper) - trial)
    exact = _newton(ev.hessian, ev.gradient, free, structure.poi)
    hessian = jnp.where(exact.definite[:, None, None], ev.hessian, ev.gauss_newton)
    direction = lax.cond(
        (accepted & ~exact.definite).any(),
        lambda: _newton(hessian, ev.gradient, free, structure.poi).direction,
        lambda: exact.direction,
    )
    direction = _within_bounds(hessian, ev.gradient, free, direction, room)
    descends = jnp.sum(ev.gradient * direction, axis=1) < 0
    steepest = jnp.clip(_steepest(ev.gauss_newton, ev.gradient, free), *room)
    direction = jnp.where((descends & ~state.safe)[:, None], direction, steepest)

    shortened = state.step * _SHRINK
    exhausted = ~accepted & (shortened < _SHORTEST_STEP)
    # A lane whose line search fails goes on from its best point by one step of steepest descent.
    restart = exhausted & ~state.safe & jnp.isfinite(state.nll)
    kept = _Kept(accepted, restart)
    iterations = state.iterations + 1
    converged = accepted & exact.definite & (exact.edm < TOLERANCE)
    bound = (free != movable).any(axis=1)
    failed = ~converged & ((exhausted & ~restart) | (iterations >= MAX_ITERATIONS))
    success = jnp.where(exact.flat, FitStatus.FLAT, jnp.where(bound, FitStatus.AT_BOUND, FitStatus.CONVERGED))
    failure = jnp.where(
        jnp.isfinite(jnp.where(accepted, ev.nll, state.nll)), FitStatus.NOT_CONVERGED, FitStatus.NOT_FINITE
    )
    return State(
        theta=kept.choose(trial, state.theta, state.theta),
        nll=kept.choose(ev.nll, state.nll, state.nll),
        direction=kept.choose(direction, jnp.zeros_like(direction), state.direction),
        step=kept.choose(jnp.ones_like(shortened), jnp.ones_like(shortened), shortened),
        edm=kept.choose(exact.edm, state.edm, state.edm),
        rates=kept.choose(ev.rates, state.rates, state.rates),
        poi_variance=kept.choose(exact.poi_variance, state.poi_variance, state.poi_variance),
        safe=jnp.where(accepted, False, state.safe | restart),
        iterations=iterations,
        troubles=state.troubles + (~accepted | ~exact.definite),
        status=jnp.where(converged, success, jnp.where(failed, failure, FitStatus.NOT_RUN)).astype(jnp.int64),
    )


class _Kept(NamedTuple):
    """Which lanes moved on, and which start again from where they were."""

    accepted: Bool[Array, " lane"]
    restart: Bool[Array, " lane"]

    def choose(self, moved: Array, restarted: Array, stayed: Array) -> Array:
        shape = (-1,) + (1,) * (moved.ndim - 1)
        accepted, restart = self.accepted.reshape(shape), self.restart.reshape(shape)
        return jnp.where(accepted, moved, jnp.where(restart, restarted, stayed))
