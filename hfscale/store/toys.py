"""The toys of a store: one zarr group per round, ``toys/0000`` and so on, with whole-chunk writes and markers.

A round is made complete and never changes its shape: more toys are a further group. So nothing is resized under a
reader, and two rounds never share a chunk. Toys have the status 0 (not run) where no task was planned or none is done.
"""

import warnings
from collections.abc import Container, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from hfscale.errors import StoreError
from hfscale.plan.cells import Cell
from hfscale.plan.toys import ToyRound, ToyTask
from hfscale.store import files, ledger
from hfscale.store.blocks import arrays_digest, disk_errors, open_array
from hfscale.store.chunks import ChunkKey, Presence
from hfscale.store.layout import HYPOTHESES, TOY_VARIABLES, Variable, compressors
from hfscale.store.places import AnyPlace, Place, put_in_place, remove_tree, zarr_store
from hfscale.store.seals import write_manifest
from hfscale.store.whole_chunks import WholeChunks

if TYPE_CHECKING:
    import zarr

_GROUP = "toys"


def round_folder(store: AnyPlace, number: int) -> AnyPlace:
    """Return the folder of the arrays of a round."""
    return store / _GROUP / f"{number:04d}"


def create_round(store: Place, toys: ToyRound, names: Sequence[str], mu: Float[np.ndarray, " mu"]) -> None:
    """Add a round of toys to a store: its arrays first, then its plan, with which it exists.

    What an earlier attempt left that was killed before the plan is replaced.

    Args:
        store: Folder of the store.
        toys: The round.
        names: Names of all signal points.
        mu: The tested values of the parameter of interest.

    Raises:
        StoreError: The store cannot be written.
    """
    target = round_folder(store, toys.number)
    failure, remedy = f"toys cannot be added to the store {store}", "make room or mend the disk, then run it again"
    with files.drafted(target, failure, remedy) as draft:
        _create_parent(store)
        _write_arrays(draft, toys, names, mu)
        remove_tree(target)
        attributes = files.read_json(draft / "zarr.json")["attributes"]
        write_manifest(files.toys_manifest_file(store, toys.number), draft, f"{_GROUP}/{target.name}/", attributes)
        put_in_place(draft, target)
        _announce(store, f"{_GROUP}/{target.name}")
        files.write_compressed_json(files.toys_file(store, toys.number), toys.to_json())


def _create_parent(store: Place) -> None:
    import zarr

    if not (store / _GROUP / "zarr.json").exists():
        zarr.open_group(zarr_store(store / _GROUP), mode="w-", zarr_format=3)


def _announce(store: Place, name: str) -> None:
    """Add a round to the metadata of all arrays that the root of the store keeps, where xarray looks for groups.

    The root is replaced at once, so that whoever reads meanwhile sees the store with the round or without it.
    """
    root, group = (files.read_json(folder / "zarr.json") for folder in (store, store / name))
    arrays = group["consolidated_metadata"]["metadata"]
    known = root["consolidated_metadata"]["metadata"]
    known[_GROUP] = files.read_json(store / _GROUP / "zarr.json")
    known[name] = {key: value for key, value in group.items() if key != "consolidated_metadata"}
    known.update({f"{name}/{array}": metadata for array, metadata in arrays.items()})
    files.write_json(store / "zarr.json", root)


