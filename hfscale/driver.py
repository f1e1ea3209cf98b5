"""The driver's side of a campaign: check everything, plan, and make the store. `hfscale.execution` sees the tasks done.

It lays out the models to check them, but computes nothing itself and needs no JAX.
"""

import math
import platform
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

import numpy as np

from hfscale.errors import HfscaleWarning, InputError, StoreMismatchError
from hfscale.inference.measurement.checks import check_fits, check_ranking
from hfscale.inference.profile_grids import check_scan
from hfscale.inference.toys.settings import GENERATOR
from hfscale.model.custom import CustomModifier
from hfscale.model.structure import ModelGroup
from hfscale.plan.cells import Cell
from hfscale.plan.channels import with_channels
from hfscale.plan.cross_sections import with_cross_sections
from hfscale.plan.digests import differences, digest, settings_document
from hfscale.plan.parts import default_part_size, searches_of
from hfscale.plan.settings import Calculation
from hfscale.plan.tasks import Plan, make_plan
from hfscale.plan.toys import ToyRound, default_task_toys, make_round
from hfscale.store.create import create_store, refuse_target
from hfscale.store.open import is_store, open_store
from hfscale.store.places import Place, store_place
from hfscale.store.sizes import DiskNeed, disk_need
from hfscale.store.store import ResultStore
from hfscale.work.custom import import_modifiers
from hfscale.work.data import with_data
from hfscale.work.memory import process_bytes
from hfscale.work.models import (
    background_models,
    bounded_below_at_zero,
    build_models,
    check_test_poi,
    expected_seconds,
    parameter_names,
    points_with_signal,
    seconds_per_point,
    seconds_per_toy,
)
from hfscale.workspace import Inputs, check_points

_RECORDED_PACKAGES = ("hfscale", "jax", "jaxlib", "numpy", "scipy", "pyhf", "zarr", "dask", "iminuit")


@dataclass(frozen=True)
class Preparation:
    """A campaign that was checked and planned; nothing is written yet.

    Attributes:
        inputs: What the user selected.
        calculation: What is computed.
        path: Where the store is or will be.
        settings: What identifies the results.
        plan: The tasks, those of the store where it exists.
        rounds: The toys that are planned, those of the store where it exists; none if the calculation has no toys, or
            they are planned from the fits of the points.
        n_cells: Signal points that toys can be thrown for, times POI values; 0 if the calculation has no toys.
        task_toys: Toys per task and hypothesis at most of rounds that are planned on the way.
        part_size: Parameters, toys or values of a scan per task where a signal point is cut into parts, 0 where points
            are left whole.
        parameters: Names of the parameters of all models.
        n_structures: How many programs have to be compiled.
        background_models: Number of the background model of each point, equal where the models are.
        n_no_signal: Points whose patch gives the POI nothing to scale.
        seconds: Rough time on one process for all points, without toys.
        toy_seconds: The same for one toy.
        memory: Rough memory of one process in bytes.
        continues: Whether the store exists already.
        notes: What a new store is to keep besides, as JSON, for reports.
    """

    inputs: Inputs
    calculation: Calculation
    path: Place
    settings: dict[str, Any]
    plan: Plan
    rounds: tuple[ToyRound, ...]
    n_cells: int
    task_toys: int
    part_size: int
    parameters: tuple[str, ...]
    n_structures: int
    background_models: list[int]
    n_no_signal: int
    seconds: float
    toy_seconds: float
    memory: int
    continues: bool
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_toys(self) -> int:
        """Toys that are planned, of both hypotheses; at least, where their number is adaptive."""
        if self.calculation.adaptive and not self.rounds:
            return 2 * self.n_cells * self.calculation.min_toys
        return sum(toys.size for toys in self.rounds)

    @property
    def n_parts(self) -> int:
        """Parts that signal points of a new store are cut into; 0 where points are left whole."""
        searches = searches_of(self.calculation.document(), len(self.parameters))
        return self.plan.n_points * math.ceil(searches / self.part_size) if 0 < self.part_size < searches else 0

    @property
    def disk(self) -> DiskNeed:
        """What the store takes on disk with the toys that are planned."""
        calculation = self.calculation
        return disk_need(
            calculation.document(),
            self.plan,
            n_mu=len(calculation.poi_values),
            n_parameters=len(self.parameters),
            grid=calculation.scan_shape,
            toys=self.n_toys,
            toy_tasks=sum(len(toys.tasks) for toys in self.rounds),
        )


