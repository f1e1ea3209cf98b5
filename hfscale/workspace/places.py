"""Places in a workspace or patchset as a person reads them: ``channels[SR]/samples[ttbar]/modifiers[3]/data``."""

from collections.abc import Sequence
from typing import Any

_MODIFIERS = "modifiers"


def readable_place(document: Any, path: Sequence[str | int]) -> str | None:
    """Return the path with list indices replaced by the name of the element, where it has one.

    Modifiers keep their index, because a sample may hold modifiers of one name and several types.
    The place of the whole document is None.
    """
    place = ""
    for position, step in enumerate(path):
        document = _child(document, step)
        if isinstance(step, int):
            name = None if position and path[position - 1] == _MODIFIERS else _name(document)
            place += f"[{step if name is None else name}]"
        else:
            place += f"/{step}" if place else step
    return place or None


def _child(document: Any, step: str | int) -> Any:
    try:
        return document[step]
    except (LookupError, TypeError):
        return None


def _name(element: Any) -> str | None:
    """Return the name of a channel, sample, measurement, ... or of a patch of a patchset."""
    if not isinstance(element, dict):
        return None
    metadata = element.get("metadata")
    name = element.get("name") or (metadata.get("name") if isinstance(metadata, dict) else None)
    return name if isinstance(name, str) else None
