"""The global p-value of the most significant of several signal points, from toys of the background. Knows no JAX.

Points with the same background model share their background toys: toy k is the same pseudo-data at all of them. So the
share of toys in which some point is at least as significant as the most significant one of the data is the p-value of
the whole search, with all correlations between the points (Gross, Vitells, Eur. Phys. J. C 70 (2010) 525, section 1).
Toys of points with another background model are other pseudo-data, so that these points are not compared.

Local p-values are shares of toys with a statistic at least as large, of the data as of each toy, so that points with
different distributions of the statistic compare. As the share of toys with a local p-value of at most j / n is j / n
at each point, whatever the toys, nearly all of the uncertainty is that of the observed local p-value: its Jeffreys
interval (`hfscale.inference.toys.intervals`) is carried over.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hfscale.inference.toys.intervals import share_interval
from hfscale.inference.toys.p_values import TIE_TOLERANCE
from hfscale.inference.toys.results import ToyStatus


@dataclass(frozen=True)
class GlobalPValue:
    """The most significant signal point, and how often the background alone has one like it somewhere.

    Attributes:
        point: Position of the point with the least local p-value; among equal ones, that with the largest statistic.
            -1 where no point has an observed statistic.
        local_p, global_p: Shares of toys, NaN where there are no toys or no point.
        local_interval, global_interval: 68.3 % intervals; they start at 0 where no toy is above the data.
        n_points: Points that were compared: those with an observed statistic and the same background model.
        n_other_models: Points with an observed statistic and another background model than the most significant one.
        n_toys: Toys that are finished at all of them.
        n_left_out: Toys that failed at one of them, or were run at some only.
    """

    point: int
    local_p: float
    global_p: float
    local_interval: Float[np.ndarray, " side"]
    global_interval: Float[np.ndarray, " side"]
    n_points: int
    n_other_models: int
    n_toys: int
    n_left_out: int


def global_p_value(
    q0_obs: Float[np.ndarray, " point"],
    q0: Float[np.ndarray, "point toy"],
    status: Int[np.ndarray, "point toy"],
    models: Int[np.ndarray, " point"] | None = None,
) -> GlobalPValue:
    """Local and global p-value of the most significant of several points.

    Args:
        q0_obs: Observed statistic of each point, NaN where there is none; such points are not compared.
        q0, status: Statistic and ToyStatus of background toys. Toys of one column are the same pseudo-data at points of
            the same background model.
        models: Number of the background model of each point (`hfscale.work.models.background_models`); without it, all
            are the same.
    """
    known = np.flatnonzero(np.isfinite(q0_obs))
    compared = known if models is None else _of_one_model(known, q0_obs, q0, status, models)
    n_others = len(known) - len(compared)
    good = status[compared] == ToyStatus.OK
    finished = good.all(axis=0)
    left_out = int(((status[compared] != ToyStatus.NOT_RUN).any(axis=0) & ~finished).sum())
    n = int(finished.sum()) if len(compared) else 0
    if not n:
        point = int(compared[np.argmax(q0_obs[compared])]) if len(compared) else -1
        unknown = np.full(2, np.nan)
        return GlobalPValue(point, np.nan, np.nan, unknown, unknown, len(compared), n_others, 0, left_out)
    above, least = np.empty(len(compared), dtype=np.int64), np.full(n, n)
    for k, row in enumerate(compared):
        toys = q0[row, finished]
        ordered = np.sort(toys)
        above[k] = _above(ordered, q0_obs[[row]])[0]
        least = np.minimum(least, _above(ordered, toys))
    best = np.lexsort((-q0_obs[compared], above))[0]
    local, point = int(above[best]), int(compared[best])
    local_interval = share_interval(local, n) if q0_obs[point] > TIE_TOLERANCE else np.ones(2)
    return GlobalPValue(
        point=point,
        local_p=local / n,
        global_p=float(np.mean(least <= local)),
        local_interval=local_interval,
        global_interval=_carried_over(least / n, local / n, local_interval),
        n_points=len(compared),
        n_other_models=n_others,
        n_toys=n,
        n_left_out=left_out,
    )


def _of_one_model(
    points: Int[np.ndarray, " known"],
    q0_obs: Float[np.ndarray, " point"],
    q0: Float[np.ndarray, "point toy"],
    status: Int[np.ndarray, "point toy"],
    models: Int[np.ndarray, " point"],
) -> Int[np.ndarray, " compared"]:
    """Those of some points that have the background model of the most significant one by its own toys."""
    if len(np.unique(models[points])) < 2:
        return points
    local = np.ones(len(points))
    for k, point in enumerate(points):
        toys = np.sort(q0[point, status[point] == ToyStatus.OK])
        if len(toys):
            local[k] = _above(toys, q0_obs[[point]])[0] / len(toys)
    best = points[np.lexsort((-q0_obs[points], local))[0]]
    chosen: Int[np.ndarray, " compared"] = points[models[points] == models[best]]
    return chosen


def _above(ordered: Float[np.ndarray, " toy"], q: Float[np.ndarray, " value"]) -> Int[np.ndarray, " value"]:
    """How many of the ordered statistics are at least as large as each of `q`, ties included."""
    below: Int[np.ndarray, " value"] = np.searchsorted(ordered, q - TIE_TOLERANCE * (1.0 + np.abs(q)))
    return len(ordered) - below


def _carried_over(
    least: Float[np.ndarray, " toy"], local: float, interval: Float[np.ndarray, " side"]
) -> Float[np.ndarray, " side"]:
    """Share of toys whose least local p-value is at most each end of an interval, between shares by straight lines."""
    found, numbers = np.unique(least, return_counts=True)
    places = np.concatenate([[0.0], found])
    shares = np.concatenate([[0.0], np.cumsum(numbers) / len(least)])
    low, high = np.interp(interval, places, shares)
    value = float(np.mean(least <= local))
    return np.array([min(low, value), max(high, value)])
