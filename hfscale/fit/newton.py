"""One step of a bounded Newton minimisation of many likelihoods side by side ("lanes").

A step evaluates the likelihood at the trial point of every lane, accepts or shortens, and solves for the next
direction on the parameters that are free to move (neither fixed nor pushed against a bound). There are two methods:

- ``bulk`` uses a low-rank stand-in for the Hessian. It is cheap and brings a lane near a minimum; it certifies nothing.
- ``exact`` uses the exact Hessian, and the stand-in where that is not positive definite. A lane ends only where the
  exact one is positive definite and the estimated distance to the minimum, g^T H^-1 g / 2, is below the tolerance.
"""

from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from hfscale.fit.curvature import ArrowCurvature, LowRankCurvature, newton_step, within_bounds
from hfscale.fit.status import FitStatus
from hfscale.model.arrow import arrow_hessian, arrow_layout
from hfscale.model.derivatives import FirstOrder, first_order, low_rank_curvature
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

Method = Literal["bulk", "exact"]

TOLERANCE = 1e-10
"""Estimated distance to the minimum of -ln L at which a fit ends."""
BULK_TOLERANCE = 1e-12
"""The same for the bulk method, which hands over to the exact one there."""
MAX_ITERATIONS = 150
MAX_BULK_ITERATIONS = 25
_SHRINK = 0.3
_LARGEST_FALL = 0.9
_MOST_TROUBLES = 15
_SHORTEST_STEP = 1e-4
_GAMMA_FLOOR = 0.2
_NOISE = 1e-13


class State(NamedTuple):
    """Where every lane stands.

    Attributes:
        theta, nll: Best parameters so far and -ln L there; +inf before the first evaluation.
        direction, step: The next trial point is theta + step * direction, held inside the bounds.
        second: Step after the first, of length 1, is rejected.
        edm: Estimated distance to the minimum at theta.
        rates: Expected rates at theta.
        poi_variance: Variance of the POI from the inverse Hessian at theta.
        safe: The next direction is that of steepest descent.
        iterations, troubles: Evaluations, and how many of them were rejected or without positive definite Hessian.
        status: FitStatus, NOT_RUN while the lane is running.
    """

    theta: Float[Array | np.ndarray, "lane parameter"]
    nll: Float[Array | np.ndarray, " lane"]
    direction: Float[Array | np.ndarray, "lane parameter"]
    step: Float[Array | np.ndarray, " lane"]
    second: Float[Array | np.ndarray, " lane"]
    edm: Float[Array | np.ndarray, " lane"]
    rates: Float[Array | np.ndarray, "lane bin"]
    poi_variance: Float[Array | np.ndarray, " lane"]
    safe: Bool[Array | np.ndarray, " lane"]
    iterations: Int[Array | np.ndarray, " lane"]
    troubles: Int[Array | np.ndarray, " lane"]
    status: Int[Array | np.ndarray, " lane"]


def _trial(structure: Structure, points: PointNumbers, state: State) -> Float[Array, "lane parameter"]:
    trial = state.theta + state.step[:, None] * state.direction
    # Near zero a gamma's curvature explodes: let it fall slowly, so that the quadratic model stays true.
    trial = jnp.where(structure.gamma, jnp.maximum(trial, _GAMMA_FLOOR * state.theta), trial)
    return jnp.where(points.fixed, state.theta, jnp.clip(trial, points.lower, points.upper))


class _Proposal(NamedTuple):
    """Where to go from the trial point, and whether the lane has arrived there."""

    direction: Float[Array, "lane parameter"]
    edm: Float[Array, " lane"]
    poi_variance: Float[Array, " lane"]
    definite: Bool[Array, " lane"]
    flat: Bool[Array, " lane"]


class _Surroundings(NamedTuple):
    """The trial point of every lane: its derivatives, which parameters may move, and how far."""

    ev: FirstOrder
    low_rank: LowRankCurvature
    free: Bool[Array, "lane parameter"]
    room: tuple[Float[Array, "lane parameter"], Float[Array, "lane parameter"]]


def _low_rank_direction(at: _Surroundings, concerned: Bool[Array, " lane"]) -> Float[Array, "lane parameter"]:
    direction = at.low_rank.solve(at.free, -at.ev.gradient)
    return within_bounds(at.low_rank, at.ev.gradient, at.free, direction, at.room, concerned)


def _bulk(at: _Surroundings, accepted: Bool[Array, " lane"]) -> _Proposal:
    direction = at.low_rank.solve(at.free, -at.ev.gradient)
    edm = -0.5 * jnp.sum(at.ev.gradient * direction, axis=1)
    return _Proposal(
        direction=within_bounds(at.low_rank, at.ev.gradient, at.free, direction, at.room, accepted),
        edm=edm,
        poi_variance=jnp.full_like(edm, jnp.nan),
        definite=jnp.isfinite(direction).all(axis=1),
        flat=jnp.zeros_like(accepted),
    )


def _exact(
    structure: Structure,
    shared: SharedNumbers,
    points: PointNumbers,
    at: _Surroundings,
    accepted: Bool[Array, " lane"],
) -> _Proposal:
    layout = arrow_layout(structure)
    curvature = ArrowCurvature(layout, arrow_hessian(structure, layout, shared, points, at.ev))
    newton = newton_step(curvature, at.ev.gradient, at.free, structure.poi)
    usable = accepted & newton.definite
    inside = within_bounds(curvature, at.ev.gradient, at.free, newton.direction, at.room, usable)
    lost = accepted & ~newton.definite
    direction = lax.cond(
        lost.any(), lambda: jnp.where(lost[:, None], _low_rank_direction(at, lost), inside), lambda: inside
    )
    return _Proposal(direction, newton.edm, newton.poi_variance, newton.definite, newton.flat)


