"""Options that several verbs share."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, get_args

import click

from hfscale.cli.completing import complete_points
from hfscale.cli.messages import set_loudness
from hfscale.inference.toys.settings import Ensemble, ToyNuisance
from hfscale.runtime.devices import AskedDevice
from hfscale.runtime.executors.choose import AskedEngine, Cluster, check_cluster
from hfscale.runtime.patience import DEFAULT, Patience

_Command = TypeVar("_Command", bound=Callable[..., Any])

_INPUT_OPTIONS = (
    click.option(
        "-p",
        "--patch",
        "patches",
        multiple=True,
        metavar="FILE",
        help="JSON patch of one signal point; repeat it for more points. A folder: one point per file."
        " a.json,b.json applied in order: one point. (In pyhf, all -p patch one model.)",
    ),
    click.option("--points", multiple=True, metavar="GLOB", help="Only points whose names match; repeatable."),
    click.option("--measurement", metavar="NAME", help="Measurement of the workspace; the first by default."),
    click.option("--poi", metavar="NAME", help="Parameter of interest; the measurement's by default."),
    click.option(
        "--no-verify-digest", is_flag=True, help="Accept a patchset whose digest is not that of the workspace."
    ),
)


class InputOptions(NamedTuple):
    """What names the inputs of a calculation."""

    workspace: str
    patchset: str | None
    patches: tuple[str, ...]
    points: tuple[str, ...]
    measurement: str | None
    poi: str | None
    no_verify_digest: bool

    def keywords(self) -> dict[str, Any]:
        """Arguments for `hfscale.workspace.load_inputs`, but for the two documents."""
        return {
            "patches": self.patches,
            "points": self.points,
            "measurement": self.measurement,
            "poi": self.poi,
            "verify_digest": not self.no_verify_digest,
        }


def input_options(command: _Command) -> _Command:
    """Add WORKSPACE, PATCHSET and the options that choose points; take them out with `take_inputs`."""
    for option in reversed(_INPUT_OPTIONS):
        command = option(command)
    command = click.argument("patchset", required=False)(command)
    return click.argument("workspace")(command)


def take_inputs(options: dict[str, Any]) -> InputOptions:
    """Take the values of `input_options` out of a command's keyword arguments."""
    return InputOptions(**{name: options.pop(name) for name in InputOptions._fields})


