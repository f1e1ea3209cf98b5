"""The verb ``templates``: what it writes, and how it refuses bad configurations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.program import PYHF_WARNING, Ended, hfscale
from tests.templating.conftest import config, inputs

__all__ = ["config", "inputs"]

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING, "ignore::ResourceWarning")


def run(config: dict[str, Any], *arguments: object) -> Ended:
    Path("config.yml").write_text(yaml.safe_dump(config))
    return hfscale("templates", "config.yml", "--executor", "local", *arguments)


def test_templates_and_workspace_are_written(inputs: Path, config: dict[str, Any]) -> None:
    planned = run(config, "-o", "made", "--dry-run", "--json").json()
    assert (planned["templates"], planned["to_make"]) == (16, 16)
    assert not (inputs / "made").exists()
    ended = run(config, "-o", "made", "--json")
    assert ended.code == 0
    assert ended.json() == {
        "folder": str(inputs / "made"),
        "templates": 16,
        "made": 16,
        "kept": 0,
        "failed": [],
        "workspace": str(inputs / "made" / "workspace.json"),
    }
    assert "16/16 templates" in ended.err
    inspected = hfscale("inspect", "made/workspace.json", "--json")
    assert inspected.code == 0
    assert run(config, "-o", "made", "--json").json()["kept"] == 16


def test_failures_are_listed(inputs: Path, config: dict[str, Any]) -> None:
    config["Samples"][3]["Weight"] = "nonsense"
    ended = run(config, "--json")
    assert ended.code == 1
    found = ended.json()
    assert [item["name"] for item in found["failed"]] == ["Signal-region_other", "CR_other"]
    assert found["workspace"] is None
    assert "failed: CR_other: " in ended.err
    assert "signal.root has no branch 'nonsense' in the tree nominal" in ended.err


def _unknown_key(config: dict[str, Any]) -> None:
    config["Regions"][1]["Binnings"] = [1, 2]


def _no_binning(config: dict[str, Any]) -> None:
    del config["Regions"][1]["Binning"]


def _two_data(config: dict[str, Any]) -> None:
    config["Samples"][1]["Data"] = True


def _descending(config: dict[str, Any]) -> None:
    config["Regions"][0]["Binning"] = [0, 5, 3]


def _dots(config: dict[str, Any]) -> None:
    config["Regions"][0]["Name"] = "SR_0.5"


def _no_path(config: dict[str, Any]) -> None:
    del config["Samples"][0]["SamplePath"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_unknown_key, ["Binnings", "/Regions/1"]),
        (_no_binning, ["CR has no Binning", "/Regions/1"]),
        (_two_data, ["exactly one data sample"]),
        (_descending, ["ascending", "/Regions/0/Binning"]),
        (_dots, ["several templates to SR_0.npz"]),
        (_no_path, ["no path setting found for sample Data"]),
    ],
)
def test_a_bad_configuration_is_refused(
    inputs: Path, config: dict[str, Any], refused: Callable[..., None], change: Callable[..., None], said: list[str]
) -> None:
    change(config)
    config["Samples"][1].pop("Regions")
    refused(run(config), *said)
    assert not (inputs / "histograms").exists()


def test_a_missing_configuration_is_refused(refused: Callable[..., None]) -> None:
    refused(hfscale("templates", "nowhere.yml"), "nowhere.yml cannot be read")
