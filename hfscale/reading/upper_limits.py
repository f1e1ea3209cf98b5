"""Upper limits in a store: one frozen result per signal point, with its curve of CLs where there is one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from hfscale.reading.cabinetry_results import cabinetry_containers
from hfscale.reading.columns import Row, bands, column
from hfscale.reading.curves import read_curves
from hfscale.reading.points import read_points
from hfscale.store.store import ResultStore

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import LimitResults

_DEFAULT_LEVEL = 0.05


@dataclass(frozen=True, eq=False)
class UpperLimit:
    """The upper limit on the POI of a signal point; numbers are NaN where there are none.

    Attributes:
        observed: Observed limit.
        expected: Expected limits, from -2 to +2 standard deviations.
        level: CLs at the limits.
        poi_values: POI values with CLs, ascending; none of limits from asymptotic formulas, which have no curve.
        CLs_obs, CLs_exp: CLs there.
        name, values: Name of the point, and its value of each label of the patchset.
        status: As in ``show --json``.
    """

    observed: float
    expected: Float[np.ndarray, " nsigma"]
    level: float
    poi_values: Float[np.ndarray, " mu"]
    CLs_obs: Float[np.ndarray, " mu"]
    CLs_exp: Float[np.ndarray, "mu nsigma"]
    name: str = "cabinetry"
    values: Mapping[str, Any] = field(default_factory=dict)
    status: str = "ok"

    def to_cabinetry(self) -> "LimitResults":
        """Return the container of `cabinetry.fit.limit`.

        Raises:
            InputError: cabinetry is not installed.
        """
        found: LimitResults = cabinetry_containers().LimitResults(
            self.observed, self.expected, self.CLs_obs, self.CLs_exp, self.poi_values, 1.0 - self.level
        )
        return found

    @classmethod
    def from_cabinetry(cls, results: "LimitResults", name: str = "cabinetry") -> "UpperLimit":
        """Take what `cabinetry.fit.limit` returned.

        Args:
            results: The container.
            name: Name of the signal point.
        """
        order = np.argsort(results.poi_values)
        return cls(
            observed=float(results.observed_limit),
            expected=np.asarray(results.expected_limit, dtype=np.float64),
            # 1 - 0.95 is not 0.05 to all digits, which nobody means.
            level=round(1.0 - results.confidence_level, 12),
            poi_values=np.asarray(results.poi_values, dtype=np.float64)[order],
            CLs_obs=np.asarray(results.observed_CLs, dtype=np.float64)[order],
            CLs_exp=np.asarray(results.expected_CLs, dtype=np.float64)[order],
            name=name,
        )


def read_upper_limits(store: ResultStore) -> tuple[UpperLimit, ...]:
    """The upper limits of all signal points, in their order; of scans, where CLs crosses 0.05 between POI values."""
    curves = read_curves(store)
    if store.settings["calculation"].get("kind") == "scan":
        return tuple(_of_scan(rows) for rows in curves.values())
    return tuple(_of_limit(row, curves.get(row["name"], [])) for row in read_points(store))


def _of_scan(rows: Sequence[Row]) -> UpperLimit:
    from hfscale.plot.brazil import limit_of_curve

    values, CLs_obs, CLs_exp = _curve(rows)
    expected = [limit_of_curve(values, CLs_exp[:, k], _DEFAULT_LEVEL) for k in range(CLs_exp.shape[1])]
    statuses = {str(row["status"]) for row in rows}
    return UpperLimit(
        observed=limit_of_curve(values, CLs_obs, _DEFAULT_LEVEL),
        expected=np.array(expected),
        level=_DEFAULT_LEVEL,
        poi_values=values,
        CLs_obs=CLs_obs,
        CLs_exp=CLs_exp,
        name=rows[0]["name"],
        values=rows[0]["values"],
        status=statuses.pop() if len(statuses) == 1 else "partial",
    )


def _of_limit(row: Row, curve: Sequence[Row]) -> UpperLimit:
    values, CLs_obs, CLs_exp = _curve(curve)
    return UpperLimit(
        observed=float(column([row], "upper_limit_obs")[0]),
        expected=bands([row], "upper_limit_exp")[0],
        level=float(row["level"]),
        poi_values=values,
        CLs_obs=CLs_obs,
        CLs_exp=CLs_exp,
        name=row["name"],
        values=row["values"],
        status=row["status"],
    )


def _curve(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ordered = sorted(rows, key=lambda row: float(row["poi"]))
    return column(ordered, "poi"), column(ordered, "CLs_obs"), bands(ordered, "CLs_exp")
