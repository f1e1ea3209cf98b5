"""Checks of the ledger and of the chunks of finished tasks."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from hfscale.errors import StoreError
from hfscale.plan.tasks import Task
from hfscale.plan.toys import StoredTask, ToyRound, ToyTask
from hfscale.store import files
from hfscale.store.blocks import chunk_of
from hfscale.store.chunks import Flaw, flaw_of
from hfscale.store.layout import TOY_VARIABLES
from hfscale.store.places import Place
from hfscale.store.seals import is_intact
from hfscale.store.store import ResultStore
from hfscale.store.toys import toy_chunk_of
from hfscale.store.verifying.damage import Damage, lost_result


class Subject(NamedTuple):
    """A task with what is stored of it.

    Attributes:
        task: The task.
        chunks: Paths of its chunks inside of the store.
        digest: Computes the digest of its arrays.
        points: Names of its signal points.
    """

    task: StoredTask
    chunks: Sequence[str]
    digest: Callable[[], str]
    points: tuple[str, ...]


def subject_of(store: ResultStore, task_id: str) -> Subject | None:
    """Find a task of a store; None if it has none of that identity."""
    if task_id in store.plan.by_id:
        return _points_subject(store, store.plan.by_id[task_id])
    for toys in store.rounds:
        if task_id in toys.by_id:
            return _toys_subject(store, toys, toys.by_id[task_id])
    return None


def _points_subject(store: ResultStore, task: Task) -> Subject:
    chunks = [chunk_of(variable, store.plan, task).path for variable in store.variables.values()]
    return Subject(task, chunks, lambda: store.digest(task), tuple(store.names[task.start : task.stop]))


def _toys_subject(store: ResultStore, toys: ToyRound, task: ToyTask) -> Subject:
    chunks = [toy_chunk_of(name, toys, task).path for name in TOY_VARIABLES]
    names = store.names[task.cell.point : task.cell.point + 1]
    return Subject(task, chunks, lambda: store.toys_digest(task), tuple(names))


def check_markers(store: ResultStore, done: Sequence[str]) -> Iterator[Damage]:
    """Check the markers of tasks that were finished when the check began, and all chunks of these tasks."""
    for task_id in done:
        subject = subject_of(store, task_id)
        if subject is None:
            piece = files.done_file(store.path, task_id).relative_to(store.path).as_posix()
            yield Damage("foreign", piece, "the marker is of a task that no plan of the store has", _REMOVE)
            continue
        found = list(_check_task(store.path, subject))
        # Somebody may have dropped the task meanwhile; what is left of it is no result then.
        if files.done_file(store.path, task_id).exists():
            yield from found


_REMOVE = "remove the file"


def _check_task(path: Place, subject: Subject) -> Iterator[Damage]:
    marker = files.done_file(path, subject.task.id)
    piece, task, points = marker.relative_to(path).as_posix(), subject.task.id, subject.points
    try:
        document: Any = files.read_json(marker)
    except StoreError:
        yield lost_result("torn", piece, "the marker of the task cannot be read", task, points)
        return
    if not _is_proper(document, subject.task):
        yield lost_result("altered", piece, "the marker of the task is not what was written", task, points)
        return
    flaws = [(chunk, flaw) for chunk in subject.chunks if (flaw := _flaw(path / chunk)) is not None]
    for chunk, flaw in flaws:
        yield lost_result(flaw, chunk, f"a chunk of {describe(subject.task)} is {flaw}", task, points)
    if not flaws and _digest(subject) != document["sha256"]:
        what = f"the results of {describe(subject.task)} are not those that were written"
        yield lost_result("altered", piece, what, task, points)


def describe(task: StoredTask) -> str:
    """Say what a task covers."""
    if isinstance(task, Task):
        return f"the signal points {task.start} to {task.stop - 1}"
    return f"the toys {task.first} to {task.stop - 1} of the signal point {task.cell.point} at POI value {task.cell.mu}"


def _is_proper(document: Any, task: StoredTask) -> bool:
    if not isinstance(document, dict) or not isinstance(document.get("sha256"), str) or not is_intact(document):
        return False
    # Markers of toys were once written without the position of a POI value.
    return all(document.get(key, value) == value for key, value in {"task": task.id, **task.span()}.items())


def _flaw(path: Place) -> Flaw | None:
    try:
        return flaw_of(path.read_bytes())
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "torn"


def _digest(subject: Subject) -> str | None:
    try:
        return subject.digest()
    except StoreError:
        return None


def check_failures(store: ResultStore) -> Iterator[Damage]:
    """Check the records of failed tasks."""
    for path in sorted(files.failed_folder(store.path).glob("*.json")):
        piece = path.relative_to(store.path).as_posix()
        try:
            files.read_json(path)["reason"]
        except (StoreError, KeyError, TypeError):
            if path.exists():
                yield Damage("torn", piece, "the record of a failure cannot be read", _REMOVE)
            continue
        if subject_of(store, path.stem) is None:
            yield Damage("foreign", piece, "the record is of a task that no plan of the store has", _REMOVE)
