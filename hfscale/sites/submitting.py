"""Handing a campaign to a batch system, once."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from hfscale.driver import Preparation, create
from hfscale.errors import BatchSystemError, InputError
from hfscale.sites.batch import ArrayRequest, BatchSystem, Document
from hfscale.sites.carrying import TO_NODE, pack
from hfscale.sites.checks import check_jobs
from hfscale.sites.commands import require
from hfscale.sites.jobs import active_jobs
from hfscale.sites.records import Submission, new_submission, remove_record, submissions, write_record
from hfscale.sites.site import Site
from hfscale.sites.systems import system_of
from hfscale.store.open import open_store
from hfscale.store.parts import pending_parts
from hfscale.store.places import remove_tree


class Offer(NamedTuple):
    """What would be submitted; nothing is written yet."""

    preparation: Preparation
    system: BatchSystem
    request: ArrayRequest
    submission: Submission

    @property
    def documents(self) -> tuple[Document, ...]:
        """The files that start the jobs, exactly as they will be; the first is what the batch system is handed."""
        return self.system.render(self.request)


def offer(preparation: Preparation, site: Site, workers: int, patience: str = "") -> Offer | None:
    """See what an array of workers for a campaign would be; needs no batch system.

    Args:
        preparation: The campaign.
        site: Where.
        workers: How many; tasks that are fewer get as many.
        patience: Options of a driver; see `hfscale.sites.batch.ArrayRequest`.

    Returns:
        None if nothing is left to do.

    Raises:
        InputError: The site has a key that makes no sense, its image is missing, or its walltime is too short.
    """
    system = system_of(site)
    check_jobs(site, preparation)
    useful = _useful(preparation, site, workers)
    if useful == 0:
        return None
    submission = new_submission(preparation.path, site, useful)
    request = ArrayRequest(submission.name, preparation.path, useful, site, Path(submission.folder), patience)
    return Offer(preparation, system, request, submission)


def _useful(preparation: Preparation, site: Site, workers: int) -> int:
    """How many workers can have a task each; only drivers share out parts of signal points."""
    parts = preparation.n_parts if site.mode != "array" else 0
    if preparation.continues:
        store = open_store(preparation.path)
        left = len(store.pending()) + len(store.pending_toys())
        left += len(pending_parts(store)) if parts else 0
        return workers if store.may_get_toys else min(workers, left)
    if preparation.calculation.adaptive:
        return workers
    return min(workers, parts + len(preparation.plan.tasks) + sum(len(toys.tasks) for toys in preparation.rounds))


def submit(offered: Offer, *, more: bool = False) -> Submission:
    """Make the store if it is new, and start the jobs.

    Before the batch system is asked, a record of what it is asked is written: a submission that was cut short is found
    again by its name.

    Args:
        offered: From `offer`.
        more: Whether jobs may be added to those that are queued or running.

    Raises:
        InputError: A command of the batch system is missing, or jobs are queued or running.
        BatchSystemError: The batch system refused; the message is its own. Nothing is left of a new store.
        StoreError: The store cannot be written, or a driver is working on it.
    """
    preparation, system = offered.preparation, offered.system
    require(system.commands, offered.request.site.kind)
    store = open_store(preparation.path) if preparation.continues else create(preparation)
    with store.locked():
        if preparation.continues and not more:
            _refuse_twice(offered)
        try:
            return _hand_over(offered)
        except BatchSystemError:
            # A record that is left tells of jobs that may have been accepted; they need the store.
            if not preparation.continues and not submissions(preparation.path):
                remove_tree(preparation.path)
            raise


def _refuse_twice(offered: Offer) -> None:
    active = active_jobs(offered.preparation.path)
    if active:
        names = ", ".join(f"{count} of {job}" for job, count in active.items())
        raise InputError(
            f"jobs of this store are queued or running: {names}",
            place=str(offered.preparation.path),
            remedy="wait for them, end them with hfscale cancel, or add to them with --more",
        )


def _hand_over(offered: Offer) -> Submission:
    place, submission = offered.preparation.path, offered.submission
    write_record(place, submission)
    folder = offered.request.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for document in offered.documents:
            (folder / document.name).write_text(document.text)
        if offered.request.carries:
            pack(place, folder / TO_NODE)
        job = offered.system.submit(offered.request)
    except OSError as error:
        remove_record(place, submission)
        raise InputError(f"scripts and logs cannot be written in {folder}: {error}", place="logs") from error
    except BatchSystemError:
        found = _look_after_refusal(offered)
        if found is None:
            remove_record(place, submission)
            shutil.rmtree(folder, ignore_errors=True)
            raise
        job = found
    started = replace(submission, job=job)
    write_record(place, started)
    return started


def _look_after_refusal(offered: Offer) -> str | None:
    """Return the job of an array that was accepted although the command failed, as when the answer got lost.

    Raises:
        BatchSystemError: Nobody can tell; the record stays, and with it the store.
    """
    return offered.system.find(offered.submission.name)
