"""Signal points of several searches, each with the results of the search that is expected to be the strongest there.

Choosing by expected results does not look at the data, so the observed CLs keep their meaning. HistFitter's
``multiplexJSON.py`` does the same; unlike there, points that failed in one search only never hide the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from hfscale.errors import SelectionError
from hfscale.plot.points import PlanePoints
from hfscale.plot.quantities import DISCOVERY

_MEDIAN = 2
_LARGEST = np.finfo(np.float64).max


class BestExpected(NamedTuple):
    """Points with the results of one search each.

    Attributes:
        points: The points of all searches, search by search.
        chosen: For each of them, the name of the search that its results are from.
    """

    points: PlanePoints
    chosen: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many points each search was chosen for."""
        return {name: self.chosen.count(name) for name in dict.fromkeys(self.chosen)}


def best_expected(searches: Mapping[str, PlanePoints]) -> BestExpected:
    """Choose for every signal point the search with the strongest median expected result.

    Points are the same where the values of their labels are. A search without a result for a point is chosen only where
    no other has one; of equally strong ones, the first.

    Args:
        searches: Name of each search -> its points, with the same labels, of one quantity.

    Raises:
        SelectionError: There are no searches, their labels or quantities differ, or a search has two points with the
            same values.
    """
    if not searches:
        raise SelectionError("there are no searches to choose from")
    _require_alike(searches)
    pooled = _pooled(list(searches.values()))
    source = np.repeat(np.arange(len(searches)), [len(points.names) for points in searches.values()])
    strength = _strength(pooled)
    best: dict[tuple[object, ...], int] = {}
    for k, key in enumerate(_places(pooled)):
        known = best.setdefault(key, k)
        if known != k and source[known] == source[k]:
            raise SelectionError(
                f"{pooled.names[known]!r} and {pooled.names[k]!r} of one search have the same values of all labels",
                remedy="remove one of them",
            )
        if strength[k] > strength[known]:
            best[key] = k
    kept = np.zeros(len(source), dtype=bool)
    kept[list(best.values())] = True
    names = tuple(searches)
    return BestExpected(pooled.take(kept), tuple(names[k] for k in source[kept]))


def _require_alike(searches: Mapping[str, PlanePoints]) -> None:
    (_, first), *others = searches.items()
    for name, other in others:
        if set(other.labels) != set(first.labels):
            raise SelectionError(
                f"{name} has the labels {', '.join(other.labels)}, and not {', '.join(first.labels)}",
                remedy="combine results whose points are described by the same labels",
            )
        if other.quantity != first.quantity or other.level != first.level:
            raise SelectionError(
                f"{name} holds other results than the first search",
                remedy="combine CLs with CLs, or limits at one level with limits",
            )


def _pooled(parts: Sequence[PlanePoints]) -> PlanePoints:
    sizes = [len(part.names) for part in parts]
    return replace(
        parts[0],
        names=tuple(name for part in parts for name in part.names),
        labels={label: np.concatenate([part.labels[label] for part in parts]) for label in parts[0].labels},
        observed=np.concatenate([part.observed for part in parts]),
        expected=np.concatenate([part.expected for part in parts]),
        status=tuple(status for part in parts for status in part.status),
        doubtful=_joined([part.doubtful for part in parts], sizes, False),
        interval=_joined([part.interval for part in parts], sizes, [np.nan, np.nan]),
        signal=_joined([part.signal for part in parts], sizes, [np.nan, np.nan]),
        remarks=tuple(remark for part in parts for remark in part.remarks),
    )


def _joined(arrays: Sequence[np.ndarray | None], sizes: Sequence[int], missing: Any) -> np.ndarray | None:
    """An array of all searches; of those that lack it, what is missing stands for each point."""
    if all(array is None for array in arrays):
        return None
    return np.concatenate(
        [np.array([missing] * size) if array is None else array for array, size in zip(arrays, sizes, strict=True)]
    )


def _strength(points: PlanePoints) -> Float[np.ndarray, "point"]:
    """How strong each median expected result is, that of no signal where there is none; -inf without a result.

    Heights would not do: they are clipped, and alike where two searches exclude by far.
    """
    status = np.array(points.status)
    median = np.where(status == "no_signal", points.quantity.no_signal, points.expected[:, _MEDIAN])
    strength = np.clip(median if points.quantity == DISCOVERY else -median, -_LARGEST, _LARGEST)
    return np.where(np.isin(status, ("ok", "no_signal", "partial")) & ~np.isnan(median), strength, -np.inf)


def _places(points: PlanePoints) -> list[tuple[object, ...]]:
    columns = [points.labels[label].tolist() for label in points.labels]
    return list(zip(*columns, strict=True)) if columns else [(name,) for name in points.names]
