"""Results as JSON with the names that ``pyhf cls`` gives them."""

import json
from typing import Any

from hfscale.exporting.sources import Row, Source

_NUMBERS = {
    "cls": ("CLs_obs", "CLs_exp"),
    "scan": ("CLs_obs", "CLs_exp"),
    "limit": ("upper_limit_obs", "upper_limit_exp"),
    "significance": ("p0", "p0_exp", "Z", "Z_exp"),
}


def pyhf_json_text(source: Source) -> str:
    """Write an object of the signal points by name: of each what ``pyhf cls`` prints of one, with its labels.

    ``CLs_obs`` is a number and ``CLs_exp`` a list of five, from -2 to +2 standard deviations; null where there is none.
    A point of a scan is a list of such objects, with their POI value as ``mu_test``. Limits and significances have
    their own numbers in the same way, and other results all that ``hfscale show --json`` tells. Points without
    results have their status.
    """
    document: dict[str, Any] = {}
    for row in source.rows:
        if source.kind == "scan":
            document.setdefault(row["name"], []).append({"mu_test": row["poi"], **_object(row, source.kind)})
        else:
            document[row["name"]] = _object(row, source.kind)
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _object(row: Row, kind: str) -> dict[str, Any]:
    names = _NUMBERS.get(kind)
    if names is None:
        return {key: value for key, value in row.items() if key != "name"}
    found = {name: row.get(name) for name in names}
    return {**found, "values": list(row["values"].values()), "status": row["status"]}
