"""CLs of a block of signal points at many POI values; what does not depend on the POI is fitted once."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from hfscale.fit.lanes import FitResults
from hfscale.inference.assembly import Assembly
from hfscale.inference.asymptotics import TestStatistic
from hfscale.inference.cls import cls_block
from hfscale.inference.fits import HypothesisFits, fit_common, fit_numbers, not_above, stacked
from hfscale.inference.results import CLsBlock
from hfscale.model.structure import ModelGroup


def scan_cls(
    group: ModelGroup, rows: Int[np.ndarray, " point"], values: Sequence[float], test_stat: TestStatistic = "qtilde"
) -> list[CLsBlock]:
    """CLs of the points in `rows` of a group at each of the POI values, in their order.

    Each value is fitted from the minima at the one before it. A fit that fails makes its point fail at that value
    alone.
    """
    assembly = Assembly(group, rows)
    common = fit_common(group, assembly.fitted)
    numbers = stacked(common.points, common.asimov_data)
    inits = np.concatenate([common.inits, common.inits])
    n = len(common.inits)
    near = np.concatenate([common.background.theta, common.background.theta])
    free, found = common.free, list[FitResults]()
    for value in values:
        both = fit_numbers(group, numbers, inits, near, np.full(2 * n, float(value)))
        near = np.where(both.succeeded[:, None], both.theta, near)
        free = not_above(group, common.points, free, both.take(np.arange(n)))
        found.append(both)
    halves = [(both.take(np.arange(n)), both.take(np.arange(n, 2 * n))) for both in found]
    n_fits = common.n_fits + 2 * n * len(values)
    fits = [HypothesisFits(common.background, free, *pair, common.asimov_free, n_fits) for pair in halves]
    return [cls_block(assembly, each, float(value), test_stat) for each, value in zip(fits, values, strict=True)]
