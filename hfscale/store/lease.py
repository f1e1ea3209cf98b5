"""One driver per store in an object store, by an object that its holder makes, renews and removes.

A lock of the operating system would end with its holder. This one stays when the holder is killed: it is taken over at
once by a process of the same host that sees that the holder is gone, and by others when it was not renewed for long.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hfscale.errors import StoreBusyError, StoreError
from hfscale.store.objects import ObjectPlace, Version

RENEW_SECONDS = 60.0
LEASE_SECONDS = 300.0


@contextmanager
def leased(place: ObjectPlace) -> Iterator[None]:
    """Hold an object that only one process may hold.

    Raises:
        StoreBusyError: Another process holds it.
        StoreError: The object store refuses.
    """
    holder = {"host": socket.gethostname(), "process": os.getpid(), "token": uuid.uuid4().hex}
    document = json.dumps(holder).encode()
    try:
        _acquire(place, document)
    except FileNotFoundError as error:
        raise StoreError(f"the store cannot be written: {error}", place=str(place)) from error
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(place, document, ended), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        with suppress(FileNotFoundError, StoreError):
            if place.read_bytes() == document:
                place.unlink()


def is_leased(place: ObjectPlace) -> bool:
    """Say whether somebody holds an object that only one process may hold."""
    version = place.version()
    return version is not None and not _is_over(_read(place), version)


def _acquire(place: ObjectPlace, document: bytes) -> None:
    while not place.create(document):
        version = place.version()
        if version is None:
            # Given back meanwhile.
            continue
        holder = _read(place)
        if not _is_over(holder, version):
            raise StoreBusyError(
                f"another process is running on this store: {holder.get('process')} on {holder.get('host')}",
                place=str(place),
                remedy="wait for it, or stop it and run the same command again; if it was killed on another host, wait"
                f" {LEASE_SECONDS / 60:.0f} minutes",
            )
        if place.replace_version(document, version):
            return


def _read(place: ObjectPlace) -> dict[str, Any]:
    try:
        document = json.loads(place.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _is_over(holder: dict[str, Any], version: Version) -> bool:
    """Say whether the holder is gone."""
    if time.time() - version.changed > LEASE_SECONDS:
        return True
    if holder.get("host") != socket.gethostname() or not isinstance(holder.get("process"), int):
        return False
    try:
        os.kill(holder["process"], 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _renew(place: ObjectPlace, document: bytes, ended: threading.Event) -> None:
    while not ended.wait(RENEW_SECONDS):
        # Where that fails for long, another driver may begin: then work is done twice, with the same results.
        with suppress(FileNotFoundError, StoreError):
            place.write_bytes(document)
