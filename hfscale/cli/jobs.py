"""What `status` says of the jobs of batch systems that work on a store."""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from hfscale.sites.jobs import ArrayStatus


class JobsText(NamedTuple):
    """Jobs as lines for people, and as JSON; nothing where none were submitted."""

    lines: tuple[str, ...]
    document: list[dict[str, Any]]


def describe_jobs(store: str) -> JobsText:
    """Ask batch systems for the jobs of a store."""
    from hfscale.sites.jobs import array_states

    states = array_states(store)
    lines = tuple(line for state in states for line in _lines(state))
    return JobsText(lines, [_document(state) for state in states])


def _lines(state: "ArrayStatus") -> list[str]:
    title = f"{state.submission.kind} job {state.submission.job or state.submission.name}"
    if state.trouble is not None:
        return [f"{title}: {state.trouble}"]
    if not state.jobs:
        return [f"{title}: ended, or not known to the batch system any more"]
    counts = ", ".join(f"{count} {name}" for name, count in state.counts.items())
    reasons = [f"  {count} {name}: {reason}" for (name, reason), count in state.reasons.items()]
    return [f"{title}: {counts}", *reasons]


def _document(state: "ArrayStatus") -> dict[str, Any]:
    submission = state.submission
    return {
        "system": submission.kind,
        "job": submission.job,
        "name": submission.name,
        "workers": submission.workers,
        "submitted": submission.time,
        "user": submission.user,
        "trouble": state.trouble,
        "states": {str(name): count for name, count in state.counts.items()},
        "jobs": [{"shard": job.shard, "state": str(job.state), "reason": job.reason} for job in state.jobs],
    }
