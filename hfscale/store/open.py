"""Opening a store that exists."""

import json
from functools import lru_cache
from typing import Any

from hfscale.errors import StoreError
from hfscale.plan.digests import digest
from hfscale.plan.tasks import Plan
from hfscale.store import files
from hfscale.store.layout import FORMAT_VERSION
from hfscale.store.places import Place, store_place
from hfscale.store.store import ResultStore
from hfscale.store.toys import read_rounds


def open_store(path: str | Place) -> ResultStore:
    """Open a store to read it or to write tasks into it.

    Raises:
        StoreError: There is no store, it is damaged, or a newer version of this package made it.
    """
    folder = store_place(path)
    parts = (folder / "zarr.json", files.plan_file(folder), *files.toys_files(folder))
    return _open(folder, tuple(files.signature(part) for part in parts))


@lru_cache(maxsize=4)
def _open(folder: Place, signatures: tuple[files.Signature, ...]) -> ResultStore:
    """Open a store, which a worker does for every task, and plans are long; bounded, as it may serve many campaigns."""
    del signatures  # part of the key: the store may have got toys, or another one has taken its place
    root = read_root(folder)
    document = files.read_json(files.plan_file(folder))
    try:
        plan = Plan.from_json(document)
        arrays = frozenset(name for name in root["consolidated_metadata"]["metadata"] if "/" not in name)
        store = ResultStore(folder, root["attributes"], plan, arrays, read_rounds(folder))
        _check_attributes(store)
        return store
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"the plan or the metadata of the store {folder} are damaged: {error!r}",
            remedy=f"hfscale verify {folder} lists all damage",
        ) from error


def _check_attributes(store: ResultStore) -> None:
    """Refuse a store whose settings or labels are not those that it was made with; earlier versions do not tell."""
    if "manifest" not in store.attributes:
        return
    if files.read_json(files.manifest_file(store.path))["attributes"] != digest(dict(store.attributes)):
        raise StoreError(
            f"settings, labels or provenance of the store {store.path} are not those that it was made with",
            place=str(store.path / "zarr.json"),
            remedy=f"hfscale verify {store.path} lists all damage",
        )


def read_root(folder: Place) -> dict[str, Any]:
    """Read the metadata of the root group of a store.

    Raises:
        StoreError: There is no store, its root is damaged, or a newer version of this package made it.
    """
    root = _root(folder)
    if root is None:
        if files.ledger_folder(folder).is_dir():
            raise StoreError(
                f"the store {folder} is damaged: its zarr.json is missing or is not what it was",
                place=str(folder / "zarr.json"),
                remedy="restore the file from a copy, or make a new store",
            )
        what = "is not a result store" if folder.is_dir() or folder.exists() else "does not exist"
        raise StoreError(f"{folder} {what}", remedy="give the folder that a run wrote with -o")
    version = root["attributes"]["hfscale_format"]
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise StoreError(
            f"{folder} has store format {version}, this version of hfscale reads up to {FORMAT_VERSION}",
            remedy="update hfscale",
        )
    return root


def is_store(path: str | Place) -> bool:
    """Say whether the path is a result store, of whatever version."""
    return _root(store_place(path)) is not None


def _root(folder: Place) -> dict[str, Any] | None:
    """Return the metadata of the store's root group, None if this is no store.

    The file is read as the JSON that it is: opening it with zarr would give zarr's errors, one per kind of damage.
    """
    try:
        document = json.loads((folder / "zarr.json").read_bytes())
    except (OSError, ValueError):
        return None
    attributes = document.get("attributes") if isinstance(document, dict) else None
    return document if isinstance(attributes, dict) and "hfscale_format" in attributes else None
