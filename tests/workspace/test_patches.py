import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpointer import JsonPointer, JsonPointerException

from hfscale.errors import PatchError
from hfscale.workspace import Inputs, SignalPoint, load_inputs, patched_workspace

WORKSPACE: dict[str, Any] = {
    "channels": [
        {"name": "A", "samples": [{"name": "s", "data": [1, 2], "modifiers": [{"name": "m", "data": {"lo": 1}}]}]},
        {"name": "B", "samples": [{"name": "t", "data": [3], "modifiers": []}, {"name": "u", "data": [4]}]},
    ],
    "observations": [{"name": "A", "data": [5, 6]}],
    "a/b~c": {"0": [7]},
}


def pointers(value: Any) -> list[list[str | int]]:
    """Return the path of every part of a document, and those just beyond the end of its lists."""
    paths: list[list[str | int]] = [[]]
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        paths += [[key, *path] for path in pointers(child)]
    if isinstance(value, list):
        paths += [[len(value)], ["-"]]
    return paths


PATHS = [JsonPointer.from_parts(path).path for path in pointers(WORKSPACE)]
PATHS += ["/channels/0/new", "/new", "/channels/-1", "/channels/01", "/channels/9/x", "/version/x", "no-slash", "/~2"]
JSON = st.recursive(
    st.none() | st.integers(0, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "data", "0"]), inner),
    max_leaves=5,
)
OPERATION = st.one_of(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "replace", "test"]), "path": st.sampled_from(PATHS), "value": JSON}
    ),
    st.fixed_dictionaries({"op": st.just("remove"), "path": st.sampled_from(PATHS)}),
    st.fixed_dictionaries(
        {"op": st.sampled_from(["move", "copy"]), "path": st.sampled_from(PATHS), "from": st.sampled_from(PATHS)}
    ),
)


def inputs_of(workspace: dict[str, Any], patch: list[dict[str, Any]]) -> Inputs:
    point = SignalPoint("p", {}, tuple(patch), "patch.json")
    return Inputs(workspace, "m", "mu", (), (point,), "w.json", "patch.json", "", "", {})


@given(st.lists(OPERATION, max_size=5))
def test_same_as_plain_application_and_nothing_is_changed(patch):
    inputs = inputs_of(copy.deepcopy(WORKSPACE), copy.deepcopy(patch))
    try:
        expected = jsonpatch.apply_patch(WORKSPACE, patch)
    except (jsonpatch.JsonPatchException, JsonPointerException, TypeError):
        expected = None
    if isinstance(expected, dict):
        assert patched_workspace(inputs, inputs.points[0]) == expected
    else:
        with pytest.raises(PatchError):
            patched_workspace(inputs, inputs.points[0])
    assert inputs.workspace == WORKSPACE
    assert list(inputs.points[0].patch) == patch


def test_untouched_parts_are_the_same_objects(workspace, patchset):
    inputs = load_inputs(workspace, patchset)
    patched = patched_workspace(inputs, inputs.points[1])
    before, after = inputs.workspace["channels"], patched["channels"]
    assert after[1] is before[1]
    assert after[0] is not before[0]
    assert [after[0]["samples"][i + 1] is before[0]["samples"][i] for i in range(2)] == [True, True]
    assert patched["observations"] is inputs.workspace["observations"]


def test_operation_on_what_the_patch_itself_added_leaves_the_patch_alone():
    value = {"name": "A", "data": [1, 2]}
    patch = [
        {"op": "add", "path": "/observations/0", "value": value},
        {"op": "replace", "path": "/observations/0/data/0", "value": 9},
    ]
    inputs = inputs_of(WORKSPACE, patch)
    assert patched_workspace(inputs, inputs.points[0])["observations"][0]["data"] == [9, 2]
    assert value["data"] == [1, 2]


def test_error_names_point_operation_path_and_reason():
    patch = [{"op": "remove", "path": "/observations/0"}, {"op": "remove", "path": "/channels/7"}]
    inputs = inputs_of(WORKSPACE, patch)
    with pytest.raises(PatchError, match=r"patch\.json: operation 1 \(remove /channels/7\) of point 'p'.*'7'"):
        patched_workspace(inputs, inputs.points[0])


def test_patch_that_leaves_no_object():
    inputs = inputs_of(WORKSPACE, [{"op": "replace", "path": "", "value": []}])
    with pytest.raises(PatchError, match="replaces the workspace by a list"):
        patched_workspace(inputs, inputs.points[0])
