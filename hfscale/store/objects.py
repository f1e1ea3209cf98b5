"""Objects of an object store (S3, Google Cloud, Azure), used like the files and folders that a store consists of.

A key is a path, and a common prefix of keys is a folder, which exists while there is an object below it. An object is
written whole or not at all, and is seen by everybody at once.
"""

import fnmatch
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from hfscale.errors import InputError, StoreError

if TYPE_CHECKING:
    import obstore.store
    from zarr.abc.store import Store


_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)


class Version(NamedTuple):
    """What tells the content of an object from another one."""

    tag: str
    size: int
    changed: int


@dataclass(frozen=True, order=True)
class ObjectPlace:
    """An object of a store, or a folder of objects.

    It has what the package needs of `pathlib.Path`, and raises FileNotFoundError and FileExistsError where that does.
    Other trouble (no such bucket, no access, no connection) is a StoreError.

    Attributes:
        url: URL of the store, without a slash at the end.
        key: Path inside of the store, empty for the store itself.
    """

    url: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.url}/{self.key}" if self.key else self.url

    def __truediv__(self, name: str, /) -> "ObjectPlace":
        return ObjectPlace(self.url, posixpath.join(self.key, name))

    @property
    def name(self) -> str:
        """Last part of its path."""
        return PurePosixPath(self.key or self.url).name

    @property
    def stem(self) -> str:
        """The same without the suffix."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """Last suffix of its name."""
        return PurePosixPath(self.name).suffix

    def relative_to(self, other: "ObjectPlace") -> PurePosixPath:
        """Return its path inside of a folder."""
        return PurePosixPath(self.key).relative_to(other.key)

    def exists(self) -> bool:
        """Say whether there is such an object."""
        return self.version() is not None

    def is_file(self) -> bool:
        """Say whether there is such an object."""
        return self.exists()

    def is_dir(self) -> bool:
        """Say whether there is an object below it."""
        return next(self.files(), None) is not None

    def read_bytes(self) -> bytes:
        """Read the object."""
        obstore = _library(self.url)
        with _as_errors_of_files(self):
            return bytes(obstore.get(_client(self.url), self.key).bytes())

    def write_bytes(self, data: bytes) -> None:
        """Write the object, in place of what was there."""
        self._put(data, "overwrite")

    def create(self, data: bytes) -> bool:
        """Write the object if there is none; say whether it was written."""
        try:
            self._put(data, "create")
        except FileExistsError:
            return False
        return True

    def replace_version(self, data: bytes, version: Version) -> bool:
        """Write the object if it is still of this version; say whether it was written."""
        try:
            self._put(data, {"e_tag": version.tag})
        except (FileExistsError, FileNotFoundError):
            return False
        return True

    def _put(self, data: bytes, mode: Any) -> None:
        obstore = _library(self.url)
        with _as_errors_of_files(self):
            obstore.put(_client(self.url), self.key, data, mode=mode)

    def version(self) -> Version | None:
        """Return the version of the object, None if there is no object."""
        obstore = _library(self.url)
        try:
            with _as_errors_of_files(self):
                found = obstore.head(_client(self.url), self.key)
        except FileNotFoundError:
            return None
        return Version(found["e_tag"] or "", found["size"], int(found["last_modified"].timestamp()))

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the object. Object stores do not say whether there was one."""
        del missing_ok
        obstore = _library(self.url)
        with _as_errors_of_files(self):
            try:
                obstore.delete(_client(self.url), self.key)
            except FileNotFoundError:
                # Some do.
                return

    def files(self) -> Iterator[str]:
        """Paths of all objects below it, relative to it."""
        obstore = _library(self.url)
        prefix = f"{self.key}/" if self.key else ""
        with _as_errors_of_files(self):
            for batch in obstore.list(_client(self.url), prefix or None):
                for found in batch:
                    yield found["path"].removeprefix(prefix)

    def glob(self, pattern: str) -> Iterator["ObjectPlace"]:
        """Return the objects right below it whose names match a pattern, in the order of their names."""
        obstore = _library(self.url)
        with _as_errors_of_files(self):
            found = obstore.list_with_delimiter(_client(self.url), self.key or None)["objects"]
        names = sorted(posixpath.basename(item["path"]) for item in found)
        return iter([self / name for name in names if fnmatch.fnmatchcase(name, pattern)])

    def zarr_store(self) -> "Store":
        """Return the objects below it as zarr reads and writes them."""
        client = _client(str(self))
        from hfscale.store.zarr_objects import ObjectFiles

        return ObjectFiles(client)


@contextmanager
def _as_errors_of_files(place: ObjectPlace) -> Iterator[None]:
    """Say as a file system would what an object store says."""
    from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{place}: {_summary(error)}") from error
    except (AlreadyExistsError, PreconditionError) as error:
        raise FileExistsError(f"{place}: {_summary(error)}") from error
    except (OSError, BaseError) as error:
        raise StoreError(
            f"the object store does not answer as it should: {_summary(error)}",
            place=str(place),
            remedy="check the URL, and the access to it in the environment (AWS_..., GOOGLE_..., AZURE_...)",
        ) from error


def _summary(error: Exception) -> str:
    """Return what a server said, or else the line that says what is wrong; the rest is for authors of the library."""
    found = _MESSAGE.search(str(error))
    return found[1] if found else str(error).partition("\n")[0]


def _library(url: str) -> Any:
    try:
        import obstore
        import obstore.exceptions
        import obstore.store
    except ImportError as error:
        raise InputError(
            f"a store at a URL like {url} needs obstore", remedy="pip install 'hfscale[object-store]'"
        ) from error
    return obstore


@lru_cache(maxsize=64)
def _client(url: str) -> "obstore.store.ObjectStore":
    """Connect to an object store, as the environment says: AWS_*, GOOGLE_*, AZURE_*."""
    library = _library(url)
    try:
        client: obstore.store.ObjectStore = library.store.from_url(url)
    except (library.exceptions.BaseError, ValueError, TypeError) as error:
        raise StoreError(
            f"{url} is no place for a store: {_summary(error)}",
            remedy="give a folder, or a URL like s3://bucket/name with its access in the environment (AWS_...)",
        ) from error
    return client
