"""The curve of CLs against the POI of one signal point, as JSON objects: from a scan, or from limits from toys."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from hfscale.plan.settings import Calculation
from hfscale.reading.limits import with_limits
from hfscale.reading.p_values import read_p_values, with_cls
from hfscale.reading.points import read_points
from hfscale.reading.records import read_records
from hfscale.store.store import ResultStore


class Curve(NamedTuple):
    """CLs of one signal point against the POI.

    Attributes:
        rows: One object per POI value, as of a scan.
        limit: The object of the point with its limits; None for a scan, which has none.
    """

    rows: list[dict[str, Any]]
    limit: dict[str, Any] | None


def has_curves(store: ResultStore) -> bool:
    """Whether a store holds CLs at several POI values: of a scan, or of limits from toys."""
    calculation = Calculation.model_validate(store.settings["calculation"])
    return calculation.kind == "scan" or (calculation.kind == "limit" and calculation.toybased)


def read_curve(store: ResultStore, name: str) -> Curve:
    """Read the curve of the signal point of that name from a store that has curves."""
    calculation = Calculation.model_validate(store.settings["calculation"])
    if calculation.kind == "scan":
        return Curve([row for row in read_points(store) if row["name"] == name], None)
    point = store.names.index(name)
    records = [record for record in read_records(store) if record["name"] == name]
    rows = _with_toys(store, calculation, records, [point])
    (limit,) = with_limits(store, calculation, records, [point])
    return Curve(rows, limit)


def read_curves(store: ResultStore) -> dict[str, list[dict[str, Any]]]:
    """Read the rows of the curves of all signal points at once, by name; none of a store without curves."""
    calculation = Calculation.model_validate(store.settings["calculation"])
    if not has_curves(store):
        return {}
    scan = calculation.kind == "scan"
    rows = read_points(store) if scan else _with_toys(store, calculation, read_records(store), None)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["name"], []).append(row)
    return found


def _with_toys(
    store: ResultStore, calculation: Calculation, records: Sequence[dict[str, Any]], points: Sequence[int] | None
) -> list[dict[str, Any]]:
    observed = not calculation.expected_only
    return [with_cls(row, toys, observed) for row, toys in zip(records, read_p_values(store, points), strict=True)]
