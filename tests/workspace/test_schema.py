import copy
from typing import Any

import pyhf.exceptions
import pyhf.schema
import pytest

from hfscale.errors import SchemaError
from hfscale.workspace import load_inputs
from hfscale.workspace.schema import ShapeMemo, fixed_strings, shape_of

# What the shape of a document keeps. "minItems" also stands where it has no effect, on the numbers of bounds.
SEEN_BY_SHAPES = {
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "items",
    "minItems",
    "maxItems",
    "properties",
    "required",
    "type",
}


def reachable(definition: Any, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a schema with all schemas that it refers to."""
    found = [definition]
    if "$ref" in definition:
        target: Any = definitions
        for step in definition["$ref"].removeprefix("#/definitions/").split("/"):
            target = target[step]
        found += reachable(target, definitions)
    children = [*definition.get("properties", {}).values(), *definition.get("anyOf", [])]
    if isinstance(definition.get("items"), dict):
        children.append(definition["items"])
    for child in children:
        found += reachable(child, definitions)
    return found


def test_schema_constrains_nothing_that_shapes_leave_out():
    definitions = pyhf.schema.load_schema("1.0.0/defs.json")["definitions"]
    schemas = reachable(definitions["workspace"], definitions)
    assert len(schemas) > 50
    for schema in schemas:
        assert schema.keys() <= SEEN_BY_SHAPES
        assert schema.get("additionalProperties", False) is False
        assert isinstance(schema.get("const", ""), str)
        assert schema.get("const", "lumi") in fixed_strings()
        if schema.get("type") == "array":
            assert schema.get("minItems", 1) == 1
            assert "maxItems" not in schema
        else:
            assert "minItems" not in schema or schema["type"] == "number"


def test_shapes_tell_apart_what_the_schema_tells_apart():
    def shape(value):
        return shape_of(value)[0]

    assert shape([1, 2.5, 3]) == shape([7])
    assert shape([]) != shape([1])
    assert shape([1, "a"]) != shape([1])
    assert shape(True) != shape(1)
    assert shape("a") == shape("b") != shape("lumi")
    assert shape({"a": 1}) != shape({"b": 1})
    assert shape(None) != shape(1)


def corrupted(workspace: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the path and new value of many single changes, most of them against the schema."""
    changes: list[tuple[list[Any], Any]] = []

    def walk(value: Any, path: list[Any]) -> None:
        changes.extend((path, new) for new in (None, "x", 1, [], {"extra": 1}, [1.0]))
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in children:
            walk(child, [*path, key])

    for key, child in workspace.items():
        walk(child, [key])
    return changes


def test_same_verdict_as_pyhf_on_many_corrupted_workspaces(workspace):
    memo, verdicts = ShapeMemo(), set()
    for path, value in corrupted(workspace):
        document = copy.deepcopy(workspace)
        parent = document
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = value
        try:
            with pytest.warns(DeprecationWarning):
                pyhf.schema.validate(document, "workspace.json", version="1.0.0")
            expected = True
        except pyhf.exceptions.InvalidSpecification:
            expected = False
        assert memo.is_valid(document) is expected, (path, value)
        verdicts.add(expected)
    assert verdicts == {True, False}


@pytest.mark.parametrize(
    ("path", "value", "reason", "place"),
    [
        (["channels", 0, "samples", 0, "data"], "x", "'x' is not of type 'array'", "channels[SR]/samples[top]/data"),
        (["channels", 0, "samples", 0, "data"], [], "", "channels[SR]/samples[top]/data"),
        (["channels", 1, "samples", 0, "data", 0], True, "not of type 'number'", "channels[CR]/samples[top]/data[0]"),
        (["channels", 1, "extra"], 1, "'extra'", "channels[CR]"),
        (
            ["channels", 0, "samples", 1, "modifiers", 0, "type"],
            "shapesyst",
            "unknown type 'shapesyst'; the types are histosys",
            "channels[SR]/samples[fakes]/modifiers[0]",
        ),
        (
            ["channels", 0, "samples", 1, "modifiers", 0, "data"],
            {"lo": 1},
            "shapesys modifier 'shape'",
            "channels[SR]/samples[fakes]/modifiers[0]/data",
        ),
        (["channels", 0, "samples", 1, "modifiers", 0], 3, "unknown type", "channels[SR]/samples[fakes]/modifiers[0]"),
        (["measurements", 0, "config"], {"poi": "mu"}, "'parameters'", "measurements[main]/config"),
        (["observations", 1, "data", 0], None, "not of type 'number'", "observations[CR]/data[0]"),
    ],
)
def test_violation_names_file_place_and_reason(workspace, write, path, value, reason, place):
    parent: Any = workspace
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    with pytest.raises(SchemaError) as caught:
        load_inputs(write("BkgOnly.json", workspace))
    assert "BkgOnly.json is not a valid workspace" in caught.value.message
    assert reason in caught.value.message
    assert caught.value.place == place
    assert caught.value.remedy


def test_long_values_are_not_printed_in_full(workspace):
    workspace["channels"][0]["samples"][0]["data"] = "x" * 10_000
    with pytest.raises(SchemaError) as caught:
        load_inputs(workspace)
    assert len(str(caught.value)) < 500
