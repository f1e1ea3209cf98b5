"""Verbs for batch systems: ``submit``, ``logs`` and ``cancel``."""

import shlex
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hfscale.cli.messages import inform, write, write_json
from hfscale.cli.options import json_option, loudness_options
from hfscale.errors import InputError, SourceError

if TYPE_CHECKING:
    from hfscale.plan.campaign import Campaign
    from hfscale.plan.settings import RunOptions
    from hfscale.sites.site import Site
    from hfscale.sites.submitting import Offer

_MODES = ("array", "dask", "ray")

_SUBMIT_EPILOG = """\b
Examples:
  hfscale submit campaign.yaml --site slurm --workers 200 --set walltime=04:00:00 --dry-run
  hfscale submit campaign.yaml --site htcondor --workers 50 --set memory=3G
  hfscale submit campaign.yaml --site mysite.yaml --workers 200 --set run.task_points=2
  hfscale submit campaign.yaml --site slurm --mode dask --workers 200
  hfscale submit campaign.yaml --site gateway --workers 50
  hfscale submit campaign.yaml --site kubernetes --workers 50 --set image=ghcr.io/me/hfscale:0.1 --dry-run

\b
Mode array: each job is a worker with a share of the tasks, and helps others when it is done; none opens a port. Modes
dask and ray: a driver, a job of its own, hands out the tasks, to --workers jobs with Dask or nodes with Ray. Jobs that
are preempted or reach their walltime lose the task that runs: submit again when they have ended, and the rest is done.
hfscale status, logs and cancel look after the jobs, hfscale contour draws what is there."""


