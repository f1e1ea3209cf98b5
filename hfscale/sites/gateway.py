"""A Dask Gateway as a batch system: it runs the workers, and the machine that submits runs the driver.

The driver is a process of its own: closing the terminal, the notebook or the laptop does not stop it. It starts a
cluster of the gateway and ends it when it ends itself. The name of a job is the folder of its files.
"""

import importlib.util
import json
import os
import platform
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hfscale.errors import BatchSystemError, InputError
from hfscale.plan.yamlfile import parse_yaml
from hfscale.sites.batch import ArrayRequest, Document, Job, JobState, Log, describe_exit, numbered_logs
from hfscale.sites.commands import ask
from hfscale.sites.script import ONE_THREAD, command_of
from hfscale.sites.site import Resources, Site

_START = 'bash "$0" < /dev/null > /dev/null 2>&1 & echo $!'
_SCRIPT, _PROCESS, _EXIT, _CANCELLED = "job.sh", "driver.json", "0.exit", "cancelled"


class DaskGateway:
    """Workers behind a Dask Gateway, and a driver beside the user."""

    commands = ("bash",)

    def check(self, site: Site) -> None:
        """Refuse what only jobs of a batch system have: the gateway has options of its own."""
        defaults = Resources()
        for key in Resources.model_fields:
            if getattr(site.resources, key) != getattr(defaults, key):
                raise InputError(
                    f"a Dask Gateway does not know {key}: what its workers are like is said by its own options",
                    place=f"resources.{key}",
                    remedy="remove the key, and name options in directives, such as worker_memory = 4",
                )
        _options(site)

    def render(self, request: ArrayRequest) -> tuple[Document, ...]:
        """Return the script of the driver, which tells in a file how the driver ended."""
        site = request.site
        command = command_of(site.model_copy(update={"image": None}))
        gather = "" if site.shared_filesystem else " --gather"
        cluster = f"--executor dask --scheduler gateway --workers {request.workers}{gather}{request.driver_options}"
        options = _options(site)
        lines = [
            f"cd {shlex.quote(str(request.folder))}",
            *([f"export DASK_GATEWAY__CLUSTER__OPTIONS={shlex.quote(json.dumps(options))}"] if options else ()),
            f"{command} drive {shlex.quote(str(request.store))} {cluster} > 0.log 2>&1 &",
            "driver=$!",
            """trap 'kill -TERM "$driver"' TERM""",
            """while wait "$driver"; code=$?; kill -0 "$driver" 2>/dev/null; do :; done""",
            f"echo $code > {_EXIT}",
        ]
        return (Document(_SCRIPT, "\n".join(["#!/bin/bash", "", ONE_THREAD, *site.setup, *lines, ""])),)

    def submit(self, request: ArrayRequest) -> str:
        """Start the driver."""
        if not request.site.setup and importlib.util.find_spec("dask_gateway") is None:
            raise BatchSystemError(
                "clusters of a Dask Gateway need dask-gateway, which is not installed",
                remedy="pip install 'hfscale[gateway]'",
            )
        # In a session of its own, which does not end with the terminal.
        started = subprocess.run(
            ["bash", "-c", _START, str(request.folder / _SCRIPT)],
            capture_output=True,
            text=True,
            check=True,
            start_new_session=True,
        )
        document = {"host": platform.node(), "process": int(started.stdout)}
        (request.folder / _PROCESS).write_text(json.dumps(document))
        return str(request.folder)

    def find(self, name: str) -> str | None:
        """Return None: where starting it was cut short, the lock that a driver has on its store tells of it."""
        return None

    def query(self, job: str) -> list[Job]:
        """Return the driver."""
        folder = Path(job)
        if not (folder / _PROCESS).is_file():
            return []
        if _process_of(folder) is not None:
            return [Job(0, JobState.RUNNING)]
        code = _exit_code(folder)
        if code == 0:
            return [Job(0, JobState.DONE)]
        if (folder / _CANCELLED).exists():
            return [Job(0, JobState.CANCELLED)]
        reason = "killed, or its machine was restarted" if code is None else describe_exit(code)
        return [Job(0, JobState.FAILED, reason)]

    def cancel(self, job: str) -> None:
        """Interrupt the driver, which ends its cluster."""
        folder = Path(job)
        process = _process_of(folder)
        if process is None:
            return
        try:
            os.kill(process, signal.SIGTERM)
        except ProcessLookupError:
            # It has ended since.
            return
        except PermissionError as error:
            raise BatchSystemError(
                f"the driver, process {process}, belongs to another user",
                remedy="cancel it as the user who submitted it",
            ) from error
        (folder / _CANCELLED).touch()

    def logs(self, folder: Path) -> Iterator[Log]:
        """Return the log of the driver."""
        return numbered_logs(folder)


def _options(site: Site) -> dict[str, Any]:
    """Options of the gateway: the image, and lines ``name = value`` of the site's directives."""
    options: dict[str, Any] = {} if site.image is None else {"image": site.image}
    for line in site.directives:
        name, separator, text = line.partition("=")
        if not separator or not name.strip():
            raise InputError(
                f"{line!r} is no option of a Dask Gateway",
                place="directives",
                remedy="write them name = value, such as worker_memory = 4",
            )
        options[name.strip()] = parse_yaml(text, source=f"the option {name.strip()} in directives")
    return options


def _process_of(folder: Path) -> int | None:
    """Return the number of the driver's process, None if it has ended.

    Raises:
        BatchSystemError: It runs on another machine, if it runs.
    """
    document = json.loads((folder / _PROCESS).read_text())
    if (folder / _EXIT).exists():
        return None
    if document["host"] != platform.node():
        raise BatchSystemError(
            f"the driver was started on {document['host']}",
            remedy="ask there; where that machine is gone, submit again with --more",
        )
    number = int(document["process"])
    # Numbers are given again, the folder of a submission is not.
    return number if folder.name in _command_line(number) else None


def _command_line(process: int) -> str:
    """What a process was started with; empty if there is none of that number, or it has ended."""
    if not Path("/proc/self/cmdline").exists():
        return ask(["ps", "-o", "command=", "-p", str(process)]).out
    try:
        return Path(f"/proc/{process}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


def _exit_code(folder: Path) -> int | None:
    """How the driver ended, None if nobody wrote that down."""
    try:
        return int((folder / _EXIT).read_text())
    except (OSError, ValueError):
        return None
