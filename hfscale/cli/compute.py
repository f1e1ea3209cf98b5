"""Verbs that compute: ``cls`` and ``run``."""

import json
import math
from typing import TYPE_CHECKING, Any, get_args

import click

from hfscale.cli.environment import keep_compiled_programs, use_device
from hfscale.cli.messages import inform, loudness, say, watching, write_fields, write_json
from hfscale.cli.options import (
    DATA_FIELDS,
    EngineOptions,
    calculation_options,
    dry_run_option,
    input_options,
    json_option,
    loudness_options,
    metrics_option,
    modifier_option,
    output_option,
    take_engine,
    take_inputs,
    take_toys,
    test_stat_option,
    toy_options,
)
from hfscale.runtime.devices import AskedDevice
from hfscale.runtime.executors.choose import Cluster, check_cluster
from hfscale.runtime.patience import Patience

if TYPE_CHECKING:
    from hfscale.driver import Preparation
    from hfscale.results import Results

SOME_FAILED = 1
_COMMON_FIELDS = ("calctype", "interpcode", "modifiers", *DATA_FIELDS)

_CLS_EPILOG = """\b
Examples:
  hfscale cls BkgOnly.json patchset.json -o sbottom.zarr
  hfscale cls HEPData_archive.tar.gz::RegionA/BkgOnly.json -o A.zarr --points 'sbottom_13*'
  hfscale cls BkgOnly.json -p signal_1.json -p signal_2.json -o two.zarr --executor local
  hfscale cls BkgOnly.json patchset.json -o theory.zarr --signal-uncertainty uncertainties.csv
  hfscale cls BkgOnly.json patchset.json -o toys.zarr --calctype toybased --ntoys 10000 --seed 1
  hfscale cls BkgOnly.json patchset.json -o toys.zarr --calctype toybased --adaptive --max-toys 20000

\b
WORKSPACE and PATCHSET are JSON files, .json.gz, or ARCHIVE::MEMBER (.tar.gz, .zip);
an archive or folder alone finds BkgOnly.json and its patchset or patch.*.json.
The same command again continues an unfinished store."""


@click.command("cls", epilog=_CLS_EPILOG)
@input_options
@output_option
@click.option("--test-poi", type=click.FloatRange(min=0.0), default=1.0, show_default=True, help="Tested POI value.")
@click.option("--level", type=float, help="CLs that an adaptive number of toys is to decide on.  [default: 0.05]")
@test_stat_option
@click.option(
    "--signal-uncertainty",
    metavar="VALUE|FILE",
    help="Relative uncertainty of the signal's cross-section, for observed CLs with it one standard deviation down and"
    " up: a number for all points, or a JSON or CSV file, signal point -> number.",
)
@toy_options
@calculation_options
def cls_command(**options: Any) -> int:
    """Observed and expected CLs of every signal point at one POI value."""
    return perform("cls", ("test_poi", "test_stat", "level", "signal_uncertainty"), options)


def perform(kind: str, own: tuple[str, ...], options: dict[str, Any]) -> int:
    """Do what a verb that computes asks for, and return its exit code.

    Args:
        kind: Kind of the calculation.
        own: Fields of `hfscale.plan.settings.Calculation` that are options of this verb; None stands for "not given".
        options: Their values, and those of `input_options`, `output_option`, `toy_options` and `calculation_options`.
    """
    from hfscale.driver import prepare
    from hfscale.plan.settings import check_calculation
    from hfscale.workspace import load_inputs

    engine = take_engine(options)
    given = {name: options[name] for name in own if options[name] is not None}
    common = {name: options[name] for name in _COMMON_FIELDS}
    calculation = check_calculation({"kind": kind, **given, **common, **take_toys(options)})
    chosen = take_inputs(options)
    inputs = load_inputs(
        chosen.workspace, chosen.patchset, data=options["data"], needs_poi=calculation.needs_poi, **chosen.keywords()
    )
    sizes = {name: options.get(name) for name in ("task_points", "task_toys", "task_parameters")}
    preparation = prepare(inputs, calculation, options["store"], **sizes)
    if options["dry_run"]:
        return print_plan(preparation, options["as_json"])
    results = compute(preparation, engine)
    return report(results, options["as_json"])


_RUN_EPILOG = """\b
Examples:
  hfscale run campaign.yaml
  hfscale run campaign.yaml --set run.workers=8 --set calculation.test_poi=0.5
  hfscale run campaign.yaml --device gpu

Paths in the file are relative to it."""