def _read_interpcode(context: click.Context, parameter: click.Parameter, text: str) -> dict[str, str]:
    """Take ``normsys=code4,histosys=code4p`` apart; whether the codes exist is checked with the other settings."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(separator for _, separator, _ in pairs):
        raise click.BadParameter("give TYPE=CODE pairs, for example normsys=code1,histosys=code0", context, parameter)
    return {name.strip(): code.strip() for name, _, code in pairs}


interpcode_option = click.option(
    "--interpcode",
    callback=_read_interpcode,
    default="normsys=code4,histosys=code4p",
    show_default=True,
    metavar="TYPE=CODE,...",
    help="Interpolation: normsys code4 or code1, histosys code4p, code0 or code2. What is not named keeps its default.",
)


def _read_modifiers(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if not all(separator for _, separator, _ in pairs):
        raise click.BadParameter("give TYPE=package.module:attribute", context, parameter)
    return {kind.strip(): path.strip() for kind, _, path in pairs}


modifier_option = click.option(
    "--modifier",
    "modifiers",
    multiple=True,
    callback=_read_modifiers,
    metavar="TYPE=PACKAGE.MODULE:ATTRIBUTE",
    help="Where the hfscale.CustomModifier of a type that the workspace uses is imported from; repeatable.",
)
test_stat_option = click.option(
    "--test-stat",
    type=click.Choice(["qtilde", "q"]),
    help="Asymptotic formula; whether the statistic is q-tilde is decided by the POI's lower bound.  [default: qtilde]",
)
output_option = click.option(
    "-o", "--output", "store", required=True, metavar="STORE", help="Result store to make or continue: folder or URL."
)
DATA_FIELDS = ("expected_only", "asimov")
"""Settings that `data_options` gives."""
_DATA_OPTIONS = (
    click.option(
        "--expected-only", is_flag=True, help="Fit no observed data: expected results alone, from pre-fit Asimov data."
    ),
    click.option(
        "--asimov", type=float, metavar="MU", help="Take the pre-fit Asimov data at POI = MU for the observed data."
    ),
    click.option(
        "--data",
        metavar="FILE",
        help='Data in place of the observed ones: JSON {"observations": [{"name", "data"}, ...], "auxdata": {parameter:'
        " [...]}}, auxdata optional.",
    ),
)


def data_options(command: _Command) -> _Command:
    """Add --expected-only, --asimov and --data."""
    for option in reversed(_DATA_OPTIONS):
        command = option(command)
    return command


json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON instead of a table.")
point_option = click.option(
    "--point",
    "pattern",
    default="*",
    metavar="GLOB",
    shell_complete=complete_points,
    help="Only points whose names match.",
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Check everything and print the plan; write nothing.")


def _keep_loudness(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    set_loudness(context, **{str(parameter.name): value})


def _keep_metrics(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        from hfscale.runtime.metrics import check_metrics_file

        set_loudness(context, metrics=check_metrics_file(value))


metrics_option = click.option(
    "--metrics",
    metavar="FILE",
    expose_value=False,
    callback=_keep_metrics,
    help="Write the numbers of the run every few seconds, for the textfile collector of Prometheus' node-exporter.",
)

_LOUDNESS_OPTIONS = (
    click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_keep_loudness,
        help="Show no progress, only problems.",
    ),
    click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_keep_loudness, help="Say each choice made."
    ),
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        expose_value=False,
        callback=_keep_loudness,
        help="How messages and progress are written to standard error.",
    ),
)


def loudness_options(command: _Command) -> _Command:
    """Add -q, -v and --log-format; `hfscale.cli.messages.loudness` tells what was chosen."""
    for option in reversed(_LOUDNESS_OPTIONS):
        command = option(command)
    return command


_TOY_OPTIONS = (
    click.option(
        "--calctype",
        type=click.Choice(["asymptotics", "toybased"]),
        default="asymptotics",
        show_default=True,
        help="p-values from asymptotic formulas, or from toys.",
    ),
    click.option("--ntoys", type=int, metavar="N", help="Toys per point, POI value and hypothesis.  [default: 2000]"),
    click.option("--seed", type=int, metavar="N", help="Which sequence of toys.  [default: 0]"),
    click.option("--first-toy", type=int, metavar="N", help="Index of the first toy in it.  [default: 0]"),
    click.option(
        "--ensemble",
        type=click.Choice(get_args(Ensemble)),
        help="What toys fluctuate: all data (unconditional), or main data alone, with auxiliary data as profiled or as"
        " observed.  [default: unconditional]",
    ),
    click.option(
        "--toy-nuisance",
        type=click.Choice(get_args(ToyNuisance)),
        help="Nuisance parameters of toys: fitted to the data, or as the model suggests.  [default: profiled]",
    ),
    click.option(
        "--adaptive",
        is_flag=True,
        default=None,
        help="As many toys as it takes to tell each CLs, observed and expected, from the level; not for significance.",
    ),
    click.option("--nsigma", type=float, metavar="X", help="Standard deviations from the level.  [default: 3]"),
    click.option("--min-toys", type=int, metavar="N", help="Least number of toys.  [default: 500]"),
    click.option("--max-toys", type=int, metavar="N", help="Largest number of toys.  [default: 20000]"),
    click.option("--accuracy", type=float, metavar="A", help="Uncertainty of CLs that is enough."),
    click.option(
        "--budget", metavar="TIME", help="Time of running toys to plan for, beyond the least number: 90s, 30m or 2h."
    ),
    click.option(
        "--task-toys", type=click.IntRange(min=1), metavar="N", help="Toys per task and hypothesis of a new store."
    ),
)


_TOY_FIELDS = (
    "ntoys",
    "seed",
    "first_toy",
    "ensemble",
    "toy_nuisance",
    "adaptive",
    "nsigma",
    "min_toys",
    "max_toys",
    "accuracy",
    "budget",
)


def toy_options(command: _Command) -> _Command:
    """Add --calctype and what toys need; take all but --calctype and --task-toys out with `take_toys`."""
    for option in reversed(_TOY_OPTIONS):
        command = option(command)
    return command


def take_toys(options: dict[str, Any]) -> dict[str, Any]:
    """Take the settings of toys that were given out of a command's keyword arguments."""
    values = {name: options.pop(name) for name in _TOY_FIELDS}
    return {name: value for name, value in values.items() if value is not None}


