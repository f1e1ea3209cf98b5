"""Stores that earlier versions of this package wrote: they open, show what they showed, and go on."""

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from hfscale.store.open import open_store
from tests.data.make_golden_stores import GOLDEN, STORES
from tests.program import digests_of, hfscale

VERSIONS = sorted(path.stem for path in GOLDEN.glob("*.json"))
CASES = [(version, store) for version in VERSIONS for store in STORES]


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The inputs and stores of a version, unpacked into the working folder."""
    with tarfile.open(GOLDEN / f"{request.param}.tar.xz") as tar:
        tar.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_said(found: Any, expected: Any) -> None:
    """Everything that was said is said; more may be said since."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            assert_said(found[key], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected, strict=True):
            assert_said(ours, theirs)
    else:
        # Stored numbers are the same bits; those that are computed from them go through other versions of libraries.
        assert found == (pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else expected)


def test_there_are_stores_of_every_layout() -> None:
    assert {"early", "manifest"} <= set(VERSIONS)


@pytest.mark.parametrize(("folder", "name"), CASES, indirect=["folder"])
def test_it_shows_what_it_showed(folder: Path, name: str, request: pytest.FixtureRequest) -> None:
    version = request.node.callspec.params["folder"]
    expected = json.loads((GOLDEN / f"{version}.json").read_text())[name]
    assert_said(hfscale("show", folder / f"{name}.zarr", "--json").json(), expected)


@pytest.mark.parametrize(("folder", "name"), CASES, indirect=["folder"])
def test_it_is_sound_and_goes_on(folder: Path, name: str) -> None:
    store = folder / f"{name}.zarr"
    assert hfscale("verify", store, "--json").json()["damage"] == []
    status = hfscale("status", store, "--json").json()
    assert status["finished"] == (name == "finished")
    done, before = open_store(store).done(), digests_of(store)
    ended = hfscale(*STORES[name], "-o", store)
    assert ended.code == 0, ended.err
    assert hfscale("status", store, "--json").json()["finished"]
    assert hfscale("verify", store).code == 0
    assert done <= open_store(store).done()
    assert digests_of(store).keys() == before.keys()
    assert {point["status"] for point in hfscale("show", store, "--json").json()} == {"ok"}


def points_of(store: Path) -> dict[str, dict[str, Any]]:
    # Early versions did not store the number of effective events, which merged stores say is not known.
    shown = hfscale("show", store, "--json").json()
    return {point["name"]: {k: v for k, v in point.items() if k != "effective_events"} for point in shown}


@pytest.mark.parametrize("folder", ["early"], indirect=True)
def test_it_is_merged_with_stores_of_today(folder: Path, tmp_path: Path) -> None:
    # Other points: results of the same ones need not have the same last bits with other libraries on another machine.
    others = [word.replace("s_400_*", "s_[!4]*") for word in STORES["finished"]]
    assert hfscale(*others, "-o", tmp_path / "today.zarr").code == 0
    early, today, merged = (tmp_path / f"{name}.zarr" for name in ("finished", "today", "merged"))
    shown = points_of(early) | points_of(today)
    for stores in ((early, today), (today, early)):
        assert hfscale("merge", *stores, "-o", merged).code == 0
        assert hfscale("verify", merged).code == 0
        assert points_of(merged) == shown
        shutil.rmtree(merged)
