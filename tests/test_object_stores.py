"""Campaigns whose store lies in an object store: the same bytes as in a folder, and nothing lost by a kill."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hfscale as package
from hfscale.store.files import done_folder
from hfscale.store.objects import ObjectPlace
from hfscale.store.places import store_place
from tests.objects import download, serving
from tests.program import Search, digests_of, hfscale, start_hfscale
from tests.test_gathering import chunks_of

TOYS: tuple[Any, ...] = ("--points", "s_400_*", "--calctype", "toybased", "--seed", 3, "--task-points", 1)
ADAPTIVE = (*TOYS, "--adaptive", "--min-toys", 20, "--max-toys", 60, "--task-toys", 10)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def place(bucket: str, request: pytest.FixtureRequest) -> ObjectPlace:
    found = store_place(f"{bucket}/{request.node.name}.zarr")
    assert isinstance(found, ObjectPlace)
    return found


def cls(search: Search, place: ObjectPlace, *options: Any) -> Any:
    return hfscale("cls", search.workspace, search.patchset, "-o", place, *options)


@pytest.mark.slow
@pytest.mark.parametrize("gather", [(), ("--gather",)])
def test_a_store_of_objects_holds_the_bytes_of_one_in_a_folder(
    gather: tuple[str, ...], small: Search, place: ObjectPlace, tmp_path: Path
) -> None:
    assert small.cls(*ADAPTIVE).code == 0
    ended = cls(small, place, *ADAPTIVE, "--executor", "processes", "--workers", 1, *gather)
    assert ended.code == 0, ended.err
    copy = download(place, tmp_path / "copy.zarr")
    assert chunks_of(copy) == chunks_of(small.store)
    assert digests_of(copy) == digests_of(small.store)
    assert hfscale("show", place, "--json").json() == hfscale("show", small.store, "--json").json()


def test_every_verb_reads_a_store_of_objects(small: Search, place: ObjectPlace, tmp_path: Path) -> None:
    assert cls(small, place, "--executor", "local", "--task-points", 4).code == 0
    assert hfscale("status", place, "--json").json()["tasks_done"] == 3
    contour = tmp_path / "contour.svg"
    assert hfscale("contour", place, "-x", "m_heavy", "-y", "m_light", "-o", contour).code == 0
    assert contour.exists()
    assert hfscale("verify", place).code == 0
    assert package.open_results(str(place)).to_xarray()["CLs_obs"].shape == (9, 1)


def test_damage_is_found_and_computed_again(small: Search, place: ObjectPlace) -> None:
    assert cls(small, place, "--executor", "local", "--task-points", 4).code == 0
    before = {name: (place / name).read_bytes() for name in place.files() if "/c/" in name}
    chunk = place / "CLs_obs/c/1/0"
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(bytes(data))
    (place / "q/c/0/0").unlink()
    (place / "stranger").write_bytes(b"?")
    found = hfscale("verify", place, "--json", "--forget")
    assert found.code == 1
    assert {piece["kind"] for piece in found.json()["damage"]} == {"altered", "missing", "foreign"}
    assert cls(small, place, "--executor", "local").code == 0
    assert {name: (place / name).read_bytes() for name in place.files() if "/c/" in name} == before


@pytest.mark.slow
def test_a_driver_that_was_killed_loses_nothing_that_was_done(
    small: Search, place: ObjectPlace, tmp_path: Path
) -> None:
    options = (*TOYS, "--ntoys", 150, "--task-toys", 10)
    command = ("cls", small.workspace, small.patchset, "-o", place, *options, "--executor", "local")
    process = start_hfscale(*command)
    try:
        while len(list(done_folder(place).glob("*.json"))) < 6:
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.05)
        busy = cls(small, place, *options, "--executor", "local")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    finally:
        process.kill()
        process.communicate()
    assert busy.code == 2
    assert f"another process is running on this store: {process.pid}" in busy.err
    kept = {path.name: path.version() for path in done_folder(place).glob("*.json")}
    assert 6 <= len(kept) < 48
    assert cls(small, place, *options, "--executor", "local").code == 0
    assert {name: (done_folder(place) / name).version() for name in kept} == kept  # type: ignore[union-attr]
    assert small.cls(*options).code == 0
    assert chunks_of(download(place, tmp_path / "copy.zarr")) == chunks_of(small.store)


def test_what_is_below_a_url_is_not_touched(small: Search, place: ObjectPlace) -> None:
    (place / "mine").write_bytes(b"mine")
    ended = cls(small, place, "--executor", "local")
    assert ended.code == 2
    assert str(place) in ended.err
    assert list(place.files()) == ["mine"]


def test_a_store_that_cannot_be_reached_is_no_traceback(small: Search, bucket: str) -> None:
    ended = hfscale("cls", small.workspace, small.patchset, "-o", "s3://nosuchbucket/x.zarr", "--executor", "local")
    assert ended.code == 2
    assert "s3://nosuchbucket/x.zarr" in ended.err


def test_a_campaign_file_names_a_url(small: Search, place: ObjectPlace) -> None:
    campaign = small.folder / "campaign.yaml"
    campaign.write_text(f"schema: 1\nworkspace: BkgOnly.json\npatchset: patchset.json\nstore: {place}\n")
    assert hfscale("plan", campaign).code == 0
    assert hfscale("worker", place, "--shard", "0/1").code == 0
    assert hfscale("status", place, "--json").json()["points_ok"] == 9
