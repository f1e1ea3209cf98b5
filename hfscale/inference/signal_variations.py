"""Observed CLs with the cross-section of the signal one standard deviation down and up.

These are the two lines beside an observed exclusion contour that tell how far it moves with the cross-section. A
signal whose cross-section is larger by the factor 1 + delta, tested at mu, is the nominal signal tested at
mu (1 + delta): its yields scale, and with them their variations by its uncertainties. So it is a test of the same
likelihood at another value of the POI, in which each uncertainty of the signal keeps its meaning. HistFitter gets the
same lines from fits with a nuisance parameter of the cross-section held at -1 and +1. In a workspace that has such a
parameter besides, the uncertainty is counted twice.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hfscale.inference.assembly import Assembly
from hfscale.inference.asymptotics import TestStatistic
from hfscale.inference.cls import cls_block
from hfscale.inference.fits import HypothesisFits, asimov_numbers, fit_hypotheses, fit_numbers, not_above, stacked
from hfscale.inference.results import SIGNAL_VARIATIONS, CLsBlock
from hfscale.model.structure import ModelGroup


@dataclass(frozen=True)
class CLsSignalBlock(CLsBlock):
    """What `CLsBlock` has, and observed CLs with the signal varied.

    `signal_poi` are the POI values tested, `fit_status_signal` tells how the worse of the two fits there ended. CLs is
    NaN where one failed; the point itself does not fail with it.
    """

    signal_poi: Float[np.ndarray, "point variation"]
    CLs_obs_signal: Float[np.ndarray, "point variation"]
    fit_status_signal: Int[np.ndarray, "point variation"]


def cls_with_signal_variations(
    group: ModelGroup,
    rows: Int[np.ndarray, " point"],
    mu: float,
    uncertainty: Float[np.ndarray, " point"],
    test_stat: TestStatistic = "qtilde",
) -> CLsSignalBlock:
    """CLs of the points in `rows` of a group at POI = `mu`, and at `mu` times 1 - and 1 + their uncertainty.

    Args:
        group: The group.
        rows: Its points.
        mu: Tested value of the POI.
        uncertainty: Relative uncertainty of the cross-section of each point.
        test_stat: As `hfscale.inference.cls.asymptotic_cls`.
    """
    assembly = Assembly(group, rows)
    fits = fit_hypotheses(group, assembly.fitted, mu)
    values = mu * (1.0 + np.outer(uncertainty, SIGNAL_VARIATIONS))
    varied = [_fits_at(assembly, fits, values[assembly.signal, k]) for k in range(len(SIGNAL_VARIATIONS))]
    blocks = [cls_block(assembly, each, values[assembly.signal, k], test_stat) for k, each in enumerate(varied)]
    statuses = [np.where(each.conditional.succeeded, each.asimov.status, each.conditional.status) for each in varied]
    return CLsSignalBlock(
        **vars(cls_block(assembly, fits, mu, test_stat)),
        signal_poi=values,
        CLs_obs_signal=np.column_stack([block.CLs_obs for block in blocks]),
        fit_status_signal=np.column_stack([assembly.flags(status, 0) for status in statuses]),
    )


def _fits_at(assembly: Assembly, fits: HypothesisFits, values: Float[np.ndarray, " fitted"]) -> HypothesisFits:
    """The fits with the POI at other values, one for each point; what the tested value does not change stays."""
    group, n = assembly.group, len(values)
    points, inits = group.points.take(assembly.fitted), group.inits[assembly.fitted]
    numbers = stacked(points, asimov_numbers(group, points, fits.background))
    near = np.concatenate([fits.conditional.theta, fits.asimov.theta])
    both = fit_numbers(group, numbers, np.concatenate([inits, inits]), near, np.concatenate([values, values]))
    conditional, asimov = both.take(np.arange(n)), both.take(np.arange(n, 2 * n))
    free = not_above(group, points, fits.free, conditional)
    return fits._replace(conditional=conditional, asimov=asimov, free=free, n_fits=2 * n)
