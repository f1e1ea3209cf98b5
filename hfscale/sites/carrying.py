"""Carrying a store to nodes that do not see it, and what they computed back: as archives, one per job."""

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hfscale.errors import StoreError, StoreMismatchError
from hfscale.plan.digests import differences
from hfscale.sites.records import submissions
from hfscale.store import files
from hfscale.store.open import open_store
from hfscale.store.places import Place, local
from hfscale.store.store import ResultStore
from hfscale.store.verifying.tasks import subject_of

STORE = "store"
"""Name of the folder of the store on a node."""
TO_NODE, FROM_NODE = "store.tar.gz", "shard.tar.gz"
"""Archives of the store: what a job is sent, and what it sends back."""


class Collected(NamedTuple):
    """What came back: the archives that were looked at, and the tasks that were taken over from them."""

    archives: int
    tasks: int


def returned_name(shard: str) -> str:
    """Name of the archive that the job of a shard sent back."""
    return f"shard-{shard}.tar.gz"


def pack(store: Place, archive: Path) -> None:
    """Write an archive of a store, without its journals, parts of signal points, and the scripts and logs of its jobs.

    Raises:
        OSError: It cannot be written.
    """
    root = local(store)
    left_out = {files.jobs_folder(root), files.events_folder(root), files.parts_folder(root), files.lock_file(root)}

    def chosen(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        path = root / Path(member.name).relative_to(STORE)
        return None if path in left_out or path.name.endswith(files.PARTIAL_SUFFIX) else member

    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        packed.add(root, arcname=STORE, filter=chosen)


def collect(path: str | Place) -> Collected:
    """Take over what jobs have computed in copies of a store; what is done already stays as it is.

    Collecting twice is harmless, also while jobs are running.

    Raises:
        StoreError: There is no such store, another process is working on it, or an archive is damaged.
        StoreMismatchError: An archive is of another store.
    """
    store = open_store(path)
    folders = {Path(submission.folder) for submission in submissions(store.path)}
    archives = sorted(archive for folder in folders for archive in folder.glob(returned_name("*")))
    with store.locked():
        return Collected(len(archives), sum(_take_over(archive, store) for archive in archives))


def _take_over(archive: Path, store: ResultStore) -> int:
    with _unpacked(archive) as copy:
        if copy is None:
            return 0
        other = open_store(copy)
        found = differences(other.settings, store.settings)
        if found:
            raise StoreMismatchError(
                f"{archive} is of another store than {store.path}: " + "; ".join(found), remedy="move it elsewhere"
            )
        new = sorted((other.done() | other.done_toys()) - (store.done() | store.done_toys()))
        return sum(_copy(task, other, store) for task in new)


def _copy(task: str, source: ResultStore, target: ResultStore) -> bool:
    """Copy what is stored of a task, its marker last; False if the target has no such task."""
    subject = subject_of(target, task)
    if subject is None:
        return False
    for chunk in subject.chunks:
        if (source.path / chunk).exists():
            files.write_bytes(target.path / chunk, (source.path / chunk).read_bytes())
        else:
            (target.path / chunk).unlink(missing_ok=True)
    files.write_bytes(files.done_file(target.path, task), files.done_file(source.path, task).read_bytes())
    return True


@contextmanager
def _unpacked(archive: Path) -> Iterator[Path | None]:
    """Give the folder of the store in an archive; None if its job had not begun."""
    with tempfile.TemporaryDirectory(prefix="hfscale-") as folder:
        try:
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise StoreError(
                f"the archive {archive} is damaged: {error}", remedy="remove it, and submit again"
            ) from error
        store = Path(folder) / STORE
        yield store if store.is_dir() else None