def _steepest(at: _Surroundings) -> Float[Array, "lane parameter"]:
    """Direction of steepest descent, scaled by the curvature of each parameter, inside the bounds."""
    curvature = at.low_rank.diagonal + jnp.sum(at.low_rank.rows**2, axis=1)
    moves = at.free & (curvature > 0)
    return jnp.clip(jnp.where(moves, -at.ev.gradient / jnp.where(moves, curvature, 1.0), 0.0), *at.room)


def _second_step(at: _Surroundings, direction: Float[Array, "lane parameter"]) -> Float[Array, " lane"]:
    """How far to go along a direction if all the way is too far: until the first rate has fallen to a tenth.

    It is rejected for such rates when the minimum has one at zero (Nocedal and Wright, section 19.2: the fraction to
    the boundary). On a bound of a parameter, a rate may be zero.
    """
    fall = jnp.max(-jnp.einsum("lbp,lp->lb", at.ev.jacobian, direction) / at.ev.positive, axis=1)
    return jnp.where(fall > _LARGEST_FALL, jnp.minimum(_LARGEST_FALL / fall, _LARGEST_FALL), _SHRINK)


def _at_edge(
    points: PointNumbers, iterations: Int[Array, " lane"], troubles: Int[Array, " lane"]
) -> Bool[Array, " lane"]:
    """Lanes that have had nothing but trouble, with a bin without events: its rate may be at zero at the minimum."""
    empty = jnp.any((jnp.asarray(points.data) == 0) & (points.bins > 0), axis=1)
    return empty & (troubles == iterations) & (iterations >= _MOST_TROUBLES)


def step(
    structure: Structure, method: Method, shared: SharedNumbers, points: PointNumbers, state: State
) -> State:  # fmt: skip
    """Advance every lane by one evaluation."""
    trial = _trial(structure, points, state)
    ev = first_order(structure, shared, points, trial)
    noise = _NOISE * jnp.abs(ev.nll) * structure.n_bins**0.5
    accepted = jnp.isfinite(ev.nll) & (ev.nll <= state.nll + noise)

    at_lower = (trial <= points.lower) & (ev.gradient > 0)
    at_upper = (trial >= points.upper) & (ev.gradient < 0)
    movable = jnp.logical_not(points.fixed)
    free = movable & ~at_lower & ~at_upper
    room = (jnp.asarray(points.lower) - trial, jnp.asarray(points.upper) - trial)
    low_rank = LowRankCurvature(*low_rank_curvature(structure, shared, points, ev))
    at = _Surroundings(ev, low_rank, free, room)
    exact = method == "exact"
    proposal = _exact(structure, shared, points, at, accepted) if exact else _bulk(at, accepted)
    descends = jnp.sum(ev.gradient * proposal.direction, axis=1) < 0
    direction = jnp.where((descends & ~state.safe)[:, None], proposal.direction, _steepest(at))

    shortened = jnp.where(state.step == 1.0, state.second, state.step * _SHRINK)
    exhausted = ~accepted & (shortened < _SHORTEST_STEP)
    # A lane whose line search fails goes on from its best point by one step of steepest descent.
    restart = exhausted & ~state.safe & jnp.isfinite(state.nll)
    kept = _Kept(accepted, restart)
    iterations = jnp.asarray(state.iterations) + 1
    troubles = state.troubles + (~accepted | ~proposal.definite)
    converged = accepted & proposal.definite & (proposal.edm < (TOLERANCE if exact else BULK_TOLERANCE))
    bound = (free != movable).any(axis=1)
    most = MAX_ITERATIONS if exact else MAX_BULK_ITERATIONS
    hopeless = _at_edge(points, iterations, troubles) | (~accepted & ~jnp.isfinite(state.nll))
    failed = ~converged & ((exhausted & ~restart) | (iterations >= most) | hopeless)
    success = jnp.where(proposal.flat, FitStatus.FLAT, jnp.where(bound, FitStatus.AT_BOUND, FitStatus.CONVERGED))
    failure = jnp.where(
        jnp.isfinite(jnp.where(accepted, ev.nll, state.nll)), FitStatus.NOT_CONVERGED, FitStatus.NOT_FINITE
    )
    return State(
        theta=kept.choose(trial, state.theta, state.theta),
        nll=kept.choose(ev.nll, state.nll, state.nll),
        direction=kept.choose(direction, jnp.zeros_like(direction), state.direction),
        step=kept.choose(jnp.ones_like(shortened), jnp.ones_like(shortened), shortened),
        second=kept.choose(_second_step(at, direction), jnp.full_like(shortened, _SHRINK), state.second),
        edm=kept.choose(proposal.edm, state.edm, state.edm),
        rates=kept.choose(ev.rates, state.rates, state.rates),
        poi_variance=kept.choose(proposal.poi_variance, state.poi_variance, state.poi_variance),
        safe=jnp.where(accepted, False, state.safe | restart),
        iterations=iterations,
        troubles=troubles,
        status=jnp.where(converged, success, jnp.where(failed, failure, FitStatus.NOT_RUN)).astype(jnp.int64),
    )


class _Kept(NamedTuple):
    """Which lanes moved on, and which start again from where they were."""

    accepted: Bool[Array, " lane"]
    restart: Bool[Array, " lane"]

    def choose(self, moved: Array, restarted: Array | np.ndarray, stayed: Array | np.ndarray) -> Array:
        shape = (-1,) + (1,) * (moved.ndim - 1)
        accepted, restart = self.accepted.reshape(shape), self.restart.reshape(shape)
        return jnp.where(accepted, moved, jnp.where(restart, restarted, stayed))
