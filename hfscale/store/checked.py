"""The files of a store as zarr reads them, with every chunk checked. Imported only where zarr is needed."""

import atexit
import logging
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from zarr.abc.store import Store
from zarr.storage import WrapperStore

from hfscale.errors import StoreError
from hfscale.store.chunks import ChunkKey, Flaw, Presence, chunk_key, flaw_of
from hfscale.store.places import Place, zarr_store

if TYPE_CHECKING:
    import zarr
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

_DAMAGED_METADATA = (OSError, ValueError, KeyError, TypeError, AttributeError, AssertionError)
"""What zarr raises of metadata that are not in order."""


class CheckedStore(WrapperStore[Store]):
    """Files of a store, or of a round of its toys, where a chunk that is read is whole, and there if it must be.

    Without it, zarr takes a lost chunk for one of fill values.

    Args:
        store: The files.
        root: Their folder.
        path: Folder of the result store, for messages.
        presence: Says which chunks must be there. Hidden ones are no results yet: readers are told that they are not
            there, whatever the disk holds.
    """

    def __init__(self, store: Store, root: Place, path: Place, presence: Callable[[ChunkKey], Presence]) -> None:
        super().__init__(store)
        self.root = root
        self._path = path
        self._presence = presence

    def _with_store(self, store: Store) -> "CheckedStore":
        return CheckedStore(store, self.root, self._path, self._presence)

    def __str__(self) -> str:
        return str(self.root)

    async def get(
        self, key: str, prototype: "BufferPrototype", byte_range: "ByteRequest | None" = None
    ) -> "Buffer | None":
        """Read a file; called by zarr.

        Raises:
            StoreError: It is a chunk, and missing or damaged.
        """
        chunk = chunk_key(key)
        if chunk is None:
            return await super().get(key, prototype, byte_range)
        # Asked before the data are read: what is a result then was completely written before.
        presence = self._presence(chunk)
        if presence == "hidden":
            return None
        try:
            data = await super().get(key, prototype, byte_range)
        except OSError as error:
            raise self._unreadable(chunk, error) from error
        if data is None:
            if presence == "required":
                raise self._damage(key, chunk, "missing")
            return None
        self._check(chunk, data.to_bytes())
        return data

    def read_chunk(self, chunk: ChunkKey) -> bytes:
        """Read the file of a chunk that must be there, without zarr.

        Raises:
            StoreError: It is missing or damaged.
        """
        try:
            data = (self.root / chunk.path).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._damage(chunk.path, chunk, "missing") from error
        except OSError as error:
            raise self._unreadable(chunk, error) from error
        self._check(chunk, data)
        return data

    def _check(self, chunk: ChunkKey, data: bytes) -> None:
        flaw = flaw_of(data)
        if flaw is not None:
            raise self._damage(chunk.path, chunk, flaw)

    def _unreadable(self, chunk: ChunkKey, error: OSError) -> StoreError:
        return StoreError(
            f"{self._named(chunk)} cannot be read: {error.strerror or error}",
            place=str(self.root / chunk.path),
            remedy="mend the disk or the permissions of the file",
        )

    def _damage(self, key: str, chunk: ChunkKey, flaw: Flaw) -> StoreError:
        # Other reads of zarr's are cut short by this one; Python would complain of them at its very end.
        atexit.register(_say_nothing)
        return StoreError(
            f"{self._named(chunk)} is {flaw}",
            place=str(self.root / key),
            remedy=f"hfscale verify {self._path} lists all damage, and with --forget has lost results computed again",
        )

    def _named(self, chunk: ChunkKey) -> str:
        array = (self.root / chunk.array).relative_to(self._path)
        return f"{chunk._replace(array=str(array))} in the store {self._path}"


def _say_nothing() -> None:
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)
    warnings.simplefilter("ignore")


def open_checked(folder: Place, path: Place, presence: Callable[[ChunkKey], Presence]) -> "zarr.Group":
    """Open the zarr group in a folder of a store, for reading and for writing whole chunks; see `CheckedStore`.

    Raises:
        StoreError: The metadata of the group are missing or damaged.
    """
    from zarr import open_group

    try:
        return open_group(CheckedStore(zarr_store(folder), folder, path, presence), mode="r+")
    except _DAMAGED_METADATA as error:
        raise StoreError(
            f"the metadata of the store {path} are damaged: {error}",
            place=str(folder / "zarr.json"),
            remedy=f"hfscale verify {path} lists all damage",
        ) from error
