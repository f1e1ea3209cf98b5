"""The key ``hfscale`` of a measurement: what is wrong in it is named, and plain workspaces are as before."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hfscale.errors import PatchError, SchemaError, SelectionError
from hfscale.workspace import check_points, load_inputs
from hfscale.workspace.extension import extension_of, poi_names, without_extensions
from hfscale.workspace.single import read_workspace

Spec = dict[str, Any]
PLACE = "measurements[main]/config/hfscale"


def extended(workspace: Spec, key: Any) -> Spec:
    result = copy.deepcopy(workspace)
    result["measurements"][0]["config"]["hfscale"] = key
    return result


EVERY_KEY = {
    "poi_names": ["mu_top", "mu"],
    "parameters": [
        {"name": "shape", "fixed": [True, False], "constraint": "normal", "sigmas": [0.1, 1], "auxdata": [1, 1.1]},
        {"name": "mu_top", "constraint": "poisson", "factors": [12]},
    ],
    "staterror": {"constraint": "poisson", "threshold": 0.05},
    "clip": {"samples": 0, "bins": 1e-6},
}


def test_every_key_is_read(workspace: Spec, patchset: Spec) -> None:
    document = extended(workspace, EVERY_KEY)
    inputs = load_inputs(document, patchset, verify_digest=False)
    check_points(inputs)
    found = extension_of(inputs.workspace["measurements"][0])
    assert found.parameters[0].fixed == (True, False)
    assert found.parameters[0].sigmas == (0.1, 1.0)
    assert found.parameters[1].factors == (12.0,)
    assert (found.staterror.constraint, found.staterror.threshold) == ("poisson", 0.05)
    assert (found.clip.samples, found.clip.bins) == (0.0, 1e-6)


@pytest.mark.parametrize(
    ("key", "reason", "place", "remedy"),
    [
        (3, "an object is needed", "", "give an object"),
        (None, "an object is needed", "", "give an object"),
        ({"clipp": {}}, "unknown key 'clipp'", "", "poi_names, parameters, staterror, expressions, modifiers"),
        ({"clip": {"bin": 0}}, "unknown key 'bin'", "/clip", "the keys are samples, bins"),
        ({"clip": {"bins": "0"}}, "'0' is given, needed is a valid number", "/clip/bins", "correct"),
        ({"clip": {"bins": True}}, "True is given, needed is a valid number", "/clip/bins", "correct"),
        ({"poi_names": "mu"}, "'mu' is given, needed is a list", "/poi_names", "correct"),
        ({"poi_names": ["mu", "mu"]}, "'mu' occurs twice among the poi_names", "", "correct"),
        ({"poi_names": ["mu_top"]}, "poi 'mu' is not among the poi_names mu_top", "/poi_names", "add it"),
        ({"staterror": {"constraint": "gauss"}}, "'gauss' is given, needed is 'normal'", "/staterror/constraint", ""),
        ({"staterror": {"threshold": -0.1}}, "greater than or equal to 0", "/staterror/threshold", ""),
        ({"parameters": [{"fixed": [True]}]}, "the key 'name' is missing", "/parameters[0]", "add it"),
        ({"parameters": [{"name": "a", "fixed": True}]}, "needed is a list", "/parameters[a]/fixed", ""),
        ({"parameters": [{"name": "a", "fixed": [1]}]}, "needed is a valid boolean", "/parameters[a]/fixed[0]", ""),
        ({"parameters": [{"name": "a"}, {"name": "a"}]}, "'a' occurs twice among the parameters", "", ""),
        ({"parameters": [{"name": "a", "sigmas": [1.0]}]}, "sigmas without a constraint", "/parameters[a]", ""),
        (
            {"parameters": [{"name": "a", "constraint": "none", "auxdata": [1.0]}]},
            "auxdata without a constraint",
            "/parameters[a]",
            "",
        ),
        (
            {"parameters": [{"name": "a", "constraint": "normal", "factors": [1.0]}]},
            "factors belong to a poisson constraint; a normal one has sigmas",
            "/parameters[a]",
            "",
        ),
        (
            {"parameters": [{"name": "a", "constraint": "poisson", "factors": [1.0], "sigmas": [1.0]}]},
            "both sigmas and factors",
            "/parameters[a]",
            "",
        ),
        (
            {"parameters": [{"name": "a", "constraint": "normal", "sigmas": [0]}]},
            "0 is given, needed is greater than 0",
            "/parameters[a]/sigmas[0]",
            "",
        ),
    ],
)
def test_mistakes_are_named(workspace: Spec, key: Any, reason: str, place: str, remedy: str) -> None:
    for read in (load_inputs, read_workspace):
        with pytest.raises(SchemaError) as caught:
            read(extended(workspace, key))
        assert reason in caught.value.message
        assert caught.value.place == PLACE + place
        assert caught.value.remedy is not None
        assert remedy in caught.value.remedy


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**400])
def test_numbers_are_finite(workspace: Spec, number: float) -> None:
    with pytest.raises(SchemaError) as caught:
        load_inputs(extended(workspace, {"clip": {"bins": number}}))
    assert caught.value.place == f"{PLACE}/clip/bins"
    assert len(str(caught.value)) < 400


def test_other_mistakes_are_still_found_beside_the_key(workspace: Spec) -> None:
    document = extended(workspace, {"clip": {"bins": 0}})
    document["measurements"][0]["config"]["extra"] = 1
    with pytest.raises(SchemaError, match="'extra' was unexpected"):
        load_inputs(document)
    document = copy.deepcopy(workspace)
    document["measurements"][0]["hfscale"] = {}
    with pytest.raises(SchemaError, match="'hfscale' was unexpected"):
        load_inputs(document)


def test_names_that_no_point_has_are_refused(workspace: Spec, patchset: Spec) -> None:
    for key, place in (
        ({"parameters": [{"name": "shpae", "fixed": [True, False]}]}, "parameters"),
        ({"poi_names": ["mu", "shpae"]}, "poi_names"),
    ):
        with pytest.raises(SelectionError, match="'shpae' is no modifier of any signal point") as caught:
            load_inputs(extended(workspace, key), patchset, verify_digest=False)
        assert caught.value.place == f"{PLACE}/{place}"
        assert "shape" in str(caught.value.remedy)


def test_a_parameter_of_the_signal_may_be_named(workspace: Spec, patchset: Spec) -> None:
    document = extended(workspace, {"parameters": [{"name": "xs", "constraint": "none"}]})
    inputs = load_inputs(document, patchset, points=["s_900*"], verify_digest=False)
    assert len(inputs.points) == 1


def test_the_first_of_several_pois_is_the_default(workspace: Spec, patchset: Spec) -> None:
    document = extended(workspace, {"poi_names": ["mu_top", "mu"]})
    assert load_inputs(document, patchset, verify_digest=False).poi == "mu_top"
    assert load_inputs(document, patchset, poi="mu", verify_digest=False).poi == "mu"
    assert poi_names(document["measurements"][0]) == ("mu_top", "mu")
    assert poi_names(workspace["measurements"][0]) == ("mu",)
    assert poi_names({"name": "x", "config": {"poi": "", "parameters": []}}) == ()


def test_a_patch_can_set_the_key(workspace: Spec, patchset: Spec) -> None:
    operation = {"op": "add", "path": "/measurements/0/config/hfscale", "value": {"clip": {"bins": 0}}}
    patchset["patches"][0]["patch"].append(operation)
    check_points(load_inputs(workspace, patchset))
    operation["value"] = {"clip": {"bin": 0}}
    with pytest.raises(PatchError, match="unknown key 'bin'") as caught:
        check_points(load_inputs(workspace, patchset))
    assert caught.value.place == f"{PLACE}/clip"


def test_the_key_is_part_of_the_digest(workspace: Spec, write: Callable[[str, Any], Path]) -> None:
    clipped, poi = ({"clip": {"bins": bound}} for bound in (0.0, 1.0)), "mu_top"
    digests = [load_inputs(extended(workspace, key), poi=poi).workspace_digest for key in clipped]
    digests.append(load_inputs(write("BkgOnly.json", workspace), poi=poi).workspace_digest)
    assert len(set(digests)) == 3


def test_a_plain_document_is_not_copied(workspace: Spec) -> None:
    assert without_extensions(workspace) is workspace
    document = extended(workspace, {})
    assert without_extensions(document) == workspace
    assert document["measurements"][0]["config"]["hfscale"] == {}
