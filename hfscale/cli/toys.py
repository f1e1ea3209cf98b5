"""The verb ``toys``."""

from typing import Any

import click

from hfscale.cli.compute import compute, report
from hfscale.cli.options import engine_options, json_option, loudness_options, metrics_option, take_engine

_EPILOG = """\b
Examples:
  hfscale toys toys.zarr --more 8000
  hfscale toys toys.zarr --more 8000 --executor dask --workers 4

\b
Toys have the seed of the store and the next indices. If this is interrupted, the same command continues it."""


@click.command("toys", epilog=_EPILOG)
@click.argument("store", type=click.Path())
@click.option("--more", type=int, required=True, metavar="N", help="Further toys per point and hypothesis.")
@click.option("--task-toys", type=click.IntRange(min=1), metavar="N", help="Toys per task; as in the store by default.")
@engine_options
@metrics_option
@json_option
@loudness_options
def toys_command(store: str, more: int, task_toys: int | None, as_json: bool, **options: Any) -> int:
    """Add toys to a store that was computed with toys."""
    from hfscale.extend import extend_toys

    engine = take_engine(options)
    results = compute(extend_toys(store, more, task_toys=task_toys), engine)
    return report(results, as_json)
