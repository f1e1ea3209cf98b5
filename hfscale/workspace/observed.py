"""Data of the user's own in place of those in the workspace: ``--data FILE``."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfscale.errors import SchemaError
from hfscale.workspace.sources import parse_source, read_documents

_REMEDY = (
    'write {"observations": [{"name": channel, "data": [numbers]}, ...], "auxdata": {parameter: [numbers], ...}};'
    " auxdata may be left out"
)


def read_data(source: str | Path | Mapping[str, Any]) -> dict[str, dict[str, list[float]]]:
    """Read observations, and auxiliary data where there are some.

    Args:
        source: A JSON file, or the parsed document.

    Returns:
        ``observations``, channel -> events per bin, and ``auxdata``, parameter -> auxiliary data of its components.

    Raises:
        SourceError: The file cannot be read or is not JSON.
        SchemaError: The document is something else, or a number is not finite, or an observation is negative.
    """
    if isinstance(source, Mapping):
        content, name = dict(source), "the data given in memory"
    else:
        document = read_documents([parse_source(source)])[0]
        content, name = document.content, document.source
    if (
        not isinstance(content, dict)
        or not content.keys() <= {"observations", "auxdata"}
        or "observations" not in content
    ):
        raise SchemaError(f"{name} holds no data", remedy=_REMEDY)
    observations: dict[str, list[float]] = {}
    for k, entry in enumerate(content["observations"]):
        place = f"/observations/{k}"
        if not isinstance(entry, dict) or entry.keys() != {"name", "data"} or entry["name"] in observations:
            raise SchemaError(f"{name} has an observation without name and data, or twice", place=place, remedy=_REMEDY)
        observations[str(entry["name"])] = _numbers(entry["data"], 0.0, name, f"{place}/data")
    auxdata = content.get("auxdata", {})
    if not isinstance(auxdata, dict):
        raise SchemaError(f"{name} has auxiliary data without parameters", place="/auxdata", remedy=_REMEDY)
    read = {str(key): _numbers(values, -math.inf, name, f"/auxdata/{key}") for key, values in auxdata.items()}
    return {"observations": observations, "auxdata": read}


def _numbers(values: object, least: float, name: str, place: str) -> list[float]:
    if not isinstance(values, list) or not all(_is_number(value) and value >= least for value in values):
        raise SchemaError(
            f"{name} has data that are no list of finite numbers from {least:g}", place=place, remedy=_REMEDY
        )
    return [float(value) for value in values]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
