"""HTCondor: clusters of jobs by condor_submit, looked after by condor_q, condor_history and condor_rm."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hfscale.errors import BatchSystemError, InputError
from hfscale.sites.batch import ArrayRequest, Document, Job, JobState, Log, describe_exit, numbered_logs
from hfscale.sites.carrying import FROM_NODE, TO_NODE, returned_name
from hfscale.sites.commands import ask, demand
from hfscale.sites.script import carrying_script, worker_script
from hfscale.sites.site import Site

STATES: Mapping[int, JobState] = MappingProxyType(
    {
        1: JobState.QUEUED,  # idle
        2: JobState.RUNNING,
        3: JobState.CANCELLED,  # removed
        4: JobState.DONE,  # completed
        5: JobState.HELD,
        6: JobState.RUNNING,  # transferring output
        7: JobState.RUNNING,  # suspended
    }
)
"""The codes of the attribute JobStatus."""
_ATTRIBUTES = "ProcId,JobStatus,HoldReason,LastRejMatchReason,ExitCode,ExitBySignal,ExitSignal"
_INTERRUPTED = 3
_MOST_STARTS = 20
_DURATION_EXCEEDED = 46
"""The HoldReasonCode of a job that ran longer than allowed_job_duration."""


class HTCondor:
    """The batch system HTCondor."""

    commands = ("condor_submit", "condor_q", "condor_rm")

    def check(self, site: Site) -> None:
        """Refuse a partition."""
        if site.resources.partition is not None:
            raise InputError(
                "HTCondor has no partitions or queues",
                place="resources.partition",
                remedy="remove the key; what machines must have is said by directives, as requirements = ...",
            )

    def render(self, request: ArrayRequest) -> tuple[Document, ...]:
        """Return the submit description, and the script that each job runs."""
        description = "\n".join([*_description(request), f"queue {request.workers}", ""])
        script = carrying_script(request, "$1") if request.carries else worker_script(request, "$1")
        return (Document("job.sub", description), Document("job.sh", script))

    def submit(self, request: ArrayRequest) -> str:
        """Hand the description to condor_submit, which answers with the first and last job."""
        answer = demand(["condor_submit", "-terse", str(request.folder / "job.sub")])
        return answer.strip().partition(".")[0]

    def find(self, name: str) -> str | None:
        """Return the number of the cluster of that name."""
        found = _ads(["-constraint", f'JobBatchName == "{name}"'], "ClusterId")
        return str(found[0]["ClusterId"]) if found else None

    def query(self, job: str) -> list[Job]:
        """Return the jobs of a cluster, those that left the queue too."""
        return sorted(_job(ad) for ad in _ads([job], _ATTRIBUTES))

    def cancel(self, job: str) -> None:
        """Have condor_rm end the cluster."""
        demand(["condor_rm", job])

    def logs(self, folder: Path) -> Iterator[Log]:
        """Return two files per job."""
        return numbered_logs(folder, (".out", ".err"))


def _description(request: ArrayRequest) -> Iterator[str]:
    site, asked = request.site, request.site.resources
    yield from _container(site)
    yield f"batch_name = {request.name}"
    yield f"initialdir = {request.folder}"
    yield f"request_cpus = {asked.cpus}"
    yield f"request_memory = {asked.memory}"
    if asked.gpus:
        yield f"request_gpus = {asked.gpus}"
    if asked.account:
        yield f"accounting_group = {asked.account}"
    yield f"allowed_job_duration = {asked.walltime}"
    yield f"job_max_vacate_time = {site.grace}"
    yield "kill_sig = SIGTERM"
    # A worker that was interrupted goes back into the queue, and so does one that its walltime put on hold.
    yield f"on_exit_remove = (ExitBySignal =!= true && ExitCode =!= {_INTERRUPTED}) || NumJobStarts >= {_MOST_STARTS}"
    yield f"periodic_release = HoldReasonCode == {_DURATION_EXCEEDED} && NumJobStarts < {_MOST_STARTS}"
    yield from _files(request)
    yield "output = $(Process).out"
    yield "error = $(Process).err"
    yield "log = events.txt"
    yield from site.directives


def _files(request: ArrayRequest) -> Iterator[str]:
    """What is run, and what is transferred."""
    if request.site.shared_filesystem:
        yield "executable = /bin/bash"
        yield "transfer_executable = false"
        yield f'arguments = "{_quoted(str(request.folder / "job.sh"))} $(Process)"'
        yield "should_transfer_files = NO"
        return
    yield f"executable = {request.folder / 'job.sh'}"
    yield "arguments = $(Process)"
    yield "should_transfer_files = YES"
    if not request.carries:
        yield 'transfer_output_files = ""'
        return
    yield "when_to_transfer_output = ON_EXIT_OR_EVICT"
    yield f"transfer_input_files = {TO_NODE}"
    yield f"transfer_output_files = {FROM_NODE}"
    yield f'transfer_output_remaps = "{FROM_NODE} = {returned_name("$(Process)")}"'


def _container(site: Site) -> Iterator[str]:
    if site.image is None:
        yield "universe = vanilla"
    else:
        yield "universe = container"
        yield f"container_image = {site.image}"


def _quoted(text: str) -> str:
    """One argument in HTCondor's new syntax, inside of double quotes."""
    text = text.replace('"', '""').replace("'", "''")
    return f"'{text}'" if " " in text or "'" in text else text


def _ads(arguments: list[str], attributes: str) -> list[dict[str, Any]]:
    """Ask the queue for jobs, then the history for those that left it."""
    wanted = ["-json", "-attributes", attributes]
    answer = ask(["condor_q", *arguments, *wanted])
    if answer.code != 0:
        raise BatchSystemError(f"condor_q failed: {answer.complaint}", remedy="try again later")
    found = _parse(answer.out)
    history = ask(["condor_history", *arguments, *wanted])
    return [*found, *(_parse(history.out) if history.code == 0 else ())]


def _parse(text: str) -> list[dict[str, Any]]:
    """Read the answer, which is no JSON at all where there are no jobs."""
    if not text.strip():
        return []
    try:
        ads = json.loads(text)
    except ValueError as error:
        raise BatchSystemError(f"condor_q gave no JSON: {error}", remedy="HTCondor 9 or newer is needed") from error
    return list(_mappings(ads))


def _mappings(ads: object) -> Iterable[dict[str, Any]]:
    return (ad for ad in ads if isinstance(ad, dict)) if isinstance(ads, list) else ()


def _job(ad: Mapping[str, Any]) -> Job:
    """Put the attributes of a job into our words."""
    state = STATES.get(int(ad.get("JobStatus", 0)), JobState.FAILED)
    shard, reason = int(ad.get("ProcId", -1)), ""
    if state is JobState.HELD:
        reason = str(ad.get("HoldReason", ""))
    elif state is JobState.QUEUED:
        reason = str(ad.get("LastRejMatchReason", ""))
    elif state is JobState.DONE:
        signal = int(ad.get("ExitSignal", 0)) if ad.get("ExitBySignal") is True else 0
        reason = describe_exit(int(ad.get("ExitCode", 0)), signal)
        state = JobState.FAILED if reason else state
    return Job(shard, state, " ".join(reason.split()))
