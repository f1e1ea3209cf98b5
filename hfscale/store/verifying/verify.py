"""Verifying a store, and dropping the results that are damaged so that they are computed again."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hfscale.errors import StoreError
from hfscale.store import files, ledger, lock
from hfscale.store.layout import TOY_VARIABLES, variables_of
from hfscale.store.open import is_store, read_root
from hfscale.store.places import Place, store_place
from hfscale.store.store import ResultStore
from hfscale.store.toys import toy_chunk_of
from hfscale.store.verifying import documents, foreign, tasks
from hfscale.store.verifying.damage import Damage, Kind, Verification

_LITTER_SECONDS = 600.0


def verify(path: str | Place) -> Verification:
    """Find the missing, torn, altered and foreign pieces of a store.

    Others may write to the store meanwhile: only tasks that were finished before are judged.

    Args:
        path: Folder of the store.

    Raises:
        StoreError: There is no store, or a newer version of this package made it.
    """
    folder = store_place(path)
    try:
        root = read_root(folder)
    except StoreError:
        if is_store(folder) or not files.ledger_folder(folder).is_dir():
            raise
        return _unreadable(folder, documents.broken_document(folder / "zarr.json") or "altered")
    if not documents.is_whole_root(root):
        return _unreadable(folder, "altered")
    # Markers before data and plans: what is marked was written before.
    done = sorted(ledger.done(folder))
    found = _first_of_each_piece(_check(folder, root, done))
    return Verification(folder, len(done), tuple(found))


def _unreadable(folder: Place, kind: Kind) -> Verification:
    what = "the metadata of the store cannot be read; nothing else was checked"
    return Verification(folder, 0, (Damage(kind, "zarr.json", what),))


def _first_of_each_piece(found: Iterable[Damage]) -> list[Damage]:
    first: dict[tuple[str, str | None], Damage] = {}
    for damage in found:
        first.setdefault((damage.piece, damage.task), damage)
    return list(first.values())


def _check(folder: Place, root: Mapping[str, Any], done: list[str]) -> Iterator[Damage]:
    attributes = root["attributes"]
    settings = attributes["settings"]
    plan, damaged_plan = documents.read_plan(folder, settings)
    rounds, damaged_rounds = documents.read_rounds(folder, settings)
    # Earlier versions wrote none.
    if "manifest" in attributes or files.manifest_file(folder).exists():
        yield from documents.check_manifest(folder, files.manifest_file(folder), attributes, "zarr.json")
    yield from (*damaged_plan, *damaged_rounds)
    results = frozenset(variables_of(settings["calculation"]))
    yield from documents.check_nodes(folder, root)
    yield from documents.check_coordinates(folder, root, results)
    yield from documents.check_inputs(folder, settings)
    yield from _check_round_manifests(folder)
    if plan is not None:
        arrays = frozenset(root["consolidated_metadata"]["metadata"])
        store = ResultStore(folder, attributes, plan, arrays, rounds)
        yield from tasks.check_markers(store, done)
        yield from tasks.check_failures(store)
    yield from _check_files(folder)


def _check_round_manifests(folder: Place) -> Iterator[Damage]:
    for path in files.toys_files(folder):
        group = Path("toys", path.name.removeprefix("toys-").removesuffix(".json.gz"), "zarr.json")
        manifest = files.toys_manifest_file(folder, int(group.parent.name))
        if documents.broken_document(folder / group.as_posix()) is not None:
            # Said already.
            continue
        attributes = files.read_json(folder / group.as_posix())["attributes"]
        # Earlier versions wrote none.
        if "manifest" in attributes:
            yield from documents.check_manifest(folder, manifest, attributes, group.as_posix())


def _check_files(folder: Place) -> Iterator[Damage]:
    names = list(foreign.files_of(folder))
    # What is known is asked for after the listing: a round of toys may have been added meanwhile.
    root = read_root(folder)
    rounds, _ = documents.read_rounds(folder, root["attributes"]["settings"])
    chunks = {toy_chunk_of(name, toys, task).path for toys in rounds for task in toys.tasks for name in TOY_VARIABLES}
    nodes = root["consolidated_metadata"]["metadata"]
    known = foreign.Known(nodes, chunks, len(files.toys_files(folder)))
    whole = [name for name in names if not foreign.is_partial(name)]
    yield from map(foreign.describe_foreign, foreign.foreign_files(folder, known, whole))
    yield from map(foreign.describe_litter, foreign.litter(folder, names, _LITTER_SECONDS))


def forget(verification: Verification) -> tuple[str, ...]:
    """Remove the markers of the finished tasks whose results are damaged, and nothing else.

    The command that made the store then computes these tasks again, and gets the same numbers.

    Returns:
        Identities of the tasks.

    Raises:
        StoreError: Another process is running on the store, or it cannot be written.
    """
    if not verification.lost_tasks:
        return ()
    store = verification.path
    with lock.exclusive(files.lock_file(store)):
        for task_id in verification.lost_tasks:
            ledger.remove_marker(store, task_id)
    return verification.lost_tasks
