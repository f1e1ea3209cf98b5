"""The JSON objects of the signal points of a store, with what their toys say."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from hfscale.plan.settings import Calculation
from hfscale.reading.conversions import with_conversions
from hfscale.reading.doubts import with_doubts
from hfscale.reading.fits import read_fits
from hfscale.reading.global_p0 import with_global_p0
from hfscale.reading.goodness import read_goodness_records
from hfscale.reading.limits import with_limits
from hfscale.reading.p_values import CellPValues, read_p_values, with_cls, with_p0
from hfscale.reading.profiles import read_profiles
from hfscale.reading.rankings import read_rankings
from hfscale.reading.records import read_records
from hfscale.store.store import ResultStore

_WITH_TOYS: Mapping[str, Callable[[dict[str, Any], CellPValues, bool], dict[str, Any]]] = MappingProxyType(
    {"cls": with_cls, "scan": with_cls, "significance": with_p0}
)


_OF_THEIR_OWN: Mapping[str, Callable[[ResultStore], list[dict[str, Any]]]] = MappingProxyType(
    {"profile": read_profiles, "fit": read_fits, "ranking": read_rankings, "gof": read_goodness_records}
)
"""Kinds of calculations whose objects have other keys."""


def read_points(store: ResultStore) -> list[dict[str, Any]]:
    """One object per signal point, and per POI value of a scan; None where there is no number."""
    calculation = Calculation.model_validate(store.settings["calculation"])
    if calculation.kind in _OF_THEIR_OWN:
        return _OF_THEIR_OWN[calculation.kind](store)
    records = read_records(store)
    if calculation.kind == "limit":
        limits = with_limits(store, calculation, records) if calculation.toybased else records
        return with_conversions(limits, calculation)
    if not calculation.toybased:
        return with_doubts(records, calculation) if calculation.kind in ("cls", "scan") else records
    add, observed = _WITH_TOYS[calculation.kind], not calculation.expected_only
    points = [add(record, toys, observed) for record, toys in zip(records, read_p_values(store), strict=True)]
    if calculation.kind != "significance":
        return with_doubts(points, calculation)
    return with_global_p0(store, points) if observed else points
