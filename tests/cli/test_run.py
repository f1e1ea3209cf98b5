"""The verb ``run``: a campaign file, its overrides, and what is wrong with it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.program import EXAMPLE, Search, copy_store, hfscale

Refused = Callable[..., None]


@pytest.fixture
def campaign(small: Search) -> Path:
    """Write the campaign file of the small search."""
    document: dict[str, Any] = {
        "schema": 1,
        "workspace": "BkgOnly.json",
        "patchset": "patchset.json",
        "store": "results.zarr",
        "run": {"executor": "local", "task_points": 4},
        "contours": [{"x": "m_heavy", "y": "m_light", "output": "contour.pdf"}],
    }
    file = small.folder / "campaign.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def test_the_embedded_campaign(tmp_path: Path, example_store: Path) -> None:
    for name in ("BkgOnly.json", "patchset.json", "campaign.yaml"):
        shutil.copy(EXAMPLE / name, tmp_path)
    copy_store(example_store, tmp_path).rename(tmp_path / "exclusion.zarr")
    ended = hfscale("run", tmp_path / "campaign.yaml")
    assert ended.code == 0, ended
    assert "88 points ok" in ended.err
    assert (tmp_path / "contour.pdf").read_bytes().startswith(b"%PDF-")
    assert (tmp_path / "contour.png").exists()


def test_paths_are_relative_to_the_file(
    campaign: Path, small: Search, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    ended = hfscale("run", campaign)
    assert ended.code == 0, ended
    assert small.left() == ["campaign.yaml", "contour.pdf", "results.zarr"]
    assert list(elsewhere.iterdir()) == []


def test_a_campaign_gives_what_cls_gives(campaign: Path, small: Search, small_store: Path) -> None:
    ended = hfscale("run", campaign, "--json")
    assert ended.json() == hfscale("show", small_store, "--json").json()
    assert "nothing to do" in small.cls().err


def test_overrides_act_as_if_written_in_the_file(campaign: Path, small: Search) -> None:
    overrides = ("calculation.test_poi=0.5", "points=[s_200_*, s_400_*]", "store=other.zarr", "contours.0.output=c.svg")
    ended = hfscale("run", campaign, "--json", *(word for text in overrides for word in ("--set", text)))
    assert ended.code == 0, ended
    assert {point["poi"] for point in ended.json()} == {0.5}
    assert len(ended.json()) == 6
    assert small.left() == ["c.svg", "campaign.yaml", "other.zarr"]


def test_a_dry_run_writes_nothing(campaign: Path, small: Search) -> None:
    plan = hfscale("run", campaign, "--dry-run", "--json").json()
    assert (plan["points"], plan["tasks"]) == (9, 3)
    assert small.left() == ["campaign.yaml"]


def test_no_crossing_is_told(campaign: Path) -> None:
    ended = hfscale("run", campaign, "--set", "calculation.test_poi=9")
    assert ended.code == 0, ended
    assert "there is no observed contour: all 9 points are excluded" in ended.err


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("calculation.test_poy=1", ("unknown key 'test_poy'", "did you mean 'test_poi'")),
        ("calculation.test_poi=-1", ("calculation.test_poi", "remedy")),
        ("calculation.test_poi=100", ("outside its bounds", "remedy")),
        ("schema=2", ("schema", "remedy")),
        ("workspace=no.json", ("no.json does not exist", "remedy")),
        ("store=BkgOnly.json", ("exists and is not a result store", "remedy")),
        ("contours.0.x=mass", ("no label 'mass'", "m_heavy, m_light")),
        ("contours.0.select=m_light == 3", ("no signal point of 9 has m_light == 3", "remedy")),
        ("contours.0.output=c.jpeg", ("'c.jpeg'", ".pdf")),
        ("contours.0.output=no/c.pdf", ("make the folder first",)),
        ("points=[x]", ("no signal point matches 'x'", "remedy")),
        ("nonsense", ("'nonsense' is not of the form key=value", "remedy")),
    ],
)
def test_mistakes_are_found_before_anything_is_computed(
    campaign: Path, small: Search, refused: Refused, override: str, said: tuple[str, ...]
) -> None:
    refused(hfscale("run", campaign, "--set", override), *said)
    assert small.left() == ["campaign.yaml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema: 1\nstore: a\n  b: [", ("is not valid YAML", "line 3")),
        ("- 1\n", ("is not a campaign file", "remedy")),
        ("schema: 1\nstore: a.zarr\n", ("the key 'workspace' is missing", "remedy")),
        ("schema: 1\nschema: 1\n", ("given twice", "line 2")),
    ],
)
def test_a_file_that_is_no_campaign(tmp_path: Path, refused: Refused, text: str, said: tuple[str, ...]) -> None:
    file = tmp_path / "campaign.yaml"
    file.write_text(text)
    refused(hfscale("run", file), file, *said)


def test_a_campaign_that_is_not_there(tmp_path: Path, refused: Refused) -> None:
    refused(hfscale("run", tmp_path / "no.yaml"), tmp_path / "no.yaml", "cannot be read")
