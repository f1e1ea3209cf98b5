"""Doing one task: the function that executors run, in any process that can open the store."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from hfscale.fit.devices import target
from hfscale.fit.meter import metering
from hfscale.inference.asimov import with_prefit_asimov
from hfscale.inference.measurement.results import FitBlock
from hfscale.inference.results import PointStatus
from hfscale.model.structure import ModelGroup
from hfscale.plan.digests import canonical_json
from hfscale.plan.settings import Calculation
from hfscale.plan.tasks import Task
from hfscale.runtime.events import TaskReport
from hfscale.store.layout import ParameterPlaces, Variable, empty_block, spread_parameters, variables_of
from hfscale.store.open import open_store
from hfscale.store.parts import FoundPart, read_parts
from hfscale.store.status import worst_status
from hfscale.work.calculate import Block, calculate
from hfscale.work.computed import Computed
from hfscale.work.custom import import_modifiers
from hfscale.work.data import with_data
from hfscale.work.definition import Definition, definition_of
from hfscale.work.joining import join
from hfscale.work.models import build_models, parameter_names, rows_of
from hfscale.workspace import Inputs


class Models(NamedTuple):
    """Models of all signal points of a campaign, and the names of their parameters."""

    groups: tuple[ModelGroup, ...]
    parameters: tuple[str, ...]


def models_of(definition: Definition, calculation: Calculation) -> Models:
    """Models of a campaign, kept by the process for its next tasks."""
    return _models(definition, canonical_json(calculation.document()))


@lru_cache(maxsize=4)
def _models(definition: Definition, settings: str) -> Models:
    """Bounded, because a worker may serve many campaigns."""
    calculation = Calculation.model_validate_json(settings)
    groups = _laid_out(_inputs(definition), calculation)
    return Models(groups, parameter_names(groups))


def model_of_point(definition: Definition, calculation: Calculation, point: int) -> ModelGroup:
    """Model of one signal point of a campaign alone.

    It has no modifiers that only other points have, so that whatever is computed with it is the same, to the last bit,
    in any selection of points, and cheaper.
    """
    inputs = _inputs(definition)
    (group,) = _laid_out(replace(inputs, points=(inputs.points[point],)), calculation)
    return group


@lru_cache(maxsize=4)
def _inputs(definition: Definition) -> Inputs:
    return definition.inputs()


def _laid_out(inputs: Inputs, calculation: Calculation) -> tuple[ModelGroup, ...]:
    """Models of inputs, with the data that the calculation takes for the observed ones."""
    modifiers = import_modifiers(calculation.modifiers)
    replaced = inputs.data is not None or calculation.asimov_poi is not None
    groups = build_models(inputs, calculation.interpcode.codes(), modifiers, observed=not replaced)
    if inputs.data is not None:
        # Expected results are then those of Asimov data with the nuisance parameters that fit these data.
        return with_data(groups, inputs.data)
    if calculation.asimov_poi is not None:
        return tuple(with_prefit_asimov(group, calculation.asimov_poi) for group in groups)
    return groups


def device_remarks() -> dict[str, str]:
    """Return what the marker of a task says of its device: nothing of a CPU, the kind and the name of a GPU."""
    device = target()
    return {} if device.kind == "cpu" else {"device": f"{device.kind} ({device.name})"}


def run_task(store: str, task_id: str) -> TaskReport:
    """Compute the points of one task and write them, the marker last. Doing it twice does no harm.

    Args:
        store: Path of the store, which holds the plan and a copy of the inputs.
        task_id: Identity of the task in the plan.
    """
    begin = time.perf_counter()
    target = open_store(store)
    task = target.plan.task(task_id)
    computed = compute_points(definition_of(target), task, read_parts(target, task))
    target.write_block(task, computed.arrays)
    report = replace(computed.report, seconds=time.perf_counter() - begin)
    target.mark_done(task, {"seconds": report.seconds, **computed.remarks})
    return report


def compute_points(
    definition: Definition, task: Task, parts: Mapping[int, Sequence[FoundPart]] = MappingProxyType({})
) -> Computed:
    """Compute the points of one task, and write nothing.

    Args:
        definition: The campaign.
        task: A task of its plan.
        parts: What parts of points have found, by the index of the point.
    """
    begin = time.perf_counter()
    calculation = definition.calculation
    names = tuple(map(str, definition.settings["points"]))
    with metering() as meter:
        models = models_of(definition, calculation)
        arrays, reasons, remarks = compute_block(models.groups, models.parameters, task, calculation, names, parts)
    named = {names[task.start + k]: reason for k, reason in reasons.items()}
    status = worst_status(arrays["status"])
    report = TaskReport(
        task=task.id,
        ok=int((status == PointStatus.OK).sum()),
        no_signal=int((status == PointStatus.NO_SIGNAL).sum()),
        failed=int((status == PointStatus.FAILED).sum()),
        seconds=time.perf_counter() - begin,
        reasons=named,
        fits=meter.fits,
        compile_seconds=meter.compile_seconds,
    )
    told = {names[task.start + k]: texts for k, texts in remarks.items()}
    return Computed(arrays, report, {"reasons": named, **({"remarks": told} if told else {}), **device_remarks()})


class BlockOfTask(NamedTuple):
    """What is computed of the points of a task; points are counted from its first.

    Attributes:
        arrays: By name.
        reasons: Why points failed.
        remarks: What to look at in points.
    """

    arrays: dict[str, Shaped[np.ndarray, "..."]]
    reasons: dict[int, str]
    remarks: dict[int, tuple[str, ...]]


def compute_block(
    groups: Sequence[ModelGroup],
    parameters: Sequence[str],
    task: Task,
    calculation: Calculation,
    names: Sequence[str],
    parts: Mapping[int, Sequence[FoundPart]] = MappingProxyType({}),
) -> BlockOfTask:
    """Compute the points of a task, group by group.

    Args:
        groups: Models of all points.
        parameters: Names of the parameters of the store.
        task: The task.
        calculation: What to compute.
        names: Names of all points.
        parts: What parts of points have found, by the index of the point.
    """
    variables = variables_of(calculation.document())
    n_values, shape = len(calculation.poi_values), calculation.scan_shape
    arrays = empty_block(task.n_points, n_values, len(parameters), variables, shape)
    column = {name: k for k, name in enumerate(parameters)}
    reasons: dict[int, str] = {}
    remarks: dict[int, tuple[str, ...]] = {}
    for group in groups:
        places = ParameterPlaces(
            np.flatnonzero([name in column for name in group.parameter_names]),
            np.array([column[name] for name in group.parameter_names if name in column], dtype=np.int64),
        )
        for rows, blocks in _blocks(
            group, rows_of(group, task.start, task.stop), parameters, calculation, names, parts
        ):
            where = group.members[rows] - task.start
            for place, block in enumerate(blocks):
                _place(arrays, variables, block, where, places, len(parameters), place)
                reasons.update({int(k): reason for k, reason in zip(where, block.reasons, strict=True) if reason})
                if isinstance(block, FitBlock):
                    remarks.update({int(where[k]): texts for k, texts in block.remarks.items()})
    return BlockOfTask(arrays, reasons, remarks)


def _blocks(
    group: ModelGroup,
    rows: Int[np.ndarray, " point"],
    parameters: Sequence[str],
    calculation: Calculation,
    names: Sequence[str],
    parts: Mapping[int, Sequence[FoundPart]],
) -> Iterator[tuple[Int[np.ndarray, " point"], Sequence[Block]]]:
    """Results of points of a group, with their rows: of those with parts one by one, of the others together."""
    whole = []
    for row in rows:
        point = int(group.members[row])
        block = join(group, int(row), calculation, parameters, parts[point]) if point in parts else None
        if block is None:
            whole.append(row)
        else:
            yield np.array([row]), [block]
    if whole:
        chosen = np.array(whole)
        yield chosen, calculate(group, chosen, calculation, names)


def _place(
    arrays: dict[str, np.ndarray],
    variables: Mapping[str, Variable],
    block: Block,
    where: np.ndarray,
    places: ParameterPlaces,
    n_parameters: int,
    place: int,
) -> None:
    """Copy the results of a group into the block of the task, which has axes for POI values and all parameters."""
    good = np.flatnonzero(block.status != PointStatus.FAILED)
    for name, variable in variables.items():
        values = getattr(block, name)
        index: tuple[Any, ...] = (where,)
        if "mu" in variable.dims:
            index += (place,)
        elif place > 0:
            # What does not depend on the POI is missing in the blocks of values at which the point failed.
            index, values = (where[good],), values[good]
        dims = [dim for dim in variable.dims if dim != "mu"]
        arrays[name][index] = spread_parameters(values, dims, variable, places, n_parameters)
