"""Campaigns whose store lies in an object store: the same bytes as in a folder, and nothing lost by a kill."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

import hfscale as package
from hfscale.store.files import done_folder
from hfscale.store.objects import ObjectPlace
from tests.objects import download
from tests.program import Search, digests_of, hfscale, start_hfscale
from tests.test_gathering import chunks_of

TOYS: tuple[Any, ...] = ("--points", "s_400_*", "--calctype", "toybased", "--seed", 3, "--task-points", 1)
ADAPTIVE = (*TOYS, "--adaptive", "--min-toys", 20, "--max-toys", 60, "--task-toys", 10)


def cls(search: Search, object_store: ObjectPlace, *options: Any) -> Any:
    return hfscale("cls", search.workspace, search.patchset, "-o", object_store, *options)


@pytest.mark.slow
@pytest.mark.parametrize("gather", [(), ("--gather",)])
def test_a_store_of_objects_holds_the_bytes_of_one_in_a_folder(
    gather: tuple[str, ...], small: Search, object_store: ObjectPlace, tmp_path: Path
) -> None:
    assert small.cls(*ADAPTIVE).code == 0
    ended = cls(small, object_store, *ADAPTIVE, "--executor", "processes", "--workers", 1, *gather)
    assert ended.code == 0, ended.err
    copy = download(object_store, tmp_path / "copy.zarr")
    assert chunks_of(copy) == chunks_of(small.store)
    assert digests_of(copy) == digests_of(small.store)
    assert hfscale("show", object_store, "--json").json() == hfscale("show", small.store, "--json").json()


def test_every_verb_reads_a_store_of_objects(small: Search, object_store: ObjectPlace, tmp_path: Path) -> None:
    assert cls(small, object_store, "--executor", "local", "--task-points", 4).code == 0
    assert hfscale("status", object_store, "--json").json()["tasks_done"] == 3
    contour = tmp_path / "contour.svg"
    assert hfscale("contour", object_store, "-x", "m_heavy", "-y", "m_light", "-o", contour).code == 0
    assert contour.exists()
    assert hfscale("verify", object_store).code == 0
    assert package.open_results(str(object_store)).to_xarray()["CLs_obs"].shape == (9, 1)


def test_damage_is_found_and_computed_again(small: Search, object_store: ObjectPlace) -> None:
    assert cls(small, object_store, "--executor", "local", "--task-points", 4).code == 0
    before = {name: (object_store / name).read_bytes() for name in object_store.files() if "/c/" in name}
    chunk = object_store / "CLs_obs/c/1/0"
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(bytes(data))
    (object_store / "q/c/0/0").unlink()
    (object_store / "stranger").write_bytes(b"?")
    found = hfscale("verify", object_store, "--json", "--forget")
    assert found.code == 1
    assert {piece["kind"] for piece in found.json()["damage"]} == {"altered", "missing", "foreign"}
    assert cls(small, object_store, "--executor", "local").code == 0
    assert {name: (object_store / name).read_bytes() for name in object_store.files() if "/c/" in name} == before


@pytest.mark.slow
def test_a_driver_that_was_killed_loses_nothing_that_was_done(
    small: Search, object_store: ObjectPlace, tmp_path: Path
) -> None:
    options = (*TOYS, "--ntoys", 150, "--task-toys", 10)
    command = ("cls", small.workspace, small.patchset, "-o", object_store, *options, "--executor", "local")
    process = start_hfscale(*command)
    try:
        while len(list(done_folder(object_store).glob("*.json"))) < 6:
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.05)
        busy = cls(small, object_store, *options, "--executor", "local")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    finally:
        process.kill()
        process.communicate()
    assert busy.code == 2
    assert f"another process is running on this store: {process.pid}" in busy.err
    kept = {path.name: path.version() for path in done_folder(object_store).glob("*.json")}
    assert 6 <= len(kept) < 48
    assert cls(small, object_store, *options, "--executor", "local").code == 0
    assert {name: (done_folder(object_store) / name).version() for name in kept} == kept  # type: ignore[union-attr]
    assert small.cls(*options).code == 0
    assert chunks_of(download(object_store, tmp_path / "copy.zarr")) == chunks_of(small.store)


def test_what_is_below_a_url_is_not_touched(small: Search, object_store: ObjectPlace) -> None:
    (object_store / "mine").write_bytes(b"mine")
    ended = cls(small, object_store, "--executor", "local")
    assert ended.code == 2
    assert str(object_store) in ended.err
    assert list(object_store.files()) == ["mine"]


def test_a_store_that_cannot_be_reached_is_no_traceback(small: Search, bucket: str) -> None:
    ended = hfscale("cls", small.workspace, small.patchset, "-o", "s3://nosuchbucket/x.zarr", "--executor", "local")
    assert ended.code == 2
    assert "s3://nosuchbucket/x.zarr" in ended.err


def test_a_campaign_file_names_a_url(small: Search, object_store: ObjectPlace) -> None:
    campaign = small.folder / "campaign.yaml"
    campaign.write_text(f"schema: 1\nworkspace: BkgOnly.json\npatchset: patchset.json\nstore: {object_store}\n")
    assert hfscale("plan", campaign).code == 0
    assert hfscale("worker", object_store, "--shard", "0/1").code == 0
    assert hfscale("status", object_store, "--json").json()["points_ok"] == 9