def prepare(
    inputs: Inputs,
    calculation: Calculation,
    store: "str | Place",
    *,
    task_points: int | None = None,
    task_toys: int | None = None,
    task_parameters: int | None = None,
) -> Preparation:
    """Check the inputs and the place of the store, and cut the work into tasks.

    Args:
        inputs: From `hfscale.workspace.load_inputs`.
        calculation: What to compute.
        store: Folder of the store.
        task_points: Points per task; a store that exists keeps its own.
        task_toys: Toys per task and hypothesis, likewise.
        task_parameters: Parameters per task of a ranking, or of MINOS errors of all, or values of the first parameter
            of a profile likelihood, likewise.

    Raises:
        InputError: A patch or a model is wrong.
        StoreError: The store cannot be made.
        StoreMismatchError: The store holds results of other inputs or settings.
    """
    path = store_place(store)
    if inputs.data is not None and calculation.asimov is not None:
        raise InputError("asimov and data exclude each other", remedy="give one of the two")
    calculation = with_cross_sections(calculation, [point.name for point in inputs.points])
    calculation = with_channels(calculation, inputs.workspace)
    modifiers = import_modifiers(calculation.modifiers)
    settings = _settings(inputs, calculation, modifiers)
    existing = open_store(path) if is_store(path) else None
    if existing:
        _refuse_other_settings(existing, settings)
    else:
        refuse_target(path)
    check_points(inputs)
    groups = build_models(inputs, calculation.interpcode.codes(), modifiers)
    if inputs.data is not None:
        groups = with_data(groups, inputs.data)
    _check_calculation(inputs, calculation, groups)
    cells = _toy_cells(calculation, groups)
    size = task_toys or default_task_toys(_largest_round(calculation), len(cells), seconds_per_toy(groups))
    rounds = existing.rounds if existing else _first_round(calculation, cells, settings, size)
    parameters = parameter_names(groups)
    fits_per_point = calculation.fits_per_point(len(parameters))
    return Preparation(
        inputs=inputs,
        calculation=calculation,
        path=path,
        settings=settings,
        plan=existing.plan if existing else _first_plan(settings, groups, fits_per_point, task_points),
        rounds=rounds,
        n_cells=len(cells),
        task_toys=rounds[0].task_toys if rounds else size,
        part_size=_part_size(calculation, groups, task_toys if calculation.kind == "gof" else task_parameters),
        parameters=parameters,
        n_structures=len(groups),
        background_models=background_models(groups),
        n_no_signal=_n_no_signal(inputs, calculation, groups),
        seconds=expected_seconds(groups, fits_per_point),
        toy_seconds=seconds_per_toy(groups),
        memory=process_bytes(groups),
        continues=existing is not None,
    )


def _first_plan(
    settings: Mapping[str, Any], groups: Sequence[ModelGroup], fits_per_point: int, task_points: int | None
) -> Plan:
    """The tasks of a new store, cut by what a point costs here unless the user says."""
    names = settings["points"]
    return make_plan(len(names), task_points, digest(settings), names, seconds_per_point(groups, fits_per_point))


def _part_size(calculation: Calculation, groups: Sequence[ModelGroup], asked: int | None) -> int:
    """Parameters or toys per part of a signal point, by what a point costs here unless the user says; 0 for none."""
    n_parameters = len(parameter_names(groups))
    if calculation.gof_toys:
        seconds = calculation.gof_toys * seconds_per_toy(groups)
    else:
        seconds = seconds_per_point(groups, calculation.fits_per_point(n_parameters))
    n_points = sum(len(group.members) for group in groups)
    searches = searches_of(calculation.document(), n_parameters)
    return default_part_size(n_points, seconds, searches) if asked is None or not searches else asked


def _check_calculation(inputs: Inputs, calculation: Calculation, groups: Sequence[ModelGroup]) -> None:
    """Refuse what the models do not allow, and warn of what they make of the test statistic."""
    if calculation.asimov is not None and not calculation.needs_poi and not any(g.has_signal.any() for g in groups):
        raise InputError("Asimov data at a value of the POI need a POI that scales something", remedy="choose a POI")
    for value in calculation.fitted_values:
        check_test_poi(groups, inputs.poi, value)
    if calculation.kind == "profile":
        check_scan(groups, calculation.parameters, calculation.scan_values)
    elif calculation.kind in ("fit", "gof"):
        check_fits(groups, calculation.overrides, calculation.minos)
    elif calculation.kind == "ranking":
        check_ranking(groups, inputs.poi, calculation.overrides, calculation.groups)
    elif calculation.kind != "significance" and (calculation.test_stat == "qtilde") != bounded_below_at_zero(groups):
        _warn_of_mismatch(calculation.test_stat, inputs.poi)


