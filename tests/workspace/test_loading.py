import subprocess
import sys

import pytest

from hfscale.errors import SchemaError, SelectionError, SourceError
from hfscale.workspace import load_inputs


def test_first_measurement_and_its_poi_are_taken(workspace, patchset):
    inputs = load_inputs(workspace, patchset)
    assert (inputs.measurement, inputs.poi) == ("main", "mu")


def test_measurement_and_poi_can_be_chosen(workspace, patchset):
    inputs = load_inputs(workspace, patchset, measurement="top")
    assert (inputs.measurement, inputs.poi) == ("top", "mu_top")
    assert load_inputs(workspace, patchset, poi="lumi").poi == "lumi"


def test_workspace_alone_is_one_point_named_after_its_measurement(workspace):
    inputs = load_inputs(workspace, measurement="top")
    assert [(point.name, point.patch) for point in inputs.points] == [("top", ())]
    assert inputs.patchset_digest is None


def test_unknown_measurement_lists_those_there_are(workspace):
    with pytest.raises(SelectionError, match="no measurement 'nominal'") as caught:
        load_inputs(workspace, measurement="nominal")
    assert caught.value.remedy == "choose one of: main, top"


def test_unknown_poi_gets_close_names(workspace, patchset):
    with pytest.raises(SelectionError, match="the POI 'mu_tpo' is no modifier") as caught:
        load_inputs(workspace, patchset, poi="mu_tpo")
    assert caught.value.remedy is not None
    assert "mu_top" in caught.value.remedy


def test_poi_that_no_patch_adds(workspace):
    with pytest.raises(SelectionError, match="the POI 'mu' is no modifier"):
        load_inputs(workspace)


def test_not_json(tmp_path):
    path = tmp_path / "BkgOnly.json"
    path.write_text('{"channels": [,]}')
    with pytest.raises(SourceError, match=r"BkgOnly\.json is not JSON: line 1, column 15"):
        load_inputs(path)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([{"op": "add", "path": "/a", "value": 1}], "is a JSON patch, not a workspace"),
        ([{"CLs": 0.1, "CLsexp": 0.2}], "harvest list"),
        ([1, 2], "it is a list"),
        (3, "it is a single int"),
        ({}, "its keys are none"),
        ({"channels": [], "parameters": []}, "lacks measurements, observations"),
        ({"distributions": [], "likelihoods": [], "metadata": {}}, "HS3"),
    ],
)
def test_json_of_another_kind_as_workspace(write, document, message):
    with pytest.raises(SchemaError, match=message) as caught:
        load_inputs(write("file.json", document))
    assert "file.json" in caught.value.message
    assert caught.value.remedy


def test_patchset_as_workspace(patchset):
    with pytest.raises(SchemaError, match="give it as the second argument"):
        load_inputs(patchset)


def test_workspace_as_patchset(workspace):
    with pytest.raises(SchemaError, match="is a workspace, not a patchset"):
        load_inputs(workspace, workspace)


@pytest.mark.parametrize("version", ["1.1.0", 1, None])
def test_workspace_of_another_version(workspace, version):
    workspace["version"] = version
    with pytest.raises(SchemaError, match=r"'1\.0\.0' is needed"):
        load_inputs(workspace)


def test_import_alone_loads_nothing_heavy():
    heavy = ["pyhf", "jsonschema", "jsonpatch", "numpy"]
    code = f"import sys, hfscale.workspace; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
