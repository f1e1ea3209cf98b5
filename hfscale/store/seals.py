"""Digests of what must not change: of JSON documents, kept inside of them, and of files, kept in a manifest."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hfscale.plan.digests import digest
from hfscale.store import files
from hfscale.store.places import Place

_SEAL = "digest"


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON document with its own digest."""
    # As it will be read: the digest is of what JSON keeps of the document.
    kept = json.loads(json.dumps(document, allow_nan=False))
    return {**kept, _SEAL: digest(kept)}


def is_intact(document: Mapping[str, Any]) -> bool:
    """Say whether a document is what it was when it was sealed; those of earlier versions have no seal, and are."""
    rest = {key: value for key, value in document.items() if key != _SEAL}
    return _SEAL not in document or document[_SEAL] == digest(rest)


def write_manifest(path: Place, folder: Path, prefix: str, attributes: Mapping[str, Any]) -> None:
    """Write the digests of the attributes of a group and of all files of a folder but the metadata of that group.

    Args:
        path: The file to write.
        folder: The folder.
        prefix: Path of the folder inside of the store, empty for the store itself, else with a slash at the end.
        attributes: Attributes of the group; its metadata, which contain those of its arrays, may be added to.
    """
    found = {f"{prefix}{name}": file_digest(folder / name) for name in _static_files(folder)}
    files.write_json(path, sealed({"files": found, "attributes": digest(dict(attributes))}))


def _static_files(folder: Path) -> Iterable[str]:
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if name != "zarr.json")


def file_digest(path: Place) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
