"""Best fits of a block of points, with MINOS errors where they are asked for, and rankings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float, Int

from hfscale.fit.covariance import correlation_of
from hfscale.fit.lanes import FitResults
from hfscale.inference.assembly import finite
from hfscale.inference.measurement.decomposition import components
from hfscale.inference.measurement.minima import Minima, free_minima, with_covariance
from hfscale.inference.measurement.minos import MinosErrors, minos_errors
from hfscale.inference.measurement.negative_yields import negative_yields
from hfscale.inference.measurement.overrides import NO_OVERRIDES, FitOverrides, columns_of, overridden
from hfscale.inference.measurement.ranking import Impacts, impacts
from hfscale.inference.measurement.results import FitBlock, RankingBlock
from hfscale.inference.measurement.undetermined import undetermined
from hfscale.inference.results import PointStatus
from hfscale.model.structure import ModelGroup

_REPEATS = 5
"""How often at most the best fit is replaced by a lower one that later fits come across."""
_LATER = TypeVar("_LATER", MinosErrors, Impacts)


def fit_points(
    group: ModelGroup,
    rows: Int[np.ndarray, " point"],
    overrides: FitOverrides = NO_OVERRIDES,
    minos: Sequence[str] = (),
    known: MinosErrors | None = None,
) -> FitBlock:
    """Best fits of the points in `rows` of a group.

    Args:
        group, rows: The points.
        overrides: Parameters that are held, bounded or started elsewhere.
        minos: Names of parameters whose MINOS errors are sought, or ``all``.
        known: These errors, if they have been sought, from `hfscale.inference.measurement.parts`.
    """
    changed = overridden(group, overrides)
    columns = columns_of(changed, minos)

    def search(minima: Minima) -> MinosErrors:
        return minos_errors(changed, minima, columns)

    minima, found = _with_later(changed, rows, search, known)
    return FitBlock(
        **_common(changed, rows, minima),
        minos=changed.external(found.errors),
        minos_status=changed.external(found.status),
        n_fits=len(rows) + found.n_fits,
    )


def rank_points(
    group: ModelGroup,
    rows: Int[np.ndarray, " point"],
    overrides: FitOverrides = NO_OVERRIDES,
    known: Impacts | None = None,
) -> RankingBlock:
    """Best fits of the points in `rows` of a group, and the impacts of their nuisance parameters on the POI.

    Points whose POI scales nothing have a best fit, but status NO_SIGNAL and no impacts.

    Args:
        group, rows, overrides: As `fit_points`.
        known: The impacts, if they have been sought, from `hfscale.inference.measurement.parts`.
    """
    changed = overridden(group, overrides)

    def search(minima: Minima) -> Impacts:
        return impacts(changed, minima)

    minima, found = _with_later(changed, rows, search, known)
    parts, width = components(changed, minima), len(changed.parameter_names)
    signal = changed.has_signal[rows]
    common = _common(changed, rows, minima)
    common["status"] = np.where(signal, common["status"], int(PointStatus.NO_SIGNAL))
    common["reasons"] = tuple(text if has else "" for text, has in zip(common["reasons"], signal, strict=True))
    return RankingBlock(
        **common,
        minos=np.full((len(rows), 2, width), np.nan),
        minos_status=np.zeros((len(rows), 2, width), dtype=np.int64),
        impact=changed.external(np.where(signal[:, None, None], found.impact, np.nan)),
        impact_fit_status=changed.external(found.fit_status),
        component=changed.external(np.where(signal[:, None], parts.auxiliary, np.nan)),
        component_data=np.where(signal, parts.data, np.nan),
        n_fits=len(rows) + found.n_fits,
    )


def _with_later(
    group: ModelGroup, rows: Int[np.ndarray, " point"], search: Callable[[Minima], _LATER], known: _LATER | None
) -> tuple[Minima, _LATER]:
    """Best fits, and what is sought around them: again from lower minima where those turn up."""
    minima = with_covariance(group, rows, free_minima(group, rows) if known is None else known.free)
    found = search(minima) if known is None or known.lowered else known
    for _ in range(_REPEATS):
        if not found.lowered:
            break
        minima = with_covariance(group, rows, found.free)
        found = search(minima)
    return minima, found


def _common(group: ModelGroup, rows: Int[np.ndarray, " point"], minima: Minima) -> dict[str, Any]:
    """What fits and rankings have in common."""
    free, good = minima.free, minima.free.succeeded
    present = group.present[rows]
    correlation = np.array([correlation_of(one) for one in minima.covariance]).reshape(minima.covariance.shape)
    return {
        "status": np.where(good, int(PointStatus.OK), int(PointStatus.FAILED)),
        "parameters_free": group.external(np.where(present, free.theta, np.nan)),
        "errors": group.external(np.where(present & good[:, None], minima.errors, np.nan)),
        "parameter_status": group.external(minima.parameter_status),
        "correlation": _square(group, correlation),
        "twice_nll_free": 2.0 * finite(free.nll),
        "edm": np.where(good, free.edm, np.nan),
        "fit_status_free": free.status,
        "reasons": tuple("" if ok else _advice(free, k) for k, ok in enumerate(good)),
        "remarks": _remarks(group, rows, minima),
    }


def _square(
    group: ModelGroup, matrix: Float[np.ndarray, "point parameter parameter"]
) -> Float[np.ndarray, "point parameter parameter"]:
    """Both axes in the order of `parameter_names`."""
    return np.swapaxes(group.external(np.swapaxes(group.external(matrix), 1, 2)), 1, 2)


def _advice(free: FitResults, k: int) -> str:
    return f"free fit: {free.take_status(k).advice}"


def _remarks(
    group: ModelGroup, rows: Int[np.ndarray, " point"], minima: Minima
) -> Mapping[int, tuple[str, ...]]:  # fmt: skip
    told = zip(undetermined(group, minima), negative_yields(group, rows, minima), strict=True)
    return {k: texts for k, parts in enumerate(told) if (texts := parts[0] + parts[1])}
