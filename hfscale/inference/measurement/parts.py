"""Searching around the best fit of one signal point in parts, and putting together what they have found.

A part is a block of parameters, or of toys. Each has the best fit of the point, to the last bit the same, so that what
they find together is what one search of all would have found.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Int, Shaped

from hfscale.fit.lanes import FitResults
from hfscale.fit.slots import AGREEMENT
from hfscale.inference.measurement.goodness import ThrownToys
from hfscale.inference.measurement.minos import MinosErrors
from hfscale.inference.measurement.ranking import Impacts
from hfscale.inference.profile_slabs import Slab

Found = Impacts | MinosErrors | ThrownToys | Slab
"""What a part, or all of them together, find."""
_BY_PARAMETER = TypeVar("_BY_PARAMETER", Impacts, MinosErrors)
_FOUND = TypeVar("_FOUND", Impacts, MinosErrors, ThrownToys, Slab)
_FREE = "free_"


def join_parameters(
    parts: Sequence[_BY_PARAMETER], columns: Sequence[Int[np.ndarray, " chosen"]]
) -> _BY_PARAMETER | None:
    """Put together what parts have found for their parameters; None where their best fits are not the same.

    Where parts came across a minimum lower than the best fit, the lowest of these is the best fit of the whole, around
    which all is to be sought again.

    Args:
        parts: What was found.
        columns: Internal positions of the parameters of each.
    """
    lowered = [part for part in parts if part.lowered]
    if not _agree([part.free for part in parts if not part.lowered]):
        return None
    whole = min(lowered, key=lambda part: float(part.free.nll[0])) if lowered else parts[0]
    arrays: dict[str, Any] = {
        name: np.array(value) for name, value in whole._asdict().items() if _has_parameters(value)
    }
    for part, chosen in zip(parts, columns, strict=True):
        for name, array in arrays.items():
            array[..., chosen] = getattr(part, name)[..., chosen]
    return whole._replace(**arrays, n_fits=sum(part.n_fits for part in parts))


def _has_parameters(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0


def join_toys(parts: Sequence[ThrownToys]) -> ThrownToys | None:
    """Put together toys in the order of their indices; None where the best fits are not the same."""
    if not _agree([part.free for part in parts]):
        return None
    chi2 = np.concatenate([part.chi2 for part in parts], axis=1)
    return ThrownToys(parts[0].free, chi2, np.sum([part.above for part in parts], axis=0))


def _agree(fits: Sequence[FitResults]) -> bool:
    """Whether best fits of a point are the same minimum; other machines may find it with other rounding errors."""
    return all(fit.succeeded.all() and abs(fit.nll - fits[0].nll).max() <= AGREEMENT for fit in fits)


def arrays_of(found: Found) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Return what a part has found as arrays by name, to be stored."""
    arrays = {_FREE + name: np.asarray(value) for name, value in found.free._asdict().items()}
    return arrays | {name: np.asarray(value) for name, value in found._asdict().items() if name != "free"}


def found_in(kind: type[_FOUND], arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> _FOUND | None:
    """Read what `arrays_of` made; None where the names are others, as another version of hfscale may have written them.

    Args:
        kind: What it was.
        arrays: The arrays.
    """
    expected = {_FREE + name for name in FitResults._fields} | {name for name in kind._fields if name != "free"}
    if arrays.keys() != expected:
        return None
    free = FitResults(*(arrays[_FREE + name] for name in FitResults._fields))
    rest: dict[str, Any] = {
        name: array if array.ndim else array.item() for name, array in arrays.items() if name in kind._fields
    }
    return kind(free=free, **rest)


def all_found_in(
    kind: type[_FOUND], parts: Iterable[Mapping[str, Shaped[np.ndarray, "..."]]]
) -> tuple[_FOUND, ...] | None:
    """Read what several parts have found, as `found_in`; None where one cannot be read."""
    found = tuple(found_in(kind, arrays) for arrays in parts)
    known = tuple(part for part in found if part is not None)
    return known if len(known) == len(found) else None
