"""Writing the arrays of one task, as whole chunks, and their digest."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

from hfscale.errors import StoreError
from hfscale.plan.tasks import Plan, Task
from hfscale.store.chunks import ChunkKey, Presence
from hfscale.store.layout import Variable
from hfscale.store.places import Place
from hfscale.store.whole_chunks import WholeChunks

if TYPE_CHECKING:
    import zarr


def open_group(path: Place, presence: Callable[[ChunkKey], Presence]) -> "zarr.Group":
    """Open the zarr group of a store for reading and for writing whole chunks.

    Args:
        path: Folder of the store.
        presence: Which chunks must be there, see `hfscale.store.checked.CheckedStore`.

    Raises:
        StoreError: The group is damaged.
    """
    from hfscale.store.checked import open_checked

    return open_checked(path, path, presence)


def chunk_of(variable: Variable, plan: Plan, task: Task) -> ChunkKey:
    """Return the chunk of an array that a task writes."""
    return ChunkKey(variable.name, (task.start // plan.task_points, *(0 for _ in variable.dims[1:])))


def write_block(
    chunks: WholeChunks,
    plan: Plan,
    variables: Mapping[str, Variable],
    task: Task,
    arrays: Mapping[str, Shaped[np.ndarray, "..."]],
) -> None:
    """Write all arrays of a task; see `hfscale.store.store.ResultStore.write_block`."""
    _check_task(plan, task)
    _check_arrays(chunks, variables, task, arrays)
    for name, variable in variables.items():
        with disk_errors(chunks, name, task.id):
            chunks.write(chunk_of(variable, plan, task), arrays[name])


@contextmanager
def disk_errors(chunks: WholeChunks, name: str, task_id: str) -> Iterator[None]:
    """Turn the disk's refusal to take an array of a task into a StoreError."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{name} of task {task_id} cannot be written: {error.strerror or error}",
            place=f"{chunks.group.store}/{name}",
            remedy="make room or mend the disk, then run the same command again",
        ) from error


def block_digest(chunks: WholeChunks, plan: Plan, variables: Mapping[str, Variable], task: Task) -> str:
    """Return the SHA-256 of all arrays of a task as they are in the store.

    Args:
        chunks: Those of the store.
        plan, variables: Its tasks and arrays.
        task: The task.

    Raises:
        StoreError: A chunk is missing or cannot be read, or a point has no status, so the block was not completely
            written.
    """
    _check_task(plan, task)
    return arrays_digest(task.id, variables, lambda variable: chunks.read(chunk_of(variable, plan, task)))


def arrays_digest(
    task_id: str, variables: Mapping[str, Variable], read: Callable[[Variable], Shaped[np.ndarray, "..."]]
) -> str:
    """Return the SHA-256 of the arrays of a task of signal points or of toys.

    Args:
        task_id: Identity of the task.
        variables: Its arrays.
        read: Reads what belongs to the task of one of them.

    Raises:
        StoreError: An array cannot be read, or something in it has no status.
    """
    digest = hashlib.sha256()
    for name, variable in variables.items():
        try:
            values = read(variable)
        except StoreError as error:
            raise StoreError(
                f"task {task_id} cannot be finished: its block is not completely written: {error.message}",
                place=error.place,
                remedy="run the task again",
            ) from error
        except (OSError, ValueError, RuntimeError) as error:
            raise StoreError(
                f"{name} of task {task_id} cannot be read: {error}", remedy="run the task again"
            ) from error
        if name == "status" and (values == variable.fill).any():
            raise StoreError(f"task {task_id} cannot be finished: its block is not completely written")
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values, dtype=np.dtype(variable.dtype).newbyteorder("<")).tobytes())
    return digest.hexdigest()


def open_array(group: "zarr.Group", name: str) -> "zarr.Array[Any]":
    """Return one array of a store."""
    import zarr

    array = group[name]
    if not isinstance(array, zarr.Array):
        raise StoreError(f"{name} of the store {group.store} is not an array", remedy="make a new store")
    return array


class BlockSizes(NamedTuple):
    """Lengths of the dimensions of a store beside that of points, in the order of `block_shape`'s arguments."""

    n_mu: int
    n_parameters: int
    grid: tuple[int, ...]


def block_sizes(group: "zarr.Group") -> BlockSizes:
    """Return how long the dimensions of a store are; those that it does not have are 0."""
    return BlockSizes(
        n_mu=open_array(group, "mu").shape[0] if "mu" in group else 0,
        n_parameters=open_array(group, "parameter").shape[0],
        grid=open_array(group, "t").shape[1:] if "scanned" in group else (),
    )


def _check_task(plan: Plan, task: Task) -> None:
    # Two writers inside one chunk lose data, so a task must be exactly what the chunks were cut for.
    if plan.by_id.get(task.id) != task:
        raise StoreError(f"task {task.id} (points {task.start} to {task.stop}) is not in the plan of the store")


def _check_arrays(
    chunks: WholeChunks,
    variables: Mapping[str, Variable],
    task: Task,
    arrays: Mapping[str, Shaped[np.ndarray, "..."]],
) -> None:
    missing, unknown = variables.keys() - arrays.keys(), arrays.keys() - variables.keys()
    if missing or unknown:
        raise StoreError(
            f"the block of task {task.id} lacks {sorted(missing)} and has unknown {sorted(unknown)}",
            remedy="start from hfscale.store.layout.empty_block",
        )
    for name, variable in variables.items():
        expected = (task.n_points, *chunks.shape(name)[1:])
        given = arrays[name]
        if given.shape != expected or given.dtype != variable.dtype:
            raise StoreError(
                f"{name} of task {task.id} is {given.dtype}{list(given.shape)},"
                f" it must be {variable.dtype}{list(expected)}"
            )
