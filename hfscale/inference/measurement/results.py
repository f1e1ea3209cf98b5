"""What fits of measurements and rankings give for a block of signal points."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float, Int

SHIFTS = ("prefit_up", "prefit_down", "postfit_up", "postfit_down")
"""The four fits of a nuisance parameter: how it is moved away from its best fit."""
SIDES = ("lower", "upper")
"""Sides of MINOS errors."""


class ParameterStatus(IntEnum):
    """How a parameter came out of a fit; stored as a small integer.

    `FLAT`: the likelihood does not depend on it, or on a combination of parameters that it is part of.
    """

    NOT_RUN = 0
    FREE = 1
    FIXED = 2
    AT_LOWER_BOUND = 3
    AT_UPPER_BOUND = 4
    FLAT = 5
    ABSENT = 6


class MinosStatus(IntEnum):
    """What became of a MINOS error; stored as a small integer.

    `AT_BOUND`: the profile of -ln L does not rise by 1/2 inside the bounds, and the error reaches to the bound.
    """

    NOT_RUN = 0
    OK = 1
    AT_BOUND = 2
    FAILED = 3


@dataclass(frozen=True)
class FitBlock:
    """Best fits of some points; parameters are in the order of the group's `parameter_names`.

    Attributes:
        status: `PointStatus`.
        parameters_free: Best-fit parameters, NaN for those that a point does not have.
        errors: Their standard deviations from the inverse of the exact Hessian of -ln L; 0 for parameters that are
            fixed or at a bound, which are not varied, infinite for flat ones, NaN where the Hessian is indefinite.
        parameter_status: `ParameterStatus`.
        correlation: Correlations, 0 for parameters without a finite error.
        twice_nll_free, edm, fit_status_free: Twice -ln L at the minimum, estimated distance to it in -ln L, and how the
            fit ended.
        minos: MINOS errors, the lower ones negative; NaN where they were not asked for or not found.
        minos_status: `MinosStatus`.
        reasons: Why a point failed, empty elsewhere.
        remarks: What to look at in each point: samples with negative yields.
        n_fits: How many fits were made.
    """

    status: Int[np.ndarray, " point"]
    parameters_free: Float[np.ndarray, "point parameter"]
    errors: Float[np.ndarray, "point parameter"]
    parameter_status: Int[np.ndarray, "point parameter"]
    correlation: Float[np.ndarray, "point parameter parameter"]
    twice_nll_free: Float[np.ndarray, " point"]
    edm: Float[np.ndarray, " point"]
    fit_status_free: Int[np.ndarray, " point"]
    minos: Float[np.ndarray, "point side parameter"]
    minos_status: Int[np.ndarray, "point side parameter"]
    reasons: tuple[str, ...]
    remarks: Mapping[int, tuple[str, ...]]
    n_fits: int


@dataclass(frozen=True)
class RankingBlock(FitBlock):
    """What `FitBlock` has, and the impacts of nuisance parameters on the POI.

    Attributes:
        impact: Change of the POI's best fit when a parameter is held where `SHIFTS` says; 0 where the shift is none.
        impact_fit_status: How those fits ended; NOT_RUN where there was nothing to fit.
        component: Change of the POI's best fit for one standard deviation of the auxiliary datum of each parameter, to
            first order (arXiv:2307.04007); NaN for parameters without one.
        component_data: The same for the Poisson fluctuations of all bins together.
    """

    impact: Float[np.ndarray, "point shift parameter"]
    impact_fit_status: Int[np.ndarray, "point shift parameter"]
    component: Float[np.ndarray, "point parameter"]
    component_data: Float[np.ndarray, " point"]