def _n_no_signal(inputs: Inputs, calculation: Calculation, groups: Sequence[ModelGroup]) -> int:
    """How many points have no result for lack of a signal."""
    if calculation.kind in ("fit", "gof"):
        return 0
    if calculation.kind == "profile" and inputs.poi not in calculation.parameters:
        return 0
    return int(sum((~group.has_signal).sum() for group in groups))


def _toy_cells(calculation: Calculation, groups: Sequence[ModelGroup]) -> list[Cell]:
    """The signal points and POI values that toys can be thrown for; none where the calculation has no toys."""
    n_values = len(calculation.toy_poi_values) if calculation.toybased else 0
    return [Cell(point, mu) for point in points_with_signal(groups) for mu in range(n_values)]


def _largest_round(calculation: Calculation) -> int:
    return calculation.max_toys // 2 if calculation.adaptive else calculation.ntoys


def _first_round(
    calculation: Calculation, cells: Sequence[Cell], settings: Mapping[str, Any], task_toys: int
) -> tuple[ToyRound, ...]:
    """The toys of a new store; none where their number is adaptive, because the fits of the points come first."""
    if not calculation.toybased or calculation.adaptive:
        return ()
    numbers = (calculation.seed, calculation.first_toy, calculation.ntoys, task_toys)
    return (make_round(0, *numbers, cells, settings["points"], digest(settings)),)


def _settings(
    inputs: Inputs, calculation: Calculation, modifiers: Mapping[str, CustomModifier]
) -> dict[str, Any]:  # fmt: skip
    digests = {"workspace": inputs.workspace_digest, "patchset": inputs.patchset_digest}
    if inputs.data is not None:
        digests["data"] = digest(inputs.data)
    names = [point.name for point in inputs.points]
    document = settings_document(digests, inputs.measurement, inputs.poi, calculation.document(), names, inputs.labels)
    if modifiers:
        document["modifier_versions"] = {kind: modifier.version for kind, modifier in modifiers.items()}
    if calculation.toybased:
        document["toy_generator"] = GENERATOR
    return document


def _refuse_other_settings(store: ResultStore, settings: dict[str, Any]) -> None:
    found = differences(store.settings, settings)
    if found:
        raise StoreMismatchError(
            f"the store {store.path} holds other results: " + "; ".join(found),
            remedy="ask for the same inputs and settings to continue it, or give another store"
            + ("; hfscale toys STORE --more N adds toys" if store.rounds else ""),
        )


def _warn_of_mismatch(test_stat: str, poi: str) -> None:
    bound = "may go below zero" if test_stat == "qtilde" else "is bounded at zero"
    other = "q" if test_stat == "qtilde" else "qtilde"
    warnings.warn(
        f"the test statistic {test_stat} was asked for, but the POI '{poi}' {bound} in the fits, which makes it"
        f" {other}; only the asymptotic formula of {test_stat} is used",
        HfscaleWarning,
        stacklevel=3,
    )


def create(preparation: Preparation, provenance: Mapping[str, Any] = MappingProxyType({})) -> ResultStore:
    """Make the empty store of a new campaign.

    Args:
        preparation: From `prepare`.
        provenance: What to record beside the inputs and versions.

    Raises:
        StoreError: The store cannot be made.
    """
    inputs = preparation.inputs
    planned = {"task_toys": preparation.task_toys, "background_models": preparation.background_models}
    planned |= {"part_size": preparation.part_size} if preparation.n_parts else {}
    return create_store(
        preparation.path,
        settings=preparation.settings,
        inputs=inputs.to_json(),
        plan=preparation.plan,
        labels=label_arrays(inputs),
        parameters=preparation.parameters,
        mu=np.array(preparation.calculation.poi_values, dtype=np.float64),
        provenance={**_provenance(inputs), **planned, **preparation.notes, **provenance},
        rounds=preparation.rounds,
        grid=preparation.calculation.scan_shape,
    )


def label_arrays(inputs: Inputs) -> dict[str, np.ndarray]:
    """Return the value of each label at every signal point, as numbers or as text."""
    return {label: _label_values([point.values[label] for point in inputs.points]) for label in inputs.labels}


def _label_values(values: "list[int | float | str]") -> np.ndarray:
    if any(isinstance(value, str) for value in values):
        return np.array([str(value) for value in values])
    return np.array(values, dtype=np.float64)


def _provenance(inputs: Inputs) -> dict[str, Any]:
    return {
        "workspace": inputs.workspace_source,
        "patchset": inputs.patchset_source,
        "digests": {"workspace": inputs.workspace_digest, "patchset": inputs.patchset_digest},
        "metadata": dict(inputs.metadata),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "host": platform.node(),
        "versions": {package: version(package) for package in _RECORDED_PACKAGES},
    }
