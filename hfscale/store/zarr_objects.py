"""Objects as zarr reads and writes them, with errors that do not depend on where a store lies. Imported with zarr."""

from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from zarr.storage import ObjectStore

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype


class ObjectFiles(ObjectStore["Client"]):
    """Objects below a prefix; raises OSError as files do."""

    async def get(
        self, key: str, prototype: "BufferPrototype", byte_range: "ByteRequest | None" = None
    ) -> "Buffer | None":
        """Read an object; called by zarr."""
        try:
            return await super().get(key, prototype, byte_range)
        except BaseError as error:
            raise OSError(str(error).splitlines()[0]) from error

    async def set(self, key: str, value: "Buffer") -> None:
        """Write an object; called by zarr."""
        try:
            await super().set(key, value)
        except BaseError as error:
            raise OSError(str(error).splitlines()[0]) from error
