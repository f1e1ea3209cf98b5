"""Fitting one likelihood: what the user asks for is checked, and the minimum gets its covariance."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float

from hfscale.errors import InputError
from hfscale.fit.covariance import correlation_of, covariance_of
from hfscale.fit.escalation import best_fits
from hfscale.fit.lanes import FitResults
from hfscale.fit.starts import scattered_starts
from hfscale.likelihood.fit import Fit
from hfscale.likelihood.programs import evaluate, programs_of
from hfscale.likelihood.vectors import Vectors, as_flags, as_numbers
from hfscale.model.structure import ModelGroup, PointNumbers

_COLD_TROUBLES = 4
"""Rejected steps at which a fit is repeated from other starts: suggested start values lie far from the minimum."""


class FitRequest(NamedTuple):
    """What to fit, in pyhf's order and as the user gave it.

    Attributes:
        data: Main and auxiliary data, None for the observed ones.
        init, bounds, fixed: Start values, pairs of bounds, and which parameters are held constant.
        poi: Value at which the POI is held, or values of several, None where they are fitted.
    """

    data: npt.ArrayLike | None
    init: npt.ArrayLike
    bounds: npt.ArrayLike
    fixed: npt.ArrayLike
    poi: float | Mapping[str, float] | None


def fit_likelihood(group: ModelGroup, vectors: Vectors, poi_names: Sequence[str], request: FitRequest) -> Fit:
    """Minimise -ln L of a group of one point within bounds.

    Raises:
        InputError: A part of the request does not fit the model.
    """
    start = vectors.to_internal(request.init)
    main, auxdata = vectors.split_data(request.data)
    for what, array in (("start values", start), ("data", main)):
        if array.ndim != 1:
            raise InputError(f"{array.ndim}-dimensional {what} are given", remedy="a fit takes one vector")
    fixed = group.points.fixed.copy()
    fixed[0, vectors.index] = as_flags(request.fixed, len(vectors.names), "the fixed parameters")
    for index, value in _held_pois(vectors, poi_names, request.poi).items():
        start[index], fixed[0, index] = value, True
    lower, upper = _bounds(group, vectors, request.bounds)
    point = group.points._replace(
        data=main[None], auxdata=auxdata[None], lower=lower[None], upper=upper[None], fixed=fixed
    )
    _require_inside(vectors, start, lower, upper)
    return _result(group, vectors, point, _minimise(group, point, start))


def _held_pois(
    vectors: Vectors, poi_names: Sequence[str], poi: float | Mapping[str, float] | None
) -> dict[int, float]:  # fmt: skip
    """Internal positions of the POIs that are held, with their values."""
    if poi is None:
        return {}
    if not poi_names:
        raise InputError(
            "a value of the POI is given, and the model has no POI",
            remedy="name one with poi= when the likelihood is built, or use init and fixed",
        )
    values = poi if isinstance(poi, Mapping) else {poi_names[0]: poi}
    for name in values:
        if name not in poi_names:
            raise InputError(f"{name!r} is no POI of the model", remedy=f"the POIs are {', '.join(poi_names)}")
    return {int(vectors.index[vectors.names.index(name)]): value for name, value in values.items()}


def _bounds(
    group: ModelGroup, vectors: Vectors, bounds: npt.ArrayLike
) -> tuple[Float[np.ndarray, " internal"], Float[np.ndarray, " internal"]]:
    given = as_numbers(bounds, "the bounds")
    n = len(vectors.names)
    if given.shape != (n, 2):
        raise InputError(
            f"bounds of the shape {given.shape} are given, the model has {n} parameters",
            remedy="give a pair (lower, upper) for each",
        )
    lower, upper = group.points.lower[0].copy(), group.points.upper[0].copy()
    lower[vectors.index], upper[vectors.index] = given.T
    return lower, upper


def _require_inside(
    vectors: Vectors,
    start: Float[np.ndarray, " internal"],
    lower: Float[np.ndarray, " internal"],
    upper: Float[np.ndarray, " internal"],
) -> None:
    """Refuse start values outside the bounds, of fixed parameters too, as pyhf does."""
    for name, k in zip(vectors.names, vectors.index, strict=True):
        if not lower[k] <= start[k] <= upper[k]:
            raise InputError(
                f"parameter {name!r}: the value {start[k]:g} lies outside its bounds [{lower[k]:g}, {upper[k]:g}]",
                remedy="change the value or the bounds",
            )


def _minimise(group: ModelGroup, point: PointNumbers, start: Float[np.ndarray, " internal"]) -> FitResults:
    """Fit from the start values, and from scattered ones too where that leaves doubts."""
    starts = [start[None], *scattered_starts(group.structure, point, start[None])]
    sure = len(starts) if group.structure.needs_several_starts else 1
    return best_fits(group.structure, group.shared, point, starts, troubles=_COLD_TROUBLES, sure=sure)


def _result(group: ModelGroup, vectors: Vectors, point: PointNumbers, found: FitResults) -> Fit:
    program = programs_of(group.structure).hessian
    (hessian,) = evaluate(program, group.shared, point, found.theta, point.data, point.auxdata)
    index = vectors.index
    theta, fixed = found.theta[0, index], point.fixed[0, index]
    at_bound = ~fixed & _on_bound(theta, point.lower[0, index], point.upper[0, index])
    covariance = covariance_of(hessian[0][np.ix_(index, index)], ~fixed & ~at_bound)
    return Fit(
        names=vectors.names,
        parameters=theta,
        errors=np.sqrt(np.diagonal(covariance)),
        covariance=covariance,
        correlation=correlation_of(covariance),
        twice_nll=2.0 * float(found.nll[0]),
        edm=float(found.edm[0]),
        status=found.take_status(0),
        fixed=fixed,
        at_bound=at_bound,
    )


def _on_bound(
    theta: Float[np.ndarray, " parameter"],
    lower: Float[np.ndarray, " parameter"],
    upper: Float[np.ndarray, " parameter"],
) -> Bool[np.ndarray, " parameter"]:
    return (theta <= lower) | (theta >= upper)
