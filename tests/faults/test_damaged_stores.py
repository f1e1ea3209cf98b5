"""Chunks on disk are cut short, changed or lost: noticed by all readers, found by verify, and computed again."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hfscale.store.files import done_folder
from tests.program import ROOT, Search, copy_store, digests_of, hfscale, make_search, start_hfscale

TOYS = ("--calctype", "toybased", "--ntoys", "40", "--task-toys", "20", "--task-points", "1", "--points", "s_400_*")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 0x10  # the last byte before the checksum
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


STRIKES = [pytest.param(flip, "altered", id="flipped"), pytest.param(cut, "torn", id="cut")]
CHUNKS = [
    pytest.param("q/c/1/0", "s_400_100", id="points"),
    pytest.param("toys/0000/q/c/1/0/0/1", "s_400_100", id="toys"),
]


def started(*arguments: object) -> tuple[int, str, str]:
    """Run hfscale in a process of its own."""
    command = [sys.executable, "-c", "from hfscale.cli.main import main; main()", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """A store of three points with toys that nothing happened to."""
    search = make_search(tmp_path_factory.mktemp("calm"))
    assert search.cls(*TOYS).code == 0
    return search


@pytest.mark.parametrize("chunk, point", CHUNKS)
@pytest.mark.parametrize("strike, kind", STRIKES)
def test_a_damaged_chunk_is_noticed_found_and_computed_again(
    calm: Search, tmp_path: Path, chunk: str, point: str, strike: Callable[[Path], None], kind: str
) -> None:
    store = copy_store(calm.store, tmp_path)
    whole = (store / chunk).read_bytes()
    strike(store / chunk)
    assert (store / chunk).read_bytes() != whole

    array, _, place = chunk.partition("/c/")
    code, out, err = started("show", store)
    assert (code, out) == (2, "")
    assert f"chunk {place} of the array {array} in the store {store} is {kind}" in err
    assert f"hfscale verify {store}" in err
    assert "Traceback" not in err

    verified = hfscale("verify", store, "--json")
    assert verified.code == 1
    (damage,) = verified.json()["damage"]
    assert (damage["kind"], damage["piece"], damage["points"]) == (kind, chunk, [point])
    listed = hfscale("verify", store)
    assert f"{kind}: {chunk}" in listed.out
    assert point in listed.out

    markers = set(done_folder(store).iterdir())
    forgotten = hfscale("verify", store, "--forget", "--json")
    assert (forgotten.code, forgotten.json()["forgotten"]) == (0, [damage["task"]])
    assert markers - set(done_folder(store).iterdir()) == {done_folder(store) / f"{damage['task']}.json"}
    with start_hfscale("cls", calm.workspace, calm.patchset, "-o", store, *TOYS, "--executor", "local") as again:
        _, err = again.communicate()
    assert again.returncode == 0, err
    assert (store / chunk).read_bytes() == whole
    assert set(done_folder(store).iterdir()) == markers
    assert digests_of(store) == digests_of(calm.store)
    assert hfscale("verify", store).code == 0


@pytest.mark.parametrize("verb", ["show", "contour", "toys", "status"])
def test_every_reader_refuses_a_lost_chunk(calm: Search, tmp_path: Path, verb: str) -> None:
    store = copy_store(calm.store, tmp_path)
    chunk = "status/c/0/0" if verb in ("status", "contour") else "toys/0000/status/c/0/0/0/0"
    (store / chunk).unlink()
    arguments: dict[str, tuple[object, ...]] = {
        "show": ("show", store),
        "contour": ("contour", store, "-x", "m_heavy", "-y", "m_light", "-o", tmp_path / "contour.pdf"),
        "toys": ("plot", "toys", store, "--point", "s_400_0", "-o", tmp_path / "toys.pdf"),
        "status": ("status", store),
    }
    ended = hfscale(*arguments[verb])
    assert ended.code == 2
    assert f"of the array {chunk.partition('/c/')[0]} in the store {store} is missing" in ended.err
    assert not list(tmp_path.glob("*.pdf"))