def without_toys(options: dict[str, Any]) -> dict[str, Any]:
    """Add what `toy_options` gives where nothing was chosen, for verbs that have no toys."""
    return {**options, **dict.fromkeys(_TOY_FIELDS), "calctype": "asymptotics", "task_toys": None}


_ENGINE_OPTIONS = (
    click.option(
        "--executor",
        type=click.Choice(get_args(AskedEngine)),
        default="auto",
        show_default=True,
        help="local: this process. processes, dask, ray: worker processes on this machine. auto: local or processes,"
        " what is faster.",
    ),
    click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Worker processes; one per CPU or GPU."),
    click.option(
        "--device",
        type=click.Choice(get_args(AskedDevice)),
        default="cpu",
        show_default=True,
        help="What to compute on; each GPU has one worker. auto: GPUs where hfscale doctor measured them to be faster.",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS|FILE",
        help="Dask cluster for --executor dask: tls://HOST:PORT, or what 'dask scheduler --scheduler-file' wrote;"
        " gateway: --workers of a Dask Gateway, for this run; gateway://NAME: a cluster that runs there.",
    ),
    click.option(
        "--ray-address", metavar="ADDRESS", help="Ray cluster for --executor ray; 'auto' for that of the node."
    ),
    click.option(
        "--insecure",
        is_flag=True,
        help="Accept a cluster without encryption or token: whoever reaches it can run code as you.",
    ),
    click.option(
        "--gather",
        is_flag=True,
        help="Workers return their results and this process writes them: for workers that cannot see STORE.",
    ),
    click.option(
        "--wait-workers",
        metavar="DURATION",
        help="End, with code 3, where a cluster has had no worker for so long.  [default: 10m; of drive: without end]",
    ),
    click.option(
        "--task-limit",
        metavar="DURATION",
        help="Stop a task that runs longer, 2h for example, and try it again.  [default: much longer than others]",
    ),
)


def engine_options(command: _Command) -> _Command:
    """Add --executor, --workers and what names a running cluster; take them out with `take_engine`."""
    for option in reversed(_ENGINE_OPTIONS):
        command = option(command)
    return command


class EngineOptions(NamedTuple):
    """What runs a campaign."""

    executor: AskedEngine = "auto"
    workers: int | None = None
    cluster: Cluster = Cluster()
    gather: bool = False
    device: AskedDevice = "cpu"
    patience: Patience = DEFAULT


def take_engine(options: dict[str, Any], usual_wait: float = DEFAULT.wait_workers) -> EngineOptions:
    """Take the values of `engine_options` out of a command's keyword arguments.

    Args:
        options: The arguments.
        usual_wait: Seconds of --wait-workers by default.

    Raises:
        InputError: A cluster is named that is of no use for the engine, or is open to others; or a duration is none.
    """
    patience = Patience.read(options.pop("wait_workers"), options.pop("task_limit"), usual_wait)
    cluster = Cluster(**{name: options.pop(name) for name in Cluster._fields})
    chosen = EngineOptions(
        options.pop("executor"),
        options.pop("workers"),
        cluster,
        options.pop("gather"),
        options.pop("device"),
        patience,
    )
    check_cluster(chosen.executor, cluster)
    return chosen


_RUN_OPTIONS = (
    engine_options,
    metrics_option,
    click.option(
        "--task-points", type=click.IntRange(min=1), metavar="N", help="Signal points per task of a new store."
    ),
)


def run_options(command: _Command) -> _Command:
    """Add `engine_options`, --metrics and --task-points."""
    for option in reversed(_RUN_OPTIONS):
        command = option(command)
    return command


_CALCULATION_OPTIONS = (
    data_options,
    interpcode_option,
    modifier_option,
    run_options,
    dry_run_option,
    json_option,
    loudness_options,
)


def calculation_options(command: _Command) -> _Command:
    """Add what every calculation takes: data, interpolation, modifiers, how to run, --dry-run, --json, loudness."""
    for options in reversed(_CALCULATION_OPTIONS):
        command = options(command)
    return command
