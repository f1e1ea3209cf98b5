"""The verb ``drive``: what the driver jobs of submitted campaigns run."""

import math
from typing import Any

import click

from hfscale.cli.compute import compute, report
from hfscale.cli.messages import watching
from hfscale.cli.options import engine_options, json_option, loudness_options, metrics_option, take_engine
from hfscale.runtime.devices import AskedDevice

_EPILOG = """\b
Examples:
  hfscale drive results.zarr
  hfscale drive results.zarr --executor dask --scheduler tls://scheduler:8786
  hfscale drive results.zarr --worker-jobs workers.json

\b
The store holds its inputs and settings: nothing else is needed to finish it. Without --wait-workers, it waits for
workers without end: their jobs may be queued."""


@click.command("drive", epilog=_EPILOG)
@click.argument("store", type=click.Path())
@click.option(
    "--worker-jobs",
    metavar="FILE",
    help="Have a batch system run Dask workers, as this file of hfscale submit describes, as long as this runs.",
)
@engine_options
@metrics_option
@json_option
@loudness_options
def drive_command(store: str, worker_jobs: str | None, as_json: bool, **options: Any) -> int:
    """Compute what is left in a store; hfscale plan and hfscale submit make one."""
    from hfscale.session.attached import prepare_again
    from hfscale.store.places import store_place

    # The jobs of its workers may have to wait for long.
    engine = take_engine(options, usual_wait=math.inf)
    preparation = prepare_again(store_place(store))
    if worker_jobs is None:
        return report(compute(preparation, engine), as_json)
    from hfscale.execution import execute
    from hfscale.runtime.executors.jobqueue import read_worker_jobs, submitted_workers

    jobs = read_worker_jobs(worker_jobs)
    with submitted_workers(jobs) as cluster:
        device: AskedDevice = "gpu" if jobs.gpus else "cpu"
        results = execute(preparation, executor=cluster, device=device, watching=watching(), patience=engine.patience)
    return report(results, as_json)
