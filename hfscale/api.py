"""The public functions: compute CLs of a patchset, run a campaign file."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from hfscale.campaign_contours import check_contours, draw_contours
from hfscale.driver import Preparation, prepare
from hfscale.execution import execute
from hfscale.extend import extend_toys
from hfscale.inference.toys.settings import Ensemble, ToyNuisance
from hfscale.plan.campaign import Campaign, load_campaign
from hfscale.plan.kind_options import TOY_OPTIONS
from hfscale.plan.scans import scan_kind
from hfscale.plan.settings import check_calculation
from hfscale.results import Results
from hfscale.runtime.devices import AskedDevice
from hfscale.runtime.executors.choose import AskedEngine, Cluster
from hfscale.runtime.metrics import check_metrics_file
from hfscale.runtime.observers import Follow, Watching
from hfscale.runtime.patience import Patience
from hfscale.workspace import load_inputs

if TYPE_CHECKING:
    import distributed

    from hfscale.runtime.executors.base import Executor


class Options(TypedDict, total=False):
    """Arguments that `cls`, `limit`, `scan` and `significance` have in common.

    Attributes:
        patches: JSON patches, one signal point each, instead of a patchset.
        points: Patterns of the names of the signal points to compute; all by default.
        measurement: Name of the measurement, the first by default.
        poi: Name of the parameter of interest, the measurement's by default.
        verify_digest: Whether the patchset's digest must be that of the workspace.
        data: Data in place of the observed ones: a file or a document with ``observations`` as in a workspace, and
            optionally ``auxdata``, parameter -> numbers.
        expected_only: Fit no observed data at all; expected results are those of pre-fit Asimov data, observed ones
            are missing.
        asimov: Take the pre-fit Asimov data at this value of the parameter of interest for the observed data.
        interpcode: Interpolation codes, ``{"normsys": "code4", "histosys": "code4p"}`` by default.
        modifiers: Type -> ``package.module:attribute`` of the custom modifiers that the workspace uses.
        calctype: ``asymptotics`` (the formulas of arXiv:1007.1727, the default) or ``toybased`` (pseudo-experiments).
        ntoys: Toys per signal point, POI value and hypothesis, 2000 by default; like the following, for ``toybased``.
        seed: Which sequence of toys, 0 by default.
        first_toy: Index of the first toy in it, 0 by default.
        ensemble: What toys fluctuate: main and auxiliary data (``unconditional``, the default), or the main data alone,
            with auxiliary data at the profiled (``aux-profiled``) or observed values (``aux-observed``).
        toy_nuisance: Nuisance parameters that toys are thrown with: those fitted to the data under each hypothesis
            (``profiled``, the default), or those before any fit (``prefit``).
        adaptive: Throw as many toys as it takes to tell each CLs from the level, in place of ``ntoys``; with the
            following, see `hfscale.plan.adaptive`.
        nsigma, min_toys, max_toys, accuracy, budget: When that is the case; as `hfscale.plan.settings.Calculation`.
        executor: ``auto``, ``local`` (this process), ``processes``, ``dask`` or ``ray`` (worker processes on this
            machine), a Dask client, or an executor.
        workers: Number of worker processes, one per CPU or GPU by default.
        device: What to compute on: ``cpu``, the default, ``gpu``, or ``auto`` for GPUs where ``hfscale doctor`` has
            measured that they are faster.
        scheduler: Running Dask cluster for ``dask``: address of its scheduler, or the file that the scheduler wrote;
            ``gateway`` for a cluster that a Dask Gateway starts for the run, ``gateway://NAME`` for one that it runs.
        ray_address: Running Ray cluster for ``ray``, as `ray.init` takes it.
        insecure: Accept a cluster that is open to others, who could run code as you. A client is only warned of.
        gather: Workers return their results to this process, which writes them: for workers that share no file system
            with it. They need this package and the modules of custom modifiers.
        wait_workers: How long to wait for workers where there is none, ``10m`` by default.
        task_limit: How long a task may run before it is stopped and tried again, for example ``2h``; found out from
            others by default.
        task_points: Signal points per task.
        task_toys: Toys per task and hypothesis; of `hfscale.gof`, toys of a signal point per task.
        task_parameters: Parameters of a signal point per task, of a ranking or of MINOS errors of all; of profile
            likelihoods, values of the first parameter.
        progress: Whether to show progress on standard error, or what follows the run instead.
        metrics: File for Prometheus' textfile collector, written every few seconds.
    """

    patches: Sequence[str]
    points: Sequence[str]
    measurement: str | None
    poi: str | None
    verify_digest: bool
    data: str | Path | Mapping[str, Any] | None
    expected_only: bool
    asimov: float | None
    interpcode: Mapping[str, str]
    modifiers: Mapping[str, str]
    calctype: Literal["asymptotics", "toybased"]
    ntoys: int | None
    seed: int | None
    first_toy: int | None
    ensemble: Ensemble | None
    toy_nuisance: ToyNuisance | None
    adaptive: bool | None
    nsigma: float | None
    min_toys: int | None
    max_toys: int | None
    accuracy: float | None
    budget: str | None
    executor: "AskedEngine | distributed.Client | Executor"
    workers: int | None
    device: AskedDevice
    scheduler: str | Path | None
    ray_address: str | None
    insecure: bool
    gather: bool
    wait_workers: str | None
    task_limit: str | None
    task_points: int | None
    task_toys: int | None
    task_parameters: int | None
    progress: bool | Follow
    metrics: str | Path | None


_CALCULATION_OPTIONS = ("expected_only", "asimov", "interpcode", "modifiers", "calctype", *sorted(TOY_OPTIONS))
_INPUT_OPTIONS = ("patches", "points", "measurement", "poi", "verify_digest", "data")


def cls(
    workspace: str | Path | Mapping[str, Any],
    patchset: str | Path | Mapping[str, Any] | None = None,
    *,
    store: str | Path,
    test_poi: float = 1.0,
    test_stat: Literal["qtilde", "q"] = "qtilde",
    level: float | None = None,
    signal_uncertainty: float | str | Path | Mapping[str, float] | None = None,
    **options: Unpack[Options],
) -> Results:
    """Observed and expected CLs of every signal point, kept in a store.

    The same call again continues a store that is not finished, and computes nothing where all is done.

    Args:
        workspace: Background workspace: a file, ``ARCHIVE::MEMBER``, a folder, an archive, or the document itself.
        patchset: Patchset with the signal points, likewise.
        store: Folder of the store to make or to continue.
        test_poi: Tested value of the parameter of interest.
        test_stat: ``qtilde`` or ``q`` (arXiv:1007.1727 eq. 16 and 14).
        level: CLs that an adaptive number of toys is to decide on, 0.05 by default.
        signal_uncertainty: Relative uncertainty of the cross-section of the signal, for observed CLs with it one
            standard deviation down and up: a number for all points, a mapping from the names of points, or a JSON or
            CSV file with one.
        options: See `Options`.

    Returns:
        The results; points whose fits failed are listed by `Results.failures`.

    Raises:
        InputError: Something is wrong with the inputs; nothing was written.
        StoreError: The store cannot be made, or holds results of other inputs or settings.
        InterruptedRunError: The run was interrupted; the same call continues it.
    """
    given = str(signal_uncertainty) if isinstance(signal_uncertainty, Path) else signal_uncertainty
    fields = {"kind": "cls", "test_poi": test_poi, "test_stat": test_stat, "level": level, "signal_uncertainty": given}
    return compute(fields, workspace, patchset, store, options)


def limit(
    workspace: str | Path | Mapping[str, Any],
    patchset: str | Path | Mapping[str, Any] | None = None,
    *,
    store: str | Path,
    level: float = 0.05,
    rtol: float | None = None,
    poi_grid: str | None = None,
    test_stat: Literal["qtilde", "q"] = "qtilde",
    luminosity: float | None = None,
    cross_section: float | str | Path | Mapping[str, float] | None = None,
    **options: Unpack[Options],
) -> Results:
    """Observed and expected upper limits on the parameter of interest of every signal point.

    Nothing is extrapolated: limits above the upper bound of the parameter of interest (with toys, of the grid) are
    missing, and said to be.

    Args:
        workspace, patchset, store: As `cls`.
        level: CLs at the limit.
        rtol: Relative precision of asymptotic limits, 1e-4 by default.
        poi_grid: With toys, which test given values: ``A:B:N`` for N of them, evenly spaced from A to B, or single
            ones, or several of these between commas.
        test_stat: ``qtilde`` or ``q`` (arXiv:1007.1727 eq. 16 and 14).
        luminosity: Integrated luminosity in fb^-1, for limits on visible cross-sections.
        cross_section: Cross-section in fb of the signal with the parameter of interest at 1, for limits on it: a number
            for all points, a mapping from the names of points, or a JSON or CSV file with one.
        options: See `Options`.

    Raises:
        InputError, StoreError, InterruptedRunError: As `cls`.
    """
    given = str(cross_section) if isinstance(cross_section, Path) else cross_section
    fields = {"kind": "limit", "level": level, "rtol": rtol, "poi_grid": poi_grid, "test_stat": test_stat}
    fields |= {"luminosity": luminosity, "cross_section": given}
    return compute(fields, workspace, patchset, store, options)


def scan(
    workspace: str | Path | Mapping[str, Any],
    patchset: str | Path | Mapping[str, Any] | None = None,
    *,
    store: str | Path,
    poi_grid: str | None = None,
    parameters: Sequence[str] = (),
    grids: Sequence[str] = (),
    adaptive_grid: bool | None = None,
    grid_tolerance: float | None = None,
    test_stat: Literal["qtilde", "q"] | None = None,
    level: float | None = None,
    **options: Unpack[Options],
) -> Results:
    """Scan every signal point: its CLs over the parameter of interest, or its likelihood over any one or two.

    Args:
        workspace, patchset, store: As `cls`.
        poi_grid: Values of the parameter of interest for observed and expected CLs: ``A:B:N`` for N of them, evenly
            spaced from A to B, or single ones, or several of these between commas.
        parameters: In place of `poi_grid`, names of one or two parameters, ``x`` or ``x[i]``, for profile likelihoods.
            No parameter of interest is needed then.
        grids: Values of each of these, ``A:B:N``; without any, three uncertainties on either side of the best fit.
        adaptive_grid: Whether only those of these values are fitted that intervals and contours need.
        grid_tolerance: Standard deviations by which they may be off then, 0.01 by default.
        test_stat: ``qtilde``, the default, or ``q`` (arXiv:1007.1727 eq. 16 and 14), of CLs.
        level: CLs that an adaptive number of toys is to decide on, 0.05 by default.
        options: See `Options`.

    Raises:
        InputError, StoreError, InterruptedRunError: As `cls`.
    """
    kind = scan_kind(poi_grid, parameters, grids)
    fields: dict[str, object] = {"kind": kind, "poi_grid": poi_grid, "test_stat": test_stat, "level": level}
    fields |= {"adaptive_grid": adaptive_grid or None, "grid_tolerance": grid_tolerance}
    if kind == "profile":
        fields |= {"parameters": parameters, "grids": grids}
    return compute(fields, workspace, patchset, store, options)


def significance(
    workspace: str | Path | Mapping[str, Any],
    patchset: str | Path | Mapping[str, Any] | None = None,
    *,
    store: str | Path,
    **options: Unpack[Options],
) -> Results:
    """p-value p0 of the background-only hypothesis and significance Z of every signal point.

    The expected ones are for a signal with the parameter of interest at 1.

    Args:
        workspace, patchset, store: As `cls`.
        options: See `Options`.

    Raises:
        InputError, StoreError, InterruptedRunError: As `cls`.
    """
    return compute({"kind": "significance"}, workspace, patchset, store, options)


def compute(
    fields: Mapping[str, object],
    workspace: str | Path | Mapping[str, Any],
    patchset: str | Path | Mapping[str, Any] | None,
    store: str | Path,
    options: Options,
) -> Results:
    """Do what one of the public functions asks for.

    Args:
        fields: Its own fields of `hfscale.plan.settings.Calculation`; None stands for "not given".
        workspace, patchset, store, options: As `cls`.

    Raises:
        InputError, StoreError, InterruptedRunError: As `cls`.
    """
    given = {name: value for name in _CALCULATION_OPTIONS if (value := options.get(name)) is not None}
    own = {name: value for name, value in fields.items() if value is not None}
    calculation = check_calculation({**own, **given})
    chosen = {name: options[name] for name in _INPUT_OPTIONS if name in options}  # type: ignore[literal-required]
    inputs = load_inputs(workspace, patchset, needs_poi=calculation.needs_poi, **chosen)
    sizes = {"task_points": options.get("task_points"), "task_toys": options.get("task_toys")}
    sizes["task_parameters"] = options.get("task_parameters")
    return execute(
        prepare(inputs, calculation, store, **sizes),
        executor=options.get("executor", "auto"),
        workers=options.get("workers"),
        device=options.get("device", "cpu"),
        cluster=_cluster(options),
        watching=_watching(options.get("progress", False), options.get("metrics")),
        gather=options.get("gather", False),
        patience=Patience.read(options.get("wait_workers"), options.get("task_limit")),
    )


def _cluster(options: Options) -> Cluster:
    scheduler = options.get("scheduler")
    place = None if scheduler is None else str(scheduler)
    return Cluster(place, options.get("ray_address"), options.get("insecure", False))


def _watching(progress: bool | Follow, metrics: str | Path | None = None) -> Watching:
    follow = None if isinstance(progress, bool) else progress
    file = None if metrics is None else check_metrics_file(metrics)
    return Watching(quiet=not progress, metrics=file, follow=follow)


def toys(
    store: str | Path,
    more: int,
    *,
    executor: "AskedEngine | distributed.Client | Executor" = "auto",
    workers: int | None = None,
    device: AskedDevice = "cpu",
    gather: bool = False,
    task_toys: int | None = None,
    progress: bool | Follow = False,
) -> Results:
    """Add toys to a store that was computed with toys: of its seed, with the next indices.

    The same call continues what was interrupted.

    Args:
        store: Folder of the store.
        more: Further toys per signal point and hypothesis.
        executor, workers, device, gather, progress: As `cls`.
        task_toys: Toys per task and hypothesis, as in the store by default.

    Raises:
        InputError: A number of toys is below one.
        StoreError: There is no such store, it has no toys, or those of another generator of random numbers.
        InterruptedRunError: The run was interrupted.
    """
    preparation = extend_toys(store, more, task_toys=task_toys)
    return execute(
        preparation, executor=executor, workers=workers, device=device, watching=_watching(progress), gather=gather
    )


def run(
    campaign: str | Path, overrides: Sequence[str] = (), *, progress: bool = False
) -> Results:  # fmt: skip
    """Run what a campaign file declares, its contours included.

    Args:
        campaign: The YAML file.
        overrides: Texts ``key=value`` with dotted keys that replace values of the file.
        progress: Whether to show progress on standard error.

    Raises:
        InputError, StoreError, InterruptedRunError: As `cls`.
    """
    declared = load_campaign(campaign, overrides)
    preparation = prepare_campaign(declared)
    run = declared.run
    cluster = Cluster(run.scheduler, run.ray_address, run.insecure)
    results = execute(
        preparation,
        executor=run.executor,
        workers=run.workers,
        cluster=cluster,
        device=run.device,
        watching=_watching(progress),
        gather=run.gather,
        patience=Patience.read(run.wait_workers, run.task_limit),
    )
    draw_contours(results, declared)
    return results


def prepare_campaign(campaign: Campaign) -> Preparation:
    """Read and check the inputs of a campaign and its contours, and cut it into tasks; nothing is written."""
    inputs = load_inputs(
        campaign.workspace,
        campaign.patchset,
        patches=campaign.patches,
        points=campaign.points,
        measurement=campaign.measurement,
        poi=campaign.poi,
        verify_digest=campaign.verify_digest,
        data=campaign.data,
        needs_poi=campaign.calculation.needs_poi,
    )
    check_contours(inputs, campaign)
    sizes = {"task_points": campaign.run.task_points, "task_toys": campaign.run.task_toys}
    sizes["task_parameters"] = campaign.run.task_parameters
    preparation = prepare(inputs, campaign.calculation, campaign.store, **sizes)
    contours = [contour.model_dump(mode="json", exclude_defaults=True) for contour in campaign.contours]
    return replace(preparation, notes={"contours": contours} if contours else {})
