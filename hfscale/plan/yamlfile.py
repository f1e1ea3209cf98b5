"""YAML as settings need it: safe types only, and a key given twice is an error instead of a silent choice."""

from collections.abc import Hashable, Sequence
from typing import Any

import yaml

from hfscale.errors import SchemaError


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader that refuses a mapping with a repeated key."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build one mapping; called by PyYAML for every mapping of the document."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)


def parse_yaml(text: str, *, source: str) -> Any:
    """Read one YAML document.

    Args:
        text: The document.
        source: Its file name, for the message of an error.

    Raises:
        SchemaError: The text is not YAML, or a key is repeated; the place is the line and column.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader, no code runs
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else None
        raise SchemaError(f"{source} is not valid YAML: {error.problem}", place=place) from error
    except yaml.YAMLError as error:
        raise SchemaError(f"{source} is not valid YAML: {error}") from error


def line_of(text: str, location: Sequence[str | int]) -> int | None:
    """The line of a key, or of an element of a list, counted from 1; None where the text has no such key.

    Args:
        text: A YAML document that `parse_yaml` could read.
        location: Keys and indices that lead there; what follows a value that has no parts is not looked at.
    """
    node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    line: int | None = None
    for part in location:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            found = {key.value: (key, value) for key, value in node.value}
            if str(part) not in found:
                return None
            key, node = found[str(part)]
            line = key.start_mark.line + 1
    return line
