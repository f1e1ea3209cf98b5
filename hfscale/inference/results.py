"""What the calculation of CLs gives for a block of signal points."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float, Int


class PointStatus(IntEnum):
    """What became of a signal point at one POI value; stored as a small integer."""

    NOT_RUN = 0
    OK = 1
    NO_SIGNAL = 2
    FAILED = 3


SIGNAL_VARIATIONS = (-1.0, 1.0)
"""Standard deviations of the cross-section of the signal at which observed CLs are kept, where it has any."""


@dataclass(frozen=True)
class CLsBlock:
    """Asymptotic CLs of some points at one POI value, with everything that was fitted on the way.

    `free`, `background`, `conditional` and `asimov` are the fits with the POI free, at 0, at the tested value, and at
    the tested value on the Asimov data of the background-only fit. Parameters are in the order of the group's
    `parameter_names`, NaN where the point has no such parameter. Points that failed or have no signal have NaN where
    there is no number.
    """

    status: Int[np.ndarray, " point"]
    CLs_obs: Float[np.ndarray, " point"]
    CLs_exp: Float[np.ndarray, "point nsigma"]
    CLsb: Float[np.ndarray, " point"]
    CLb: Float[np.ndarray, " point"]
    q: Float[np.ndarray, " point"]
    q_asimov: Float[np.ndarray, " point"]
    effective_events: Float[np.ndarray, " point"]
    mu_hat: Float[np.ndarray, " point"]
    mu_hat_error: Float[np.ndarray, " point"]
    twice_nll_free: Float[np.ndarray, " point"]
    twice_nll_background: Float[np.ndarray, " point"]
    twice_nll_conditional: Float[np.ndarray, " point"]
    twice_nll_asimov_free: Float[np.ndarray, " point"]
    twice_nll_asimov: Float[np.ndarray, " point"]
    parameters_free: Float[np.ndarray, "point parameter"]
    parameters_background: Float[np.ndarray, "point parameter"]
    parameters_conditional: Float[np.ndarray, "point parameter"]
    parameters_asimov: Float[np.ndarray, "point parameter"]
    fit_status_free: Int[np.ndarray, " point"]
    fit_status_background: Int[np.ndarray, " point"]
    fit_status_conditional: Int[np.ndarray, " point"]
    fit_status_asimov: Int[np.ndarray, " point"]
    reasons: tuple[str, ...]
    n_fits: int
    n_iterations: int


@dataclass(frozen=True)
class LimitGridBlock(CLsBlock):
    """What `CLsBlock` has, at one POI value of the grid that limits from toys come from, and `signal_yield`."""

    signal_yield: Float[np.ndarray, " point"]


class LimitStatus(IntEnum):
    """Where an upper limit lies; stored as a small integer.

    A limit above the upper bound of the POI, or below the least value that was tested, is not extrapolated.
    """

    NOT_RUN = 0
    OK = 1
    ABOVE_BOUND = 2
    BELOW_BOUND = 3


@dataclass(frozen=True)
class LimitBlock:
    """Asymptotic upper limits on the POI of some points; fits and parameters as in `CLsBlock`.

    Limits are NaN where their status is not `OK`. `signal_yield` are the expected signal events with the POI at 1
    (`hfscale.inference.yields`).
    """

    status: Int[np.ndarray, " point"]
    upper_limit_obs: Float[np.ndarray, " point"]
    upper_limit_exp: Float[np.ndarray, "point nsigma"]
    upper_limit_obs_status: Int[np.ndarray, " point"]
    upper_limit_exp_status: Int[np.ndarray, "point nsigma"]
    signal_yield: Float[np.ndarray, " point"]
    mu_hat: Float[np.ndarray, " point"]
    mu_hat_error: Float[np.ndarray, " point"]
    twice_nll_free: Float[np.ndarray, " point"]
    twice_nll_background: Float[np.ndarray, " point"]
    parameters_free: Float[np.ndarray, "point parameter"]
    parameters_background: Float[np.ndarray, "point parameter"]
    fit_status_free: Int[np.ndarray, " point"]
    fit_status_background: Int[np.ndarray, " point"]
    reasons: tuple[str, ...]
    n_fits: int


@dataclass(frozen=True)
class SignificanceBlock:
    """Asymptotic p-values of the background-only hypothesis for some points; fits and parameters as in `CLsBlock`.

    Expected values are those of a signal with POI = 1, in the order of -2 to +2 standard deviations of what speaks for
    the background alone: p-values ascend, significances descend.
    """

    status: Int[np.ndarray, " point"]
    q0: Float[np.ndarray, " point"]
    q0_asimov: Float[np.ndarray, " point"]
    p0: Float[np.ndarray, " point"]
    Z: Float[np.ndarray, " point"]
    p0_exp: Float[np.ndarray, "point nsigma"]
    Z_exp: Float[np.ndarray, "point nsigma"]
    mu_hat: Float[np.ndarray, " point"]
    mu_hat_error: Float[np.ndarray, " point"]
    twice_nll_free: Float[np.ndarray, " point"]
    twice_nll_background: Float[np.ndarray, " point"]
    parameters_free: Float[np.ndarray, "point parameter"]
    parameters_background: Float[np.ndarray, "point parameter"]
    fit_status_free: Int[np.ndarray, " point"]
    fit_status_background: Int[np.ndarray, " point"]
    reasons: tuple[str, ...]
    n_fits: int
