"""HTCondor in the mode ``dask``: a driver on the machine that submits, and jobs of Dask workers that it submits.

Machines that run jobs cannot submit any; the scheduler universe runs the driver beside the queue.
"""

import shlex
from collections.abc import Iterator

from hfscale.errors import InputError
from hfscale.sites.batch import ArrayRequest, Document
from hfscale.sites.driving import DaskDriver, driver_request, driver_script, workers_document, workers_option
from hfscale.sites.htcondor import HTCondor
from hfscale.sites.site import Site


class HTCondorDask(DaskDriver, HTCondor):
    """The driver is a cluster of one job, which is looked after like any other."""

    def check(self, site: Site) -> None:
        """Refuse what HTCondor refuses, and images, which the scheduler universe does not start."""
        super().check(site)
        if not site.shared_filesystem:
            raise InputError(
                "Dask workers read and write the store themselves",
                place="shared_filesystem",
                remedy="keep the store where all machines see it, or use the mode array",
            )

    def render(self, request: ArrayRequest) -> tuple[Document, ...]:
        """Return the submit description of the driver, its script, and what it is told of its workers."""
        script = driver_script(driver_request(request), workers_option(request))
        description = "\n".join([*_description(request), ""])
        return (Document("job.sub", description), Document("job.sh", script), workers_document(request))


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
