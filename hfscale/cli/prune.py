"""The verb ``prune``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hfscale.cli.messages import inform, write_json, write_table
from hfscale.cli.options import json_option, loudness_options
from hfscale.errors import InputError

if TYPE_CHECKING:
    from hfscale.model.pruning import PruningReport

_EPILOG = """\b
Examples:
  hfscale prune workspace.json --threshold 0.005
  hfscale prune workspace.json --threshold 0.005 --per channel -o pruned.json --report report.csv

\b
The report goes to standard output; nothing is written without -o or --report."""


@click.command("prune", epilog=_EPILOG)
@click.argument("workspace")
@click.option(
    "--threshold",
    type=click.FloatRange(min=0.0),
    default=0.005,
    show_default=True,
    help="Relative effect below which a normsys or histosys is left out.",
)
@click.option(
    "--per",
    type=click.Choice(["sample", "channel"]),
    default="sample",
    show_default=True,
    help="What effects are relative to: the yield of the sample, or of all samples of the channel, bin by bin.",
)
@click.option(
    "--staterror-threshold",
    type=click.FloatRange(min=0.0),
    metavar="X",
    help="Relative uncertainty below which bins of staterrors are held; all vary by default.",
)
@click.option("-p", "--patch", metavar="FILE", help="JSON patch to apply first.")
@click.option("-o", "--output", metavar="FILE", help="Where to write the pruned workspace.")
@click.option("--report", metavar="FILE", help="Where to write the report, as CSV (.csv) or JSON (.json).")
@json_option
@loudness_options
def prune_command(workspace: str, output: str | None, report: str | None, as_json: bool, **options: Any) -> None:
    """Leave out normsys and histosys modifiers of small effect, and say what went and what stayed."""
    from hfscale.model.pruning import Pruner, PruningRule
    from hfscale.workspace.single import read_workspace

    rule = PruningRule(options["threshold"], options["per"], options["staterror_threshold"])
    if report is not None and Path(report).suffix not in (".csv", ".json"):
        raise InputError(f"a report cannot be written as {report}", remedy="name a .csv or .json file")
    pruned = Pruner().prune(read_workspace(workspace, options["patch"]).content, rule)
    for file, text in ((output, json.dumps(pruned.workspace, indent=1)), (report, _text(pruned.report, report))):
        if file is not None:
            _write(Path(file), text)
            inform(f"wrote {file}")
    if as_json:
        write_json({"vanished": list(pruned.report.vanished), "modifiers": pruned.report.to_list()})
    else:
        _write_report(pruned.report)


def _text(report: "PruningReport", file: str | None) -> str:
    if file is not None and file.endswith(".csv"):
        return str(report.to_dataframe().to_csv(index=False))
    return json.dumps({"vanished": list(report.vanished), "modifiers": report.to_list()}, indent=1)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{file} cannot be written: {error.strerror}", remedy="choose a file in a folder that you may write to"
        ) from error


def _write_report(report: "PruningReport") -> None:
    columns = ("channel", "sample", "modifier", "type", "effect", "dropped", "reason")
    rows = [
        (r.channel, r.sample, r.modifier, r.type, f"{r.effect:.3g}", "yes" if r.dropped else "no", r.reason)
        for r in report.rows
    ]
    write_table(columns, rows)
    inform(
        f"{report.n_dropped} of {len(report.rows)} modifiers dropped,"
        f" {len(report.vanished)} parameters vanished{': ' if report.vanished else ''}{', '.join(report.vanished)}"
    )
