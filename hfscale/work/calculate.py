"""From what is asked for to the function of `hfscale.inference` that computes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Int

from hfscale.inference.cls import asymptotic_cls
from hfscale.inference.limits import upper_limits
from hfscale.inference.measurement.best_fits import fit_points, rank_points
from hfscale.inference.measurement.goodness import GoodnessBlock, GoodnessToys, goodness_of_points
from hfscale.inference.measurement.results import FitBlock
from hfscale.inference.profile_scans import ProfileBlock, scan_profiles, unscanned_profiles
from hfscale.inference.results import CLsBlock, LimitBlock, LimitGridBlock, SignificanceBlock
from hfscale.inference.scans import scan_cls
from hfscale.inference.signal_variations import cls_with_signal_variations
from hfscale.inference.significance import significance
from hfscale.inference.yields import signal_yields
from hfscale.model.structure import ModelGroup
from hfscale.plan.settings import Calculation
from hfscale.workspace.cross_sections import read_signal_uncertainties

Block = CLsBlock | LimitGridBlock | LimitBlock | SignificanceBlock | ProfileBlock | FitBlock | GoodnessBlock
"""Results of points, at one POI value if there is such an axis: an attribute for each variable, and `reasons`."""


_OBSERVED = frozenset({"CLs_obs", "CLsb", "CLb", "q", "q0", "p0", "Z", "mu_hat", "mu_hat_error"})


def calculate(
    group: ModelGroup, rows: Int[np.ndarray, " point"], calculation: Calculation, names: Sequence[str]
) -> Sequence[Block]:
    """Results of the points in `rows`: one block for each POI value, or a single one if the store has no such axis.

    Args:
        group: The group.
        rows: Its points.
        calculation: What to compute.
        names: Names of all points of the campaign, among which those of the group have their positions.
    """
    if calculation.signal_uncertainty is not None:
        return [_with_signal_variations(group, rows, calculation, [names[k] for k in group.members[rows]])]
    blocks = _KINDS[calculation.kind](group, rows, calculation)
    return [_without_observed(block) for block in blocks] if calculation.expected_only else blocks


def _without_observed(block: Block) -> Block:
    """The block without numbers that stand for observed results but come from Asimov data."""
    empty: dict[str, Any] = {
        field.name: np.full(len(block.status), np.nan) for field in fields(block) if field.name in _OBSERVED
    }
    return replace(block, **empty)


def _limit(group: ModelGroup, rows: Int[np.ndarray, " point"], calculation: Calculation) -> Sequence[Block]:
    if calculation.toybased:
        # Toys are thrown from the fits at each value of the grid; the limits come from them when they are read.
        yields = signal_yields(group, rows)
        blocks = scan_cls(group, rows, calculation.poi_values, calculation.test_stat)
        return [LimitGridBlock(**vars(block), signal_yield=yields) for block in blocks]
    return [
        upper_limits(
            group,
            rows,
            calculation.level,
            calculation.rtol,
            calculation.test_stat,
            observed=not calculation.expected_only,
        )
    ]


def _scan(group: ModelGroup, rows: Int[np.ndarray, " point"], calculation: Calculation) -> Sequence[Block]:
    return scan_cls(group, rows, calculation.poi_values, calculation.test_stat)


def _significance(group: ModelGroup, rows: Int[np.ndarray, " point"], calculation: Calculation) -> Sequence[Block]:
    return [significance(group, rows)]


def _cls(group: ModelGroup, rows: Int[np.ndarray, " point"], calculation: Calculation) -> Sequence[Block]:
    return [asymptotic_cls(group, rows, calculation.test_poi, calculation.test_stat)]


def _with_signal_variations(
    group: ModelGroup, rows: Int[np.ndarray, " point"], calculation: Calculation, names: Sequence[str]
) -> Block:
    uncertainty = read_signal_uncertainties(calculation.signal_uncertainty or {}, names)
    values = np.array([uncertainty[name] for name in names])
    return cls_with_signal_variations(group, rows, calculation.test_poi, values, calculation.test_stat)


def _profile(group: ModelGroup, rows: Int[np.ndarray, " point"], calculation: Calculation) -> Sequence[Block]:
    parameters = calculation.parameters
    if not set(parameters) <= set(group.parameter_names):
        # Points of another structure may have them.
        return [unscanned_profiles(group, rows, parameters, calculation.scan_shape)]
    tolerance = calculation.grid_tolerance if calculation.adaptive_grid else None
    return [scan_profiles(group, rows, parameters, calculation.scan_values, tolerance)]


def _fit(group: ModelGroup, rows: Int[np.ndarray, " point"], calculation: Calculation) -> Sequence[Block]:
    return [fit_points(group, rows, calculation.overrides, calculation.minos)]


def _ranking(group: ModelGroup, rows: Int[np.ndarray, " point"], calculation: Calculation) -> Sequence[Block]:
    return [rank_points(group, rows, calculation.overrides)]


def _gof(group: ModelGroup, rows: Int[np.ndarray, " point"], calculation: Calculation) -> Sequence[Block]:
    toys = GoodnessToys(calculation.ntoys, calculation.seed, calculation.ensemble) if calculation.gof_toys else None
    return [goodness_of_points(group, rows, calculation.overrides, calculation.channels, toys)]


_Kind = Callable[[ModelGroup, Int[np.ndarray, " point"], Calculation], Sequence[Block]]
_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "cls": _cls,
        "limit": _limit,
        "scan": _scan,
        "significance": _significance,
        "profile": _profile,
        "fit": _fit,
        "ranking": _ranking,
        "gof": _gof,
    }
)
