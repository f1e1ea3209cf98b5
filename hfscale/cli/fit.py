"""Verbs of measurements: ``fit`` and ``ranking``."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from hfscale.cli.compute import perform
from hfscale.cli.options import calculation_options, input_options, output_option, without_toys

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _pairs(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    """Take ``NAME=TEXT`` apart."""
    pairs = [text.rpartition("=") for text in texts]
    if not all(separator and name.strip() and text.strip() for name, separator, text in pairs):
        raise click.BadParameter(f"give {parameter.metavar or 'NAME=TEXT'}", context, parameter)
    return {name.strip(): text.strip() for name, _, text in pairs}


def _numbers(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, float]:
    return {name: _number(text, context, parameter) for name, text in _pairs(context, parameter, texts).items()}


def _intervals(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, list[float]]:
    found = {}
    for name, text in _pairs(context, parameter, texts).items():
        ends = [_number(end, context, parameter) for end in text.split(":")]
        if len(ends) != 2:
            raise click.BadParameter(f"{text!r} is not LOWER:UPPER", context, parameter)
        found[name] = ends
    return found


def _number(text: str, context: click.Context, parameter: click.Parameter) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a number", context, parameter) from error


def patterns_of(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Take ``NAME=PATTERN,...`` apart: a callback of options."""
    pairs = _pairs(context, parameter, texts)
    return {name: [part.strip() for part in text.split(",") if part.strip()] for name, text in pairs.items()}


_OVERRIDES = (
    click.option(
        "--fix",
        multiple=True,
        callback=_numbers,
        metavar="PAR=VALUE",
        help="Hold a parameter at a value; x stands for all components x[i]. Repeatable, as the following.",
    ),
    click.option(
        "--bounds", multiple=True, callback=_intervals, metavar="PAR=LOWER:UPPER", help="Other bounds of a parameter."
    ),
    click.option("--init", multiple=True, callback=_numbers, metavar="PAR=VALUE", help="Other start value."),
)


def override_options(command: _Command) -> _Command:
    """Add --fix, --bounds and --init."""
    for option in reversed(_OVERRIDES):
        command = option(command)
    return command


task_parameters_option = click.option(
    "--task-parameters",
    type=click.IntRange(min=1),
    metavar="N",
    help="Share out the parameters of each signal point, N per task; by default where a point takes long.",
)

_FIT_EPILOG = """\b
Examples:
  hfscale fit workspace.json -o fit.zarr --json
  hfscale fit workspace.json -o minos.zarr --minos mu --minos 'gamma[0]'
  hfscale fit BkgOnly.json patchset.json -o fits.zarr --points 'sbottom_13*' --bounds mu_SIG=-5:10
  hfscale fit workspace.json -o asimov.zarr --asimov 1 --fix lumi=1

\b
Uncertainties come from the inverse of the exact Hessian. Parameters that are fixed or end at a bound have the
uncertainty 0, and count as fixed for those of the others."""


@click.command("fit", epilog=_FIT_EPILOG)
@input_options
@output_option
@click.option(
    "--minos", multiple=True, metavar="PAR|all", help="MINOS errors of a parameter, or of all of them; repeatable."
)
@override_options
@task_parameters_option
@calculation_options
def fit_command(**options: Any) -> int:
    """Best fit of all parameters of every signal point, with uncertainties and correlations."""
    return perform("fit", ("fix", "bounds", "init", "minos"), without_toys(options))


_RANKING_EPILOG = """\b
Examples:
  hfscale ranking workspace.json -o ranking.zarr --json
  hfscale ranking workspace.json -o ranking.zarr --group 'jets=JES_*,JER_*' --group 'luminosity=lumi'
  hfscale ranking BkgOnly.json patchset.json -o asimov.zarr --points 'sbottom_13*' --asimov 1

\b
Four fits for each nuisance parameter: held at its best fit plus and minus its uncertainty before and after the fit.
The impact of a group is the difference in quadrature with the group frozen. Components are the parts of the
uncertainty that come from the data and from the auxiliary data (arXiv:2307.04007), and add up in quadrature.
Signal points are shared out among workers, and so are the parameters of a point that takes long."""


@click.command("ranking", epilog=_RANKING_EPILOG)
@input_options
@output_option
@click.option(
    "--group",
    "groups",
    multiple=True,
    callback=patterns_of,
    metavar="NAME=PATTERN,...",
    help="Impact of the nuisance parameters whose names match; repeatable. 'MC statistics' (staterror) is always one.",
)
@override_options
@task_parameters_option
@calculation_options
def ranking_command(**options: Any) -> int:
    """Impacts of all nuisance parameters on the POI of every signal point."""
    return perform("ranking", ("fix", "bounds", "init", "groups"), without_toys(options))
