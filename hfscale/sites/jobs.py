"""The jobs of a store: what became of them, what they wrote, and ending them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hfscale.errors import BatchSystemError
from hfscale.sites.batch import Job, JobState, Log
from hfscale.sites.records import Submission, submissions, write_record
from hfscale.sites.systems import batch_system
from hfscale.store.places import Place, store_place


@dataclass(frozen=True)
class ArrayStatus:
    """What became of the jobs of one submission.

    Attributes:
        submission: What was submitted.
        jobs: Its jobs; none if the batch system has forgotten them, as it does some time after their end.
        trouble: Why the batch system could not be asked, or None.
    """

    submission: Submission
    jobs: tuple[Job, ...] = ()
    trouble: str | None = None

    @property
    def counts(self) -> Mapping[JobState, int]:
        """How many jobs are in each state."""
        return Counter(job.state for job in self.jobs)

    @property
    def reasons(self) -> Mapping[tuple[JobState, str], int]:
        """How many jobs wait or failed, for each reason that the batch system gives."""
        return Counter((job.state, job.reason) for job in self.jobs if job.reason)

    @property
    def active(self) -> int:
        """How many jobs run, or may still."""
        return sum(job.state.active for job in self.jobs)


def array_states(store: str | Place) -> list[ArrayStatus]:
    """Ask batch systems for the jobs of all submissions for a store; one that cannot be asked is told of.

    Raises:
        StoreError: A record of a submission is damaged.
    """
    place = store_place(store)
    found = []
    for submission in submissions(place):
        try:
            found.append(_state(place, submission))
        except BatchSystemError as error:
            found.append(ArrayStatus(submission, trouble=error.message))
    return found


def active_jobs(store: Place) -> dict[str, int]:
    """Return how many jobs of each array of a store are queued or running; arrays without any are left out.

    Raises:
        BatchSystemError: That cannot be found out.
    """
    states = [_state(store, submission) for submission in submissions(store)]
    return {_title(state.submission): state.active for state in states if state.active}


def cancel(store: str | Place) -> dict[str, int]:
    """End all jobs of a store that are queued or running; workers end as with SIGTERM, and what is done stays.

    A submission whose jobs cannot be ended does not keep those of the others from it.

    Returns:
        How many jobs of each array were queued or running.

    Raises:
        BatchSystemError: A batch system refused, or cannot be reached; the message names the jobs that were ended.
    """
    place = store_place(store)
    ended: dict[str, int] = {}
    troubles = []
    for submission in submissions(place):
        try:
            state = _state(place, submission)
            if state.active and state.submission.job is not None:
                batch_system(submission.kind).cancel(state.submission.job)
                ended[_title(state.submission)] = state.active
        except BatchSystemError as error:
            troubles.append(error)
    if troubles:
        raise _not_all(troubles, ended)
    return ended


def logs(store: str | Place) -> Iterator[tuple[Submission, Log]]:
    """Return the files that the jobs of a store wrote, those of the earliest submission first."""
    for submission in submissions(store_place(store)):
        found = batch_system(submission.kind).logs(Path(submission.folder))
        for log in sorted(found, key=lambda log: (log.shard, log.path.name)):
            yield submission, log


def _not_all(troubles: Sequence[BatchSystemError], ended: Mapping[str, int]) -> BatchSystemError:
    """One error for several submissions."""
    messages = dict.fromkeys(error.message for error in troubles)
    remedies = dict.fromkeys(error.remedy for error in troubles if error.remedy)
    others = (
        [f"cancelled, of the others: {', '.join(f'{count} of {job}' for job, count in ended.items())}"] if ended else []
    )
    return BatchSystemError("; ".join([*messages, *others]), remedy="; ".join(remedies) or None)


def _state(store: Place, submission: Submission) -> ArrayStatus:
    system = batch_system(submission.kind)
    if submission.job is None:
        # Submitting it was cut short between asking and noting the answer.
        job = system.find(submission.name)
        if job is None:
            return ArrayStatus(submission)
        submission = replace(submission, job=job)
        write_record(store, submission)
    return ArrayStatus(submission, tuple(system.query(str(submission.job))))


def _title(submission: Submission) -> str:
    return f"{submission.kind} job {submission.job}"
