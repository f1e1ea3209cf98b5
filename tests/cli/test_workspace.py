"""The verbs ``workspace ...``: pyhf's results, what pyhf cannot do, and clear errors."""

import json
from pathlib import Path

import pyhf
import pytest

from tests.inference.measurement.models import measurement
from tests.models import PYHF_WARNING, Spec, histosys, normfactor, normsys, one_channel, sample
from tests.program import hfscale, write

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return write(tmp_path / "workspace.json", measurement())


def names_in(spec: Spec, channel: str, name: str) -> list[str]:
    """Modifiers of a sample."""
    samples = {s["name"]: s for c in spec["channels"] if c["name"] == channel for s in c["samples"]}
    return [modifier["name"] for modifier in samples[name]["modifiers"]]


def test_pruning_renaming_and_sorting_are_those_of_pyhf(workspace: Path, tmp_path: Path) -> None:
    theirs = pyhf.Workspace(measurement())
    pruned = hfscale("workspace", "prune", workspace, "--channel", "CR", "--modifier", "jets").json()
    assert pruned == dict(theirs.prune(channels=["CR"], modifiers=["jets"]))
    ended = hfscale("workspace", "rename", workspace, "--sample", "other=rest", "--channel", "SR=signal region")
    assert ended.json() == dict(theirs.rename(samples={"other": "rest"}, channels={"SR": "signal region"}))
    output = tmp_path / "sorted.json"
    told = hfscale("workspace", "sort", workspace, "-o", output, "--json").json()
    assert told["digest"] == pyhf.utils.digest(json.loads(output.read_text()))
    assert told["channels"] == ["CR", "SR"]
    assert json.loads(output.read_text()) == dict(pyhf.Workspace.sorted(theirs))
    digest = hfscale("workspace", "digest", workspace, "--json").json()
    assert digest == {"sha256": pyhf.utils.digest(measurement())}


def test_a_modifier_goes_in_one_channel_alone(workspace: Path) -> None:
    spec = hfscale("workspace", "prune", workspace, "--modifier", "scale", "--in-channel", "CR").json()
    assert names_in(spec, "CR", "top") == ["top"]
    assert names_in(spec, "SR", "signal") == ["mu", "scale"]
    gone = hfscale("workspace", "prune", workspace, "--modifier", "lumi", "--in-sample", "other").json()
    assert [p["name"] for p in gone["measurements"][0]["config"]["parameters"]] == ["mu"]


def test_a_renamed_poi_stays_the_poi(workspace: Path) -> None:
    spec = hfscale("workspace", "rename", workspace, "--modifier", "mu=strength").json()
    config = spec["measurements"][0]["config"]
    assert config["poi"] == "strength"
    assert config["parameters"][0]["name"] == "strength"
    assert names_in(spec, "SR", "signal") == ["strength", "scale"]


def test_combining_is_that_of_pyhf(workspace: Path, tmp_path: Path) -> None:
    other = one_channel([5.0], sample("bkg", [6.0], normfactor("top")), poi="mu")
    other["channels"][0]["name"] = other["observations"][0]["name"] = "VR"
    other["measurements"][0]["name"] = "validation"
    second = write(tmp_path / "second.json", other)
    ended = hfscale("workspace", "combine", workspace, second, "--join", "outer")
    assert ended.json() == dict(pyhf.Workspace.combine(pyhf.Workspace(measurement()), pyhf.Workspace(other), "outer"))
    refused = hfscale("workspace", "combine", workspace, workspace)
    assert refused.code == 2
    assert "pyhf refuses this" in refused.err


def test_the_key_of_this_package_is_kept(tmp_path: Path) -> None:
    spec = measurement()
    spec["measurements"][0]["config"]["hfscale"] = {"clip": {"bins": 1e-3}}
    workspace = write(tmp_path / "workspace.json", spec)
    renamed = hfscale("workspace", "rename", workspace, "--measurement", "fit=other").json()
    assert renamed["measurements"][0]["config"]["hfscale"] == {"clip": {"bins": 1e-3}}
    assert hfscale("workspace", "rename", workspace, "--modifier", "mu=strength").code == 2


def test_pruning_by_effect(workspace: Path) -> None:
    ended = hfscale("workspace", "prune", workspace, "--effect", "0.08")
    assert names_in(ended.json(), "CR", "top") == ["top"]
    assert names_in(ended.json(), "SR", "signal") == ["mu", "scale"]
    assert "have a smaller effect" in ended.err


def test_odd_variations_are_found(tmp_path: Path) -> None:
    spec = one_channel(
        [20.0, 20.0],
        sample("signal", [2.0, 2.0], normfactor()),
        sample(
            "bkg",
            [20.0, 20.0],
            normsys("fine", 1.1, 0.91),
            normsys("same", 1.1, 1.05),
            normsys("nothing", 1.0, 1.0),
            histosys("one bin", [22.0, 22.0], [18.0, 21.0]),
            histosys("uneven", [24.0, 20.0], [19.8, 20.0]),
        ),
    )
    found = hfscale("workspace", "check", write(tmp_path / "workspace.json", spec), "--json").json()
    assert [(one["modifier"], one["finding"], one["bins"]) for one in found] == [
        ("same", "one-sided", []),
        ("nothing", "no effect", []),
        ("one bin", "one-sided", [1]),
        ("uneven", "asymmetric", [0]),
    ]
    assert found[2]["up"] == pytest.approx(0.1)
    assert found[2]["down"] == pytest.approx(0.05)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_xml_and_back(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uproot")
    monkeypatch.chdir(tmp_path)
    assert hfscale("workspace", "to-xml", workspace, "-o", "xml").code == 0
    assert not list(tmp_path.glob(".xml*"))
    again = hfscale("workspace", "from-xml", "xml/FitConfig.xml").json()
    assert {channel["name"] for channel in again["channels"]} == {"CR", "SR"}
    data = {s["name"]: s["data"] for c in again["channels"] if c["name"] == "SR" for s in c["samples"]}
    assert data["top"] == [50.0, 30.0]
    assert {o["name"]: o["data"] for o in again["observations"]} == {"CR": [118.0], "SR": [74.0, 47.0]}
    assert hfscale("workspace", "to-xml", workspace, "-o", "xml").code == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("prune",), "nothing is to be left out"),
        (("prune", "--channel", "XX"), "XX"),
        (("prune", "--modifier", "jets", "--in-channel", "CR"), "there is no modifier 'jets' in CR"),
        (("prune", "--modifier", "jets", "--in-channel", "XX"), "there is no channel 'XX'"),
        (("prune", "--channel", "CR", "--in-channel", "CR"), "are for modifiers alone"),
        (("rename",), "nothing is to be renamed"),
        (("rename", "--sample", "top=other"), "there are samples of that name"),
        (("rename", "--sample", "topp=t"), "topp"),
        (("digest", "--algorithm", "crc"), "there is no algorithm 'crc'"),
    ],
)
def test_bad_input_writes_nothing(workspace: Path, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    verb, *options = words
    output = [] if verb == "digest" else ["-o", tmp_path / "out.json"]
    ended = hfscale("workspace", verb, workspace, *options, *output)
    assert ended.code == 2
    assert message in ended.err
    assert ended.out == ""
    assert not (tmp_path / "out.json").exists()
