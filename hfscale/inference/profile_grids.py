"""What profile likelihoods can be scanned over: parameters of a model, and values inside their bounds.

Knows no JAX, so that a scan can be checked before anything is computed.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

import numpy as np
from jaxtyping import Int

from hfscale.errors import InputError, SelectionError
from hfscale.model.structure import ModelGroup

DEFAULT_VALUES: Mapping[int, int] = MappingProxyType({1: 31, 2: 21})
"""Values of each parameter where no grid is given, by how many parameters are scanned."""
NO_SIGNAL = "the parameter of interest scales nothing"


def scanned_columns(group: ModelGroup, parameters: Sequence[str]) -> Int[np.ndarray, " scanned"]:
    """Internal positions of the scanned parameters.

    Raises:
        SelectionError: They are not one or two different parameters of the group.
    """
    if len(parameters) not in DEFAULT_VALUES or len(set(parameters)) != len(parameters):
        raise SelectionError(
            f"a profile likelihood of {', '.join(parameters) or 'no parameter'} cannot be scanned",
            remedy="name one parameter or two different ones",
        )
    _require_known(parameters, group.parameter_names)
    internal = np.argsort(group.order)
    return np.array([internal[group.parameter_names.index(name)] for name in parameters])


def _require_known(parameters: Sequence[str], known: Sequence[str]) -> None:
    for name in parameters:
        if name not in known:
            near = get_close_matches(name, known, n=5) or [other for other in known if other][:10]
            raise SelectionError(f"{name!r} is no parameter", remedy=f"choose another, such as {', '.join(near)}")


def hindrance(group: ModelGroup, row: int, parameters: Sequence[str]) -> str:
    """Why a point cannot be scanned, empty where it can."""
    missing = [name for name in parameters if name not in group.parameter_names]
    if missing:
        return _lacks(missing[0])
    for name, column in zip(parameters, scanned_columns(group, parameters), strict=True):
        if not group.present[row, column]:
            return _lacks(name)
        if group.points.fixed[row, column]:
            return f"the measurement fixes the parameter {name!r}"
        if column == group.structure.poi and not group.has_signal[row]:
            return NO_SIGNAL
    return ""


def _lacks(name: str) -> str:
    return f"the point has no parameter {name!r}"


def check_grids(
    group: ModelGroup,
    rows: Int[np.ndarray, " point"],
    parameters: Sequence[str],
    grids: Sequence[Sequence[float] | None],
) -> None:
    """Raise InputError where a grid has no value, or one outside the bounds of its parameter at one of the points."""
    for name, column, grid in zip(parameters, scanned_columns(group, parameters), grids):
        if grid is None:
            continue
        lower = group.points.lower[rows, column].max(initial=-np.inf)
        upper = group.points.upper[rows, column].min(initial=np.inf)
        if not len(grid) or not all(lower <= value <= upper for value in grid):
            raise InputError(
                f"the grid of the parameter {name!r} has no values, or some outside its bounds [{lower:g}, {upper:g}]",
                remedy="choose values inside them, or change the bounds in the measurement's configuration of it",
            )


def check_scan(
    groups: Sequence[ModelGroup], parameters: Sequence[str], grids: Sequence[Sequence[float] | None]
) -> None:
    """Check a scan of all signal points of a campaign before it begins.

    Args:
        groups: The models of all points.
        parameters: Names of one or two components, ``x`` or ``x[i]``.
        grids: Values of each, or None.

    Raises:
        SelectionError: A name is no parameter of any point, or no point can be scanned.
        InputError: A grid has a value outside the bounds of its parameter.
    """
    _require_known(parameters, list(dict.fromkeys(name for group in groups for name in group.parameter_names)))
    found: list[str] = []
    for group in groups:
        hindrances = [hindrance(group, row, parameters) for row in range(len(group.members))]
        found += hindrances
        able = np.flatnonzero([not text for text in hindrances])
        if len(able):
            check_grids(group, able, parameters, grids)
    if found and not {"", NO_SIGNAL} & set(found):
        raise SelectionError(
            f"a profile likelihood of {' and '.join(parameters)} cannot be scanned at any signal point: {found[0]}",
            remedy="choose a parameter that the fits vary",
        )
