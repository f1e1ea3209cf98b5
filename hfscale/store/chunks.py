"""Chunks as files: where one belongs, and whether it is whole.

A chunk is a Zstandard frame and the CRC-32C of it, see `hfscale.store.layout.compressors`.
"""

import re
from typing import Literal, NamedTuple

Flaw = Literal["missing", "torn", "altered"]

"""What can be wrong with a chunk that must be there."""

Presence = Literal["required", "optional", "hidden"]
"""Whether a chunk must be there, may be missing where all its values are fill values, or is not to be seen."""

_CHECKSUM_BYTES = 4
_KEY = re.compile(r"(?P<array>.+)/c(?P<chunk>(?:/\d+)*)")

# Layout of a Zstandard frame: RFC 8878, sections 3.1.1.1 and 3.1.1.2.
_FRAME_MAGIC = b"\x28\xb5\x2f\xfd"
_DICTIONARY_BYTES = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES = (0, 2, 4, 8)
_BLOCK_HEADER_BYTES = 3
_REPEATED_BYTE = 1


class ChunkKey(NamedTuple):
    """Where a chunk belongs: the name of its array, and its position on each axis."""

    array: str
    position: tuple[int, ...]

    def __str__(self) -> str:
        return f"chunk {'/'.join(map(str, self.position)) or '-'} of the array {self.array}"

    @property
    def path(self) -> str:
        """Its path inside of the store."""
        return "/".join([self.array, "c", *map(str, self.position)])


def chunk_key(key: str) -> ChunkKey | None:
    """Read the key of a chunk, which is its path inside of the store; None for other keys."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    return ChunkKey(found["array"], tuple(int(k) for k in found["chunk"].split("/")[1:]))


def flaw_of(data: bytes) -> Literal["torn", "altered"] | None:
    """Say what is wrong with the bytes of a chunk: ``torn`` if they end too early, ``altered`` if they were changed.

    Where the change is in a length, the two cannot be told apart: it is then called torn.
    """
    import google_crc32c

    if len(data) > _CHECKSUM_BYTES:
        checksum = int.from_bytes(data[-_CHECKSUM_BYTES:], "little")
        if google_crc32c.value(data[:-_CHECKSUM_BYTES]) == checksum:
            return None
    end = _end_of_frame(data)
    return "torn" if end is None or end + _CHECKSUM_BYTES > len(data) else "altered"


def _end_of_frame(data: bytes) -> int | None:
    """Where the Zstandard frame ends, 0 if there is none; None if the data end before that can be said."""
    if len(data) <= len(_FRAME_MAGIC):
        return None
    if data[: len(_FRAME_MAGIC)] != _FRAME_MAGIC:
        return 0
    descriptor = data[len(_FRAME_MAGIC)]
    single_segment = bool(descriptor & 0x20)
    content_size = _CONTENT_SIZE_BYTES[descriptor >> 6] or int(single_segment)
    end = len(_FRAME_MAGIC) + 1 + int(not single_segment) + _DICTIONARY_BYTES[descriptor & 3] + content_size
    last = False
    while not last:
        if end + _BLOCK_HEADER_BYTES > len(data):
            return None
        block = int.from_bytes(data[end : end + _BLOCK_HEADER_BYTES], "little")
        last, kind, size = bool(block & 1), (block >> 1) & 3, block >> 3
        end += _BLOCK_HEADER_BYTES + (1 if kind == _REPEATED_BYTE else size)
    return end + (4 if descriptor & 4 else 0)
