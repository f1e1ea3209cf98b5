"""Where a store lies: in a folder of a file system, or below a prefix of an object store."""

import shutil
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from hfscale.plan.paths import is_url
from hfscale.store.objects import ObjectPlace

if TYPE_CHECKING:
    from zarr.abc.store import Store


AnyPlace = TypeVar("AnyPlace", bound="Place")


@runtime_checkable
class Place(Protocol):
    """A store, or a folder or file of it: what the package needs of paths, whether `pathlib.Path` or `ObjectPlace`.

    What else a folder and an object store do in different ways is in the functions of this module.
    """

    @property
    def name(self) -> str:
        """Last part of the path."""

    @property
    def stem(self) -> str:
        """The same without the suffix."""

    @property
    def suffix(self) -> str:
        """Last suffix of the name."""

    def __truediv__(self: AnyPlace, name: str, /) -> AnyPlace:
        """Return what is below this."""

    def __hash__(self) -> int:
        """Return a hash."""

    def __lt__(self: AnyPlace, other: AnyPlace, /) -> bool:
        """Say whether this comes first in an order of paths."""

    def relative_to(self: AnyPlace, other: AnyPlace, /) -> PurePath:
        """Return the path inside of a folder."""

    def exists(self) -> bool:
        """Say whether there is such a file or object."""

    def is_file(self) -> bool:
        """Say the same, of files alone."""

    def is_dir(self) -> bool:
        """Say whether there is such a folder, or an object below it."""

    def read_bytes(self) -> bytes:
        """Read a file."""

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove a file."""

    def glob(self: AnyPlace, pattern: str, /) -> Iterable[AnyPlace]:
        """Return the files of a folder whose names match."""


_ROOT = "zarr.json"


def local(place: Place) -> Path:
    """Return a place that is none of an object store, as the path that it is."""
    return place if isinstance(place, Path) else Path(str(place))


def store_place(place: str | Place) -> Place:
    """Return where a store is: the absolute path of its folder, or its URL.

    Args:
        place: As the user wrote it.
    """
    if isinstance(place, ObjectPlace):
        return place
    if is_url(str(place)):
        scheme, _, rest = str(place).partition(":/")
        return ObjectPlace(f"{scheme}://{rest.strip('/')}")
    return local(place).absolute() if isinstance(place, Place) else Path(place).absolute()


def zarr_store(place: Place) -> "Store":
    """Return the files below a place as zarr reads and writes them."""
    if isinstance(place, ObjectPlace):
        return place.zarr_store()
    from zarr.storage import LocalStore

    return LocalStore(local(place))


def put_in_place(draft: Path, target: Place) -> None:
    """Give a folder that is whole its name: rename it, or copy it to an object store, the root of its group last.

    Raises:
        OSError: It cannot be done, or an object store has such a root already.
    """
    if not isinstance(target, ObjectPlace):
        draft.rename(local(target))
        return
    for file in sorted(path for path in draft.rglob("*") if path.is_file() and path != draft / _ROOT):
        (target / file.relative_to(draft).as_posix()).write_bytes(file.read_bytes())
    if not (target / _ROOT).create((draft / _ROOT).read_bytes()):
        raise FileExistsError(f"{target} exists already")


def remove_tree(place: Place) -> None:
    """Remove everything below a place, as far as possible."""
    if not isinstance(place, ObjectPlace):
        shutil.rmtree(local(place), ignore_errors=True)
        return
    for name in list(place.files()):
        (place / name).unlink()
