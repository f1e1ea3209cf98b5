"""What `status` says of the runs on a store: their workers, and tasks that gave trouble."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hfscale.runtime.activity import Activity, WorkerActivity

MOST_WORKERS = 16
"""Workers that are listed one by one; a table of thousands helps nobody, and JSON has them all."""


def describe_activity(activity: "Activity") -> list[str]:
    """Return lines for people; none where no run told anything."""
    lines = []
    if activity.retried or activity.reissued:
        lines.append(
            f"tried again: {activity.retried} tasks; handed over twice because they take long: {activity.reissued}"
        )
    workers = sorted(activity.workers.items(), key=lambda item: -item[1].tasks)
    lines += [f"worker {name}: {_describe_worker(worker)}" for name, worker in workers[:MOST_WORKERS]]
    if len(workers) > MOST_WORKERS:
        lines.append(f"and {len(workers) - MOST_WORKERS} more workers; --json lists all")
    return lines + [f"quarantined: {task}: {reason}" for task, reason in activity.quarantined.items()]


def _describe_worker(worker: "WorkerActivity") -> str:
    rate = "" if worker.fits_per_second is None else f", {worker.fits_per_second:.3g} fits/s"
    return f"{worker.tasks} tasks, {worker.fits} fits{rate}, {worker.compile_seconds:.1f} s of compiling"
