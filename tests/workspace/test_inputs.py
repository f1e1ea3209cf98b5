import json
import pickle

import pytest

from hfscale.errors import SchemaError
from hfscale.workspace import Inputs, load_inputs


def test_inputs_survive_json_unchanged(workspace, patchset):
    workspace["channels"][0]["samples"][0]["data"][0] = 0.1 + 0.2
    inputs = load_inputs(workspace, patchset, verify_digest=False)
    assert Inputs.from_json(json.loads(json.dumps(inputs.to_json()))) == inputs


def test_inputs_without_patchset_survive_json_unchanged(workspace):
    inputs = load_inputs(workspace, measurement="top")
    assert Inputs.from_json(json.loads(json.dumps(inputs.to_json()))) == inputs


def test_inputs_can_be_sent_to_a_worker(workspace, patchset):
    inputs = load_inputs(workspace, patchset)
    assert pickle.loads(pickle.dumps(inputs)) == inputs


def test_stored_inputs_of_another_format_are_refused(workspace, patchset):
    document = load_inputs(workspace, patchset).to_json()
    with pytest.raises(SchemaError, match="format 99"):
        Inputs.from_json(document | {"format": 99})


def test_stored_inputs_that_lack_a_key_are_refused(workspace, patchset):
    document = load_inputs(workspace, patchset).to_json()
    del document["poi"]
    with pytest.raises(SchemaError, match="'poi'"):
        Inputs.from_json(document)
