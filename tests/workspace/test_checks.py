import copy
from typing import Any

import pytest

from hfscale.errors import ModelError, PatchError
from hfscale.workspace import check_points, find_problems, load_inputs

TOP = ["channels", 0, "samples", 0]
FAKES = ["channels", 0, "samples", 1]
INFINITE = 10**400  # a JSON integer that no double holds

BAD_MODELS = {
    "observation of the wrong length": (
        ["observations", 0, "data"],
        [1.0],
        "the observation of channel 'SR' has 1 number, the channel has 2 bins",
        "observations[SR]/data",
    ),
    "observation missing": (["observations", 1, "name"], "other", "'CR' has no observation", "channels[CR]"),
    "observation twice": (["observations", 1, "name"], "SR", "'SR' occurs twice", "observations[1]"),
    "sample of the wrong length": (
        [*TOP, "data"],
        [1.0, 2.0, 3.0],
        "sample 'top' of channel 'SR' has 3 numbers",
        "channels[SR]/samples[top]/data",
    ),
    "staterror of the wrong length": (
        [*TOP, "modifiers", 0, "data"],
        [1.0],
        "the staterror modifier 'stat_SR' of sample 'top' has 1 number",
        "channels[SR]/samples[top]/modifiers[0]/data",
    ),
    "histosys of the wrong length": (
        [*TOP, "modifiers", 1],
        {"name": "h", "type": "histosys", "data": {"lo_data": [1.0, 1.0], "hi_data": [1.0]}},
        "the histosys modifier 'h' of sample 'top' has 1 number",
        "channels[SR]/samples[top]/modifiers[1]/data/hi_data",
    ),
    "channel twice": (["channels", 1, "name"], "SR", "'SR' occurs twice", "channels[1]"),
    "sample twice": ([*FAKES, "name"], "top", "'top' occurs twice", "channels[SR]/samples[1]"),
    "modifier twice": (
        [*TOP, "modifiers", 0],
        {"name": "mu_top", "type": "normfactor", "data": None},
        "the normfactor modifier 'mu_top' twice",
        "channels[SR]/samples[top]/modifiers[1]",
    ),
    "measurement twice": (["measurements", 1, "name"], "main", "'main' occurs twice", "measurements[1]"),
    "parameter twice": (
        ["measurements", 0, "config", "parameters"],
        [{"name": "a"}, {"name": "a"}],
        "'a' occurs twice",
        "measurements[main]/config/parameters[1]",
    ),
    "NaN": ([*TOP, "data", 1], float("nan"), "not finite", "channels[SR]/samples[top]/data[1]"),
    "too large": (["observations", 0, "data", 1], INFINITE, "not finite", "observations[SR]/data[1]"),
    "infinite bound": (
        ["measurements", 0, "config", "parameters", 0, "bounds", 0, 1],
        float("inf"),
        "not finite",
        "measurements[main]/config/parameters[mu]/bounds[0][1]",
    ),
}


