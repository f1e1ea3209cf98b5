import copy

import pyhf
import pytest

from hfscale.errors import DigestError, PatchError, SchemaError, SelectionError, SourceError
from hfscale.workspace import load_inputs


def names(inputs):
    return [point.name for point in inputs.points]


def test_points_carry_name_values_and_patch(workspace, patchset):
    inputs = load_inputs(workspace, patchset)
    assert dict(inputs.points[0].values) == {"m_heavy": 500, "m_light": 100}
    assert list(inputs.points[1].patch) == patchset["patches"][1]["patch"]
    assert inputs.metadata["description"] == "two masses"
    assert inputs.workspace_digest == pyhf.utils.digest(workspace)
    assert inputs.patchset_digest == pyhf.utils.digest(patchset)


def test_globs_keep_the_order_of_the_patchset(workspace, patchset):
    assert names(load_inputs(workspace, patchset, points=["s_9*", "s_500_???"])) == ["s_500_100", "s_900_800"]


def test_selection_does_not_change_the_digest(workspace, patchset):
    selected = load_inputs(workspace, patchset, points=["s_500_100"])
    assert selected.patchset_digest == load_inputs(workspace, patchset).patchset_digest


def test_point_without_signal_can_be_selected_alone(workspace, patchset):
    assert names(load_inputs(workspace, patchset, points=["s_900_800"])) == ["s_900_800"]


@pytest.mark.parametrize("glob", ["s_600_10", "S_600_100"])
def test_glob_that_matches_nothing_gets_close_names(workspace, patchset, glob):
    with pytest.raises(SelectionError, match="s_600_100"):
        load_inputs(workspace, patchset, points=["s_500*", glob])


def test_duplicate_names_are_refused_naming_both(workspace, patchset):
    patchset["patches"][2]["metadata"]["name"] = "s_500_100"
    with pytest.raises(PatchError, match="patches 0 and 2 are both named 's_500_100'"):
        load_inputs(workspace, patchset)


def test_duplicate_values_are_refused_naming_both(workspace, patchset):
    patchset["patches"][2]["metadata"]["values"] = [600.0, 100]
    with pytest.raises(
        PatchError, match=r"'s_600_100' and 's_900_800' have the same values m_heavy=600\.0, m_light=100"
    ):
        load_inputs(workspace, patchset)


@pytest.mark.parametrize("values", [[1], [1, 2, 3]])
def test_wrong_number_of_values(workspace, patchset, values):
    patchset["patches"][1]["metadata"]["values"] = values
    with pytest.raises(PatchError, match=f"'s_600_100' has {len(values)} values, the labels are m_heavy, m_light"):
        load_inputs(workspace, patchset)


def test_label_that_occurs_twice(workspace, patchset):
    patchset["metadata"]["labels"] = ["m", "m"]
    with pytest.raises(PatchError, match="a label occurs twice in m, m"):
        load_inputs(workspace, patchset)


def test_infinite_value(workspace, patchset):
    patchset["patches"][1]["metadata"]["values"] = [float("inf"), 1]
    with pytest.raises(PatchError, match="'s_600_100' has a value that is not finite"):
        load_inputs(workspace, patchset)


def break_operation(patchset):
    patchset["patches"][1]["patch"][0]["op"] = "insert"
    return "patches[s_600_100]/patch[0]"


def break_name(patchset):
    patchset["patches"][1]["metadata"]["name"] = "a b"
    return "patches[a b]/metadata/name"


def break_labels(patchset):
    patchset["metadata"]["labels"] = []
    return "metadata/labels"


def break_digests(patchset):
    del patchset["metadata"]["digests"]
    return "metadata"


@pytest.mark.parametrize("change", [break_operation, break_name, break_labels, break_digests])
def test_patchset_against_the_schema(workspace, patchset, write, change):
    place = change(patchset)
    with pytest.raises(SchemaError, match=r"patchset\.json is not a valid patchset") as caught:
        load_inputs(workspace, write("patchset.json", patchset))
    assert caught.value.place is not None
    assert caught.value.place.startswith(place)


def test_pyhf_accepts_the_same_patchset(workspace, patchset):
    with pytest.warns(DeprecationWarning):
        reference = pyhf.PatchSet(copy.deepcopy(patchset))
    assert [(patch.name, patch.values) for patch in reference] == [
        (point.name, tuple(point.values.values())) for point in load_inputs(workspace, patchset).points
    ]


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_digest_mismatch_names_both_digests(workspace, patchset, algorithm):
    wrong = "0" * len(patchset["metadata"]["digests"][algorithm])
    patchset["metadata"]["digests"][algorithm] = wrong
    with pytest.raises(DigestError, match="--no-verify-digest") as caught:
        load_inputs(workspace, patchset)
    assert wrong in str(caught.value)
    assert pyhf.utils.digest(workspace, algorithm=algorithm) in str(caught.value)
    assert len(load_inputs(workspace, patchset, verify_digest=False).points) == 3


def test_patch_options_are_one_point_each(workspace, patchset, write):
    first = write("patch.a_100_200.json", patchset["patches"][0]["patch"])
    second = write("b.json", patchset["patches"][1]["patch"])
    inputs = load_inputs(workspace, patches=[str(first), str(second)])
    assert names(inputs) == ["a_100_200", "b"]
    assert [dict(point.values) for point in inputs.points] == [{}, {}]
    assert inputs.points[0].source == str(first)


def test_joined_patch_files_are_one_point_applied_in_order(workspace, patchset, write):
    first = write("a.json", patchset["patches"][0]["patch"])
    second = write("b.json", [{"op": "replace", "path": "/channels/0/samples/0/name", "value": "renamed"}])
    inputs = load_inputs(workspace, patches=[f"{first},{second}"])
    assert names(inputs) == ["a+b"]
    assert [operation["op"] for operation in inputs.points[0].patch] == ["add", "add", "replace"]


def test_folder_of_patches_is_one_point_per_file(workspace, patchset, write):
    folder = write("signals/x.json", patchset["patches"][0]["patch"]).parent
    write("signals/patch.y.json", patchset["patches"][1]["patch"])
    write("signals/BkgOnly.json", workspace)
    write("signals/deeper/z.json", [])
    assert names(load_inputs(workspace, patches=[str(folder)])) == ["y", "x"]


def test_patch_files_of_one_name_are_refused(workspace, patchset, write):
    patch = patchset["patches"][0]["patch"]
    paths = [write("1/a.json", patch), write("2/patch.a.json", patch)]
    with pytest.raises(PatchError, match="both named 'a'"):
        load_inputs(workspace, patches=[str(path) for path in paths])


def test_patch_option_with_a_patchset(workspace, patchset, write):
    with pytest.raises(SchemaError, match="as the second argument"):
        load_inputs(workspace, patches=[str(write("p.json", patchset))])


def test_patch_file_against_the_schema(workspace, write):
    path = write("p.json", [{"op": "add", "path": "/channels/0"}])
    with pytest.raises(SchemaError, match=r"p\.json is not a valid JSON patch"):
        load_inputs(workspace, patches=[str(path)])


def test_patchset_and_patch_options_exclude_each_other(workspace, patchset, write):
    path = write("p.json", patchset["patches"][0]["patch"])
    with pytest.raises(SelectionError, match="either PATCHSET or -p"):
        load_inputs(workspace, patchset, patches=[str(path)])


def test_empty_folder_of_patches(workspace, tmp_path):
    with pytest.raises(SourceError, match="holds no patch files"):
        load_inputs(workspace, patches=[str(tmp_path)])
