"""What was submitted for a store: one folder per submission, beside the ledger of tasks, with its scripts and logs."""

import getpass
import hashlib
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hfscale.errors import InputError
from hfscale.sites.site import Site
from hfscale.store.files import jobs_folder, read_json, write_json
from hfscale.store.objects import ObjectPlace
from hfscale.store.places import Place, local

_RECORD = "submission.json"


@dataclass(frozen=True)
class Submission:
    """An array of workers that was handed to a batch system.

    Attributes:
        name: Name of the array, unique.
        kind: Which batch system.
        job: What the batch system calls it; None if that is not known, because submitting it was cut short.
        workers: How many jobs it has.
        time: When, in ISO 8601.
        user, host: Who submitted it, where.
        folder: Folder of its scripts and logs.
        site: The whole site, as JSON.
        site_digest: Its SHA-256.
    """

    name: str
    kind: str
    job: str | None
    workers: int
    time: str
    user: str
    host: str
    folder: str
    site: Mapping[str, Any]
    site_digest: str


def new_submission(store: Place, site: Site, workers: int) -> Submission:
    """Describe an array that is to be submitted now; nothing is written.

    Raises:
        InputError: The store is in an object store, and the site does not say where logs go.
    """
    now = datetime.now(UTC)
    label = hashlib.sha256(str(store).encode()).hexdigest()[:8]
    name = f"hfscale-{label}-{now:%Y%m%dT%H%M%S%f}"
    document = site.model_dump_json()
    return Submission(
        name=name,
        kind=site.kind,
        job=None,
        workers=workers,
        time=now.isoformat(timespec="seconds"),
        user=getpass.getuser(),
        host=platform.node(),
        folder=str(_folder(store, site) / name),
        site=site.model_dump(mode="json"),
        site_digest=hashlib.sha256(document.encode()).hexdigest(),
    )


def _folder(store: Place, site: Site) -> Path:
    if site.logs is not None:
        return Path(site.logs).expanduser().absolute()
    if isinstance(store, ObjectPlace):
        raise InputError(
            f"the store {store} cannot hold the logs of jobs",
            place="logs",
            remedy="name a folder for scripts and logs in the site file, or with --set logs=FOLDER",
        )
    return local(jobs_folder(store))


def write_record(store: Place, submission: Submission) -> None:
    """Write what is known of a submission.

    Raises:
        StoreError, OSError: The store cannot be written.
    """
    record = _record(store, submission.name)
    if not isinstance(record, ObjectPlace):
        local(record).parent.mkdir(parents=True, exist_ok=True)
    write_json(record, asdict(submission))


def remove_record(store: Place, submission: Submission) -> None:
    """Forget a submission that was refused."""
    _record(store, submission.name).unlink(missing_ok=True)


def submissions(store: Place) -> list[Submission]:
    """Return all submissions for a store, the earliest first.

    Raises:
        StoreError: A record is damaged.
    """
    folder = jobs_folder(store)
    records = folder.glob(f"*/{_RECORD}") if not isinstance(folder, ObjectPlace) else _below(folder)
    known = {field.name for field in fields(Submission)}
    found = (read_json(record) for record in records)
    made = [Submission(**{key: value for key, value in document.items() if key in known}) for document in found]
    return sorted(made, key=lambda submission: submission.time)


def _below(folder: ObjectPlace) -> list[Place]:
    return [folder / name for name in folder.files() if name.endswith(f"/{_RECORD}")]


def _record(store: Place, name: str) -> Place:
    return jobs_folder(store) / name / _RECORD
