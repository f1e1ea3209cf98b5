"""Rankings in a store: one frozen result per signal point, and its plain JSON object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float

from hfscale.inference.measurement.grouping import group_component, group_impact
from hfscale.inference.measurement.overrides import matching
from hfscale.inference.measurement.results import SHIFTS
from hfscale.reading.fits import FittedPoint, identity_record, outcome_record, read_fitted_points
from hfscale.reading.records import number
from hfscale.store.store import ResultStore
from hfscale.workspace.modifiers import modifier_names

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults, RankingResults

MC_STATISTICS = "MC statistics"
"""The group that every ranking has: the parameters of all staterror modifiers."""


class GroupImpact(NamedTuple):
    """What a group of nuisance parameters does to the POI.

    Attributes:
        group: Its name.
        parameters: Its members.
        impact: Difference in quadrature of the POI's uncertainty with the group free and frozen at its best fit.
        component: Uncertainty of the POI from the group's auxiliary data (arXiv:2307.04007); NaN where not known.
    """

    group: str
    parameters: tuple[str, ...]
    impact: float
    component: float


@dataclass(frozen=True, eq=False)
class RankedPoint:
    """Impacts of the nuisance parameters of a signal point on its POI.

    Attributes:
        fit: The best fit; arrays are over its parameters.
        poi: Name of the POI.
        impact: Change of the POI's best fit with a parameter held as `SHIFTS` says; NaN where that fit failed.
        component: Change of the POI for one standard deviation of the auxiliary datum of each parameter; NaN for those
            without one.
        component_data: Uncertainty of the POI from the fluctuations of the data; NaN where no component is known.
        patterns: Groups: name -> patterns of the names of parameters.
    """

    fit: FittedPoint
    poi: str
    impact: Float[np.ndarray, "shift parameter"]
    component: Float[np.ndarray, " parameter"]
    component_data: float
    patterns: Mapping[str, Sequence[str]]

    @property
    def ranked(self) -> list[int]:
        """Positions of the nuisance parameters, those with the largest impact after the fit first."""
        size = np.nan_to_num(np.abs(self.impact), nan=np.inf)
        before, after = size[:2].max(axis=0), size[2:].max(axis=0)
        order = np.lexsort((-before, -after))
        return [int(k) for k in order if self.fit.parameters[k] != self.poi]

    @property
    def total(self) -> float:
        """Uncertainty of the POI from the fit; NaN where there is none."""
        return float(self.fit.errors[self._poi]) if self.poi in self.fit.parameters else float("nan")

    @property
    def component_total(self) -> float:
        """All components in quadrature, which is the uncertainty of the POI for data as expected."""
        return float(np.hypot(self.component_data, np.sqrt(np.nansum(self.component**2))))

    @property
    def _has_components(self) -> bool:
        return not np.isnan(self.component_data)

    @property
    def _poi(self) -> int:
        return self.fit.parameters.index(self.poi)

    def groups(self, patterns: Mapping[str, Sequence[str]] | None = None) -> tuple[GroupImpact, ...]:
        """Impacts of groups of nuisance parameters, the largest first.

        Args:
            patterns: Name of each group -> patterns of its parameters; those of the ranking by default.
        """
        if self.poi not in self.fit.parameters:
            return ()
        chosen = self.patterns if patterns is None else patterns
        found = [self._group(name, matching(texts, self.fit.parameters)) for name, texts in chosen.items()]
        return tuple(sorted(found, key=lambda group: -np.nan_to_num(group.impact)))

    def to_cabinetry(self) -> "RankingResults":
        """Return the container that cabinetry draws rankings from.

        Raises:
            InputError: cabinetry is not installed.
        """
        from hfscale.reading.cabinetry_results import cabinetry_ranking

        return cabinetry_ranking(self)

    @classmethod
    def from_cabinetry(
        cls, results: "RankingResults", fit: "FitResults", poi: str, name: str = "cabinetry"
    ) -> "RankedPoint":  # fmt: skip
        """Take what `cabinetry.fit.ranking` returned; it has no components.

        Args:
            results: The container.
            fit: The fit that the ranking was made for, which has the POI.
            poi: Name of the POI.
            name: Name of the signal point.

        Raises:
            SelectionError: The fit has not these parameters and the POI.
        """
        from hfscale.reading.cabinetry_results import ranking_from_cabinetry

        return ranking_from_cabinetry(results, fit, poi, name)

    def systematic(self) -> GroupImpact:
        """The group of all parameters with a constraint; NaN, and no parameters, where components are not known.

        Only components tell which parameters have a constraint. Rankings of cabinetry have none.
        """
        if not self._has_components:
            return GroupImpact("systematic", (), float("nan"), float("nan"))
        names = np.array(self.fit.parameters, dtype=object)[~np.isnan(self.component)]
        return self._group("systematic", list(names))

    def _group(self, name: str, parameters: Sequence[str]) -> GroupImpact:
        chosen = [parameter for parameter in parameters if parameter != self.poi]
        members = np.isin(np.array(self.fit.parameters, dtype=object), chosen)
        impact = group_impact(self.fit.errors, self.fit.correlation, self._poi, members)
        component = group_component(self.component, members) if self._has_components else float("nan")
        return GroupImpact(name, tuple(chosen), impact, component)


def read_ranked_points(store: ResultStore) -> tuple[RankedPoint, ...]:
    """The rankings of all signal points, in their order."""
    data = store.to_xarray().load()
    names = [str(name) for name in data["parameter"].values]
    arrays = {name: np.asarray(data[name].values) for name in ("impact", "component", "component_data")}
    statistics = modifier_names(store.inputs(), "staterror")
    patterns = {MC_STATISTICS: tuple(sorted(statistics)), **store.settings["calculation"]["groups"]}
    points = []
    for k, fit in enumerate(read_fitted_points(store)):
        place = [names.index(name) for name in fit.parameters]
        points.append(
            RankedPoint(
                fit=fit,
                poi=str(store.settings["poi"]),
                impact=arrays["impact"][k][:, place],
                component=arrays["component"][k][place],
                component_data=float(arrays["component_data"][k]),
                patterns=patterns,
            )
        )
    return tuple(points)


def read_rankings(store: ResultStore) -> list[dict[str, Any]]:
    """One JSON object per signal point, in their order; None where there is no number."""
    return [ranking_record(point) for point in read_ranked_points(store)]


def ranking_record(point: RankedPoint) -> dict[str, Any]:
    """The JSON object of a ranking: impacts sorted by the largest after the fit."""
    fit, record = point.fit, identity_record(point.fit)
    record |= {"poi": point.poi, "impacts": [], "groups": []}
    if point.poi in fit.parameters and fit.status == "ok":
        systematic = point.systematic()
        statistical = np.sqrt(max(point.total**2 - systematic.impact**2, 0.0))
        record |= {
            "poi_value": number(fit.best_fit[fit.parameters.index(point.poi)]),
            "poi_error": number(point.total),
            "impacts": [_impact(point, k) for k in point.ranked],
            "groups": [
                {
                    "group": group.group,
                    "parameters": len(group.parameters),
                    "impact": number(group.impact),
                    "component": number(group.component),
                }
                for group in point.groups()
            ],
            "statistical": number(statistical),
            "systematic": number(systematic.impact),
            "components": {
                "data": number(point.component_data),
                "auxiliary": number(systematic.component),
                "total": number(point.component_total),
            },
        }
    return {**record, **outcome_record(fit)}


def _impact(point: RankedPoint, k: int) -> dict[str, Any]:
    impacts = {shift: number(value) for shift, value in zip(SHIFTS, point.impact[:, k], strict=True)}
    return {
        "parameter": point.fit.parameters[k],
        **impacts,
        "component": number(point.component[k]),
        "value": number(point.fit.best_fit[k]),
        "error": number(point.fit.errors[k]),
    }


def ranking_columns(point: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of a data frame that the JSON object of a signal point fills, one per nuisance parameter."""
    common = {"name": point["name"], **point["values"], "status": point["status"]}
    return [{**common, **impact} for impact in point["impacts"]] or [common]
