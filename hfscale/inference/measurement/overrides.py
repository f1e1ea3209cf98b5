"""Parameters that a fit holds, bounds or starts elsewhere than the model says, chosen by their names."""

import fnmatch
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from hfscale.model.structure import ModelGroup

ALL = "all"
"""Stands for every parameter where MINOS errors are asked for."""


class FitOverrides(NamedTuple):
    """What a fit does differently; names are those of components (``x[i]``) or of whole parameters (``x``).

    Attributes:
        fix: Parameters that are held, and where.
        bounds: Lower and upper bounds.
        init: Start values.
    """

    fix: Mapping[str, float] = MappingProxyType({})
    bounds: Mapping[str, tuple[float, float]] = MappingProxyType({})
    init: Mapping[str, float] = MappingProxyType({})


NO_OVERRIDES = FitOverrides()


def overridden(group: ModelGroup, overrides: FitOverrides) -> ModelGroup:
    """The group with other bounds, start values and fixed parameters, at the points that have these parameters.

    Where the model's start value lies outside new bounds, the nearer bound takes its place.

    Args:
        group: The group. Names that it does not have, but points of other groups may, are passed over.
        overrides: From `check_overrides`.
    """
    if not any(overrides):
        return group
    points, inits = group.points, group.inits.copy()
    lower, upper, fixed = points.lower.copy(), points.upper.copy(), points.fixed.copy()
    for name, (low, high) in overrides.bounds.items():
        for column in own_columns(group, name):
            lower[group.present[:, column], column], upper[group.present[:, column], column] = low, high
    for name, value in {**overrides.init, **overrides.fix}.items():
        for column in own_columns(group, name):
            inits[group.present[:, column], column] = value
            fixed[group.present[:, column], column] |= name in overrides.fix
    kept = [column for name in overrides.fix for column in own_columns(group, name)]
    inside = np.clip(inits, lower, upper)
    inside[:, kept] = inits[:, kept]
    return replace(group, points=points._replace(lower=lower, upper=upper, fixed=fixed), inits=inside)


def columns_of(group: ModelGroup, names: Sequence[str]) -> Int[np.ndarray, " chosen"]:
    """Internal positions of the named parameters that a group has, all for the name `ALL`."""
    if ALL in names:
        return np.arange(len(group.parameter_names))
    found = {column: None for name in names for column in own_columns(group, name)}
    return np.array(list(found), dtype=np.int64)


def own_columns(group: ModelGroup, name: str) -> list[int]:
    """Internal positions of the components that a name stands for; none where the group has no such parameter."""
    internal = np.argsort(group.order)
    return [int(internal[k]) for k, own in enumerate(group.parameter_names) if own == name or base_name(own) == name]


def base_name(component: str) -> str:
    """Name of the parameter that a component belongs to."""
    return component.partition("[")[0]


def matching(patterns: Sequence[str], parameters: Collection[str]) -> list[str]:
    """Components whose name, or whose parameter's name, matches one of the patterns, in their order."""
    return [
        name
        for name in parameters
        if any(name == p or fnmatch.fnmatchcase(name, p) or fnmatch.fnmatchcase(base_name(name), p) for p in patterns)
    ]
