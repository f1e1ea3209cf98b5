"""Impacts of groups of nuisance parameters as pictures show them: the largest first, and their sums."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import numpy as np

from hfscale.errors import SelectionError
from hfscale.inference.measurement.overrides import base_name
from hfscale.plot.group_impacts import Impact
from hfscale.reading.rankings import GroupImpact, RankedPoint


def impacts_of_groups(point: RankedPoint, patterns: Mapping[str, Sequence[str]] | None = None) -> list[Impact]:
    """Return the impacts of groups, the largest first.

    Args:
        point: The ranking of a signal point.
        patterns: Name of each group -> patterns of its parameters; those of the ranking by default, of which those
            without any parameter are left out.

    Raises:
        SelectionError: The patterns of a group match no parameter.
    """
    found = point.groups(patterns)
    if patterns is not None:
        _refuse_empty(point, found, patterns)
    return [Impact(group.group, group.impact, group.component) for group in found if group.parameters]


def sums_of_impacts(point: RankedPoint) -> list[Impact]:
    """Return the whole uncertainty of the POI, and its parts with and without all constrained parameters frozen.

    There are no parts where the ranking does not tell which parameters are constrained, as one of cabinetry.
    """
    systematic, total = point.systematic(), Impact("total", point.total, point.component_total)
    if np.isnan(systematic.impact):
        return [total]
    statistical = float(np.sqrt(max(point.total**2 - systematic.impact**2, 0.0)))
    return [
        total,
        Impact("systematic", systematic.impact, systematic.component),
        Impact("statistical", statistical, point.component_data),
    ]


def _refuse_empty(
    point: RankedPoint, groups: Sequence[GroupImpact], patterns: Mapping[str, Sequence[str]]
) -> None:  # fmt: skip
    for group in groups:
        if not group.parameters:
            names = list(dict.fromkeys(base_name(name) for name in point.fit.parameters if name != point.poi))
            wanted = next(iter(patterns[group.group]), "").strip("*")
            near = get_close_matches(wanted, names, n=5) or names[:5]
            raise SelectionError(
                f"no nuisance parameter matches the patterns of the group {group.group!r}",
                remedy=f"parameters are, for example, {', '.join(near)}",
            )
