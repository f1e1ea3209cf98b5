"""The open store: writing the block of a task, the ledger, and reading what is there."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped, UInt8

from hfscale.errors import InputError
from hfscale.plan.cells import Cell
from hfscale.plan.tasks import Plan, Task
from hfscale.plan.toys import ToyRound, ToyTask
from hfscale.store import blocks, files, ledger, lock, read, toys
from hfscale.store.chunks import ChunkKey, Presence
from hfscale.store.layout import TOY_VARIABLES, Variable, variables_of
from hfscale.store.places import Place
from hfscale.store.status import StoreStatus, summarize, worst_status
from hfscale.store.toy_status import with_toys
from hfscale.store.whole_chunks import WholeChunks

if TYPE_CHECKING:
    import xarray
    import zarr


@dataclass(frozen=True, repr=False)
class ResultStore:
    """A result store on disk. Made by `hfscale.store.open.open_store` or `hfscale.store.create.create_store`.

    Any number of processes may write different tasks at the same time; one driver at a time may hand them out, see
    `locked`. Nothing is kept in memory that another process could change.

    Attributes:
        path: Its folder.
        attributes: Attributes of the root group: settings, labels, provenance.
        plan: The tasks that compute signal points.
        arrays: Names of the arrays of its root group.
        rounds: The toys that were planned when the store was opened; none if its calculation has no toys.
    """

    path: Place
    attributes: Mapping[str, Any]
    plan: Plan
    arrays: frozenset[str]
    rounds: tuple[ToyRound, ...] = ()

    def __repr__(self) -> str:
        return f"<ResultStore {self.path}: {self.plan.n_points} points, {len(self.plan.tasks)} tasks>"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings document that the results depend on."""
        return dict(self.attributes["settings"])

    @cached_property
    def variables(self) -> Mapping[str, Variable]:
        """The arrays over the signal points, by name; which, depends on what is calculated."""
        known = variables_of(self.settings["calculation"])
        # Stores made by earlier versions lack the arrays that were added since.
        return {name: variable for name, variable in known.items() if name in self.arrays}

    @property
    def labels(self) -> dict[str, str]:
        """Name of the array of each label of the patchset, by label."""
        return {label: name for name, label in self.attributes["labels"].items()}

    @property
    def names(self) -> list[str]:
        """Names of the signal points, in order."""
        return [str(name) for name in self.settings["points"]]

    @cached_property
    def group(self) -> "zarr.Group":
        """The zarr group of the store as its results are read: with fill values where a task is not finished.

        Reading a chunk that is damaged or lost raises StoreError.
        """
        return blocks.open_group(self.path, self._presence)

    @cached_property
    def _chunks(self) -> WholeChunks:
        """The chunks of the store as tasks write them and check what they have written."""
        return WholeChunks(blocks.open_group(self.path, lambda chunk: "required"))

    def _presence(self, chunk: ChunkKey) -> Presence:
        if chunk.array in self.variables:
            task = self.plan.tasks[chunk.position[0]]
            return "required" if files.done_file(self.path, task.id).exists() else "hidden"
        # Earlier versions wrote no chunk of a coordinate of which all values are fill values.
        return "required" if "manifest" in self.attributes else "optional"

    def inputs(self) -> dict[str, Any]:
        """Read the copy of the inputs that the store was made with."""
        return dict(files.read_json(files.inputs_file(self.path)))

    def write_block(self, task: Task, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> None:
        """Write all arrays of the points of a task. Twice with equal arrays is the same as once.

        Args:
            task: A task of the plan; its points are whole chunks.
            arrays: Every one of `variables`, over the task's points. Those that this version has and a store made by
                an earlier one has not are left out.

        Raises:
            StoreError: A variable is missing, unknown, or of another shape or type; or the disk refuses.
        """
        known = variables_of(self.settings["calculation"]).keys() - self.variables.keys()
        kept = {name: array for name, array in arrays.items() if name not in known}
        blocks.write_block(self._chunks, self.plan, self.variables, task, kept)

    def mark_done(self, task: Task, report: Mapping[str, Any]) -> None:
        """Record that a task is finished: the last thing that a task does.

        Args:
            task: A task of the plan.
            report: JSON document about it. ``seconds`` (wall time) and ``reasons`` (point name -> why it failed) are
                used for the summary; host, time, versions and the digest of the stored arrays are added.

        Raises:
            StoreError: The block is not completely there, or the marker cannot be written.
        """
        ledger.write_marker(self.path, task, {**report, "sha256": self.digest(task)})

    def digest(self, task: Task) -> str:
        """Return the SHA-256 of all arrays of a task of signal points as they are in the store.

        Raises:
            StoreError: The block is not completely there.
        """
        return blocks.block_digest(self._chunks, self.plan, self.variables, task)

    def done(self) -> set[str]:
        """Return the identities of the finished tasks."""
        return ledger.done(self.path) & self.plan.task_ids

    def markers(self, task_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """Read the markers of those of these tasks that are finished, by identity."""
        done = ledger.done(self.path) & set(task_ids)
        return {task_id: files.read_json(files.done_file(self.path, task_id)) for task_id in done}

    def pending(self) -> tuple[Task, ...]:
        """Return the tasks that are not finished, in order: those that were never run and those that failed."""
        done = self.done()
        return tuple(task for task in self.plan.tasks if task.id not in done)

    def toy_task(self, task_id: str) -> tuple[ToyRound, ToyTask]:
        """Return the toy task of that identity, and its round.

        Raises:
            InputError: There is no such task.
        """
        for toy_round in self.rounds:
            if task_id in toy_round.by_id:
                return toy_round, toy_round.by_id[task_id]
        raise InputError(f"the plan has no task {task_id!r} of toys", remedy="list the tasks with the store's plan")

    def write_toys(self, task: ToyTask, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> None:
        """Write all arrays of a toy task; see `hfscale.store.toys.write_toys`."""
        toys.write_toys(self.path, self.toy_task(task.id)[0], task, arrays)

    def read_toys(
        self, cells: Iterable[Cell], names: Sequence[str] = tuple(TOY_VARIABLES)
    ) -> Iterator[tuple[toys.CellToys, ...]]:
        """Read arrays of the toys of signal points at POI values, one such cell after the other.

        Args:
            cells: The signal points and POI values.
            names: The arrays of `hfscale.store.layout.TOY_VARIABLES` to read.

        Returns:
            An item per round for each cell; toys that were not run have the status 0.
        """
        done = ledger.done(self.path)
        for cell in cells:
            yield tuple(toys.read_toys(self.path, toy_round, cell, done, names) for toy_round in self.rounds)

    def mark_toys_done(self, task: ToyTask, report: Mapping[str, Any]) -> None:
        """Record that a toy task is finished: the last thing that it does.

        Args:
            task: A task of one of the rounds.
            report: JSON document about it. ``seconds`` (wall time) and ``failed`` (a count for each hypothesis) are
                used for the summary; the digest of the stored arrays and more are added.

        Raises:
            StoreError: The toys are not completely there, or the marker cannot be written.
        """
        ledger.write_marker(self.path, task, {**report, "sha256": self.toys_digest(task)})

    def toys_digest(self, task: ToyTask) -> str:
        """Return the SHA-256 of all arrays of a task of toys as they are in the store.

        Raises:
            StoreError: The toys are not completely there.
        """
        return toys.toys_digest(self.path, self.toy_task(task.id)[0], task)

    def done_toys(self) -> set[str]:
        """Return the identities of the finished toy tasks."""
        return ledger.done(self.path) & {task_id for toy_round in self.rounds for task_id in toy_round.by_id}

    def pending_toys(self) -> tuple[ToyTask, ...]:
        """Return the toy tasks that are not finished, in the order of the plan."""
        done = ledger.done(self.path)
        return tuple(task for toy_round in self.rounds for task in toy_round.tasks if task.id not in done)

    @property
    def may_get_toys(self) -> bool:
        """Whether further rounds of toys may be planned: their number is adaptive, and its end was not reached."""
        return bool(self.settings["calculation"].get("adaptive")) and not files.allocation_file(self.path).exists()

    def end_toys(self, reason: str) -> None:
        """Record that the rule of an adaptive number of toys asks for no more, and why."""
        ledger.write_end(files.allocation_file(self.path), reason)

    def record_failure(self, task: Task | ToyTask, reason: str) -> None:
        """Record why a task failed after all retries. It stays pending."""
        ledger.write_failure(self.path, task, reason)

    def failures(self) -> dict[str, str]:
        """Return the reason of every task of signal points that failed and was not finished since."""
        unfinished = self.plan.task_ids - self.done()
        return {task_id: why for task_id, why in ledger.failures(self.path).items() if task_id in unfinished}

    def toy_failures(self) -> dict[ToyTask, str]:
        """Return the reason of every toy task that failed and was not finished since."""
        found = ledger.failures(self.path)
        return {task: found[task.id] for task in self.pending_toys() if task.id in found}

    def reasons(self) -> dict[str, str]:
        """Return why each failed signal point failed, by name."""
        return read.point_reasons(self.names, self.plan, ledger.markers(self.path).values(), self.failures())

    def remarks(self) -> dict[str, list[str]]:
        """Return what to look at in signal points, by name."""
        found: dict[str, list[str]] = {}
        for marker in ledger.markers(self.path).values():
            found.update(marker.get("remarks", {}))
        return {name: found[name] for name in self.names if name in found}

    def point_status(self) -> UInt8[np.ndarray, "point *mu"]:
        """Return the `hfscale.store.layout.PointStatus` of every point; "not run" where the task is unfinished."""
        return read.point_status(self._chunks, self.plan, self.variables["status"], self.done())

    def status(self) -> StoreStatus:
        """Count what is done, failed and left."""
        markers, points = ledger.markers(self.path), self.point_status()
        status = replace(summarize(self.plan, markers, self.failures(), points), may_get_toys=self.may_get_toys)
        if not self.rounds:
            return status
        failed = len(self.toy_failures())
        return with_toys(status, worst_status(points), self.rounds, markers, failed, self.names)

    def to_xarray(self) -> "xarray.Dataset":
        """Open the results as a lazy dataset; the points of unfinished tasks have status 0 (not run)."""
        return read.open_dataset(self.group, self.point_status())

    def sweep(self, older_than: float = 600.0) -> int:
        """Remove the litter of killed writers that is older than so many seconds, and return how much it was."""
        return files.sweep_partial_files(self.path, older_than)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store for one driver; the operating system lets go even if the process is killed.

        Raises:
            StoreError: Another process holds it.
        """
        with lock.exclusive(files.lock_file(self.path)):
            yield
