"""SLURM: job arrays by sbatch, looked after by squeue (and sacct, where the site keeps accounts) and scancel."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from hfscale.errors import BatchSystemError, InputError
from hfscale.sites.batch import ArrayRequest, Document, Job, JobState, Log, describe_exit, numbered_logs
from hfscale.sites.commands import ask, demand
from hfscale.sites.script import worker_script
from hfscale.sites.site import Site, write_walltime

STATES: Mapping[str, JobState] = MappingProxyType(
    {
        "PENDING": JobState.QUEUED,
        "REQUEUED": JobState.QUEUED,
        "REQUEUE_FED": JobState.QUEUED,
        "REQUEUE_HOLD": JobState.HELD,
        "RESV_DEL_HOLD": JobState.HELD,
        "SPECIAL_EXIT": JobState.HELD,
        "CONFIGURING": JobState.RUNNING,
        "RUNNING": JobState.RUNNING,
        "RESIZING": JobState.RUNNING,
        "SIGNALING": JobState.RUNNING,
        "STAGE_OUT": JobState.RUNNING,
        "STOPPED": JobState.RUNNING,
        "SUSPENDED": JobState.RUNNING,
        "COMPLETING": JobState.RUNNING,
        "COMPLETED": JobState.DONE,
        "CANCELLED": JobState.CANCELLED,
        "BOOT_FAIL": JobState.FAILED,
        "DEADLINE": JobState.FAILED,
        "FAILED": JobState.FAILED,
        "NODE_FAIL": JobState.FAILED,
        "OUT_OF_MEMORY": JobState.FAILED,
        "PREEMPTED": JobState.FAILED,
        "REVOKED": JobState.FAILED,
        "TIMEOUT": JobState.FAILED,
    }
)
"""The job state codes of squeue(1) and sacct(1)."""
_HELD_REASONS = ("JobHeldUser", "JobHeldAdmin", "JobHoldMaxRequeue", "launch failed requeued held")
_NO_REASONS = ("", "None")
_UNKNOWN_JOB = "Invalid job id specified"


class Slurm:
    """The batch system SLURM."""

    commands: tuple[str, ...] = ("sbatch", "squeue", "scancel")

    def check(self, site: Site) -> None:
        """Refuse nodes that do not see the store."""
        if not site.shared_filesystem:
            raise InputError(
                "SLURM transfers no files",
                place="shared_filesystem",
                remedy="put the store into a folder that the nodes see, or into an object store",
            )

    def render(self, request: ArrayRequest) -> tuple[Document, ...]:
        """Return the script of the array: comments for sbatch, then what each job does."""
        script = worker_script(request, "$SLURM_ARRAY_TASK_ID", sbatch_lines(request), request.site.image)
        return (Document("job.sh", script),)

    def submit(self, request: ArrayRequest) -> str:
        """Hand the script to sbatch."""
        script = (request.folder / "job.sh").read_text()
        # With a federation of clusters, the cluster's name follows.
        return demand(["sbatch", "--parsable"], script).strip().partition(";")[0]

    def find(self, name: str) -> str | None:
        """Return the identity of the array of that name."""
        found = demand(["squeue", "--noheader", "--states=all", f"--name={name}", "--format=%F"]).split()
        return found[0] if found else None

    def query(self, job: str) -> list[Job]:
        """Return the jobs that squeue still lists, and the others if the site keeps accounts."""
        fields = "ArrayTaskID:|,State:|,Reason:|,exit_code:|"
        answer = ask(["squeue", "--noheader", "--array", "--states=all", f"--jobs={job}", f"--Format={fields}"])
        if answer.code != 0 and _UNKNOWN_JOB not in answer.err:
            raise BatchSystemError(f"squeue failed: {answer.complaint}", remedy="try again later")
        listed = _read_rows(answer.out) if answer.code == 0 else {}
        account = ask(["sacct", "--noheader", "--allocations", "--parsable2", f"--jobs={job}", f"--format={_SACCT}"])
        known = _read_account(account.out) if account.code == 0 else {}
        return [{**known, **listed}[index] for index in sorted({**known, **listed})]

    def cancel(self, job: str) -> None:
        """Have scancel end all jobs of the array."""
        demand(["scancel", job])

    def logs(self, folder: Path) -> Iterator[Log]:
        """Return one file per job."""
        return numbered_logs(folder)


def sbatch_lines(request: ArrayRequest) -> tuple[str, ...]:
    """Return the comments for sbatch at the beginning of a script."""
    return tuple(f"#SBATCH {line}" for line in _directives(request))


_SACCT = "JobID,State,ExitCode,Reason"


def _directives(request: ArrayRequest) -> Iterator[str]:
    site, asked = request.site, request.site.resources
    yield f"--job-name={request.name}"
    yield f"--array=0-{request.workers - 1}"
    yield f"--time={write_walltime(asked.walltime)}"
    yield f"--mem={asked.memory}M"
    yield f"--cpus-per-task={asked.cpus}"
    if asked.gpus:
        yield f"--gres=gpu:{asked.gpus}"
    if asked.partition:
        yield f"--partition={asked.partition}"
    if asked.account:
        yield f"--account={asked.account}"
    # To the worker, which takes the place of the batch shell; steps it has none.
    yield f"--signal=B:TERM@{site.grace}"
    yield "--requeue"
    yield "--open-mode=append"
    yield f'--output="{str(request.folder).replace("%", "%%")}/%a.log"'
    yield from site.directives


def _read_rows(text: str) -> dict[int, Job]:
    """Rows of squeue, whose exit code is that of wait(2): the process's in the higher byte, a signal in the lower."""
    jobs = {}
    for line in text.splitlines():
        index, state, reason, status, *_ = [*line.split("|"), "", "", ""]
        if state.strip():
            number = int(status) if status.strip().isdecimal() else 0
            job = _job(index, state.strip(), reason.strip(), number >> 8, number & 0x7F)
            jobs[job.shard] = job
    return jobs


def _read_account(text: str) -> dict[int, Job]:
    """Rows of sacct, whose exit code is that of the process and a signal, with a colon between."""
    jobs = {}
    for line in text.splitlines():
        name, state, status, reason, *_ = [*line.split("|"), "", "", ""]
        code, _, signal = status.partition(":")
        if state:
            job = _job(name.partition("_")[2], state.partition(" ")[0], reason, int(code or 0), int(signal or 0))
            jobs[job.shard] = job
    return jobs


def _job(index: str, state: str, reason: str, code: int, signal: int) -> Job:
    """Put a row of squeue or sacct into our words."""
    known = STATES.get(state, JobState.FAILED)
    why = "" if reason in _NO_REASONS else reason
    if known is JobState.QUEUED and why in _HELD_REASONS:
        known = JobState.HELD
    if known is JobState.FAILED:
        # The reason of a job whose program failed only says that it did.
        texts = (state, "" if why == "NonZeroExitCode" else why, describe_exit(code, signal))
        why = ", ".join(text for text in texts if text)
    return Job(int(index) if index.strip().isdecimal() else -1, known, why)
