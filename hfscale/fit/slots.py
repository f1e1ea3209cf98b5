"""Many fits through a fixed number of lanes: a lane whose fit has ended takes the next one from the queue.

The compiled step has a fixed shape, so nothing recompiles, and no fit waits for a slower one.
"""

from typing import NamedTuple

import jax
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, Shaped

from hfscale.fit.newton import Method, State
from hfscale.fit.programs import step_program
from hfscale.fit.status import FitStatus
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure

_LARGE = 500_000
"""Numbers per lane, entries by parameters, of a large model."""


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


def lanes_for(structure: Structure, method: Method) -> int:
    """Lanes per step: enough to spread the cost of a call, few enough to stay in the cache of a core.

    A model too large for the cache gets a single lane, for memory's sake: more would gain nothing.
    """
    rows = structure.n_bins if method == "bulk" else structure.n_entries + structure.n_bins
    numbers = max(rows * structure.n_parameters, 1)
    if numbers > _LARGE:
        return 1
    return int(2 ** np.clip(np.round(np.log2(60_000 / numbers)), 2, 5))


def minimise(
    structure: Structure,
    shared: SharedNumbers,
    fits: PointNumbers,
    start: Float[np.ndarray, "fit parameter"],
) -> FitResults:
    """Minimise -ln L of every fit within its bounds: first in bulk, then exactly, from where that ended.

    Args:
        structure, shared: The group's program and common numbers.
        fits: Numbers of each fit; parameters marked `fixed` stay at their start values.
        start: Start values; free parameters outside their bounds are moved onto them.
    """
    bulk = _run(structure, "bulk", shared, fits, start)
    near = np.where(np.isfinite(bulk.nll)[:, None], bulk.theta, start)
    exact = _run(structure, "exact", shared, fits, near)
    return exact._replace(iterations=exact.iterations + bulk.iterations)


class _Queue:
    """Which lane works on which fit, on the host."""

    def __init__(
        self, structure: Structure, fits: PointNumbers, start: Float[np.ndarray, "fit parameter"], lanes: int
    ) -> None:
        n = len(start)
        self.fits, self.start = fits, start
        self.next = 0
        self.fit_of_lane = np.full(lanes, -1)
        self.points = fits.take(np.zeros(lanes, dtype=np.int64)) if n else fits
        self.state = _fresh_state(np.zeros((lanes, structure.n_parameters)), structure.n_bins)
        self.results = FitResults(*(np.zeros((n, *a.shape[1:]), a.dtype) for a in _results_of(self.state)))

    def refill(self) -> bool:
        """Give waiting fits to idle lanes; True if any lane changed."""
        idle = np.flatnonzero(self.fit_of_lane < 0)
        new = np.arange(self.next, min(self.next + len(idle), len(self.start)))
        if not len(new):
            return False
        lanes = idle[: len(new)]
        self.next += len(new)
        self.fit_of_lane[lanes] = new
        for own, source in zip(self.points, self.fits, strict=True):
            own[lanes] = source[new]
        fresh = _fresh_state(self.start[new], self.state.rates.shape[1])
        self.state = State(*(_with_rows(a, lanes, rows) for a, rows in zip(self.state, fresh, strict=True)))
        return True

    def collect(self) -> bool:
        """Store the results of lanes that have ended; True if any had."""
        status = np.asarray(self.state.status)
        ended = np.flatnonzero((status != FitStatus.NOT_RUN) & (self.fit_of_lane >= 0))
        if not len(ended):
            return False
        for own, source in zip(self.results, _results_of(self.state), strict=True):
            own[self.fit_of_lane[ended]] = source[ended]
        self.fit_of_lane[ended] = -1
        return True

    @property
    def running(self) -> bool:
        return bool((self.fit_of_lane >= 0).any())


def _run(
    structure: Structure,
    method: Method,
    shared: SharedNumbers,
    fits: PointNumbers,
    start: Float[np.ndarray, "fit parameter"],
) -> FitResults:
    lanes = lanes_for(structure, method)
    with jax.enable_x64(True):
        program = step_program(structure, method, lanes)
        queue = _Queue(structure, fits, start, lanes)
        queue.refill()
        points, common = jax.device_put(queue.points), jax.device_put(shared)
        while queue.running:
            queue.state = program(common, points, queue.state)
            if queue.collect() and queue.refill():
                points = jax.device_put(queue.points)
    return queue.results


def _results_of(state: State) -> tuple[np.ndarray, ...]:
    return tuple(np.asarray(getattr(state, name)) for name in FitResults._fields)


def _fresh_state(start: Float[np.ndarray, "fit parameter"], n_bins: int) -> State:
    """State of fits that are about to begin; NumPy arrays, for JAX would compile a program for every length."""
    n = len(start)
    return State(
        theta=start,
        nll=np.full(n, np.inf),
        direction=np.zeros_like(start),
        step=np.ones(n),
        edm=np.full(n, np.inf),
        rates=np.zeros((n, n_bins)),
        poi_variance=np.full(n, np.nan),
        safe=np.zeros(n, dtype=bool),
        iterations=np.zeros(n, dtype=np.int64),
        troubles=np.zeros(n, dtype=np.int64),
        status=np.full(n, int(FitStatus.NOT_RUN)),
    )


def _with_rows(
    array: Shaped[Array | np.ndarray, "..."],
    rows: Int[np.ndarray, " selected"],
    values: Shaped[Array | np.ndarray, "..."],
) -> Shaped[np.ndarray, "..."]:
    result = np.array(array)
    result[rows] = values
    return result
