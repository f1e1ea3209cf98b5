"""The verb ``prediction``."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hfscale.cli.fit import patterns_of
from hfscale.cli.messages import inform, say, write, write_json
from hfscale.cli.options import input_options, json_option, loudness_options, modifier_option, take_inputs
from hfscale.errors import InputError

if TYPE_CHECKING:
    from hfscale.predictions import Prediction

_Command = TypeVar("_Command", bound=Callable[..., Any])

_EPILOG = """\b
Examples:
  hfscale prediction workspace.json
  hfscale fit workspace.json -o fit.zarr && hfscale prediction fit.zarr --format latex -o yields.tex
  hfscale prediction validation.json --fit-from fit.zarr --per bin --no-data
  hfscale prediction fit.zarr --merge 'top=ttbar,singletop*' --json

\b
WORKSPACE may be a store of hfscale fit or ranking, which stands for its own inputs after its fits. Parameters that a
fit of another workspace does not have stay where they are before it. Uncertainties are linear in the parameters, with
all their correlations; sampling is a check of that. Nothing is kept but the table."""


_YIELD_OPTIONS = (
    click.option("--fit-from", "fit", metavar="STORE", help="Store of hfscale fit or ranking: yields after its fit."),
    click.option(
        "--merge",
        multiple=True,
        callback=patterns_of,
        metavar="NAME=PATTERN,...",
        help="Show the samples whose names match as one; repeatable.",
    ),
    click.option(
        "--method",
        type=click.Choice(["variations", "sampling"]),
        default="variations",
        show_default=True,
        help="Uncertainties from each parameter moved up and down, or from parameters drawn at random.",
    ),
    click.option("--draws", type=click.IntRange(min=2), default=10_000, show_default=True, help="Of sampling."),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of sampling."),
    click.option("--no-data", is_flag=True, help="Show no observed data."),
    click.option("--data", metavar="FILE", help="Data in place of the observed ones, as for hfscale fit."),
    click.option("--interpcode", metavar="TYPE=CODE,...", help="Interpolation; that of the fit by default."),
    modifier_option,
)


def yield_options(command: _Command) -> _Command:
    """Add what yields are computed from, and how; take them with `take_yields`."""
    for option in reversed(_YIELD_OPTIONS):
        command = option(command)
    return input_options(command)


def take_yields(options: dict[str, Any]) -> "tuple[Prediction, ...]":
    """Compute the yields that the options ask for, and warn of parameters that the fit does not have."""
    from hfscale.predictions import prediction

    chosen = take_inputs(options)
    found = prediction(
        chosen.workspace,
        chosen.patchset,
        fit=options["fit"],
        merge=options["merge"],
        method=options["method"],
        draws=options["draws"],
        seed=options["seed"],
        with_data=not options["no_data"],
        interpcode=_codes(options["interpcode"]),
        modifiers=options["modifiers"] or None,
        data=options["data"],
        **chosen.keywords(),
    )
    for missing in sorted({one.missing for one in found if one.missing}):
        more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
        say(f"warning: the fit does not have {', '.join(missing[:10])}{more}: taken as before it", "warning")
    return found


@click.command("prediction", epilog=_EPILOG)
@yield_options
@click.option(
    "--per", type=click.Choice(["channel", "bin"]), default="channel", show_default=True, help="Columns of tables."
)
@click.option(
    "--format",
    "table_format",
    type=click.Choice(["text", "latex", "html", "csv"]),
    default="text",
    show_default=True,
    help="Of tables.",
)
@click.option("-o", "--output", metavar="FILE", help="Where to write the table; to standard output by default.")
@json_option
@loudness_options
def prediction_command(**options: Any) -> None:
    """Expected yields of every sample, channel and bin, before or after a fit, with uncertainties."""
    from hfscale.exporting.writing import check_file, write_file
    from hfscale.predictions.tables import yield_tables

    output = None if options["output"] is None else Path(options["output"])
    if output is not None:
        check_file(output)
    found = take_yields(options)
    if options["as_json"]:
        write_json([one.to_json() for one in found])
        return
    table = yield_tables(found, options["table_format"], options["per"])
    if output is None:
        write(table.rstrip("\n"))
    else:
        write_file(output, table.encode())
        inform(f"wrote {output}")


def _codes(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(separator for _, separator, _ in pairs):
        raise InputError(f"{text!r} names no interpolation codes", remedy="give for example normsys=code1")
    return {name.strip(): code.strip() for name, _, code in pairs}
