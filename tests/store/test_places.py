"""What a store needs of the place where it lies: every kind of place passes the same tests."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import zarr

from hfscale.errors import StoreBusyError, StoreError
from hfscale.store import files, lease
from hfscale.store.lock import exclusive
from hfscale.store.objects import ObjectPlace
from hfscale.store.places import Place, put_in_place, remove_tree, store_place, zarr_store


class PlaceContract:
    """The tests; a kind of place has a fixture `place`, which gives an empty one."""

    def test_documents_are_written_replaced_and_removed(self, place: Place) -> None:
        file = place / "a.json"
        assert not file.exists()
        assert files.signature(file) == files.Signature()
        files.write_json(file, {"x": 1})
        first = files.signature(file)
        assert files.read_json(file) == {"x": 1}
        files.write_json(file, {"x": 2})
        assert files.read_json(file) == {"x": 2}
        assert files.signature(file) != first
        file.unlink()
        file.unlink(missing_ok=True)
        assert not file.exists()
        with pytest.raises(StoreError, match=r"a\.json of the store is missing"):
            files.read_json(file)

    def test_compressed_documents_are_equal_if_their_content_is(self, place: Place) -> None:
        for name in ("a.json.gz", "b.json.gz"):
            files.write_compressed_json(place / name, {"x": [1, 2]})
        assert (place / "a.json.gz").read_bytes() == (place / "b.json.gz").read_bytes()
        assert files.read_json(place / "a.json.gz") == {"x": [1, 2]}

    def test_a_listing_is_of_one_folder_alone(self, place: Place, tmp_path: Path) -> None:
        put_in_place(made(tmp_path / "draft", "zarr.json", "b.json", "a.json", "c.txt", "deep/d.json"), place / "made")
        assert [path.name for path in sorted((place / "made").glob("*.json"))] == ["a.json", "b.json", "zarr.json"]
        assert list((place / "nothing").glob("*.json")) == []
        assert (place / "made" / "deep").is_dir()
        assert not (place / "nothing").is_dir()
        assert (place / "made" / "deep" / "d.json").stem == "d"

    def test_what_is_put_in_place_can_be_removed(self, place: Place, tmp_path: Path) -> None:
        put_in_place(made(tmp_path / "draft", "zarr.json", "deep/d.json"), place / "made")
        assert (place / "made" / "deep" / "d.json").read_bytes() == b"deep/d.json"
        remove_tree(place / "made")
        assert not (place / "made").is_dir()

    def test_nothing_is_put_in_place_of_another_store(self, place: Place, tmp_path: Path) -> None:
        put_in_place(made(tmp_path / "one", "zarr.json", "x"), place / "made")
        with pytest.raises(OSError):
            put_in_place(made(tmp_path / "two", "zarr.json", "x"), place / "made")

    def test_zarr_writes_and_reads_arrays(self, place: Place) -> None:
        group = zarr.open_group(zarr_store(place / "group"), mode="w-", zarr_format=3)
        group.create_array("x", shape=(4,), chunks=(2,), dtype="float64")[...] = np.arange(4.0)
        found = zarr.open_group(zarr_store(place / "group"), mode="r+")["x"]
        assert isinstance(found, zarr.Array)
        np.testing.assert_array_equal(found[...], np.arange(4.0))
        assert (place / "group" / "x" / "c" / "1").exists()

    def test_a_lock_has_one_holder(self, place: Place) -> None:
        lock = files.lock_file(place / "made")
        if isinstance(lock, Path):
            lock.parent.mkdir(parents=True)
        busy = pytest.raises(StoreBusyError, match="another process is running on this store")
        with exclusive(lock), busy, exclusive(lock):
            pass
        with exclusive(lock):
            pass


def made(folder: Path, *names: str) -> Path:
    """Make a folder of files that hold their names."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return folder


class TestFolder(PlaceContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        folder = tmp_path / "place"
        folder.mkdir()
        return store_place(folder)


class TestObjectStore(PlaceContract):
    @pytest.fixture
    def place(self, bucket: str, request: pytest.FixtureRequest) -> Place:
        return store_place(f"{bucket}/{request.node.name}/")

    def test_the_lock_of_a_process_that_is_gone_is_taken_over(self, place: ObjectPlace) -> None:
        ended = multiprocessing.get_context("spawn").Process(target=int)
        ended.start()
        ended.join()
        ours = hold(place / "lock", process=ended.pid)
        with exclusive(place / "lock"):
            assert (place / "lock").read_bytes() != ours

    def test_the_lock_of_another_host_is_respected_until_its_lease_is_over(
        self, place: ObjectPlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hold(place / "lock", host="elsewhere.example", process=1)
        with pytest.raises(StoreBusyError, match=r"1 on elsewhere\.example"), exclusive(place / "lock"):
            pass
        monkeypatch.setattr(lease, "LEASE_SECONDS", -10.0)
        with exclusive(place / "lock"):
            pass
        assert not (place / "lock").exists()

    def test_a_lock_is_renewed_while_it_is_held(self, place: ObjectPlace, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lease, "RENEW_SECONDS", 0.01)
        with exclusive(place / "lock"):
            own = (place / "lock").read_bytes()
            (place / "lock").unlink()
            for _ in range(500):
                if (place / "lock").exists():
                    break
            assert (place / "lock").read_bytes() == own

    def test_a_bucket_that_does_not_exist_is_said_to_be_the_trouble(self, bucket: str) -> None:
        with pytest.raises(OSError, match="s3://nosuchbucket/x/a"):
            (store_place("s3://nosuchbucket/x") / "a").write_bytes(b"")  # type: ignore[union-attr]


def hold(lock: ObjectPlace, **changes: object) -> bytes:
    """Write the lock of another process."""
    import json
    import socket

    document = json.dumps({"host": socket.gethostname(), "process": 1, "token": "x", **changes}).encode()
    lock.write_bytes(document)
    return document
