"""Chunks that are written and read without zarr's machinery, against the same with it."""

from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hfscale.errors import StoreError
from hfscale.store.checked import open_checked
from hfscale.store.chunks import ChunkKey
from hfscale.store.layout import compressors
from hfscale.store.whole_chunks import WholeChunks, chunk_format


def make_group(folder: Path, shape: tuple[int, ...], chunks: tuple[int, ...], dtype: str, codecs: object) -> None:
    group = zarr.open_group(zarr.storage.LocalStore(folder), mode="w", zarr_format=3)
    fill = 0 if dtype == "uint8" else float("nan")
    group.create_array("a", shape=shape, chunks=chunks, dtype=dtype, fill_value=fill, compressors=codecs)  # type: ignore[arg-type]


def open_chunks(folder: Path) -> WholeChunks:
    return WholeChunks(open_checked(folder, folder, lambda chunk: "required"))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_files_are_those_that_zarr_writes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("group")
    rest = data.draw(st.lists(st.integers(1, 4), max_size=2))
    size, chunk = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 5))
    dtype = data.draw(st.sampled_from(["float64", "uint8"]))
    make_group(folder / "ours", (size, *rest), (chunk, *rest), dtype, compressors())
    make_group(folder / "zarrs", (size, *rest), (chunk, *rest), dtype, compressors())
    k = data.draw(st.integers(0, (size - 1) // chunk))
    region = slice(k * chunk, min((k + 1) * chunk, size))
    values = data.draw(arrays(dtype, (region.stop - region.start, *rest)))
    key = ChunkKey("a", (k, *(0 for _ in rest)))

    chunks = open_chunks(folder / "ours")
    chunks.write(key, values)
    plain = zarr.open_group(zarr.storage.LocalStore(folder / "zarrs"), mode="r+")["a"]
    assert isinstance(plain, zarr.Array)
    plain.with_config({"write_empty_chunks": True})[region] = values

    assert (folder / "ours" / key.path).read_bytes() == (folder / "zarrs" / key.path).read_bytes()
    np.testing.assert_array_equal(chunks.read(key), values)
    assert chunks.read(key).dtype == values.dtype
    assert not list(folder.rglob("*.partial"))


@pytest.mark.parametrize("codecs", [None, [zarr.codecs.GzipCodec()], [zarr.codecs.ZstdCodec(level=1)]])
def test_arrays_of_another_format_are_left_to_zarr(tmp_path: Path, codecs: object) -> None:
    make_group(tmp_path / "other", (5,), (2,), "float64", codecs)
    array = zarr.open_group(zarr.storage.LocalStore(tmp_path / "other"), mode="r")["a"]
    assert isinstance(array, zarr.Array)
    assert chunk_format(array) is None
    # Such chunks have no checksum that could be checked.
    group = zarr.open_group(zarr.storage.LocalStore(tmp_path / "other"), mode="r+")
    chunks = WholeChunks(group)
    chunks.write(ChunkKey("a", (2,)), np.array([7.0]))
    np.testing.assert_array_equal(chunks.read(ChunkKey("a", (2,))), [7.0])
    np.testing.assert_array_equal(array[4:], [7.0])


def test_lost_and_damaged_chunks_are_told_apart(tmp_path: Path) -> None:
    make_group(tmp_path / "group", (4,), (2,), "float64", compressors())
    chunks, key = open_chunks(tmp_path / "group"), ChunkKey("a", (1,))
    with pytest.raises(StoreError, match="missing"):
        chunks.read(key)
    chunks.write(key, np.array([1.0, 2.0]))
    file = tmp_path / "group" / key.path
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])
    with pytest.raises(StoreError, match="torn"):
        chunks.read(key)
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(StoreError, match="altered"):
        chunks.read(key)


def test_a_chunk_outside_of_the_array_is_refused(tmp_path: Path) -> None:
    make_group(tmp_path / "group", (4,), (2,), "float64", compressors())
    with pytest.raises(StoreError, match="outside"):
        open_chunks(tmp_path / "group").write(ChunkKey("a", (2,)), np.array([1.0, 2.0]))
