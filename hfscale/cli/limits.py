"""Verbs that make statements about the POI: ``limit``, ``scan`` and ``significance``."""

from typing import Any

import click

from hfscale.cli.compute import perform
from hfscale.cli.options import calculation_options, input_options, output_option, test_stat_option, toy_options
from hfscale.plan.scans import scan_kind

_LIMIT_EPILOG = """\b
Examples:
  hfscale limit BkgOnly.json patchset.json -o limits.zarr
  hfscale limit BkgOnly.json patchset.json -o limits90.zarr --level 0.1 --points 'sbottom_13*'
  hfscale limit BkgOnly.json patchset.json -o toys.zarr --calctype toybased --poi-grid 0.1:2:20 --adaptive
  hfscale limit region.json -o S95.zarr --luminosity 140

\b
A limit above the upper bound of the POI is not extrapolated: its status is above_bound.
Widen the bound in the measurement's configuration to find it. With toys, the same goes for the grid of POI values."""


@click.command("limit", epilog=_LIMIT_EPILOG)
@input_options
@output_option
@click.option("--level", type=float, default=0.05, show_default=True, help="CLs at the limit.")
@click.option("--rtol", type=float, help="Relative precision of asymptotic limits.  [default: 1e-4]")
@click.option("--poi-grid", metavar="A:B:N,...", help="With toys: N tested POI values from A to B, or single ones.")
@click.option("--luminosity", type=float, metavar="L", help="In fb^-1: adds limits on visible cross-sections, in fb.")
@click.option(
    "--cross-section",
    metavar="VALUE|FILE",
    help="In fb, of the signal with POI = 1: adds limits on it. One for all points, or a JSON or CSV file by point.",
)
@test_stat_option
@toy_options
@calculation_options
def limit_command(**options: Any) -> int:
    """Observed and expected upper limits on the POI of every signal point."""
    return perform("limit", ("level", "rtol", "poi_grid", "test_stat", "luminosity", "cross_section"), options)


_SCAN_EPILOG = """\b
Examples:
  hfscale scan BkgOnly.json patchset.json -o scan.zarr --poi-grid 0:5:41
  hfscale scan BkgOnly.json patchset.json -o profile.zarr --parameter mu_SIG
  hfscale scan workspace.json -o plane.zarr --parameter mu_a --grid 0:2:21 --parameter mu_b --grid -1:1:21
  hfscale scan workspace.json -o contours.zarr --parameter mu_a --parameter mu_b --adaptive-grid

\b
Profile likelihoods need no POI. Without --grid, they cover three uncertainties on either side of the best fit.
With --adaptive-grid, a coarse part of the grid (of 129 values, or 65 times 65, without --grid) is fitted first, then
finer and finer ones around the intervals or contours of 68.3 and 95 %, as far as interpolation would be off by more
than the tolerance. What is between is interpolated when results are shown."""


@click.command("scan", epilog=_SCAN_EPILOG)
@input_options
@output_option
@click.option("--poi-grid", metavar="A:B:N,...", help="CLs at N POI values from A to B, or at single ones.")
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME",
    help="In place of --poi-grid: profile likelihood of this parameter; twice for two parameters.",
)
@click.option(
    "--grid", "grids", multiple=True, metavar="A:B:N", help="Values of each --parameter, in their order, or none."
)
@click.option("--adaptive-grid", is_flag=True, default=None, help="Fit only what contours need of the grid.")
@click.option(
    "--grid-tolerance",
    type=float,
    metavar="SIGMAS",
    help="Error that they may have then, in standard deviations.  [default: 0.01]",
)
@click.option(
    "--task-parameters",
    type=click.IntRange(min=1),
    metavar="N",
    help="Share out each signal point's profile likelihood, N values of the first --parameter per task; by default"
    " where it takes long.",
)
@click.option("--level", type=float, help="CLs that an adaptive number of toys is to decide on.  [default: 0.05]")
@test_stat_option
@toy_options
@calculation_options
def scan_command(**options: Any) -> int:
    """CLs of every signal point at many POI values, or its profile likelihood over one or two parameters."""
    kind = scan_kind(options["poi_grid"], options["parameters"], options["grids"])
    own = ("parameters", "grids") if kind == "profile" else ()
    return perform(kind, ("level", "poi_grid", "test_stat", "adaptive_grid", "grid_tolerance", *own), options)


@click.command("significance", epilog="Example: hfscale significance BkgOnly.json patchset.json -o significance.zarr")
@input_options
@output_option
@toy_options
@calculation_options
def significance_command(**options: Any) -> int:
    """p-value p0 of the background-only hypothesis, and significance Z, of every signal point.

    The expected ones are for a signal with POI = 1.
    """
    return perform("significance", (), options)
