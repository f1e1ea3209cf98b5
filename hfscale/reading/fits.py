"""Best fits in a store: one frozen result per signal point, and its plain JSON object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

from hfscale.fit.status import FitStatus
from hfscale.inference.measurement.results import SIDES, MinosStatus, ParameterStatus
from hfscale.inference.results import PointStatus
from hfscale.reading.records import number, numbers, plain_values, state_of
from hfscale.store.store import ResultStore

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults

    from hfscale.reading.goodness import GoodnessOfFit

_AT_BOUND = (ParameterStatus.AT_LOWER_BOUND, ParameterStatus.AT_UPPER_BOUND)
_MOST = 10
"""Parameters that a warning names."""


@dataclass(frozen=True, eq=False)
class FittedPoint:
    """The best fit of a signal point; arrays are over `parameters`.

    Attributes:
        name, values: Name of the point, and its value of each label of the patchset.
        status: As in ``show --json``; without ``ok`` (or ``no_signal``), the arrays are empty.
        parameters: Names of the parameters that the point has, in pyhf's order.
        best_fit: Their best-fit values.
        errors: Their uncertainties from the inverse of the exact Hessian of -ln L; 0 for parameters that are fixed or
            at a bound, infinite for those that the likelihood does not depend on, NaN without a positive Hessian.
        parameter_status: `ParameterStatus` of each.
        correlation: Correlations, 0 for parameters without a finite error.
        minos: Lower (negative) and upper MINOS errors; NaN where there are none.
        minos_status: `MinosStatus`.
        twice_nll: -2 ln L at the minimum, with all constants.
        edm: Estimated distance of -ln L to the minimum.
        fit_status: How the fit ended.
        warnings: What to look at, with advice.
        reason: Why the point failed, empty elsewhere.
    """

    name: str
    values: Mapping[str, Any]
    status: str
    parameters: tuple[str, ...]
    best_fit: Float[np.ndarray, " parameter"]
    errors: Float[np.ndarray, " parameter"]
    parameter_status: Int[np.ndarray, " parameter"]
    correlation: Float[np.ndarray, "parameter parameter"]
    minos: Float[np.ndarray, "side parameter"]
    minos_status: Int[np.ndarray, "side parameter"]
    twice_nll: float
    edm: float
    fit_status: FitStatus
    warnings: tuple[str, ...]
    reason: str

    @property
    def covariance(self) -> Float[np.ndarray, "parameter parameter"]:
        """Covariance of the parameters; infinite and missing errors count as 0."""
        errors = np.where(np.isfinite(self.errors), self.errors, 0.0)
        covariance: Float[np.ndarray, "parameter parameter"] = self.correlation * np.outer(errors, errors)
        return covariance

    def to_cabinetry(self, goodness: "GoodnessOfFit | None" = None) -> "FitResults":
        """Return the container of `cabinetry.fit.fit`, which pulls and correlations are drawn from.

        Args:
            goodness: Goodness of this fit, whose p-value is put in; None for none.

        Raises:
            InputError: cabinetry is not installed.
        """
        from hfscale.reading.cabinetry_results import cabinetry_fit

        return cabinetry_fit(self, goodness)

    @classmethod
    def from_cabinetry(cls, results: "FitResults", name: str = "cabinetry") -> "FittedPoint":
        """Take what `cabinetry.fit.fit` returned; parameters without an error count as fixed.

        Args:
            results: The container.
            name: Name of the signal point.
        """
        from hfscale.reading.cabinetry_results import fit_from_cabinetry

        return fit_from_cabinetry(results, name)

    @property
    def at_bound(self) -> Bool[np.ndarray, " parameter"]:
        """Parameters that ended at one of their bounds."""
        return np.isin(self.parameter_status, _AT_BOUND)


def read_fitted_points(store: ResultStore) -> tuple[FittedPoint, ...]:
    """The best fits of all signal points, in their order."""
    data = store.to_xarray().load()
    arrays = {str(name): np.asarray(array.values) for name, array in data.data_vars.items()}
    names = np.array([str(name) for name in data["parameter"].values], dtype=object)
    labels = {label: plain_values(data[name].values) for label, name in store.labels.items()}
    reasons, remarks = store.reasons(), store.remarks()
    points = []
    for k, name in enumerate(store.names):
        code, reason = PointStatus(int(arrays["status"][k])), reasons.get(name, "")
        row = {key: array[k] for key, array in arrays.items()}
        points.append(
            _fitted_point(
                {"name": name, "values": {label: column[k] for label, column in labels.items()}},
                state_of(code, reason or None),
                names,
                row,
                remarks.get(name, ()),
                reason,
            )
        )
    return tuple(points)


def _fitted_point(
    identity: Mapping[str, Any],
    status: str,
    names: np.ndarray,
    row: Mapping[str, np.ndarray],
    remarks: Sequence[str],
    reason: str,
) -> FittedPoint:
    # A task that was killed before its marker may have left numbers, which do not count.
    known = status in ("ok", "no_signal")
    codes = row["parameter_status"]
    has = np.flatnonzero(~np.isin(codes, (ParameterStatus.NOT_RUN, ParameterStatus.ABSENT)) & known)
    nothing = np.full((len(SIDES), len(names)), np.nan)
    point = FittedPoint(
        **identity,
        status=status,
        parameters=tuple(names[has]),
        best_fit=row["parameters_free"][has],
        errors=row["errors"][has],
        parameter_status=codes[has].astype(np.int64),
        correlation=row["correlation"][np.ix_(has, has)],
        minos=row.get("minos", nothing)[:, has],
        minos_status=row.get("minos_status", np.zeros_like(nothing))[:, has].astype(np.int64),
        twice_nll=float(row["twice_nll_free"]) if known else float("nan"),
        edm=float(row["edm"]) if known else float("nan"),
        fit_status=FitStatus(int(row["fit_status_free"])),
        warnings=(),
        reason=reason,
    )
    return replace(point, warnings=(*_warnings(point), *remarks))


def _warnings(point: FittedPoint) -> list[str]:
    """What the numbers of a best fit say to look at."""
    texts = []
    names = np.array(point.parameters, dtype=object)
    if point.at_bound.any():
        texts.append(
            f"at a bound: {_listed(names[point.at_bound])}; they count as fixed for all uncertainties; widen their"
            " bounds if that is not intended"
        )
    flat = point.parameter_status == int(ParameterStatus.FLAT)
    if flat.any():
        texts.append(
            f"the likelihood does not depend on {_listed(names[flat])}, alone or in a combination; fix some of them"
        )
    if np.isnan(point.errors).any():
        texts.append("the second derivatives at the minimum give no uncertainties; look at a scan of the likelihood")
    failed = (point.minos_status == int(MinosStatus.FAILED)).any(axis=0)
    if failed.any():
        texts.append(f"no MINOS errors were found for {_listed(names[failed])}; look at a scan of the likelihood")
    return texts


def _listed(names: np.ndarray) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(str(name) for name in names[:_MOST]) + more


def read_fits(store: ResultStore) -> list[dict[str, Any]]:
    """One JSON object per signal point, in their order; None where there is no number."""
    return [fit_record(point, "minos" in store.variables) for point in read_fitted_points(store)]


def fit_record(point: FittedPoint, with_minos: bool) -> dict[str, Any]:
    """The JSON object of a best fit.

    Args:
        point: The best fit.
        with_minos: Whether MINOS errors were asked for.
    """
    return {
        **identity_record(point),
        "parameters": {name: _parameter(point, k, with_minos) for k, name in enumerate(point.parameters)},
        "correlation": {
            "parameters": list(point.parameters),
            "matrix": [numbers(row) for row in point.correlation.tolist()],
        },
        **outcome_record(point),
    }


def identity_record(point: FittedPoint) -> dict[str, Any]:
    """What every object of a signal point begins with."""
    return {"name": point.name, "values": dict(point.values), "status": point.status}


def outcome_record(point: FittedPoint) -> dict[str, Any]:
    """How the fit ended."""
    return {
        "twice_nll": {"free": number(point.twice_nll)},
        "edm": number(point.edm),
        "fit_status": point.fit_status.name.lower(),
        "warnings": list(point.warnings),
        **({"reason": point.reason} if point.status == "failed" and point.reason else {}),
    }


def _parameter(point: FittedPoint, k: int, with_minos: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "value": number(point.best_fit[k]),
        "error": number(point.errors[k]),
        "at_bound": bool(point.at_bound[k]),
        "fixed": bool(point.parameter_status[k] == ParameterStatus.FIXED),
    }
    if with_minos and point.minos_status[:, k].any():
        fields["minos"] = numbers(point.minos[:, k])
        fields["minos_status"] = [MinosStatus(int(code)).name.lower() for code in point.minos_status[:, k]]
    return fields


def fit_columns(point: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of a data frame that the JSON object of a signal point fills, one per parameter."""
    common = {"name": point["name"], **point["values"], "status": point["status"]}
    rows = []
    for name, fields in point["parameters"].items():
        lower, upper = fields.get("minos", (None, None))
        own = {key: fields[key] for key in ("value", "error")}
        rows.append({**common, "parameter": name, **own, "minos_lower": lower, "minos_upper": upper})
    return rows or [common]
