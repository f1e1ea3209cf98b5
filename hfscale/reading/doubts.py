"""Where asymptotic results of a store are doubtful, as JSON fields."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from hfscale.inference.asymptotics import asymptotic_p_values
from hfscale.inference.validity import AsymptoticsFlag, validity
from hfscale.plan.settings import Calculation

_MEDIAN = 2


def with_doubts(points: Sequence[Mapping[str, Any]], calculation: Calculation) -> list[dict[str, Any]]:
    """Add to each object the short names of what speaks against asymptotic formulas, few events or toys.

    The observed CLs is compared, the median expected one where there are no data.
    """
    q, q_asimov, events = (_column(points, key) for key in ("q", "q_asimov", "effective_events"))
    known = np.isfinite(q_asimov)
    found = asymptotic_p_values(np.where(np.isfinite(q), q, 0.0), np.where(known, q_asimov, 0.0), calculation.test_stat)
    blind = calculation.expected_only
    CLs = np.where(
        known, found.CLs_exp[:, _MEDIAN] if blind else np.where(np.isfinite(q), found.CLs_obs, np.nan), np.nan
    )
    toys, interval = _of_toys(points, blind) if calculation.toybased else (np.full_like(CLs, np.nan), None)
    flags = validity(events, CLs, toys, np.full((len(CLs), 2), np.nan) if interval is None else interval)
    return [
        {**point, "asymptotics_doubts": list(AsymptoticsFlag(int(flag)).reasons)}
        for point, flag in zip(points, flags, strict=True)
    ]


def _of_toys(
    points: Sequence[Mapping[str, Any]], blind: bool
) -> tuple[Float[np.ndarray, " point"], Float[np.ndarray, "point side"]]:
    """CLs of toys, and its interval."""
    values, intervals = [], []
    for point in points:
        band, ends = point["CLs_exp"], point["toys"]["CLs_exp_interval"][_MEDIAN]
        values.append((band[_MEDIAN] if band else None) if blind else point["CLs_obs"])
        intervals.append(ends if blind else point["toys"]["CLs_obs_interval"])
    return np.array(values, dtype=np.float64), np.array(intervals, dtype=np.float64).reshape(-1, 2)


def _column(points: Sequence[Mapping[str, Any]], key: str) -> Float[np.ndarray, " point"]:
    return np.array([point.get(key) for point in points], dtype=np.float64)