def change(document: Any, path: list[Any], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


@pytest.mark.parametrize(("path", "value", "message", "place"), BAD_MODELS.values(), ids=BAD_MODELS.keys())
def test_background_that_is_no_model(workspace, patchset, path, value, message, place):
    change(workspace, path, value)
    with pytest.raises(ModelError) as caught:
        load_inputs(workspace, patchset, verify_digest=False)
    assert message in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.startswith(place)
    assert caught.value.remedy


@pytest.mark.parametrize(("path", "value", "message", "place"), BAD_MODELS.values(), ids=BAD_MODELS.keys())
def test_patch_that_makes_no_model(workspace, patchset, path, value, message, place):
    pointer = "".join(f"/{step}" for step in path)
    patchset["patches"][2]["patch"] = [{"op": "replace", "path": pointer, "value": value}]
    inputs = load_inputs(workspace, patchset)
    with pytest.raises(ModelError) as caught:
        check_points(inputs)
    assert "point 's_900_800'" in caught.value.message
    assert message in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.startswith(place)


def test_number_of_a_file_that_overflows(workspace, tmp_path):
    import json

    path = tmp_path / "BkgOnly.json"
    path.write_text(json.dumps(workspace).replace("20.0", "1e999"))
    with pytest.raises(ModelError, match="a number is not finite"):
        load_inputs(path)


def test_valid_points(workspace, patchset):
    inputs = load_inputs(workspace, patchset)
    check_points(inputs)
    assert find_problems(inputs) == []


def test_observation_of_a_removed_channel_may_stay(workspace, patchset):
    patchset["patches"][0]["patch"] = [{"op": "remove", "path": "/channels/1"}]
    check_points(load_inputs(workspace, patchset))


def test_all_problems_of_all_points_are_found(workspace, patchset):
    patches = [entry["patch"] for entry in patchset["patches"]]
    patches[0][1]["value"]["data"] = [1.0, 2.0]
    patches[1][0]["path"] = "/channels/5/samples/0"
    patches[2].append({"op": "replace", "path": "/channels/0/samples/0/data/0", "value": "ten"})
    problems = find_problems(load_inputs(workspace, patchset))
    assert [type(problem) for problem in problems] == [ModelError, PatchError, PatchError]
    assert "sample 'signal' of channel 'CR' has 2 numbers" in problems[0].message
    assert "operation 0 (add /channels/5/samples/0) of point 's_600_100' does not apply" in problems[1].message
    assert "point 's_900_800': the patched workspace is not valid: 'ten'" in problems[2].message
    assert problems[2].place == "channels[SR]/samples[top]/data[0]"


def test_violation_in_the_last_of_many_equal_patches_is_found(workspace, patchset):
    first = patchset["patches"][0]
    patchset["patches"] = []
    for index in range(20):
        entry = copy.deepcopy(first)
        entry["metadata"] = {"name": f"p{index}", "values": [index, 0]}
        patchset["patches"].append(entry)
    patchset["patches"][19]["patch"][0]["value"]["modifiers"][1]["data"]["lo"] = None
    with pytest.raises(PatchError, match=r"point 'p19'.*normsys modifier 'xs'") as caught:
        check_points(load_inputs(workspace, patchset))
    assert caught.value.place == "channels[SR]/samples[signal]/modifiers[1]/data/lo"


@pytest.mark.parametrize("value", [None, 3, {}, [], [3], [{"name": "SR"}], [{"name": "SR", "samples": 3}]])
def test_patch_that_replaces_all_channels_by_something_else(workspace, patchset, value):
    patchset["patches"][2]["patch"] = [{"op": "replace", "path": "/channels", "value": value}]
    with pytest.raises(PatchError, match="the patched workspace is not valid"):
        check_points(load_inputs(workspace, patchset))


def test_sample_moved_to_a_channel_of_other_bins(workspace, patchset):
    patchset["patches"][2]["patch"] = [
        {"op": "move", "from": "/channels/0/samples/1", "path": "/channels/1/samples/1"},
    ]
    problem = find_problems(load_inputs(workspace, patchset))[0]
    assert "sample 'fakes' of channel 'CR' has 2 numbers" in problem.message


def test_patch_that_removes_the_measurement(workspace, patchset):
    patchset["patches"][2]["patch"] = [{"op": "remove", "path": "/measurements/0"}]
    with pytest.raises(PatchError, match="no measurement 'main'"):
        check_points(load_inputs(workspace, patchset))


def test_patch_that_changes_the_poi(workspace, patchset):
    operation = {"op": "replace", "path": "/measurements/0/config/poi", "value": "mu_top"}
    patchset["patches"][2]["patch"] = [operation]
    with pytest.raises(ModelError, match="sets the POI to 'mu_top', the calculation uses 'mu'") as caught:
        check_points(load_inputs(workspace, patchset))
    assert "--poi mu_top" in str(caught.value)
    check_points(load_inputs(workspace, patchset, poi="mu_top"))
