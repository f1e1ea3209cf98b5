"""Profile likelihoods of one parameter in a store: one frozen result per signal point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from hfscale.errors import SelectionError
from hfscale.reading.cabinetry_results import cabinetry_containers
from hfscale.reading.columns import number_of
from hfscale.reading.profiles import read_profiles
from hfscale.store.store import ResultStore

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import ScanResults


@dataclass(frozen=True, eq=False)
class ProfileCurve:
    """The profile likelihood of a parameter of a signal point.

    Attributes:
        parameter: Name of the parameter.
        best_fit, error: Its best fit and uncertainty; NaN where there are none.
        grid: Values of the parameter, ascending.
        t: Twice the profile of -ln L above its minimum there, interpolated where an adaptive grid has no fit; NaN where
            a fit failed.
        name, values: Name of the point, and its value of each label of the patchset.
        status: As in ``show --json``.
    """

    parameter: str
    best_fit: float
    error: float
    grid: Float[np.ndarray, " value"]
    t: Float[np.ndarray, " value"]
    name: str = "cabinetry"
    values: Mapping[str, Any] = field(default_factory=dict)
    status: str = "ok"

    def to_cabinetry(self) -> "ScanResults":
        """Return the container of `cabinetry.fit.scan`.

        Raises:
            InputError: cabinetry is not installed.
        """
        found: ScanResults = cabinetry_containers().ScanResults(
            self.parameter, self.best_fit, self.error, self.grid, self.t
        )
        return found

    @classmethod
    def from_cabinetry(cls, results: "ScanResults", name: str = "cabinetry") -> "ProfileCurve":
        """Take what `cabinetry.fit.scan` returned.

        Args:
            results: The container.
            name: Name of the signal point.
        """
        order = np.argsort(results.parameter_values)
        return cls(
            parameter=results.name,
            best_fit=float(results.bestfit),
            error=float(results.uncertainty),
            grid=np.asarray(results.parameter_values, dtype=np.float64)[order],
            t=np.asarray(results.delta_nlls, dtype=np.float64)[order],
            name=name,
        )


def read_profile_curves(store: ResultStore) -> tuple[ProfileCurve, ...]:
    """The profile likelihoods of all signal points, in their order.

    Raises:
        SelectionError: They are of two parameters.
    """
    parameters = store.settings["calculation"]["parameters"]
    if len(parameters) != 1:
        raise SelectionError(
            f"{store.path} has the profile likelihood of {' and '.join(parameters)}, which is no curve",
            remedy="make a store with one --parameter, or take Results.to_list()",
        )
    return tuple(_curve(row) for row in read_profiles(store))


def _curve(row: Mapping[str, Any]) -> ProfileCurve:
    grid, t = (_numbers(values) for values in ((row["grid"] or [None])[0], row.get("t_interpolated", row["t"])))
    best, error = (number_of((row[key] or [None])[0]) for key in ("best_fit", "error"))
    # Without any t there is no curve, though there may be values for it.
    n = min(len(grid), len(t))
    identity = {key: row[key] for key in ("name", "values", "status")}
    return ProfileCurve(row["parameters"][0], best, error, grid[:n], t[:n], **identity)


def _numbers(values: Sequence[float | None] | None) -> np.ndarray:
    return np.array([number_of(value) for value in values or ()], dtype=np.float64)
