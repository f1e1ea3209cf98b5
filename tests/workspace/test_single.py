"""Reading one workspace with at most one patch."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from hfscale.errors import ModelError, PatchError, SchemaError, SelectionError, SourceError
from hfscale.workspace import SignalPoint
from hfscale.workspace.single import read_workspace
from tests.program import Search, small_workspace


def add_signal(value: float = 3.0) -> list[dict[str, Any]]:
    """Change the first bin of the first sample."""
    return [{"op": "replace", "path": "/channels/0/samples/0/data/0", "value": value}]


def first_bin(document: Any) -> float:
    return float(document["channels"][0]["samples"][0]["data"][0])


def test_sources_are_files_folders_and_documents(small: Search) -> None:
    expected = json.loads(Path(small.workspace).read_text())
    assert read_workspace(small.workspace).content == expected
    assert read_workspace(str(small.workspace)).source == str(small.workspace)
    found = read_workspace(expected)
    assert found.content == expected
    assert found.source == "workspace (given in memory)"


def test_patches_are_operations_files_and_signal_points(small: Search, tmp_path: Path) -> None:
    file = tmp_path / "patch.one.json"
    file.write_text(json.dumps(add_signal()))
    point = SignalPoint("one", {}, tuple(add_signal()), "somewhere")
    before = json.loads(Path(small.workspace).read_text())
    for patch in (add_signal(), tuple(add_signal()), file, str(file), point):
        assert first_bin(read_workspace(small.workspace, patch).content) == 3.0
        assert first_bin(read_workspace(before, patch).content) == 3.0
    assert before == json.loads(Path(small.workspace).read_text())


def test_the_patched_workspace_is_checked() -> None:
    with pytest.raises(PatchError, match="does not apply"):
        read_workspace(small_workspace(), [{"op": "remove", "path": "/nothing"}])
    with pytest.raises(PatchError, match="the patched workspace is not valid"):
        read_workspace(small_workspace(), [{"op": "remove", "path": "/channels/0/samples/0/modifiers"}])
    with pytest.raises(ModelError, match="the channel has"):
        read_workspace(small_workspace(), [{"op": "remove", "path": "/channels/0/samples/0/data/0"}])


def test_a_workspace_is_checked() -> None:
    broken = copy.deepcopy(small_workspace())
    del broken["channels"][0]["samples"][0]["modifiers"]
    with pytest.raises(SchemaError, match="not a valid workspace"):
        read_workspace(broken)
    with pytest.raises(SourceError, match="does not exist"):
        read_workspace("nowhere.json")


def test_several_signal_points_are_refused(small: Search, tmp_path: Path) -> None:
    folder = tmp_path / "patches"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"patch.{name}.json").write_text(json.dumps(add_signal()))
    with pytest.raises(SelectionError, match="holds 2 signal points"):
        read_workspace(small.workspace, folder)
    with pytest.raises(SchemaError, match="patchset"):
        read_workspace(small.workspace, small.folder / "patchset.json")
