"""Which modifiers a search has: those of its background workspace and of its patches."""

from collections.abc import Iterator, Mapping
from typing import Any


def modifier_names(inputs: Mapping[str, Any], kind: str) -> frozenset[str]:
    """Names of all modifiers of a type.

    Args:
        inputs: The document of `hfscale.workspace.inputs.Inputs`.
        kind: Type of modifiers, such as ``staterror``.
    """
    values = (operation.get("value") for point in inputs["points"] for operation in point["patch"])
    channels = inputs["workspace"]["channels"]
    return frozenset(str(item["name"]) for item in _objects([channels, *values]) if item.get("type") == kind)


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """All JSON objects with a name in a document."""
    if isinstance(value, Mapping):
        if "name" in value:
            yield value
        for child in value.values():
            yield from _objects(child)
    elif isinstance(value, list | tuple):
        for child in value:
            if isinstance(child, Mapping | list | tuple):
                yield from _objects(child)
