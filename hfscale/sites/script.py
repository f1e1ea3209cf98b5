"""The part of job scripts that is the same for all batch systems: the environment, and the worker."""

import shlex
import sys
from pathlib import Path

from hfscale.sites.batch import ArrayRequest
from hfscale.sites.carrying import FROM_NODE, STORE, TO_NODE
from hfscale.sites.site import Site

ONE_THREAD = "export NPROC=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1"


def worker_script(request: ArrayRequest, index: str, directives: tuple[str, ...] = (), image: str | None = None) -> str:
    """Return the shell script of one job of an array.

    The worker takes the place of the shell, so that it gets the signals that the batch system sends to the job.

    Args:
        request: The array.
        index: The number of the shard, as the shell expands it.
        directives: Comments for the batch system, below the first line.
        image: Container image, if the script is to start the container.
    """
    site = request.site
    worker = (
        f'{command_of(site)} worker {shlex.quote(str(request.store))} --shard "{index}/{request.workers}" --help-others'
        f"{site.device_option}"
    )
    if image is not None:
        worker = f"{site.container} {shlex.quote(image)} {worker}"
    return "\n".join(["#!/bin/bash", *directives, "", ONE_THREAD, *site.setup, f"exec {worker}", ""])


def carrying_script(request: ArrayRequest, index: str) -> str:
    """Return the shell script of a job on a node that does not see the store: it works on a copy and sends it back.

    The shell passes on the signal that ends the job, and packs what was done until then. There must be an archive to
    send back whenever the job ends, and after an eviction it may be there from the beginning.
    """
    shard = f'"{index}/{request.workers}"'
    lines = [
        f"tar -xzf {TO_NODE}",
        f"if [ -f {FROM_NODE} ]; then tar -xzf {FROM_NODE}; else tar -czf {FROM_NODE} --files-from=/dev/null; fi",
        f"{command_of(request.site)} worker {STORE} --shard {shard}{request.site.device_option} &",
        "worker=$!",
        """trap 'kill -TERM "$worker"' TERM""",
        """while wait "$worker"; code=$?; kill -0 "$worker" 2>/dev/null; do :; done""",
        "trap '' TERM",
        f"tar -czf {FROM_NODE} {STORE}",
        "exit $code",
    ]
    return "\n".join(["#!/bin/bash", "", ONE_THREAD, *request.site.setup, *lines, ""])


def command_of(site: Site) -> str:
    """Return the command that runs hfscale on the nodes, as a shell takes it."""
    if site.command is not None:
        return site.command
    own = Path(sys.executable).with_name("hfscale")
    if site.image is None and not site.setup and own.is_file():
        return shlex.quote(str(own))
    return "hfscale"
