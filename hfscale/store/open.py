"""Opening a store that exists."""

import json
from pathlib import Path
from typing import Any

from hfscale.errors import StoreError
from hfscale.plan.tasks import Plan
from hfscale.store import files
from hfscale.store.layout import FORMAT_VERSION
from hfscale.store.store import ResultStore
from hfscale.store.toys import read_rounds


def open_store(path: str | Path) -> ResultStore:
    """Open a store to read it or to write tasks into it.

    Raises:
        StoreError: There is no store, or a newer version of this package made it.
    """
    folder = Path(path).absolute()
    attributes = _root_attributes(folder)
    if attributes is None:
        what = "is not a result store" if folder.exists() else "does not exist"
        raise StoreError(f"{folder} {what}", remedy="give the folder that a run wrote with -o")
    version = attributes["hfscale_format"]
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise StoreError(
            f"{folder} has store format {version}, this version of hfscale reads up to {FORMAT_VERSION}",
            remedy="update hfscale",
        )
    plan = Plan.from_json(files.read_json(files.plan_file(folder)))
    return ResultStore(folder, attributes, plan, read_rounds(folder))


def is_store(path: str | Path) -> bool:
    """Say whether the path is a result store, of whatever version."""
    return _root_attributes(Path(path)) is not None


def _root_attributes(folder: Path) -> dict[str, Any] | None:
    """Return the attributes of the store's root group, None if this is no store.

    The file is read as the JSON that it is: opening it with zarr would give zarr's errors, one per kind of damage.
    """
    try:
        document = json.loads((folder / "zarr.json").read_bytes())
    except (OSError, ValueError):
        return None
    attributes = document.get("attributes") if isinstance(document, dict) else None
    return attributes if isinstance(attributes, dict) and "hfscale_format" in attributes else None
