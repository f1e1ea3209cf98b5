"""The verb ``merge``."""

import click

from hfscale.cli.compute import report
from hfscale.cli.options import json_option, loudness_options

_EPILOG = """\b
Examples:
  hfscale merge toys_0.zarr toys_1.zarr -o toys.zarr
  hfscale merge light.zarr heavy.zarr -o all.zarr"""


@click.command("merge", epilog=_EPILOG)
@click.argument("stores", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--output", required=True, metavar="STORE", help="New store; one that exists is refused.")
@json_option
@loudness_options
def merge_command(stores: tuple[str, ...], output: str, as_json: bool) -> int:
    """Pool stores of one model and settings: of other signal points, other ranges of toys, or other seeds.

    What several stores hold must agree to the last bit.
    """
    from hfscale.merging import merge

    results = merge(stores, output)
    return report(results, as_json)
