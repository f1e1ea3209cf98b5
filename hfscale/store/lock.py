"""One driver per store, by a lock of the operating system that ends with the process that holds it, or by a lease."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hfscale.errors import StoreBusyError, StoreError
from hfscale.store.lease import is_leased, leased
from hfscale.store.objects import ObjectPlace
from hfscale.store.places import Place, local


@contextmanager
def exclusive(place: Place) -> Iterator[None]:
    """Hold the lock of a file, or an object in its place.

    Raises:
        StoreBusyError: Another process holds it.
        StoreError: The file cannot be made.
    """
    with leased(place) if isinstance(place, ObjectPlace) else _locked(local(place)):
        yield


def is_held(place: Place) -> bool:
    """Say whether some driver, of this process too, holds the lock of a file, or an object in its place.

    Nothing can be asked of such a lock without trying to take it: a driver that begins in the same instant is refused.
    """
    if isinstance(place, ObjectPlace):
        return is_leased(place)
    try:
        with _locked(local(place)):
            return False
    except StoreBusyError:
        return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(f"the store cannot be written: {error}", place=str(path)) from error
    try:
        _acquire(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreBusyError(
            "another process is running on this store",
            place=str(path.parents[2]),
            remedy="wait for it, or stop it and run the same command again",
        ) from error
    except OSError:
        # Some network file systems have no locks. Two drivers are then wasteful, not wrong: writes are idempotent.
        return
