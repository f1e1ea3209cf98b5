"""Verbs that read a store: ``status`` and ``show``."""

import fnmatch
import time
from dataclasses import asdict
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from hfscale.cli.activity import describe_activity
from hfscale.cli.jobs import JobsText, describe_jobs
from hfscale.cli.messages import say, write, write_fields, write_json, write_table
from hfscale.cli.options import json_option, loudness_options, point_option
from hfscale.cli.tables import table_of
from hfscale.errors import SelectionError

if TYPE_CHECKING:
    from hfscale.runtime.activity import Activity
    from hfscale.store.status import StoreStatus

_WATCH_SECONDS = 2.0


@click.command("status", epilog="Example: hfscale status results.zarr")
@click.argument("store", type=click.Path())
@click.option("--watch", is_flag=True, help="Write again every two seconds until all is done.")
@json_option
@loudness_options
def status_command(store: str, watch: bool, as_json: bool) -> None:
    """How far a store is: points done, failed and left, rate, time left; what its workers did."""
    from hfscale.results import open_results

    while True:
        results = open_results(store)
        status = results.status()
        _write_status(status, results.failures(), results.activity(), describe_jobs(store), as_json)
        if not watch or status.finished:
            return
        time.sleep(_WATCH_SECONDS)


def _write_status(
    status: "StoreStatus", failures: dict[str, str], activity: "Activity", jobs: "JobsText", as_json: bool
) -> None:
    if as_json:
        document = {"finished": status.finished, "failures": failures, "activity": asdict(activity)}
        write_json({**asdict(status), **document, "jobs": jobs.document})
        return
    done = status.points_ok + status.points_no_signal
    fields = {
        "points": f"{done} of {status.points_total} done",
        "without signal": status.points_no_signal,
        "failed": status.points_failed,
        "left": status.points_pending,
        "tasks": f"{status.tasks_done} of {status.tasks_total} done, {status.tasks_failed} failed",
    }
    if status.toys is not None:
        fields["lacking toys"] = status.points_partial
        fields["toys"] = f"{status.toys.done} of {status.toys.total} done, {status.toys.failed} failed"
        if status.toys.per_second is not None:
            fields["toy rate"] = f"{status.toys.per_second:.3g} toys/s"
    if status.points_per_second is not None:
        fields["rate"] = f"{status.points_per_second:.3g} points/s"
    if status.seconds_left:
        fields["time left"] = f"{status.seconds_left:.0f} s at that rate"
    write_fields(fields)
    for name, rates in status.toys.failure_rates.items() if status.toys else ():
        write(f"failed toys: {name}: {', '.join(f'{100 * rate:.3g} % of {h}' for h, rate in rates.items())}")
    for name, reason in failures.items():
        write(f"failed: {name}: {reason}")
    for line in (*jobs.lines, *describe_activity(activity)):
        write(line)


@click.command("show", epilog="Example: hfscale show results.zarr --point 'sbottom_13*' --json")
@click.argument("store", type=click.Path())
@point_option
@json_option
@loudness_options
def show_command(store: str, pattern: str, as_json: bool) -> None:
    """The numbers in a store, one row or JSON object per signal point."""
    from hfscale.results import open_results

    results = open_results(store)
    points = [point for point in results.to_list() if fnmatch.fnmatchcase(point["name"], pattern)]
    if not points:
        names = results.store.names
        near = get_close_matches(pattern, names, n=3) or names[:3]
        raise SelectionError(
            f"no signal point of {store} matches {pattern!r}", remedy=f"names look like {', '.join(near)}"
        )
    if as_json:
        write_json(points)
        return
    columns, rows = table_of(results.store.settings["calculation"])
    write_table(columns, [row for point in points for row in rows(point)])
    for point in points:
        if "reason" in point:
            say(f"failed: {point['name']}: {point['reason']}", "failed", point=point["name"], reason=point["reason"])
