"""Disks that are full while stores are made, written, extended and merged; and files that may not grow any further."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfscale.store.files import PARTIAL_SUFFIX, done_folder
from tests.program import ROOT, digests_of, hfscale, make_search, write

pytestmark = pytest.mark.slow

BLOCK = 4096
CALCULATION = {"calctype": "toybased", "ntoys": 600}


class Disk:
    """A small file system of its own, and a file that fills it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, left: int = 0) -> None:
        """Leave so many blocks, of one file each at most."""
        with self._ballast.open("wb") as file:
            file.write(bytes(self.free() - left * BLOCK))
        assert self.free() == left * BLOCK

    def free(self) -> int:
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    def make_room(self) -> None:
        self._ballast.unlink()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    path = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(path)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no small file system can be mounted: {mounted.stderr.decode().strip()}")
    yield Disk(path)
    subprocess.run(["umount", str(path)], check=True)


def make_campaign(folder: Path, store: Path, executor: str) -> Path:
    """A campaign of three points with toys, in a file."""
    if not (folder / "BkgOnly.json").exists():
        make_search(folder)
    run = {"executor": executor, "workers": 2, "task_points": 1, "task_toys": 300}
    document = {"schema": 1, "workspace": "BkgOnly.json", "patchset": "patchset.json", "points": ["s_400_*"]}
    return write(
        folder / f"{store.name}.yaml", document | {"store": str(store), "calculation": CALCULATION, "run": run}
    )


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of an undisturbed run."""
    folder = tmp_path_factory.mktemp("calm")
    assert hfscale("run", make_campaign(folder, folder / "calm.zarr", "local")).code == 0
    return folder / "calm.zarr"


def markers(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in done_folder(store).iterdir()}


def assert_nothing_is_torn(store: Path) -> None:
    assert not list(store.rglob(f"*{PARTIAL_SUFFIX}"))
    assert hfscale("verify", store).code == 0


@pytest.mark.parametrize("executor", ["local", "processes"])
def test_a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    disk: Disk, calm: Path, tmp_path: Path, executor: str
) -> None:
    store = disk.path / f"{executor}.zarr"
    campaign = make_campaign(tmp_path, store, executor)
    assert hfscale("plan", campaign).code == 0
    # Room for the chunks and markers of about one task of points.
    disk.fill(left=40)
    ended = hfscale("run", campaign)
    assert disk.free() < 40 * BLOCK
    disk.make_room()
    assert ended.code == 2
    assert "cannot be written: No space left on device" in ended.err
    assert f"(at {store}/" in ended.err
    assert "remedy: make room or mend the disk, then run the same command again" in ended.err
    assert_nothing_is_torn(store)

    kept = markers(store)
    assert len(kept) < 9
    assert hfscale("run", campaign).code == 0
    after = markers(store)
    assert len(after) == 9
    assert {name: after[name] for name in kept} == kept
    assert digests_of(store) == digests_of(calm)


def test_what_cannot_be_made_on_a_full_disk_leaves_nothing(disk: Disk, calm: Path, tmp_path: Path) -> None:
    store, merged = disk.path / "new.zarr", disk.path / "merged.zarr"
    campaign = make_campaign(tmp_path, store, "local")
    disk.fill(left=10)
    before = sorted(disk.path.iterdir())
    for command in (("run", campaign), ("merge", calm, calm, "-o", merged)):
        ended = hfscale(*command)
        assert ended.code == 2
        assert "cannot be written: No space left on device" in ended.err
        assert "another place" in ended.err
        assert sorted(disk.path.iterdir()) == before
        assert disk.free() == 10 * BLOCK
    disk.make_room()
    assert hfscale("merge", calm, calm, "-o", merged).code == 0
    assert digests_of(merged) == digests_of(calm)


def test_toys_are_added_when_there_is_room(disk: Disk, calm: Path, tmp_path: Path) -> None:
    store = disk.path / "more.zarr"
    assert hfscale("merge", calm, calm, "-o", store).code == 0
    before = digests_of(store)
    for left in (5, 45):
        # First there is no room for the round, then none for all of its toys.
        disk.fill(left)
        ended = hfscale("toys", store, "--more", 300, "--executor", "local")
        disk.make_room()
        assert ended.code == 2
        assert "No space left on device" in ended.err
        assert "then run" in ended.err
        found = digests_of(store)
        assert {name: found[name] for name in before} == before
        assert_nothing_is_torn(store)
    assert hfscale("toys", store, "--more", 300, "--executor", "local").code == 0
    assert len(markers(store)) == 9 + 3
    calm_store = tmp_path / "calm.zarr"
    assert hfscale("merge", calm, calm, "-o", calm_store).code == 0
    assert hfscale("toys", calm_store, "--more", 300, "--executor", "local").code == 0
    assert digests_of(store) == digests_of(calm_store)


@pytest.mark.parametrize("executor", ["local", "processes"])
def test_files_that_may_not_grow_are_named_and_written_later(calm: Path, tmp_path: Path, executor: str) -> None:
    store = tmp_path / "results.zarr"
    campaign = make_campaign(tmp_path, store, executor)
    assert hfscale("plan", campaign).code == 0
    command = [sys.executable, "-c", "from hfscale.cli.main import main; main()", "run", str(campaign)]
    limit = 2500  # of a file in bytes; the toys of a task take more
    ended = subprocess.run(
        ["prlimit", f"--fsize={limit}", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_COMPILATION_CACHE_DIR": ""},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1, ended.stderr
    assert "q of task toys-" in ended.stderr
    assert "cannot be written: File too large" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert_nothing_is_torn(store)
    kept = markers(store)
    assert len(kept) == 3
    assert hfscale("run", campaign).code == 0
    assert {name: markers(store)[name] for name in kept} == kept
    assert digests_of(store) == digests_of(calm)
