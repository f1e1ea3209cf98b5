"""The verb ``prune``: what it writes, and where."""

import csv
import json
from pathlib import Path

import pytest

import hfscale as package
from tests.models import Spec, histosys, normfactor, normsys, one_channel, sample
from tests.program import hfscale, write


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    spec: Spec = one_channel(
        [12.0],
        sample("signal", [2.0], normfactor()),
        sample("bkg", [10.0], normsys("small", 1.001, 0.999), histosys("large", [12.0], [9.0])),
        parameters=[{"name": "small", "inits": [0.1]}],
    )
    return write(tmp_path / "ws.json", spec)


def test_the_report_goes_to_standard_output_and_nothing_else_happens(workspace: Path) -> None:
    ended = hfscale("prune", workspace)
    assert ended.code == 0
    header, *rows = (line.split() for line in ended.out.splitlines())
    assert header == ["channel", "sample", "modifier", "type", "effect", "dropped", "reason"]
    assert [row[2:6] for row in rows] == [["small", "normsys", "0.001", "yes"], ["large", "histosys", "0.2", "no"]]
    assert "1 of 2 modifiers dropped, 1 parameters vanished: small" in ended.err
    assert [file.name for file in workspace.parent.iterdir()] == ["ws.json"]


def test_the_pruned_workspace_can_be_used(workspace: Path) -> None:
    pruned = workspace.parent / "pruned.json"
    found = hfscale("prune", workspace, "--threshold", "0.01", "-o", pruned, "--json").json()
    assert found["vanished"] == ["small"]
    assert [m["dropped"] for m in found["modifiers"]] == [True, False]
    assert json.loads(pruned.read_text())["measurements"][0]["config"]["parameters"] == []
    assert package.Likelihood.from_workspace(pruned).parameter_names == ("large", "mu")


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_the_report_as_a_file(workspace: Path, suffix: str) -> None:
    file = workspace.parent / f"report.{suffix}"
    assert hfscale("prune", workspace, "--per", "channel", "--report", file).code == 0
    if suffix == "csv":
        with file.open(newline="") as lines:
            assert [row["modifier"] for row in csv.DictReader(lines) if row["dropped"] == "True"] == ["small"]
    else:
        assert json.loads(file.read_text())["vanished"] == ["small"]


def test_bad_input_is_exit_code_2(workspace: Path) -> None:
    for options, message in (
        (("--report", "report.txt"), "cannot be written as report.txt"),
        (("-o", workspace.parent / "no" / "x.json"), "cannot be written: No such file or directory"),
    ):
        ended = hfscale("prune", workspace, *options)
        assert (ended.code, ended.out) == (2, "")
        assert message in ended.err
