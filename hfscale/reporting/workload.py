"""What a report says of the work: runs, workers and slow tasks."""

from hfscale.plot.web.markup import Html, element, facts, table
from hfscale.plot.web.page import section
from hfscale.reporting.work import Costs
from hfscale.results import Results

_MOST = 50


def work_section(results: Results, costs: Costs) -> Html:
    """What the results cost, and what the journals tell of the runs.

    Args:
        results: The results.
        costs: From `hfscale.reporting.work.costs_of`.
    """
    activity = results.activity()
    pairs: list[tuple[str, object]] = [
        ("finished tasks", costs.finished),
        ("time of all tasks", duration(costs.seconds)),
        ("runs of drivers and shards", activity.runs),
        ("tasks tried again", activity.retried),
        ("tasks handed over twice", activity.reissued),
        ("last event", activity.last_event),
    ]
    parts: list[object] = [facts((name, value) for name, value in pairs if value is not None)]
    if costs.slowest:
        rows = [[task.what, task.seconds, task.compile_seconds, task.fits, task.worker] for task in costs.slowest]
        parts.append(element("h3", "Slowest tasks"))
        parts.append(table(("task", "seconds", "of it compiling", "fits", "worker"), rows, data_sortable=True))
    if costs.runs:
        begun = [
            [run.begun, run.driver, run.engine, run.slots, f"{run.tasks} ({run.unit})"] for run in costs.runs[-_MOST:]
        ]
        parts.append(element("h3", "Runs"))
        parts.append(table(("begun (UTC)", "driver", "engine", "tasks at once", "tasks to do"), begun))
    workers = sorted(activity.workers.items(), key=lambda item: -item[1].tasks)[:_MOST]
    if workers:
        worked = [[name, of.tasks, of.fits, of.seconds, of.compile_seconds, of.fits_per_second] for name, of in workers]
        columns = ("worker", "tasks", "fits", "seconds", "of it compiling", "fits per second")
        parts.append(element("h3", "Workers"))
        parts.append(table(columns, worked, data_sortable=True))
    return section("Work", *parts)


def duration(seconds: float) -> str:
    """Return a time as people read it."""
    if seconds < 120.0:
        return f"{seconds:.3g} s"
    return f"{seconds / 60.0:.3g} min" if seconds < 7200.0 else f"{seconds / 3600.0:.3g} h"
