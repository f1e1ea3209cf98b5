"""Arrays of a group, written and read a whole chunk at a time, without the machinery that zarr needs for any selection.

A task writes some twenty small chunks and reads them back; through zarr each takes near a millisecond, which is many
times what packing the numbers and writing the file take. The files are those that zarr writes, byte for byte.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped

from hfscale.errors import StoreError
from hfscale.store.chunks import ChunkKey
from hfscale.store.files import write_bytes
from hfscale.store.layout import COMPRESSION_LEVEL, compressors

if TYPE_CHECKING:
    import zarr

    from hfscale.store.checked import CheckedStore

_CHECKSUM_BYTES = 4


@dataclass(frozen=True)
class ChunkFormat:
    """How the chunks of an array are kept: C order, little endian, compressed with Zstandard, and a CRC-32C.

    Attributes:
        shape: Shape of all of its chunks, also of those at the end of the array, which are filled up.
        dtype: Type of the numbers.
        fill: What they are filled up with.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fill: float | int

    def encode(self, values: Shaped[np.ndarray, "..."]) -> bytes:
        """Return the bytes of a chunk.

        Args:
            values: As many axes as a chunk; shorter ones are filled up at their ends.
        """
        import google_crc32c
        from numcodecs.zstd import Zstd

        if values.shape != self.shape:
            whole = np.full(self.shape, self.fill, dtype=self.dtype)
            whole[tuple(slice(n) for n in values.shape)] = values
            values = whole
        data = np.ascontiguousarray(values, dtype=self.dtype.newbyteorder("<")).tobytes()
        frame: bytes = Zstd(level=COMPRESSION_LEVEL).encode(data)
        return frame + int(google_crc32c.value(frame)).to_bytes(_CHECKSUM_BYTES, "little")

    def decode(self, data: bytes) -> Shaped[np.ndarray, "..."]:
        """Return the numbers of a whole chunk, with what it is filled up with.

        Args:
            data: From `encode`, and checked.
        """
        from numcodecs.zstd import Zstd

        stored = Zstd().decode(data[:-_CHECKSUM_BYTES])
        return np.frombuffer(stored, dtype=self.dtype.newbyteorder("<")).astype(self.dtype).reshape(self.shape)


def chunk_format(array: "zarr.Array[Any]") -> ChunkFormat | None:
    """Return the format of an array's chunks; None if it is another one, which only zarr knows to read and write."""
    from zarr.codecs import BytesCodec

    metadata = array.metadata
    if metadata.zarr_format != 3:
        return None
    packing, *rest = metadata.codecs
    little = isinstance(packing, BytesCodec) and (packing.endian is None or packing.endian.value == "little")
    if not little or [codec.to_dict() for codec in rest] != [codec.to_dict() for codec in compressors()]:
        return None
    return ChunkFormat(tuple(array.chunks), np.dtype(array.dtype), np.asarray(array.fill_value).item())


class WholeChunks:
    """The arrays of one group, by whole chunks; a chunk at the end of an array is as short as the array.

    Metadata are read once.

    Args:
        group: The group, from `hfscale.store.checked.open_checked`.
    """

    def __init__(self, group: "zarr.Group") -> None:
        self.group = group
        self._arrays: dict[str, tuple[zarr.Array[Any], ChunkFormat | None]] = {}

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an array."""
        return tuple(self._array(name)[0].shape)

    def write(self, chunk: ChunkKey, values: Shaped[np.ndarray, "..."]) -> None:
        """Write a chunk at once: it is there as a whole, or as it was before.

        Args:
            chunk: Which one, of an array of the group.
            values: Its numbers, in any shape of the right size.

        Raises:
            OSError: The disk refuses.
            StoreError: The array is missing.
        """
        array, known = self._array(chunk.array)
        region = _region(array, chunk)
        values = values.reshape([part.stop - part.start for part in region])
        if known is None:
            # A chunk of nothing but fill values must still become a file; zarr would remove one that is there.
            array.with_config({"write_empty_chunks": True})[region] = values
            return
        write_bytes(self._files.root / chunk.path, known.encode(values))

    def read(self, chunk: ChunkKey) -> Shaped[np.ndarray, "..."]:
        """Read a chunk that must be there.

        Raises:
            StoreError: It is missing or damaged.
        """
        array, known = self._array(chunk.array)
        region = _region(array, chunk)
        if known is None:
            return np.asarray(array[region])
        whole = known.decode(self._files.read_chunk(chunk))
        return whole[tuple(slice(part.stop - part.start) for part in region)]

    @property
    def _files(self) -> "CheckedStore":
        from hfscale.store.checked import CheckedStore

        if not isinstance(self.group.store, CheckedStore):
            raise TypeError("the group must be one of open_checked")
        return self.group.store

    def _array(self, name: str) -> "tuple[zarr.Array[Any], ChunkFormat | None]":
        if name not in self._arrays:
            import zarr

            array = self.group[name]
            if not isinstance(array, zarr.Array):
                raise StoreError(f"{name} of the store {self.group.store} is not an array", remedy="make a new store")
            self._arrays[name] = (array, chunk_format(array))
        return self._arrays[name]


def _region(array: "zarr.Array[Any]", chunk: ChunkKey) -> tuple[slice, ...]:
    starts = [k * size for k, size in zip(chunk.position, array.chunks, strict=True)]
    region = tuple(slice(a, min(a + n, end)) for a, n, end in zip(starts, array.chunks, array.shape, strict=True))
    if math.prod(part.stop - part.start for part in region) <= 0:
        raise StoreError(f"{chunk} is outside of the array, whose shape is {list(array.shape)}")
    return region
