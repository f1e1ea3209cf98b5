"""Significances in a store: one frozen result per signal point."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from hfscale.reading.cabinetry_results import cabinetry_containers
from hfscale.reading.columns import bands, number_of
from hfscale.reading.points import read_points
from hfscale.store.store import ResultStore

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import SignificanceResults

_MEDIAN = 2


@dataclass(frozen=True, eq=False)
class Significance:
    """The p-value of the background-only hypothesis of a signal point; numbers are NaN where there are none.

    Attributes:
        p0, Z: Observed p-value and significance.
        p0_exp, Z_exp: Expected ones, with the signal at its nominal strength, from -2 to +2 standard deviations.
        name, values: Name of the point, and its value of each label of the patchset.
        status: As in ``show --json``.
    """

    p0: float
    Z: float
    p0_exp: Float[np.ndarray, " nsigma"]
    Z_exp: Float[np.ndarray, " nsigma"]
    name: str = "cabinetry"
    values: Mapping[str, Any] = field(default_factory=dict)
    status: str = "ok"

    def to_cabinetry(self) -> "SignificanceResults":
        """Return the container of `cabinetry.fit.significance`, which has the medians of what is expected.

        Raises:
            InputError: cabinetry is not installed.
        """
        found: SignificanceResults = cabinetry_containers().SignificanceResults(
            self.p0, self.Z, float(self.p0_exp[_MEDIAN]), float(self.Z_exp[_MEDIAN])
        )
        return found

    @classmethod
    def from_cabinetry(cls, results: "SignificanceResults", name: str = "cabinetry") -> "Significance":
        """Take what `cabinetry.fit.significance` returned; only the medians of the bands are known.

        Args:
            results: The container.
            name: Name of the signal point.
        """
        p0_exp, Z_exp = (_median(float(x)) for x in (results.expected_p_value, results.expected_significance))
        return cls(float(results.observed_p_value), float(results.observed_significance), p0_exp, Z_exp, name)


def read_significances(store: ResultStore) -> tuple[Significance, ...]:
    """The significances of all signal points, in their order."""
    rows = read_points(store)
    p0_exp, Z_exp = bands(rows, "p0_exp"), bands(rows, "Z_exp")
    return tuple(
        Significance(
            number_of(row["p0"]), number_of(row["Z"]), p0_exp[k], Z_exp[k], row["name"], row["values"], row["status"]
        )
        for k, row in enumerate(rows)
    )


def _median(value: float) -> Float[np.ndarray, " nsigma"]:
    band = np.full(5, np.nan)
    band[_MEDIAN] = value
    return band
