"""The verb ``templates``."""

from typing import TYPE_CHECKING, Any

import click

from hfscale.cli.messages import inform, say, watching, write_fields, write_json
from hfscale.cli.options import (
    dry_run_option,
    engine_options,
    json_option,
    loudness_options,
    metrics_option,
    take_engine,
)

if TYPE_CHECKING:
    from hfscale.templating.run import TemplatePlan, TemplateResults

SOME_FAILED = 1
_OF_FITS = {"gather": False, "device": "cpu"}
"""Options of engines that templates do not have: nothing is fitted, and all workers must see the folder."""

_EPILOG = """\b
Examples:
  hfscale templates config.yml
  hfscale templates config.yml -o histograms --executor processes --workers 8
  hfscale templates config.yml -o histograms --executor dask --scheduler scheduler.json
  hfscale templates config.yml --dry-run

\b
The configuration is cabinetry's; paths in it are relative to the present folder, as for cabinetry.
Templates are written as cabinetry writes them, then FOLDER/workspace.json. A template that fails does not stop
the others; it is listed, the exit code is 1, and there is no workspace. The same command again makes only what is
missing, or whose part of the configuration or input files changed."""


def _without_fits(command: click.Command) -> click.Command:
    """Take the options away that have no meaning for templates."""
    command.params = [parameter for parameter in command.params if parameter.name not in _OF_FITS]
    return command


@_without_fits
@click.command("templates", epilog=_EPILOG)
@click.argument("config", metavar="CONFIG")
@click.option("-o", "--output", "folder", metavar="FOLDER", help="Where to; HistogramFolder of CONFIG by default.")
@click.option(
    "--inputs",
    type=click.Choice(["auto", "ntuples", "histograms"]),
    default="auto",
    show_default=True,
    help="Fill ntuples into histograms, or collect histograms. auto: ntuples if any region has a variable.",
)
@click.option("--allow-empty", is_flag=True, help="Accept templates that are zero everywhere; data may always be.")
@engine_options
@metrics_option
@dry_run_option
@json_option
@loudness_options
def templates_command(**options: Any) -> int:
    """Make all templates that a configuration of cabinetry declares, in parallel, and the workspace of them."""
    from hfscale.templating.run import make_templates, plan_templates

    engine = take_engine({**options, **_OF_FITS})
    plan = plan_templates(options["config"], options["folder"], inputs=options["inputs"])
    if options["dry_run"]:
        return _print_plan(plan, options["as_json"])
    results = make_templates(
        plan,
        engine.executor,
        engine.workers,
        engine.cluster,
        allow_empty=options["allow_empty"],
        watching=watching(quiet=not plan.pending),
        patience=engine.patience,
    )
    return _report(results, options["as_json"])


def _print_plan(plan: "TemplatePlan", as_json: bool) -> int:
    fields: dict[str, object] = {
        "folder": str(plan.layout.folder),
        "templates": len(plan.templates),
        "to make": len(plan.pending),
        "seconds on one process": round(plan.seconds, 1),
    }
    if as_json:
        write_json({name.replace(" ", "_"): value for name, value in fields.items()})
    else:
        write_fields(fields)
    return 0


def _report(results: "TemplateResults", as_json: bool) -> int:
    if as_json:
        write_json(results.to_json())
    for name, reason in results.failures.items():
        say(f"failed: {name}: {reason}", "failed", template=name, reason=reason)
    inform(
        f"{len(results.names)} templates: {results.made} made, {results.kept} kept, {len(results.failures)} failed"
        f" -> {results.folder}"
    )
    if results.workspace is None:
        say("no workspace: it needs all templates; correct what failed and run the same command again", "failed")
        return SOME_FAILED
    inform(f"wrote {results.workspace}")
    return 0
