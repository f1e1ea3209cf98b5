"""The global p-value of a search: how often the background alone has a point as significant as the data's."""

from typing import Any

import numpy as np
from jaxtyping import Int

from hfscale.inference.toys.look_elsewhere import GlobalPValue, global_p_value
from hfscale.plan.cells import Cell
from hfscale.reading.p_values import observed_statistics, significance_of
from hfscale.reading.records import number, numbers
from hfscale.reading.toys import read_statistics
from hfscale.store.store import ResultStore

_TESTED = 0
"""Toys of the background-only hypothesis, which q0 tests."""


def with_global_p0(store: ResultStore, points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the global p-value to the JSON object of the most significant point; nothing where there are no toys.

    Toys of one index are the same pseudo-data at all points of one background model, as points have whose patches only
    add a signal. Points of other models are not compared, and the reason is told.
    """
    if not store.rounds:
        return points
    found = read_global_p0(store)
    if found.point < 0 or not found.n_toys:
        return points
    fields = {
        "global_p0": number(found.global_p),
        "global_Z": significance_of(found.global_p),
        "global_p0_interval": numbers(found.global_interval),
        "points": found.n_points,
        "toys": found.n_toys,
        **_reason(found),
    }
    return [{**point, "search": fields} if k == found.point else point for k, point in enumerate(points)]


def read_global_p0(store: ResultStore) -> GlobalPValue:
    """Compute the global p-value of the most significant signal point of a store with toys of q0."""
    observed = observed_statistics(store)[:, 0]
    cells = [Cell(point) for point in range(len(observed))]
    q, status = (np.stack([array[_TESTED] for array in arrays]) for arrays in zip(*read_statistics(store, cells)))
    return global_p_value(observed, q, status, _background_models(store))


def _background_models(store: ResultStore) -> Int[np.ndarray, " point"] | None:
    """The background model of each point, None where an earlier version did not record it."""
    numbers = store.attributes["provenance"].get("background_models")
    return None if numbers is None else np.array(numbers, dtype=np.int64)


def _reason(found: GlobalPValue) -> dict[str, str]:
    """Why points are not compared, where some are not."""
    if not found.n_other_models:
        return {}
    n = found.n_points + found.n_other_models
    return {
        "reason": f"{found.n_other_models} of {n} points have another background model than the most significant one:"
        " their toys are other pseudo-data, so that they are not compared"
    }