@click.command("run", epilog=_RUN_EPILOG)
@click.argument("campaign", type=click.Path())
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Replace a value of the file; repeatable.")
@click.option("--device", type=click.Choice(get_args(AskedDevice)), help="Short for --set run.device=...")
@modifier_option
@metrics_option
@dry_run_option
@json_option
@loudness_options
def run_command(**options: Any) -> int:
    """Run what a campaign file declares, its contours included."""
    from hfscale.api import prepare_campaign
    from hfscale.campaign_contours import draw_contours
    from hfscale.plan.campaign import load_campaign

    modifiers = [f"calculation.modifiers.{kind}={json.dumps(path)}" for kind, path in options["modifiers"].items()]
    device = [] if options["device"] is None else [f"run.device={options['device']}"]
    campaign = load_campaign(options["campaign"], [*options["overrides"], *modifiers, *device])
    run = campaign.run
    cluster = Cluster(run.scheduler, run.ray_address, run.insecure)
    check_cluster(run.executor, cluster)
    preparation = prepare_campaign(campaign)
    if options["dry_run"]:
        return print_plan(preparation, options["as_json"])
    patience = Patience.read(run.wait_workers, run.task_limit)
    engine = EngineOptions(run.executor, run.workers, cluster, run.gather, run.device, patience)
    results = compute(preparation, engine)
    draw_contours(results, campaign, inform)
    return report(results, options["as_json"])


def compute(preparation: "Preparation", engine: EngineOptions) -> "Results":
    """Run a prepared campaign with progress on standard error."""
    from hfscale.execution import choose, execute

    choice = choose(preparation, engine.executor, engine.workers, engine.device, engine.cluster)
    use_device(choice.device.kind)
    done = choice.pending == 0 and not preparation.calculation.adaptive
    if done:
        toys = f" and {preparation.n_toys} toys" if preparation.rounds else ""
        inform(f"nothing to do: all {preparation.plan.n_points} points{toys} of {preparation.path} are done")
    elif engine.executor == "auto" or loudness().verbose:
        inform(f"executor: {choice.executor} ({choice.pending} tasks, about {choice.seconds:.0f} s on one process)")
    if engine.device != "cpu" and (engine.device == "auto" or loudness().verbose):
        names = ", ".join(gpu.name for gpu in choice.device.gpus)
        inform(f"device: {choice.device.kind} ({choice.device.reason or names or 'of the cluster'})")
    folder = keep_compiled_programs()
    if folder is not None and loudness().verbose:
        inform(f"compiled programs are kept in {folder}")
    return execute(
        preparation,
        executor=choice.executor,
        workers=engine.workers,
        cluster=engine.cluster,
        device=choice.device,
        watching=watching(quiet=done),
        gather=engine.gather,
        patience=engine.patience,
    )


def print_plan(preparation: "Preparation", as_json: bool) -> int:
    """Write what a run would do."""
    fields = _describe_plan(preparation)
    if as_json:
        write_json({name.replace(" ", "_").lower(): value for name, value in fields.items()})
    else:
        write_fields(fields)
    return 0


def _describe_plan(preparation: "Preparation") -> dict[str, object]:
    calculation = preparation.calculation
    seconds = preparation.seconds + preparation.toy_seconds * preparation.n_toys
    fields: dict[str, object] = {
        "store": str(preparation.path),
        "continues": preparation.continues,
        "points": preparation.plan.n_points,
        "points without signal": preparation.n_no_signal,
        "parameters": len(preparation.parameters),
        "structures": preparation.n_structures,
        "fits": calculation.fits_per_point(len(preparation.parameters))
        * (preparation.plan.n_points - preparation.n_no_signal),
        "tasks": len(preparation.plan.tasks),
        "points per task": preparation.plan.task_points,
        **({"parts of points": preparation.n_parts} if preparation.n_parts else {}),
        "seconds on one process": round(seconds, 1),
        "CPU hours": float(f"{seconds / 3600.0:.2g}"),
        "MB on disk at most": math.ceil(preparation.disk.bytes / 1e6),
        "files on disk": preparation.disk.files,
        "MB of memory per process": math.ceil(preparation.memory / 1e6),
    }
    if calculation.adaptive:
        fields["toys at least"] = 2 * preparation.n_cells * calculation.min_toys
        fields["toys at most"] = 2 * preparation.n_cells * calculation.max_toys
    if preparation.rounds:
        fields["toys"] = preparation.n_toys
        fields["toy tasks"] = sum(len(toys.tasks) for toys in preparation.rounds)
    if calculation.toybased:
        fields["toys per task"] = preparation.task_toys
    return fields


def report(results: "Results", as_json: bool) -> int:
    """Write the results where they are asked for, say how a run ended, and return the exit code."""
    points = results.to_list()
    if as_json:
        write_json(points)
    status = results.status()
    failures = {point["name"]: point["reason"] for point in points if "reason" in point}
    for name, reason in failures.items():
        say(f"failed: {name}: {reason}", "failed", point=name, reason=reason)
    for point in points:
        for text in point.get("warnings", ()):
            say(f"warning: {point['name']}: {text}", "warning", point=point["name"])
    inform(
        f"{status.points_ok} points ok, {status.points_no_signal} without signal, {status.points_failed} failed"
        f" -> {results.path}"
    )
    failed_toys = status.toys.failed if status.toys else 0
    if status.toys:
        inform(f"{status.toys.done} toys, {failed_toys} with failed fits")
    return SOME_FAILED if failures or status.points_failed or failed_toys else 0
