"""HTCondor in the mode ``dask``: a driver on the machine that submits, and jobs of Dask workers that it submits.

Machines that run jobs cannot submit any; the scheduler universe runs the driver beside the queue.
"""

import shlex
from collections.abc import Iterator, Sequence

from hfscale.errors import InputError
from hfscale.runtime.executors.jobqueue import commands_of
from hfscale.sites.batch import ArrayRequest, Document
from hfscale.sites.commands import ask
from hfscale.sites.driving import DaskDriver, driver_request, driver_script, workers_document, workers_option
from hfscale.sites.htcondor import HTCondor
from hfscale.sites.site import Site


class HTCondorDask(DaskDriver, HTCondor):
    """The driver is a cluster of one job, which is looked after like any other."""

    def check(self, site: Site) -> None:
        """Refuse what HTCondor refuses, images that it would have to start, and setups that need lines."""
        super().check(site)
        if not site.shared_filesystem:
            raise InputError(
                "Dask workers read and write the store themselves",
                place="shared_filesystem",
                remedy="keep the store where all machines see it, or use the mode array",
            )
        _check_setup(commands_of(site.setup))

    def render(self, request: ArrayRequest) -> tuple[Document, ...]:
        """Return the submit description of the driver, its script, and what it is told of its workers."""
        script = driver_script(driver_request(request), workers_option(request))
        description = "\n".join([*_description(request), ""])
        return (Document("job.sub", description), Document("job.sh", script), workers_document(request))


def _check_setup(lines: Sequence[str]) -> None:
    """See that lines do their work on one line, before the command of a worker: dask-jobqueue joins them by "; "."""
    if not lines or _fits_on_a_line("; ".join(lines)):
        return
    culprit = next((line for line in lines if not _fits_on_a_line(line)), "; ".join(lines))
    raise InputError(
        f"{culprit!r} cannot stand on one line with other commands, as HTCondor gets them for Dask workers",
        place="setup",
        remedy="write comments on lines of their own, and longer scripts in a file: source FILE",
    )


def _fits_on_a_line(commands: str) -> bool:
    # A comment hides the first brace, a text that begins with << and has no end the second.
    return ask(["bash", "-n", "-c", f"{{ {{ {commands}; }}\n}}"]).code == 0


def _description(request: ArrayRequest) -> Iterator[str]:
    yield "universe = scheduler"
    yield f"batch_name = {request.name}"
    yield f"initialdir = {request.folder}"
    yield "executable = /bin/bash"
    yield "transfer_executable = false"
    yield f'arguments = "{shlex.quote(str(request.folder / "job.sh"))} $(Process)"'
    yield "getenv = true"
    yield "kill_sig = SIGTERM"
    yield "on_exit_remove = (ExitBySignal =!= true && ExitCode =!= 3) || NumJobStarts >= 20"
    yield "output = $(Process).out"
    yield "error = $(Process).err"
    yield "log = events.txt"
    yield "queue 1"