def _write_arrays(draft: Path, toys: ToyRound, names: Sequence[str], mu: Float[np.ndarray, " mu"]) -> None:
    import zarr

    group = zarr.open_group(
        zarr.storage.LocalStore(draft),
        mode="w-",
        zarr_format=3,
        attributes={
            "Conventions": "CF-1.12",
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "provenance": {"versions": dict(ledger.versions())},
            "generator": toys.generator,
            "manifest": files.toys_manifest_file(Path(), toys.number).as_posix(),
            # Read by xarray, which then shows these arrays as coordinates.
            "coordinates": "name seed",
        },
    )
    shape = (len(names), len(mu), len(HYPOTHESES), toys.count)
    for variable in TOY_VARIABLES.values():
        group.create_array(
            variable.name,
            shape=shape,
            chunks=(1, 1, len(HYPOTHESES), toys.chunk),
            dtype=variable.dtype,
            fill_value=variable.fill,
            compressors=compressors(),
            dimension_names=variable.dims,
            attributes=variable.attributes(),
        )
    _create_coordinate(group, "name", ("point",), np.array(names, dtype=object), "name of the signal point")
    _create_coordinate(group, "mu", ("mu",), mu, "tested value of the parameter of interest")
    hypotheses = np.array(HYPOTHESES, dtype=object)
    _create_coordinate(group, "hypothesis", ("hypothesis",), hypotheses, "what toys are thrown from")
    _create_coordinate(group, "toy", ("toy",), np.arange(toys.first, toys.stop), "index of the toy")
    _create_coordinate(group, "seed", (), np.array(toys.seed), "seed of the toys")
    with warnings.catch_warnings():
        # As for the store itself: all metadata of a round are final.
        warnings.simplefilter("ignore", zarr.errors.ZarrUserWarning)
        zarr.consolidate_metadata(group.store)


def _create_coordinate(
    group: "zarr.Group", name: str, dims: tuple[str, ...], values: Shaped[np.ndarray, "..."], long_name: str
) -> None:
    array = group.create_array(
        name,
        shape=values.shape,
        chunks=tuple(max(size, 1) for size in values.shape),
        dtype=str if values.dtype.kind == "O" else values.dtype,
        compressors=compressors(),
        dimension_names=dims,
        attributes={"long_name": long_name, "units": "1"},
    )
    # A chunk of nothing but fill values must become a file too, so that one that was lost is noticed.
    array.with_config({"write_empty_chunks": True})[...] = values


def read_rounds(store: Place) -> tuple[ToyRound, ...]:
    """Read all rounds of a store, none if it has no toys."""
    return tuple(ToyRound.from_json(files.read_json(path)) for path in files.toys_files(store))


def open_round(store: Place, number: int) -> "zarr.Group":
    """Open the group of a round for reading what is there, and for writing whole chunks.

    Reading a chunk of toys that is damaged or missing raises StoreError.

    Raises:
        StoreError: It is missing or damaged.
    """
    return _open_round(store, number, files.signature(round_folder(store, number) / "zarr.json"))


@lru_cache(maxsize=16)
def _open_round(store: Place, number: int, signature: files.Signature) -> "zarr.Group":
    """Open a round, which a worker does for every task."""
    from hfscale.store.checked import open_checked

    del signature  # part of the key: another store may have taken the path

    def presence(chunk: ChunkKey) -> Presence:
        # Earlier versions wrote no chunk of a coordinate of which all values are fill values.
        sealed = files.toys_manifest_file(store, number).exists()
        return "required" if chunk.array in TOY_VARIABLES or sealed else "optional"

    return open_checked(round_folder(store, number), store, presence)


def empty_toys(count: int) -> dict[str, np.ndarray]:
    """Return all arrays of a task of so many toys, filled as if nothing had run, for a task to fill."""
    shape = (len(HYPOTHESES), count)
    return {name: np.full(shape, variable.fill, variable.dtype) for name, variable in TOY_VARIABLES.items()}


