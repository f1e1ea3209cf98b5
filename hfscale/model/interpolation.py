"""Interpolation codes of normsys and histosys (CERN-OPEN-2012-016), and the coefficients of code 4."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

NormsysCode = Literal["code1", "code4"]
HistosysCode = Literal["code0", "code2", "code4p"]

SMALLEST_LOG = -690.0
"""Stands for the logarithm of a factor that is 0 (a 100 % normsys): its exponential is 1e-300."""


@dataclass(frozen=True)
class InterpolationCodes:
    """How normsys and histosys go from -1 over 0 to +1 and beyond.

    Attributes:
        normsys: ``code4`` (polynomial inside, exponential outside) or ``code1`` (exponential everywhere).
        histosys: ``code4p`` (polynomial inside, linear outside), ``code0`` (piecewise linear), or ``code2`` (quadratic
            inside, linear outside; discontinuous at -1 and +1 by its definition).
    """

    normsys: NormsysCode = "code4"
    histosys: HistosysCode = "code4p"


DEFAULT_CODES = InterpolationCodes()


def safe_log(factor: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Logarithm of factors that may be 0."""
    result: Float[np.ndarray, "*n"] = np.log(np.maximum(factor, np.exp(SMALLEST_LOG)))
    return result


def code4_coefficients(hi: Float[np.ndarray, "*n"], lo: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n 6"]:
    """Coefficients a_1..a_6 of 1 + sum a_i alpha^i on [-1, 1].

    They make the polynomial and its first two derivatives continuous with hi^alpha at +1 and lo^(-alpha) at -1, and 1
    at alpha = 0 (alpha_0 = 1).
    """
    log_hi, log_lo = safe_log(hi), safe_log(lo)
    s0, s1, s2 = (hi * log_hi**k + lo * log_lo**k for k in range(3))
    d0, d1, d2 = (hi * log_hi**k - lo * log_lo**k for k in range(3))
    return np.stack(
        [
            (15 * d0 - 7 * d1 + d2) / 16,
            (24 * (s0 - 2) - 9 * s1 + s2) / 16,
            (-5 * d0 + 5 * d1 - d2) / 8,
            (-12 * (s0 - 2) + 7 * s1 - s2) / 8,
            (3 * d0 - 3 * d1 + d2) / 16,
            (8 * (s0 - 2) - 5 * s1 + s2) / 16,
        ],
        axis=-1,
    )
