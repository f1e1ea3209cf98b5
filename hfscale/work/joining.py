"""Calculations of a signal point in parts: what a part computes, and the results of the point from its parts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from hfscale.inference.measurement.best_fits import fit_points, rank_points
from hfscale.inference.measurement.goodness import (
    GoodnessBlock,
    GoodnessToys,
    ThrownToys,
    goodness_of_points,
    throw_from,
)
from hfscale.inference.measurement.minima import Minima, free_minima, with_covariance
from hfscale.inference.measurement.minos import MinosErrors, minos_errors
from hfscale.inference.measurement.overrides import columns_of, overridden
from hfscale.inference.measurement.parts import Found, all_found_in, join_parameters, join_toys
from hfscale.inference.measurement.ranking import Impacts, impacts
from hfscale.inference.measurement.results import FitBlock
from hfscale.inference.profile_scans import ProfileBlock, scan_profiles
from hfscale.inference.profile_slabs import Slab, fit_slab, join_slabs
from hfscale.model.structure import ModelGroup
from hfscale.plan.parts import PartTask
from hfscale.plan.settings import Calculation
from hfscale.store.parts import FoundPart


class Subject(NamedTuple):
    """The signal point whose parts are computed.

    Attributes:
        group: Its group, as its fits take it.
        row: Which point of the group it is.
        minima: Its best fit.
    """

    group: ModelGroup
    row: int
    minima: Minima


def subject_of(group: ModelGroup, row: int, calculation: Calculation) -> Subject:
    """Fit the data of a signal point, which all of its parts begin with."""
    changed, rows = overridden(group, calculation.overrides), np.array([row])
    return Subject(changed, row, with_covariance(changed, rows, free_minima(changed, rows)))


def search(subject: Subject, calculation: Calculation, parameters: Sequence[str], part: PartTask) -> Found:
    """Compute a part of a signal point.

    Args:
        subject: The point.
        calculation: What to compute.
        parameters: Names of the parameters of the store.
        part: Which part.
    """
    group, row, minima = subject
    if calculation.kind == "gof":
        rows = np.array([row])
        return throw_from(group, rows, minima.free, calculation.channels, _toys(calculation), part.first, part.stop)
    if calculation.kind == "profile":
        slab, scanned = range(part.first, part.stop), calculation.parameters
        values, adaptive = calculation.scan_values, calculation.adaptive_grid
        return fit_slab(group, row, scanned, values, slab, free=minima.free, adaptive=adaptive)
    columns = _columns(group, parameters, part)
    return (impacts if calculation.kind == "ranking" else minos_errors)(group, minima, columns)


def join(
    group: ModelGroup, row: int, calculation: Calculation, parameters: Sequence[str], parts: Sequence[FoundPart]
) -> FitBlock | GoodnessBlock | ProfileBlock | None:
    """Results of a signal point from all of its parts; None where these cannot be read, or do not belong together.

    Args:
        group, row: The point.
        calculation: What to compute.
        parameters: Names of the parameters of the store.
        parts: All of its parts, in order.
    """
    rows, overrides = np.array([row]), calculation.overrides
    arrays = [part.arrays for part in parts]
    if calculation.kind == "profile":
        slabs = all_found_in(Slab, arrays)
        known = None if slabs is None else join_slabs(slabs)
        tolerance = calculation.grid_tolerance if calculation.adaptive_grid else None
        scanned, values = calculation.parameters, calculation.scan_values
        return None if known is None else scan_profiles(group, rows, scanned, values, tolerance, known)
    if calculation.kind == "gof":
        toys = all_found_in(ThrownToys, arrays)
        thrown = None if toys is None else join_toys(toys)
        if thrown is None:
            return None
        return goodness_of_points(group, rows, overrides, calculation.channels, _toys(calculation), thrown)
    columns = [_columns(group, parameters, part.task) for part in parts]
    if calculation.kind == "ranking":
        shifts = all_found_in(Impacts, arrays)
        ranked = None if shifts is None else join_parameters(shifts, columns)
        return None if ranked is None else rank_points(group, rows, overrides, ranked)
    sides = all_found_in(MinosErrors, arrays)
    errors = None if sides is None else join_parameters(sides, columns)
    return None if errors is None else fit_points(group, rows, overrides, calculation.minos, errors)


def _toys(calculation: Calculation) -> GoodnessToys:
    return GoodnessToys(calculation.ntoys, calculation.seed, calculation.ensemble)


def _columns(group: ModelGroup, parameters: Sequence[str], part: PartTask) -> Int[np.ndarray, " chosen"]:
    """Internal positions of the parameters of a part that a group has."""
    return columns_of(group, parameters[part.first : part.stop])
