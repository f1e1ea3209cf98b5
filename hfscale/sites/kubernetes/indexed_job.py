"""The mode ``array``: an Indexed Job, each index of which is a worker with a share of the tasks; no port is opened."""

from hfscale.sites.batch import ArrayRequest
from hfscale.sites.kubernetes.pods import Manifest, hfscale_container, labels, metadata, pod, quoted_store

_DONE_WITH_FAILURES, _BAD_INPUT, _INTERRUPTED = 1, 2, 3
_KEPT_SECONDS = 24 * 3600


def indexed_job(request: ArrayRequest) -> list[Manifest]:
    """Return the Job.

    What a disruption ends (a drained node, a preemption) and what was interrupted in time is started again, and does
    not count as a failure; points that failed and bad input would fail again.
    """
    arguments = f'worker {quoted_store(request)} --shard "$JOB_COMPLETION_INDEX/{request.workers}" --help-others'
    arguments += request.site.device_option
    template = pod(request, [hfscale_container(request, "worker", arguments)], deadline=True)
    template["restartPolicy"] = "Never"
    failures = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        _rule("Ignore", _INTERRUPTED),
        _rule("FailIndex", _DONE_WITH_FAILURES, _BAD_INPUT),
    ]
    specification = {
        "completionMode": "Indexed",
        "completions": request.workers,
        "parallelism": request.workers,
        "backoffLimitPerIndex": request.site.kubernetes.retries,
        "maxFailedIndexes": request.workers,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {"rules": failures},
        "ttlSecondsAfterFinished": _KEPT_SECONDS,
        "template": {"metadata": {"labels": labels(request)}, "spec": template},
    }
    return [{"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(request), "spec": specification}]


def _rule(action: str, *codes: int) -> Manifest:
    return {"action": action, "onExitCodes": {"containerName": "worker", "operator": "In", "values": list(codes)}}
