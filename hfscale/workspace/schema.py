"""Validation against the JSON schema that pyhf ships, and of the key that this package adds; nothing is fetched.

The schema constrains types, keys and a few fixed strings, but no numeric value and no length beyond "not empty".
So two documents of equal *shape* are both valid or both not, and each shape is validated once.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from hfscale.workspace.extension import extension_mistakes, without_extensions
from hfscale.workspace.kinds import VERSION
from hfscale.workspace.places import readable_place

_MAX_TEXT = 160

Definition = Literal["workspace", "patchset", "jsonpatch"]
Shape = tuple[Any, ...] | str


class Violation(NamedTuple):
    """One place where a document is against the schema."""

    reason: str
    place: str | None
    remedy: str = "correct it there"


def violations(document: Any, definition: Definition) -> Iterator[Violation]:
    """Yield every place where the document is against a definition of pyhf's schema."""
    if definition == "workspace":
        if ShapeMemo().is_valid(document):
            return
        for mistake in extension_mistakes(document):
            yield Violation(_shorten(mistake.reason), readable_place(document, mistake.path), mistake.remedy)
        document = without_extensions(document)
    for error in _validator(definition).iter_errors(document):
        path, reason = _explain(error)
        yield Violation(reason, readable_place(document, path))


class ShapeMemo:
    """Validates workspaces, each shape once. It lives as long as one check of many signal points."""

    def __init__(self) -> None:
        self._valid: set[Shape] = set()

    def is_valid(self, document: Mapping[str, Any]) -> bool:
        """Tell whether a workspace is valid."""
        if any(True for _ in extension_mistakes(document)):
            return False
        shape, example = shape_of(without_extensions(document))
        if shape not in self._valid:
            if not _validator("workspace").is_valid(example):
                return False
            self._valid.add(shape)
        return True


def shape_of(document: Any) -> tuple[Shape, Any]:
    """Return what the workspace schema can see of a document, and a smaller document that looks the same to it.

    Numbers and free strings are replaced by their type; a list by the set of shapes of its elements,
    because the schema treats all elements alike and asks of the length only that it is not zero.
    The smaller document has one element of each shape in its lists.
    """
    if isinstance(document, dict):
        members = {key: shape_of(value) for key, value in document.items()}
        shape: Shape = ("object", frozenset((key, shape) for key, (shape, _) in members.items()))
        return shape, {key: example for key, (_, example) in members.items()}
    if isinstance(document, list):
        elements = dict(map(shape_of, document))
        return ("array", frozenset(elements)), list(elements.values())
    if isinstance(document, str):
        return ("fixed", document) if document in fixed_strings() else "string", document
    if isinstance(document, int | float) and not isinstance(document, bool):
        return "number", document
    return type(document).__name__, document


@cache
def fixed_strings() -> frozenset[str]:
    """Return the strings that the schema compares with: modifier types, "lumi", the version."""

    def walk(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("const"), str):
                yield node["const"]
            for child in node.values():
                yield from walk(child)
        elif isinstance(node, list):
            for child in node:
                yield from walk(child)

    return frozenset(walk(_definitions()))


@cache
def _definitions() -> dict[str, Any]:
    import pyhf.schema

    definitions: dict[str, Any] = pyhf.schema.load_schema(f"{VERSION}/defs.json")["definitions"]
    return definitions


@cache
def _validator(definition: str) -> Any:
    """Return a validator for one definition.

    Not ``pyhf.schema.validate``: it stops at the first violation, takes true and false for numbers,
    and uses a resolver that jsonschema has deprecated.
    """
    import jsonschema

    schema = {"definitions": _definitions(), "allOf": [{"$ref": f"#/definitions/{definition}"}]}
    return jsonschema.Draft6Validator(schema)


def _explain(error: Any) -> tuple[Sequence[str | int], str]:
    """Return place and reason of a violation; of alternatives, the one that was meant."""
    from jsonschema.exceptions import best_match

    path = list(error.absolute_path)
    if "modifiers" in path[-2:-1]:
        return _explain_modifier(path, error)
    meant = best_match([error])
    return list(meant.absolute_path), _shorten(meant.message)


def _explain_modifier(path: list[str | int], error: Any) -> tuple[Sequence[str | int], str]:
    """Explain a modifier by the schema of the type it names, not by those of all seven types."""
    modifier = error.instance
    known = _definitions()["modifier"]
    kind = modifier.get("type") if isinstance(modifier, dict) else None
    if not isinstance(kind, str) or kind not in known:
        return path, f"modifier of unknown type {kind!r}; the types are {', '.join(known)}"
    found = next(_validator(f"modifier/{kind}").iter_errors(modifier))
    return path + list(found.absolute_path), f"{kind} modifier {modifier.get('name')!r}: {_shorten(found.message)}"


def _shorten(text: str) -> str:
    half = _MAX_TEXT // 2
    return text if len(text) <= _MAX_TEXT else f"{text[:half]} ... {text[-half:]}"
