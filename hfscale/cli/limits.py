"""Verbs that make statements about the POI: ``limit``, ``scan`` and ``significance``."""

from typing import Any

import click

from hfscale.cli.compute import perform
from hfscale.cli.options import DATA_FIELDS, calculation_options, input_options, output_option, test_stat_option

_COMMON_FIELDS = ("interpcode", "modifiers", *DATA_FIELDS)

_LIMIT_EPILOG = """\b
Examples:
  hfscale limit BkgOnly.json patchset.json -o limits.zarr
  hfscale limit BkgOnly.json patchset.json -o limits90.zarr --level 0.1 --points 'sbottom_13*'

\b
A limit above the upper bound of the POI is not extrapolated: its status is above_bound.
Widen the bound in the measurement's configuration to find it."""


@click.command("limit", epilog=_LIMIT_EPILOG)
@input_options
@output_option
@click.option("--level", type=float, default=0.05, show_default=True, help="CLs at the limit.")
@click.option("--rtol", type=float, default=1e-4, show_default=True, help="Relative precision of the limits.")
@test_stat_option
@calculation_options
def limit_command(**options: Any) -> int:
    """Observed and expected upper limits on the POI of every signal point."""
    return _perform("limit", ("level", "rtol", "test_stat"), options)


@click.command("scan", epilog="Example: hfscale scan BkgOnly.json patchset.json -o scan.zarr --poi-grid 0:5:41")
@input_options
@output_option
@click.option("--poi-grid", required=True, metavar="A:B:N", help="N tested POI values, evenly spaced from A to B.")
@test_stat_option
@calculation_options
def scan_command(**options: Any) -> int:
    """Observed and expected CLs of every signal point at many POI values."""
    return _perform("scan", ("poi_grid", "test_stat"), options)


@click.command("significance", epilog="Example: hfscale significance BkgOnly.json patchset.json -o significance.zarr")
@input_options
@output_option
@calculation_options
def significance_command(**options: Any) -> int:
    """p-value p0 of the background-only hypothesis, and significance Z, of every signal point.

    The expected ones are for a signal with POI = 1.
    """
    return _perform("significance", (), options)


def _perform(kind: str, own: tuple[str, ...], options: dict[str, Any]) -> int:
    """Check the settings of a calculation, its own and the common ones, and do it."""
    from hfscale.plan.settings import check_calculation

    settings = {name: options[name] for name in (*own, *_COMMON_FIELDS)}
    return perform(check_calculation({"kind": kind, **settings}), options)
