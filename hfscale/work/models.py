"""The models of a campaign, laid out from its inputs. Knows no JAX, so that drivers can plan without it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Int

from hfscale.errors import ModelError, SelectionError
from hfscale.model.build import build_groups
from hfscale.model.custom import CustomModifier
from hfscale.model.interpolation import DEFAULT_CODES, InterpolationCodes
from hfscale.model.point import PointModel, read_point
from hfscale.model.pruning import Pruner, PruningReport, PruningRule
from hfscale.model.samples import SampleReader
from hfscale.model.structure import ModelGroup, Structure
from hfscale.work.speed import machine_slowness
from hfscale.workspace import Inputs, SignalPoint, patched_workspace
from hfscale.workspace.extension import extension_of
from hfscale.workspace.loading import choose_measurement

_SECONDS_PER_FLOP = 1.0 / 30e9
_SECONDS_PER_STEP = 1e-4
_STEPS_PER_FIT = 3.5
_STEPS_PER_TOY = 7
_SECONDS_PER_TOY_STEP, _SECONDS_PER_TOY_FLOP = 5e-5, 1.0 / 3e9
_COMPILE_SECONDS = 5.0


def build_models(
    inputs: Inputs,
    codes: InterpolationCodes = DEFAULT_CODES,
    modifiers: Mapping[str, CustomModifier] = MappingProxyType({}),
    observed: bool = True,
) -> tuple[ModelGroup, ...]:
    """Lay out the models of all signal points of the inputs, grouped by structure.

    Args:
        inputs: What the user selected.
        codes: Interpolation codes of normsys and histosys.
        modifiers: Type -> function of the custom modifiers.
        observed: Whether the observations of the workspace are taken. Where other data will replace them, they are left
            out from the beginning, so that nothing can depend on them, the random numbers of toys included.

    Raises:
        PatchError: A patch does not apply.
        ModelError: A patched workspace is no valid HistFactory model; the message names the signal point.
    """
    reader = SampleReader(inputs.poi)
    points = [_read(inputs, point, reader, modifiers) for point in inputs.points]
    if not observed:
        points = [
            replace(point, observations={name: np.zeros_like(data) for name, data in point.observations.items()})
            for point in points
        ]
    common = {
        channel["name"]: frozenset(sample["name"] for sample in channel["samples"])
        for channel in inputs.workspace["channels"]
    }
    return build_groups(points, inputs.poi, common, codes)


def pruning_report(inputs: Inputs) -> PruningReport | None:
    """What pruning does to the first signal point; None where the workspace does not ask for it.

    Raises:
        PatchError: The patch does not apply.
    """
    workspace = patched_workspace(inputs, inputs.points[0])
    rule = extension_of(choose_measurement(workspace, inputs.measurement, inputs.workspace_source)).prune
    return None if rule is None else Pruner(inputs.poi).prune(workspace, PruningRule(**rule.model_dump())).report


def _read(
    inputs: Inputs, point: SignalPoint, reader: SampleReader, modifiers: Mapping[str, CustomModifier]
) -> PointModel:
    try:
        return read_point(patched_workspace(inputs, point), inputs.measurement, reader, modifiers)
    except ModelError as error:
        raise ModelError(
            f"signal point '{point.name}': {error.message}", place=error.place, remedy=error.remedy
        ) from error


def parameter_names(groups: Sequence[ModelGroup]) -> tuple[str, ...]:
    """Parameters of all groups: in pyhf's order within the first, those that only others have behind them.

    The place that models without a POI keep for one has an empty name, and is left out.
    """
    return tuple(dict.fromkeys(name for group in groups for name in group.parameter_names if name))


def rows_of(group: ModelGroup, start: int, stop: int) -> Int[np.ndarray, " row"]:
    """Rows of a group whose points lie in [start, stop) of the campaign."""
    return np.flatnonzero((group.members >= start) & (group.members < stop))


def check_test_poi(groups: Sequence[ModelGroup], poi: str, mu: float) -> None:
    """Raise SelectionError where the tested value, or 0, lies outside the POI's bounds, or the POI is fixed."""
    for group in groups:
        index, active = group.structure.poi, group.has_signal
        if group.points.fixed[active, index].any():
            raise SelectionError(
                f"the POI '{poi}' is fixed in the measurement", remedy="remove 'fixed' from its configuration"
            )
        lower, upper = group.points.lower[active, index], group.points.upper[active, index]
        for value in (0.0, mu):
            if ((value < lower) | (value > upper)).any():
                raise SelectionError(
                    f"the value {value:g} of the POI '{poi}' lies outside its bounds"
                    f" [{lower.max():g}, {upper.min():g}]",
                    remedy="test a value inside them, or change the bounds in the measurement's configuration of it",
                )


def bounded_below_at_zero(groups: Sequence[ModelGroup]) -> bool:
    """Whether the fits keep the POI from going negative, which makes the statistic q-tilde."""
    return all((group.points.lower[group.has_signal, group.structure.poi] >= 0).all() for group in groups)


def expected_seconds(groups: Sequence[ModelGroup], fits_per_point: int = 4) -> float:
    """Rough time of one process for all points, compilation included: from the sizes of the models and its speed."""
    n_points = sum(len(group.members) for group in groups)
    compiling = _COMPILE_SECONDS * machine_slowness() * len(groups)
    return compiling + n_points * seconds_per_point(groups, fits_per_point)


def seconds_per_point(groups: Sequence[ModelGroup], fits_per_point: int) -> float:
    """Rough time of one point without compilation, averaged over all points, likewise."""
    n_points = sum(len(group.members) for group in groups)
    steps = sum(len(group.members) * _step_seconds(group.structure) for group in groups)
    return _STEPS_PER_FIT * fits_per_point * steps * machine_slowness() / n_points


def points_with_signal(groups: Sequence[ModelGroup]) -> list[int]:
    """Positions of the signal points whose POI scales something, in order."""
    return sorted(int(point) for group in groups for point in group.members[group.has_signal])


def background_models(groups: Sequence[ModelGroup]) -> list[int]:
    """Number of the background model of each point: equal where the models are, and toys of the background with them.

    They count from 0 in the order of the points.
    """
    digests = {int(k): name for group in groups for k, name in zip(group.members, group.background_digests)}
    ordered = [digests[k] for k in sorted(digests)]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(ordered))}
    return [numbers[name] for name in ordered]


def seconds_per_toy(groups: Sequence[ModelGroup]) -> float:
    """Rough time of one toy, averaged over all points, likewise."""
    n_points = sum(len(group.members) for group in groups)
    steps = (
        len(group.members) * (_SECONDS_PER_TOY_STEP + _step_flops(group.structure) * _SECONDS_PER_TOY_FLOP)
        for group in groups
    )
    return _STEPS_PER_TOY * sum(steps) * machine_slowness() / n_points


def _step_seconds(structure: Structure) -> float:
    return _SECONDS_PER_STEP + _step_flops(structure) * _SECONDS_PER_FLOP


def _step_flops(structure: Structure) -> float:
    n = structure.n_parameters
    return 2.0 * (structure.n_entries + structure.n_bins) * n**2 + n**3
