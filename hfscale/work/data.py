"""Putting data of the user's own, those of ``--data``, into models in place of the observed ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hfscale.errors import SelectionError
from hfscale.model.identity import digests_with
from hfscale.model.structure import ModelGroup
from hfscale.plan.digests import digest

Data = Mapping[str, Mapping[str, Sequence[float]]]


def with_data(groups: Sequence[ModelGroup], data: Data) -> tuple[ModelGroup, ...]:
    """The models with other observations, and other auxiliary data for the parameters that are named.

    Args:
        groups: The models.
        data: From `hfscale.workspace.observed.read_data`.

    Raises:
        SelectionError: A channel is missing, a channel or parameter does not exist or has no auxiliary data, or a
            number of bins or components is another.
    """
    known = {name for group in groups for name in _parameters(group)}
    for parameter in data["auxdata"].keys() - known:
        raise SelectionError(
            f"the data have auxiliary data of '{parameter}', which is no constrained parameter",
            place=f"/auxdata/{parameter}",
            remedy=f"constrained parameters are {', '.join(sorted(known)[:5])}, ...",
        )
    identity = digest(data)
    return tuple(_with_digests(_with_auxdata(_with_observations(group, data), data), identity) for group in groups)


def _with_digests(group: ModelGroup, data: str) -> ModelGroup:
    return replace(
        group,
        digests=digests_with(group.digests, data),
        background_digests=digests_with(group.background_digests, data),
    )


def _with_observations(group: ModelGroup, data: Data) -> ModelGroup:
    observations = data["observations"]
    sizes = {channel: sum(name == channel for name, _ in group.bin_names) for channel, _ in group.bin_names}
    for channel in sizes.keys() ^ observations.keys():
        problem = "lack the channel" if channel in sizes else "have a channel that no model has,"
        raise SelectionError(f"the data {problem} '{channel}'", remedy=f"channels are {', '.join(sorted(sizes))}")
    for channel, size in sizes.items():
        _check_length(f"channel '{channel}'", "bins", len(observations[channel]), size)
    row = np.array([observations[channel][number] for channel, number in group.bin_names])
    return replace(group, points=group.points._replace(data=np.where(group.points.bins > 0, row, 0.0)))


def _with_auxdata(group: ModelGroup, data: Data) -> ModelGroup:
    auxdata, components = group.points.auxdata.copy(), _parameters(group)
    for parameter, values in data["auxdata"].items():
        if parameter not in components:
            continue
        columns = components[parameter]
        _check_length(f"parameter '{parameter}'", "components", len(values), len(columns))
        auxdata[:, columns] = np.where(group.points.constrained[:, columns] > 0, values, auxdata[:, columns])
    return replace(group, points=group.points._replace(auxdata=auxdata))


def _parameters(group: ModelGroup) -> dict[str, list[int]]:
    """Internal positions of the components of each parameter that has a constraint at some point."""
    internal = np.argsort(group.order)
    components: dict[str, list[int]] = {}
    for position, name in zip(internal, group.parameter_names, strict=True):
        components.setdefault(name.partition("[")[0], []).append(int(position))
    constrained = np.asarray((group.points.constrained > 0).any(axis=0))
    return {name: columns for name, columns in components.items() if constrained[columns].any()}


def _check_length(what: str, of: str, found: int, needed: int) -> None:
    if found != needed:
        raise SelectionError(
            f"the data have {found} {of} for {what}, the models have {needed}", remedy=f"give {needed}"
        )
