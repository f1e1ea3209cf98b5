"""Finding files that do not belong to a store."""

import os
import re
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hfscale.store import files
from hfscale.store.chunks import ChunkKey, chunk_key
from hfscale.store.layout import TOY_VARIABLES
from hfscale.store.objects import ObjectPlace
from hfscale.store.places import Place, local
from hfscale.store.verifying.damage import Damage

_ROUND_FILE = re.compile(r"toys-(\d{4})(-manifest\.json|\.json\.gz)")
_LEDGER_FILES = ("plan.json", "inputs.json.gz", "lock", "manifest.json", "toys-complete.json")


class Known(NamedTuple):
    """What belongs to a store.

    Attributes:
        nodes: Metadata of its groups and arrays, by path.
        chunks: Paths of the chunks of toys that are planned.
        rounds: How many rounds of toys there are.
    """

    nodes: Mapping[str, Mapping[str, Any]]
    chunks: Collection[str]
    rounds: int


def files_of(store: Place) -> Iterator[str]:
    """Paths of all files below a folder, relative to it; links are not followed."""
    if isinstance(store, ObjectPlace):
        yield from store.files()
        return
    left = [""]
    while left:
        folder = left.pop()
        try:
            with os.scandir(local(store) / folder) as entries:
                for entry in entries:
                    name = f"{folder}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        left.append(f"{name}/")
                    else:
                        yield name
        except FileNotFoundError:
            # Removed while we looked, as drafts are.
            continue


def foreign_files(store: Place, known: Known, names: Collection[str]) -> list[str]:
    """Those of the files that do not belong to the store and are still there; without what writers leave."""
    return [name for name in names if not _is_known(name, known) and _is_there(store / name)]


def _is_there(path: Place) -> bool:
    return path.exists() if isinstance(path, ObjectPlace) else os.path.lexists(local(path))


def _is_known(name: str, known: Known) -> bool:
    if name.endswith("zarr.json"):
        return name == "zarr.json" or name.removesuffix("/zarr.json") in known.nodes
    # A round that is being made, or whose making was killed, is there before it is announced; it does no harm.
    if name.startswith(f"toys/{known.rounds:04d}/"):
        return True
    ledger = files.ledger_folder(Path()).as_posix() + "/"
    if name.startswith(ledger):
        return _is_in_ledger(name.removeprefix(ledger), known)
    chunk = chunk_key(name)
    return chunk is not None and _is_chunk(chunk, known)


def _is_in_ledger(name: str, known: Known) -> bool:
    folder, _, file = name.rpartition("/")
    if folder in ("done", "failed"):
        # Whether there is such a task is for those who check the ledger.
        return file.endswith(".json")
    if folder.partition("/")[0] == "jobs":
        return True
    if folder == "parts":
        return file.endswith(".npz")
    if folder == "events":
        return file.endswith(".jsonl")
    found = _ROUND_FILE.fullmatch(name)
    return name in _LEDGER_FILES or (found is not None and int(found[1]) <= known.rounds)


def _is_chunk(chunk: ChunkKey, known: Known) -> bool:
    node = known.nodes.get(chunk.array)
    if node is None or node["node_type"] != "array":
        return False
    if chunk.array.startswith("toys/") and chunk.array.rpartition("/")[2] in TOY_VARIABLES:
        return chunk.path in known.chunks
    sizes = node["chunk_grid"]["configuration"]["chunk_shape"]
    counts = [-(-length // size) for length, size in zip(node["shape"], sizes, strict=True)]
    return len(counts) == len(chunk.position) and all(k < n for k, n in zip(chunk.position, counts))


def litter(store: Place, names: Collection[str], older_than: float) -> list[str]:
    """Those of the files that writers leave when they are killed; younger ones may be somebody's who writes now."""
    oldest = time.time() - older_than
    return [name for name in names if is_partial(name) and _written_before(store / name, oldest)]


def is_partial(name: str) -> bool:
    """Say whether a file is one that a writer has not put in place yet."""
    return any(part.endswith(files.PARTIAL_SUFFIX) for part in name.split("/"))


def _written_before(path: Place, moment: float) -> bool:
    if isinstance(path, ObjectPlace):
        # Nobody leaves half of an object.
        return False
    try:
        return local(path).lstat().st_mtime <= moment
    except FileNotFoundError:
        return False


def describe_foreign(name: str) -> Damage:
    """Describe a file that does not belong to the store."""
    return Damage("foreign", name, "the file is no part of the store", "move it elsewhere, or remove it")


def describe_litter(name: str) -> Damage:
    """Describe what a killed writer has left."""
    what = "a writer was killed before it put the file in place"
    return Damage("torn", name, what, "remove it; running the command that made the store does so too")
