"""Many fits through a fixed number of lanes: a lane whose fit has ended takes the next one from the queue.

The whole queue is worked off by one compiled loop, so that nothing waits for Python. Its shapes are fixed (lanes, and
the capacity of the queue), so nothing recompiles, and no fit waits for a slower one.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from hfscale.fit.newton import Method, State, step
from hfscale.fit.status import FitStatus
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure


class FitResults(NamedTuple):
    """Minima of a batch of fits; the leading axis counts fits.

    Attributes:
        theta: Parameters at the minimum, in the structure's internal order.
        nll: -ln L at the minimum.
        edm: Estimated distance to the minimum.
        rates: Expected rates at the minimum.
        poi_variance: Variance of the POI there, from the inverse Hessian.
        iterations, troubles: Evaluations, and how many were rejected or without positive definite Hessian.
        status: FitStatus of each fit.
    """

    theta: Float[np.ndarray, "fit parameter"]
    nll: Float[np.ndarray, " fit"]
    edm: Float[np.ndarray, " fit"]
    rates: Float[np.ndarray, "fit bin"]
    poi_variance: Float[np.ndarray, " fit"]
    iterations: Int[np.ndarray, " fit"]
    troubles: Int[np.ndarray, " fit"]
    status: Int[np.ndarray, " fit"]

    @property
    def succeeded(self) -> Bool[np.ndarray, " fit"]:
        """Fits whose minimum can be used."""
        good = [status for status in FitStatus if status.succeeded]
        return np.isin(self.status, good)

    def take_status(self, fit: int) -> FitStatus:
        """Status of one fit."""
        return FitStatus(int(self.status[fit]))

    def take(self, index: Int[np.ndarray, " selected"]) -> "FitResults":
        """Results of the given fits, in that order."""
        return FitResults(*(array[index] for array in self))


class _Work(NamedTuple):
    """Where the lanes stand.

    Attributes:
        state: Of every lane.
        fit: Which fit each lane works on; the capacity of the queue for idle lanes.
        next: First fit that no lane has taken.
        results: Fields of FitResults of the fits that have ended.
    """

    state: State
    fit: Int[Array, " lane"]
    next: Int[Array, ""]
    results: tuple[Array, ...]


def work_off(
    structure: Structure,
    method: Method,
    lanes: int,
    shared: SharedNumbers,
    fits: PointNumbers,
    start: Float[Array, "fit parameter"],
    count: Int[Array, ""],
) -> tuple[Array, ...]:
    """Minimise the first `count` fits of a queue; results (fields of FitResults) beyond them mean nothing."""
    capacity = start.shape[0]

    def running(work: _Work) -> Bool[Array, ""]:
        return (work.fit < capacity).any()

    def advance(work: _Work) -> _Work:
        state = step(structure, method, shared, PointNumbers(*(array[work.fit] for array in fits)), work.state)
        ended = (state.status != FitStatus.NOT_RUN) & (work.fit < capacity)
        place = jnp.where(ended, work.fit, capacity)
        rows = (getattr(state, name) for name in FitResults._fields)
        kept = zip(map(jnp.asarray, work.results), rows, strict=True)
        results = [array.at[place].set(row, mode="drop") for array, row in kept]
        following = work.next + jnp.cumsum(ended) - 1
        fit = jnp.where(ended, jnp.where(following < count, following, capacity), work.fit)
        fresh = _fresh(start[fit], structure.n_bins, idle=fit >= capacity)
        renewed = ended | (work.fit >= capacity)
        both = zip(map(jnp.asarray, fresh), state, strict=True)
        state = State(*(jnp.where(_column(renewed, new), new, old) for new, old in both))
        return _Work(state, fit, work.next + ended.sum(), tuple(results))

    first = jnp.arange(lanes)
    fit = jnp.where(first < count, first, capacity)
    state = _fresh(start[fit], structure.n_bins, idle=fit >= capacity)
    rows = map(jnp.asarray, (getattr(state, name) for name in FitResults._fields))
    results = tuple(jnp.zeros((capacity, *row.shape[1:]), row.dtype) for row in rows)
    return lax.while_loop(running, advance, _Work(state, fit, jnp.asarray(lanes), results)).results


def _column(which: Bool[Array, " lane"], like: Array) -> Bool[Array, "lane ..."]:
    return which.reshape((-1,) + (1,) * (like.ndim - 1))


def _fresh(start: Float[Array, "lane parameter"], n_bins: int, idle: Bool[Array, " lane"]) -> State:
    """State of fits that are about to begin. In an idle lane nothing is ever accepted, so it causes little work."""
    n = start.shape[0]
    return State(
        theta=start,
        nll=jnp.where(idle, -jnp.inf, jnp.inf),
        direction=jnp.zeros_like(start),
        step=jnp.ones(n),
        second=jnp.ones(n),
        edm=jnp.full(n, jnp.inf),
        rates=jnp.zeros((n, n_bins)),
        poi_variance=jnp.full(n, jnp.nan),
        safe=jnp.zeros(n, dtype=bool),
        iterations=jnp.zeros(n, dtype=jnp.int64),
        troubles=jnp.zeros(n, dtype=jnp.int64),
        status=jnp.full(n, int(FitStatus.NOT_RUN)),
    )
