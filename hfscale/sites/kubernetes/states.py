"""What became of the pods of a submission, read from the answers of kubectl."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from hfscale.sites.batch import Job, JobState, describe_exit

STATES: Mapping[str, JobState] = MappingProxyType(
    {
        # Phases of pods.
        "Pending": JobState.QUEUED,
        "Running": JobState.RUNNING,
        "Unknown": JobState.RUNNING,
        "Succeeded": JobState.DONE,
        "Failed": JobState.FAILED,
        # jobStatus of a DaskJob.
        "JobCreated": JobState.QUEUED,
        "ClusterCreated": JobState.QUEUED,
        "Successful": JobState.DONE,
        # jobDeploymentStatus of a RayJob, besides some of the above.
        "Initializing": JobState.QUEUED,
        "Waiting": JobState.QUEUED,
        "Retrying": JobState.QUEUED,
        "Complete": JobState.DONE,
        "Suspending": JobState.HELD,
        "Suspended": JobState.HELD,
        "ValidationFailed": JobState.FAILED,
    }
)
_INDEX = "batch.kubernetes.io/job-completion-index"


def jobs_of_indexed(job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> list[Job]:
    """Return the jobs of an Indexed Job, from what kubectl tells of it and of its pods."""
    status = job.get("status", {})
    found = {index: Job(index, JobState.DONE) for index in indexes(status.get("completedIndexes", ""))}
    latest = dict(sorted(_numbered(pods), key=lambda pair: _created(pair[1])))
    failed = set(indexes(status.get("failedIndexes", "")))
    over = any(c["type"] in ("Failed", "Complete") and c["status"] == "True" for c in status.get("conditions", ()))
    for index in range(job["spec"]["completions"]):
        if index in found:
            continue
        pod = latest.get(index)
        if index in failed or over:
            found[index] = Job(index, JobState.FAILED, "" if pod is None else reason(pod))
        elif pod is None or STATES[pod["status"]["phase"]] in (JobState.FAILED, JobState.DONE):
            found[index] = Job(index, JobState.QUEUED, "" if pod is None else f"again, after {reason(pod)}")
        else:
            found[index] = Job(index, STATES[pod["status"]["phase"]], reason(pod))
    return [found[index] for index in sorted(found)]


def job_of_resource(resource: Mapping[str, Any]) -> list[Job]:
    """Return the one job that a DaskJob or a RayJob is: its driver."""
    status = resource.get("status", {})
    name = status.get("jobDeploymentStatus") or status.get("jobStatus") or "Pending"
    return [Job(0, STATES.get(name, JobState.RUNNING), status.get("message") or status.get("reason") or "")]


def reason(pod: Mapping[str, Any]) -> str:
    """Say why a pod waits or failed, in the words of Kubernetes; empty if it does not say."""
    status = pod["status"]
    for holder in status.get("containerStatuses", ()):
        state = holder.get("state", {})
        if (waiting := state.get("waiting")) and waiting.get("reason") != "ContainerCreating":
            return _joined(waiting)
        if (ended := state.get("terminated")) and ended.get("exitCode"):
            why = ended.get("reason", "")
            texts = ("" if why == "Error" else why, describe_exit(ended["exitCode"]))
            return ", ".join(text for text in texts if text)
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return _joined(condition)
    return _joined(status)


def indexes(text: str) -> Iterator[int]:
    """Read completed or failed indexes, which are written ``1,3-5``."""
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _joined(told: Mapping[str, Any]) -> str:
    return ": ".join(told[key] for key in ("reason", "message") if told.get(key))


def _numbered(pods: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for pod in pods:
        index = pod["metadata"].get("annotations", {}).get(_INDEX)
        if index is not None:
            yield int(index), pod


def _created(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"].get("creationTimestamp", ""))