def write_toys(store: Place, toys: ToyRound, task: ToyTask, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> None:
    """Write all arrays of a task. Twice with equal arrays is the same as once.

    Args:
        store: Folder of the store.
        toys: The round of the task.
        task: The task, one chunk of the point and toy axes.
        arrays: As `empty_toys` makes them.

    Raises:
        StoreError: The task is not of the round, an array is missing, unknown, or of another shape or type, or the
            disk refuses.
    """
    _check_task(toys, task)
    _check_arrays(task, arrays)
    chunks = _chunks(store, toys.number)
    for name in TOY_VARIABLES:
        with disk_errors(chunks, name, task.id):
            chunks.write(_chunk_in_round(name, toys, task), arrays[name])


def toy_chunk_of(name: str, toys: ToyRound, task: ToyTask) -> ChunkKey:
    """Return the chunk of an array of toys that a task writes, inside of the store."""
    array = round_folder(Path(), toys.number) / name
    return _chunk_in_round(name, toys, task)._replace(array=array.as_posix())


def _chunk_in_round(name: str, toys: ToyRound, task: ToyTask) -> ChunkKey:
    return ChunkKey(name, (*task.cell, 0, (task.first - toys.first) // toys.chunk))


def _chunks(store: Place, number: int) -> WholeChunks:
    """The chunks of a round as tasks write them and check what they have written."""
    return _open_chunks(store, number, files.signature(round_folder(store, number) / "zarr.json"))


@lru_cache(maxsize=16)
def _open_chunks(store: Place, number: int, signature: files.Signature) -> WholeChunks:
    return WholeChunks(_open_round(store, number, signature))


def _check_task(toys: ToyRound, task: ToyTask) -> None:
    if toys.by_id.get(task.id) != task:
        raise StoreError(f"task {task.id} is not in round {toys.number} of the toys of the store")


def _place(toys: ToyRound, task: ToyTask) -> tuple[Any, ...]:
    _check_task(toys, task)
    return (*task.cell, slice(None), slice(task.first - toys.first, task.stop - toys.first))


def _check_arrays(task: ToyTask, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> None:
    right = empty_toys(task.count)
    if arrays.keys() != right.keys():
        raise StoreError(f"task {task.id} has the arrays {sorted(arrays)}, they must be {sorted(right)}")
    for name, array in right.items():
        given = arrays[name]
        if given.shape != array.shape or given.dtype != array.dtype:
            raise StoreError(
                f"{name} of task {task.id} is {given.dtype}{list(given.shape)},"
                f" it must be {array.dtype}{list(array.shape)}"
            )


def toys_digest(store: Place, toys: ToyRound, task: ToyTask) -> str:
    """Return the SHA-256 of all arrays of a task as they are in the store.

    Raises:
        StoreError: A chunk cannot be read, or a toy has no status, so the block was not completely written.
    """
    _check_task(toys, task)
    chunks = _chunks(store, toys.number)
    return arrays_digest(
        task.id, TOY_VARIABLES, lambda variable: chunks.read(_chunk_in_round(variable.name, toys, task))
    )


def read_array(group: "zarr.Group", variable: Variable, place: tuple[Any, ...]) -> Shaped[np.ndarray, "..."]:
    """Read a part of one array of a round.

    Raises:
        StoreError: A chunk is missing or damaged.
    """
    try:
        return np.asarray(open_array(group, variable.name)[place])
    except StoreError as error:
        raise StoreError(
            f"{variable.name} of toys cannot be read: {error.message}", place=error.place, remedy=error.remedy
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise StoreError(
            f"{variable.name} of toys cannot be read: {error}", place=str(group.store), remedy="restore it from a copy"
        ) from error


class CellToys(NamedTuple):
    """Toys of a signal point and POI value in one round; arrays of `hfscale.store.layout.TOY_VARIABLES`, by name."""

    seed: int
    first: int
    arrays: dict[str, Shaped[np.ndarray, "hypothesis toy"]]


def read_toys(store: Place, toys: ToyRound, cell: Cell, done: Container[str], names: Sequence[str]) -> CellToys:
    """Read the toys of a signal point and POI value in a round.

    Args:
        store: Folder of the store.
        toys: The round.
        cell: The signal point and POI value.
        done: Identities of the finished tasks. What others left is no result.
        names: The arrays to read.
    """
    group = open_round(store, toys.number)
    arrays = {name: array for name, array in empty_toys(toys.count).items() if name in names}
    for task in toys.by_cell.get(cell, ()):
        if task.id not in done:
            continue
        place = _place(toys, task)
        for name, array in arrays.items():
            array[:, place[-1]] = read_array(group, TOY_VARIABLES[name], place)
    return CellToys(toys.seed, toys.first, arrays)
