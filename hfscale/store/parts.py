"""Parts of signal points in a store: a file each, until the point is done. One that cannot be read counts as none."""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped

from hfscale.errors import StoreError
from hfscale.plan.digests import digest
from hfscale.plan.parts import PartTask, make_parts, searches_of
from hfscale.plan.tasks import Task
from hfscale.store import files
from hfscale.store.blocks import block_sizes
from hfscale.store.places import Place, remove_tree
from hfscale.store.store import ResultStore

Arrays = Mapping[str, Shaped[np.ndarray, "..."]]


class FoundPart(NamedTuple):
    """What a part of a signal point has found; it travels between processes.

    Attributes:
        task: The part.
        arrays: By name.
    """

    task: PartTask
    arrays: Arrays


def parts_of(store: ResultStore, tasks: Iterable[Task]) -> tuple[PartTask, ...]:
    """The parts that the signal points of tasks are cut into; none where points are left whole."""
    size = int(store.attributes["provenance"].get("part_size", 0))
    if not size:
        return ()
    points = (point for task in tasks for point in range(task.start, task.stop))
    searches = searches_of(store.settings["calculation"], block_sizes(store.group).n_parameters)
    return make_parts(points, searches, size, store.names, digest(store.settings))


def part_of(store: ResultStore, task_id: str) -> PartTask:
    """Return the part of that identity.

    Raises:
        StoreError: There is no such part.
    """
    for part in parts_of(store, store.plan.tasks):
        if part.id == task_id:
            return part
    raise StoreError(f"the signal points of {store.path} have no part {task_id!r}")


def pending_parts(store: ResultStore) -> tuple[PartTask, ...]:
    """Parts that are not there yet, of points that are not done."""
    there = {path.stem for path in files.parts_folder(store.path).glob("*.npz")}
    return tuple(part for part in parts_of(store, store.pending()) if part.id not in there)


def write_part(store: Place, task: PartTask, arrays: Arrays) -> None:
    """Write what a part has found, at once: it is whole or not there.

    Raises:
        StoreError: The disk refuses.
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: np.asarray(values) for name, values in arrays.items()})
    try:
        files.write_bytes(_file(store, task), buffer.getvalue())
    except OSError as error:
        raise StoreError(
            f"the part {task.id} of a signal point cannot be written: {error.strerror or error}",
            place=str(_file(store, task)),
            remedy="make room or mend the disk, then run the same command again",
        ) from error


def read_parts(store: ResultStore, task: Task) -> dict[int, tuple[FoundPart, ...]]:
    """Read the parts of those signal points of a task of which all are there, by the index of the point."""
    planned: dict[int, list[PartTask]] = {}
    for part in parts_of(store, [task]):
        planned.setdefault(part.point, []).append(part)
    found = {point: _read_all(store.path, parts) for point, parts in planned.items()}
    return {point: parts for point, parts in found.items() if parts}


def remove_parts(store: Place) -> None:
    """Remove all parts, which are of no use for points that are done."""
    remove_tree(files.parts_folder(store))


def _read_all(store: Place, parts: Sequence[PartTask]) -> tuple[FoundPart, ...]:
    """All of these parts, or nothing."""
    found = []
    for part in parts:
        try:
            with np.load(io.BytesIO(_file(store, part).read_bytes()), allow_pickle=False) as file:
                found.append(FoundPart(part, {name: file[name] for name in file.files}))
        except (OSError, EOFError, ValueError, zipfile.BadZipFile):
            return ()
    return tuple(found)


def _file(store: Place, task: PartTask) -> Place:
    return files.parts_folder(store) / f"{task.id}.npz"
