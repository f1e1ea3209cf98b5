"""SLURM in the mode ``dask``: a driver job, which submits jobs of Dask workers and replaces those that are lost."""

from hfscale.sites.batch import ArrayRequest, Document
from hfscale.sites.driving import DaskDriver, driver_request, driver_script, workers_document, workers_option
from hfscale.sites.slurm import Slurm, sbatch_lines


class SlurmDask(DaskDriver, Slurm):
    """The driver is an array of one job, which is looked after like any other."""

    def render(self, request: ArrayRequest) -> tuple[Document, ...]:
        """Return the script of the driver, and what it is told of its workers."""
        driver = driver_request(request)
        script = driver_script(driver, workers_option(request), sbatch_lines(driver))
        return (Document("job.sh", script), workers_document(request))