@click.command("submit", epilog=_SUBMIT_EPILOG)
@click.argument("campaign", type=click.Path())
@click.option("--site", "site_name", required=True, metavar="NAME|FILE", help="A ready site, or a site file of yours.")
@click.option("--workers", type=click.IntRange(min=1), required=True, metavar="N", help="How many jobs.")
@click.option("--mode", type=click.Choice(_MODES), help="How workers get their tasks; that of the site by default.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Replace a value of the site (walltime, memory, ...) or of the campaign file; repeatable.",
)
@click.option("--more", is_flag=True, help="Add jobs to those that are queued or running.")
@click.option("--dry-run", is_flag=True, help="Print exactly what would be submitted; write nothing.")
@json_option
@loudness_options
def submit_command(
    campaign: str,
    site_name: str,
    workers: int,
    mode: str | None,
    overrides: tuple[str, ...],
    more: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Plan a campaign, and have a batch system run workers for it."""
    from hfscale.api import prepare_campaign
    from hfscale.sites.submitting import offer, submit

    declared, site = _load(campaign, site_name, overrides)
    if mode is not None:
        site = site.model_copy(update={"mode": mode})
    preparation = prepare_campaign(declared)
    offered = offer(preparation, site, workers, _patience(declared.run))
    if offered is None:
        inform(f"nothing to do: everything in {preparation.path} is done")
        return 0
    if dry_run:
        _print_documents(offered)
        return 0
    submission = submit(offered, more=more)
    if as_json:
        write_json({"system": submission.kind, "job": submission.job, "workers": submission.workers})
    if submission.workers < workers:
        inform(f"{submission.workers} workers are enough for the tasks that are left")
    inform(f"submitted {submission.kind} job {submission.job}: {submission.workers} workers for {preparation.path}")
    inform(f"scripts and logs: {submission.folder}; follow them with hfscale status {preparation.path}")
    return 0


def _patience(run: "RunOptions") -> str:
    """Options of the driver for what the campaign itself says; where it says nothing, drivers wait without end."""
    chosen = {"--wait-workers": "wait_workers", "--task-limit": "task_limit"}
    given = [(option, getattr(run, field)) for option, field in chosen.items() if field in run.model_fields_set]
    return shlex.join(text for option, value in given if value is not None for text in (option, value))


def _load(campaign: str, site_name: str, overrides: tuple[str, ...]) -> tuple["Campaign", "Site"]:
    """Read both files; an override belongs to the one that has such a key."""
    from hfscale.plan.campaign import Campaign, load_campaign
    from hfscale.plan.schema_errors import nearest
    from hfscale.sites.sitefile import is_site_key, load_site, site_keys

    of_campaign = [field.alias or name for name, field in Campaign.model_fields.items()]
    for override in overrides:
        first = override.partition("=")[0].strip().partition(".")[0]
        if not is_site_key(override) and first not in of_campaign:
            raise InputError(
                f"the override {override!r} fits neither the site nor the campaign: there is no key {first!r}",
                place=first,
                remedy=f"{nearest(first, [*site_keys(), *of_campaign])}known keys of sites are"
                f" {', '.join(site_keys())}, those of campaigns {', '.join(of_campaign)}",
            )
    own = [override for override in overrides if is_site_key(override)]
    site = load_site(site_name, own)
    return load_campaign(campaign, [override for override in overrides if override not in own]), site


def _print_documents(offered: "Offer") -> None:
    """Write what would be submitted: a script alone as it is, several files each below its name."""
    documents = offered.documents
    for document in documents:
        if len(documents) > 1:
            write(f"# {offered.request.folder / document.name}")
        write(document.text.removesuffix("\n"))
    _print_worker_script(offered)


def _print_worker_script(offered: "Offer") -> None:
    """Write what the driver submits in its turn, if there is one that does."""
    from hfscale.sites.batch import SubmitsWorkers

    if not isinstance(offered.system, SubmitsWorkers):
        return
    script = offered.system.worker_script(offered.request)
    if script is None:
        inform("the jobs of the workers cannot be shown: dask-jobqueue, which describes them, is not installed")
        return
    write("# Each job of the workers, which the driver submits; only then WORKER, SCHEDULER:PORT and keys are known")
    write(script.removesuffix("\n"))


_LOGS_EPILOG = """\b
Examples:
  hfscale logs results.zarr
  hfscale logs results.zarr --worker 17 --lines 200"""


@click.command("logs", epilog=_LOGS_EPILOG)
@click.argument("store", type=click.Path())
@click.option("--worker", type=click.IntRange(min=0), metavar="I", help="Only the job of shard I.")
@click.option("--lines", type=click.IntRange(min=1), default=20, show_default=True, help="Last lines of each log.")
@json_option
@loudness_options
def logs_command(store: str, worker: int | None, lines: int, as_json: bool) -> None:
    """What the jobs of a store wrote, as far as batch systems have handed it over."""
    from hfscale.sites.jobs import logs
    from hfscale.store.open import open_store

    place = open_store(store).path
    found = [(name, log) for name, log in logs(place) if worker in (None, log.shard)]
    if not found:
        raise SourceError(
            f"there are no logs of jobs for {place}" + ("" if worker is None else f" of shard {worker}"),
            remedy="jobs write them when they begin; hfscale status tells whether they have",
        )
    last = [(submission, log, _tail(log.path, lines)) for submission, log in found]
    if as_json:
        write_json([{"job": s.job, "worker": log.shard, "file": str(log.path), "lines": text} for s, log, text in last])
        return
    for _, log, text in last:
        write(f"== {log.path}")
        for line in text:
            write(line)


def _tail(path: Path, lines: int) -> list[str]:
    """Last lines of a file, none if it is gone or belongs to others."""
    try:
        with path.open(errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=lines)]
    except OSError:
        return []


_COLLECT_EPILOG = """\b
Example: hfscale collect results.zarr

\b
For sites without a shared file system, whose jobs send back what they computed. Collecting again is harmless. Where
more is to be done afterwards, as with an adaptive number of toys, submit again."""


@click.command("collect", epilog=_COLLECT_EPILOG)
@click.argument("store", type=click.Path())
@json_option
@loudness_options
def collect_command(store: str, as_json: bool) -> None:
    """Take over what jobs computed on machines that do not see the store."""
    from hfscale.sites.carrying import collect

    found = collect(store)
    if as_json:
        write_json(found._asdict())
    inform(f"{found.tasks} tasks from the archives of {found.archives} jobs")


@click.command("cancel", epilog="Example: hfscale cancel results.zarr")
@click.argument("store", type=click.Path())
@json_option
@loudness_options
def cancel_command(store: str, as_json: bool) -> None:
    """End the jobs of a store that are queued or running; what is done stays, and submitting again continues it."""
    from hfscale.sites.jobs import cancel
    from hfscale.store.open import open_store

    ended = cancel(open_store(store).path)
    if as_json:
        write_json([{"job": name, "jobs": count} for name, count in ended.items()])
    for name, count in ended.items():
        inform(f"cancelled {name}: {count} jobs were queued or running")
    if not ended:
        inform("no job was queued or running")
