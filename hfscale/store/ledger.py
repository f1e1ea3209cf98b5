"""The ledger: one marker per finished task, one record per failed task, as small JSON files.

A task is finished if and only if its marker is there. The marker is written last and at once; which chunks exist says
nothing, because a killed task leaves some of them.
"""

import os
import platform
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from hfscale.errors import StoreError
from hfscale.plan.tasks import Task
from hfscale.plan.toys import ToyTask
from hfscale.store import files
from hfscale.store.places import Place
from hfscale.store.seals import sealed

_PACKAGES = ("hfscale", "jax", "jaxlib", "numpy", "scipy", "zarr")


def circumstances(seconds: float) -> dict[str, Any]:
    """Return when, where and with which versions something was computed that ends now, as JSON.

    Args:
        seconds: For how long it was running.
    """
    finished = datetime.now(UTC)
    return {
        "started": (finished - timedelta(seconds=seconds)).isoformat(),
        "finished": finished.isoformat(),
        "host": socket.gethostname(),
        "process": os.getpid(),
        "versions": dict(versions()),
    }


def write_marker(store: Place, task: Task | ToyTask, report: Mapping[str, Any]) -> None:
    """Write the marker of a finished task, and drop the record of an earlier failure.

    The circumstances are those of this process unless the report has those of another one.
    """
    here = circumstances(float(report.get("seconds", 0.0)))
    _write(files.done_file(store, task.id), sealed({"task": task.id, **task.span(), **here, **report}))
    (files.failed_folder(store) / f"{task.id}.json").unlink(missing_ok=True)


def write_failure(store: Place, task: Task | ToyTask, reason: str) -> None:
    """Write the record of a task that failed after all retries."""
    document = {
        "task": task.id,
        **task.span(),
        "reason": reason,
        "failed": datetime.now(UTC).isoformat(),
        "host": socket.gethostname(),
    }
    _write(files.failed_folder(store) / f"{task.id}.json", document)


def write_end(path: Place, reason: str) -> None:
    """Write that something planned step by step has come to its end."""
    _write(path, {"reason": reason, "finished": datetime.now(UTC).isoformat()})


def _write(path: Place, document: Mapping[str, Any]) -> None:
    try:
        files.write_json(path, document)
    except OSError as error:
        raise StoreError(
            f"the ledger entry {path.name} cannot be written: {error.strerror or error}",
            place=str(path),
            remedy="make room or mend the disk, then run the same command again",
        ) from error


def remove_marker(store: Place, task_id: str) -> None:
    """Take back that a task is finished; what it has written is no result any more.

    Raises:
        StoreError: The folder cannot be written.
    """
    path = files.done_file(store, task_id)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"the marker {path.name} cannot be removed: {error.strerror or error}",
            place=str(path),
            remedy="mend the permissions of the store",
        ) from error


def done(store: Place) -> set[str]:
    """Return the identities of all tasks with a marker."""
    return {path.stem for path in files.done_folder(store).glob("*.json")}


def markers(store: Place) -> dict[str, dict[str, Any]]:
    """Read all markers, by task identity."""
    return {path.stem: files.read_json(path) for path in sorted(files.done_folder(store).glob("*.json"))}


def failures(store: Place) -> dict[str, str]:
    """Read the reasons of all failed tasks, by task identity."""
    folder = files.failed_folder(store)
    return {path.stem: str(files.read_json(path)["reason"]) for path in sorted(folder.glob("*.json"))}


@cache
def versions() -> Mapping[str, str]:
    """Return the versions of Python and of the packages that numbers come from."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            # A source tree that was not installed has no version.
            found[package] = "unknown"
    return found
