import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from hfscale.errors import SchemaError, SourceError
from hfscale.workspace import load_inputs


@pytest.fixture(params=["folder", ".tar.gz", ".tgz", ".tar", ".zip"])
def pack(request, tmp_path):
    """Return a function that makes a folder or archive of named JSON documents."""

    def make(documents) -> Path:
        folder = tmp_path / "likelihoods"
        for name, document in documents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(document))
        if request.param == "folder":
            return folder
        archive = tmp_path / f"likelihoods{request.param}"
        if request.param == ".zip":
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
                for name in documents:
                    zipped.write(folder / name, name)
        else:
            with tarfile.open(archive, "w:gz" if archive.name.endswith("gz") else "w") as tar:
                tar.add(folder, ".")
        return archive

    return make


def names(inputs):
    return [point.name for point in inputs.points]


def test_background_and_patchset_are_found(pack, workspace, patchset):
    source = pack({"BkgOnly.json": workspace, "patchset.json": patchset, "other.json": {}})
    inputs = load_inputs(source)
    assert inputs.workspace == workspace
    assert names(inputs) == ["s_500_100", "s_600_100", "s_900_800"]
    assert inputs.labels == ("m_heavy", "m_light")


def test_the_only_region_is_found_below(pack, workspace, patchset):
    source = pack({"x/RegionA/BkgOnly.json": workspace, "x/RegionA/patchset.json": patchset})
    assert len(load_inputs(source).points) == 3


def test_several_regions_are_listed(pack, workspace, patchset):
    source = pack({f"Region{r}/{name}.json": {} for r in "AB" for name in ("BkgOnly", "patchset")})
    with pytest.raises(SourceError) as caught:
        load_inputs(source)
    assert f"{source}::RegionA/BkgOnly.json, {source}::RegionB/BkgOnly.json" in str(caught.value)


@pytest.mark.parametrize("member", ["RegionB", "RegionB/", "RegionB/BkgOnly.json", "./RegionB/BkgOnly.json"])
def test_a_region_is_chosen_with_its_patchset(pack, workspace, patchset, member):
    files = {f"Region{r}/BkgOnly.json": workspace for r in "AB"} | {"RegionA/patchset.json": {}}
    source = pack(files | {"RegionB/patchset.json": patchset})
    assert len(load_inputs(f"{source}::{member}").points) == 3


def test_background_and_patchset_of_a_region_can_both_be_named(pack, workspace, patchset):
    source = pack({f"R{i}/BkgOnly.json": workspace for i in (1, 2)} | {"R1/signals.json": patchset})
    assert len(load_inputs(f"{source}::R1/BkgOnly.json", f"{source}::R1/signals.json").points) == 3


def test_one_patch_file_per_point(pack, workspace, patchset):
    patches = {f"R/patch.{entry['metadata']['name']}.json": entry["patch"] for entry in patchset["patches"]}
    source = pack({"R/BkgOnly.json": workspace} | patches)
    inputs = load_inputs(source)
    assert names(inputs) == ["s_500_100", "s_600_100", "s_900_800"]
    assert inputs.labels == ()
    assert [list(point.patch) for point in inputs.points] == [entry["patch"] for entry in patchset["patches"]]
    assert load_inputs(workspace, source) == load_inputs(workspace, f"{source}::R")


def test_patchset_wins_over_patch_files(pack, workspace, patchset):
    source = pack({"BkgOnly.json": workspace, "patchset.json": patchset, "patch.a.json": []})
    assert len(load_inputs(source).points) == 3


def test_member_that_does_not_exist_gets_near_names(pack, workspace):
    source = pack({"RegionA/BkgOnly.json": workspace})
    with pytest.raises(SourceError, match=r"RegionA/BkgOnly\.json"):
        load_inputs(f"{source}::RegionA/BkgOnl.json")


def test_nothing_to_find(pack, workspace):
    source = pack({"a.json": workspace})
    with pytest.raises(SourceError, match=r"holds no BkgOnly\.json") as caught:
        load_inputs(source)
    assert f"{source}::a.json" in str(caught.value)
    with pytest.raises(SourceError, match=r"holds no patchset\.json and no patch"):
        load_inputs(workspace, source)


def test_several_sets_of_patches_are_listed(pack, workspace, patchset):
    source = pack({"A/patchset.json": patchset, "B/patchset.json": patchset})
    with pytest.raises(SourceError, match="several sets of patches") as caught:
        load_inputs(workspace, source)
    assert f"{source}::A, {source}::B" in str(caught.value)


def test_a_plain_file_is_taken_alone(workspace, patchset, write):
    workspace["measurements"][0]["config"]["poi"] = "mu_top"
    write("patchset.json", patchset)
    inputs = load_inputs(write("BkgOnly.json", workspace))
    assert names(inputs) == ["main"]
    assert inputs.points[0].patch == ()
    assert inputs.patchset_source is None


def test_a_single_patch_in_place_of_the_patchset(workspace, patchset, write):
    path = write("signals/patch.a.json", patchset["patches"][0]["patch"])
    for source in (path, str(path), f"{path.parent}/./patch.a.json", f"{path.parent}::./patch.a.json"):
        with pytest.raises(SchemaError, match="give it with -p"):
            load_inputs(workspace, source)
