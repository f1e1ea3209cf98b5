"""The modes in which a driver hands out the tasks; it is a job of its own, so that nobody has to wait for it."""

import json
import shlex
from dataclasses import asdict, replace
from pathlib import Path

from hfscale.runtime.executors.jobqueue import WorkerJobs, can_describe_jobs, job_script
from hfscale.sites.batch import ArrayRequest, Document
from hfscale.sites.script import ONE_THREAD, command_of
from hfscale.sites.site import Resources

_WORKERS = "workers.json"
_DEFAULTS = Resources()


def driver_script(
    request: ArrayRequest,
    arguments: str,
    directives: tuple[str, ...] = (),
    preparation: tuple[str, ...] = (),
    launcher: str = "",
) -> str:
    """Return the shell script of the job that drives a campaign.

    Args:
        request: The submission.
        arguments: What follows the store, as a shell takes it.
        directives: Comments for the batch system, below the first line.
        preparation: Lines of shell before the driver is started.
        launcher: Command that starts it, in place of the shell itself.
    """
    driver = f"{_inside(request, command_of(request.site))} drive {shlex.quote(str(request.store))} {arguments}"
    driver += request.driver_options
    last = f"exec {launcher} {driver}" if launcher else f"exec {driver}"
    return "\n".join(["#!/bin/bash", *directives, "", ONE_THREAD, *request.site.setup, *preparation, last, ""])


def _inside(request: ArrayRequest, command: str) -> str:
    """The command, in the container if there is one."""
    site = request.site
    return command if site.image is None else f"{site.container} {shlex.quote(site.image)} {command}"


def driver_request(request: ArrayRequest) -> ArrayRequest:
    """Return the request of the driver: one job, which computes nothing."""
    resources = request.site.resources.model_copy(update={"cpus": 1, "gpus": 0})
    return replace(request, workers=1, site=request.site.model_copy(update={"resources": resources}))


def workers_document(request: ArrayRequest) -> Document:
    """Return the file that tells the driver what jobs its workers are."""
    return Document(_WORKERS, json.dumps(asdict(worker_jobs(request)), indent=2) + "\n")


def workers_option(request: ArrayRequest) -> str:
    """Return the option that names that file."""
    return f"--worker-jobs {shlex.quote(str(request.folder / _WORKERS))}"


def worker_jobs(request: ArrayRequest) -> WorkerJobs:
    """Describe the jobs of the workers."""
    site, asked = request.site, request.site.resources
    chosen = [key for key in ("walltime", "memory", "cpus") if getattr(asked, key) != getattr(_DEFAULTS, key)]
    return WorkerJobs(
        kind=site.kind,
        name=f"{request.name}-workers",
        workers=request.workers,
        walltime=asked.walltime,
        memory=asked.memory,
        cpus=asked.cpus,
        gpus=asked.gpus,
        chosen=tuple(chosen),
        partition=asked.partition,
        account=asked.account,
        grace=site.grace,
        setup=site.setup,
        python=_python(request),
        directives=site.directives,
        folder=str(request.folder),
    )


class DaskDriver:
    """What sites have in common whose driver submits jobs of Dask workers."""

    def worker_script(self, request: ArrayRequest) -> str | None:
        """Return the script of a worker's job, None without dask-jobqueue; see `hfscale.sites.batch.SubmitsWorkers`."""
        return job_script(worker_jobs(request)) if can_describe_jobs() else None


def _python(request: ArrayRequest) -> str | None:
    """The interpreter that workers run in; None for that of the driver."""
    site = request.site
    if site.image is not None or site.setup:
        return _inside(request, "python")
    if site.command is not None and Path(site.command).is_absolute():
        beside = Path(site.command).with_name("python")
        return shlex.quote(str(beside)) if beside.exists() else None
    return None
