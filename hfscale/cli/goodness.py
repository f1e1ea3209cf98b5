"""The verb ``gof``."""

from typing import Any, get_args

import click

from hfscale.cli.compute import perform
from hfscale.cli.fit import override_options
from hfscale.cli.options import calculation_options, input_options, output_option, without_toys
from hfscale.inference.toys.settings import Ensemble

_EPILOG = """\b
Examples:
  hfscale gof workspace.json -o gof.zarr --json
  hfscale gof workspace.json -o gof.zarr --calctype toybased --ntoys 1000
  hfscale gof BkgOnly.json patchset.json -o gofs.zarr --points 'sbottom_13*'

\b
Twice the difference in -ln L between the best fit and the saturated model, which has a free rate in every bin; its
degrees of freedom are the bins less the free parameters without constraint. Toys are thrown from the best fit.
Signal points are shared out among workers, and so are the toys of a point that takes long. For a channel by itself,
remove the others with hfscale workspace prune."""


@click.command("gof", epilog=_EPILOG)
@input_options
@output_option
@click.option(
    "--channel", "channels", multiple=True, metavar="NAME", help="Tell the part of this channel; repeatable, or all."
)
@click.option(
    "--calctype",
    type=click.Choice(["asymptotics", "toybased"]),
    default="asymptotics",
    show_default=True,
    help="p-values from the chi-square distribution alone, or from toys too.",
)
@click.option("--ntoys", type=int, metavar="N", help="Toys per signal point.  [default: 2000]")
@click.option("--seed", type=int, metavar="N", help="Which sequence of toys.  [default: 0]")
@click.option(
    "--ensemble",
    type=click.Choice(get_args(Ensemble)),
    help="What toys fluctuate: all data (unconditional), or main data alone.  [default: unconditional]",
)
@click.option(
    "--task-toys",
    type=click.IntRange(min=1),
    metavar="N",
    help="Share out the toys of each signal point, N per task; by default where a point takes long.",
)
@override_options
@calculation_options
def gof_command(**options: Any) -> int:
    """Goodness of fit of every signal point against the saturated model, with the part of each channel."""
    toys = {name: options[name] for name in ("calctype", "ntoys", "seed", "ensemble", "task_toys")}
    return perform("gof", ("fix", "bounds", "init", "channels"), {**without_toys(options), **toys})
