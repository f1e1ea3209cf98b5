"""Our own files inside a store: where they are, and writing them so that they are whole or not there.

They lie in the folder of an array, ``_hfscale/ledger``, because zarr and xarray list the folders of groups, and warn of
what they do not know there, but never list the folder of an array.
"""

import gzip
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hfscale.errors import StoreError
from hfscale.store.objects import ObjectPlace
from hfscale.store.places import AnyPlace, Place, local

if TYPE_CHECKING:
    import zarr

_GROUP = "_hfscale"
_NODE = "ledger"
PARTIAL_SUFFIX = ".partial"


def create_ledger_node(group: "zarr.Group") -> None:
    """Add the empty array whose folder holds our files."""
    group.create_group(_GROUP).create_array(
        _NODE,
        shape=(),
        dtype="uint8",
        fill_value=0,
        dimension_names=(),
        attributes={"long_name": "place of the plan, the inputs and the ledger of tasks, kept as files", "units": "1"},
    )


def ledger_folder(store: AnyPlace) -> AnyPlace:
    """Return the folder of all our files."""
    return store / _GROUP / _NODE


def plan_file(store: AnyPlace) -> AnyPlace:
    """Return the file of the plan."""
    return ledger_folder(store) / "plan.json"


def toys_file(store: AnyPlace, number: int) -> AnyPlace:
    """Return the file of the plan of a round of toys."""
    return ledger_folder(store) / f"toys-{number:04d}.json.gz"


def toys_files(store: AnyPlace) -> list[AnyPlace]:
    """Return the files of the plans of all rounds of toys, in order."""
    return sorted(ledger_folder(store).glob("toys-*.json.gz"))


def allocation_file(store: AnyPlace) -> AnyPlace:
    """Return the file that says that an adaptive number of toys is reached."""
    return ledger_folder(store) / "toys-complete.json"


def manifest_file(store: AnyPlace) -> AnyPlace:
    """Return the file with the digests of what a store was made with and never changes."""
    return ledger_folder(store) / "manifest.json"


def toys_manifest_file(store: AnyPlace, number: int) -> AnyPlace:
    """Return the same for a round of toys."""
    return ledger_folder(store) / f"toys-{number:04d}-manifest.json"


def inputs_file(store: AnyPlace) -> AnyPlace:
    """Return the file of the inputs."""
    return ledger_folder(store) / "inputs.json.gz"


def events_folder(store: AnyPlace) -> AnyPlace:
    """Return the folder of the journals of all runs; anything in it may be removed without harm to the results."""
    return ledger_folder(store) / "events"


def journal_folder(store: Place) -> Path | None:
    """Return the folder that a run writes its journal to; None in an object store, to which nothing can be appended."""
    return None if isinstance(store, ObjectPlace) else local(events_folder(store))


def jobs_folder(store: AnyPlace) -> AnyPlace:
    """Return the folder of what was submitted to batch systems: records, scripts and logs, of no use for results."""
    return ledger_folder(store) / "jobs"


def parts_folder(store: AnyPlace) -> AnyPlace:
    """Return the folder of parts of signal points that are being computed: of no use when the points are done."""
    return ledger_folder(store) / "parts"


def lock_file(store: AnyPlace) -> AnyPlace:
    """Return the file that the one writing driver holds locked."""
    return ledger_folder(store) / "lock"


def done_folder(store: AnyPlace) -> AnyPlace:
    """Return the folder of the markers of finished tasks."""
    return ledger_folder(store) / "done"


def done_file(store: AnyPlace, task_id: str) -> AnyPlace:
    """Return the marker of a finished task."""
    return done_folder(store) / f"{task_id}.json"


def failed_folder(store: AnyPlace) -> AnyPlace:
    """Return the folder of the records of tasks that failed."""
    return ledger_folder(store) / "failed"


class Signature(NamedTuple):
    """What tells a file from what it was before, or from another one at its place; all -1 where there is none."""

    identity: int | str = -1
    size: int = -1
    changed: int = -1


def signature(path: Place) -> Signature:
    """Return the signature of a file."""
    if isinstance(path, ObjectPlace):
        version = path.version()
        return Signature() if version is None else Signature(*version)
    try:
        found = local(path).stat()
    except OSError:
        return Signature()
    return Signature(found.st_ino, found.st_size, found.st_mtime_ns)


def write_json(path: Place, document: Mapping[str, Any]) -> None:
    """Write a JSON file at once: it is whole or not there, and survives a crash of the machine once this returns."""
    _write_at_once(path, json.dumps(document, indent=1, allow_nan=False).encode())


def write_compressed_json(path: Place, document: Mapping[str, Any]) -> None:
    """Write a gzipped JSON file at once. Equal documents give equal files."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    _write_at_once(path, gzip.compress(text.encode(), compresslevel=6, mtime=0))


def write_bytes(path: Place, data: bytes) -> None:
    """Write a file at once: it is whole or not there. Missing folders are made.

    It does not wait for the disk; what comes last of a task, its marker, tells by a digest what must be there.

    Raises:
        OSError: The disk refuses.
    """
    if isinstance(path, ObjectPlace):
        path.write_bytes(data)
        return
    target = local(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _put_draft(target, data, synced=False)


def _write_at_once(path: Place, data: bytes) -> None:
    if isinstance(path, ObjectPlace):
        path.write_bytes(data)
        return
    _put_draft(local(path), data, synced=True)
    _fsync_folder(local(path).parent)


def _put_draft(target: Path, data: bytes, *, synced: bool) -> None:
    draft = target.with_name(f"{target.name}.{uuid.uuid4().hex}{PARTIAL_SUFFIX}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            if synced:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Place) -> Any:
    """Read a JSON file, gzipped if its name says so.

    Raises:
        StoreError: The file is missing or damaged.
    """
    try:
        data = path.read_bytes()
        return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    except (OSError, EOFError, ValueError) as error:
        raise StoreError(
            f"the file {path.name} of the store is missing or damaged: {error}",
            place=str(path),
            remedy="hfscale verify lists all damage of a store, and what to do about each piece",
        ) from error


@contextmanager
def drafted(target: Place, failure: str, remedy: str) -> Iterator[Path]:
    """Give the name of a folder to make, and to put in place of the target when whole; nothing else is left of it.

    It lies beside the target, or in a temporary folder of the user's if the target is in an object store. Its name
    starts with a dot and ends in .partial: hidden, and recognisable as litter if this process is killed.

    Args:
        target: Folder that is to be made.
        failure, remedy: What cannot be done if the file system refuses, and what helps.

    Raises:
        StoreError: The file system refused.
    """
    with ExitStack() as stack:
        if isinstance(target, ObjectPlace):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hfscale-")))
        else:
            folder = local(target).parent
        draft = folder / f".{target.name}.{uuid.uuid4().hex}{PARTIAL_SUFFIX}"
        stack.callback(shutil.rmtree, draft, ignore_errors=True)
        try:
            yield draft
        except OSError as error:
            raise StoreError(f"{failure}: {error.strerror or error}", remedy=remedy) from error


def sweep_partial_files(store: Place, older_than: float) -> int:
    """Remove what writers left behind that were killed while writing.

    Args:
        store: Folder of the store.
        older_than: Age in seconds below which a file may still be someone's who is writing now.

    Returns:
        How many files were removed.
    """
    if isinstance(store, ObjectPlace):
        # Nobody sees half of an object.
        return 0
    oldest = time.time() - older_than
    removed = 0
    for path in local(store).rglob(f"*{PARTIAL_SUFFIX}"):
        if path.is_file() and path.stat().st_mtime <= oldest:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
