"""Samples whose expected yields are negative at a best fit: a likelihood allows it, but it is rarely meant."""

from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from hfscale.inference.measurement.minima import Minima
from hfscale.model.likelihood import sample_rates
from hfscale.model.structure import ModelGroup, PointNumbers, SharedNumbers, Structure

_LANES = 16
_MOST = 5
"""Samples that are named; of others it is said how many there are."""


@lru_cache(maxsize=8)
def _program(structure: Structure) -> Any:
    return jax.jit(partial(_rates, structure))


def _rates(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Float[Array, "lane parameter"]
) -> Float[Array, "lane entry"]:
    return sample_rates(structure, shared, points, theta)


def negative_yields(
    group: ModelGroup, rows: Int[np.ndarray, " point"], minima: Minima
) -> list[tuple[str, ...]]:  # fmt: skip
    """One sentence for each point with negative yields at its best fit: which samples, in which bins, how many events.

    Args:
        group, rows: The points.
        minima: Their best fits.
    """
    program, found = _program(group.structure), []
    for begin in range(0, len(rows), _LANES):
        index = np.minimum(np.arange(begin, begin + _LANES), len(rows) - 1)
        with jax.enable_x64(True):
            yields = np.asarray(program(group.shared, minima.points.take(index), minima.free.theta[index]))
        # A POI below zero makes a signal negative, which is meant where its bounds allow it.
        scaled = (group.structure.entry_factors == group.structure.poi).any(axis=1)
        below = minima.free.theta[index, group.structure.poi] < 0
        yields = np.where(scaled & below[:, None], -yields, yields)
        found += [_sentence(group, int(rows[k]), one) for k, one in zip(index, yields)][: len(rows) - begin]
    return [texts if good else () for texts, good in zip(found, minima.free.succeeded, strict=True)]


def _sentence(group: ModelGroup, row: int, yields: Float[np.ndarray, " entry"]) -> tuple[str, ...]:
    negative = np.flatnonzero(yields < 0)
    if not len(negative):
        return ()
    bins: dict[tuple[str, str], list[str]] = {}
    for entry in negative:
        channel, _, number = group.entry_names[entry]
        sample = group.entry_samples[entry][row]
        bins.setdefault((channel, sample), []).append(f"{number} ({yields[entry]:.3g})")
    texts = [
        f"{sample} in bin{'s' if len(own) > 1 else ''} {', '.join(own)} of {channel}"
        for (channel, sample), own in list(bins.items())[:_MOST]
    ]
    more = f", and {len(bins) - _MOST} more" if len(bins) > _MOST else ""
    return (
        f"negative yields at the best fit: {'; '.join(texts)}{more}; look at the shifts of these samples, or let"
        " the measurement limit them with 'clip' under its key hfscale",
    )
