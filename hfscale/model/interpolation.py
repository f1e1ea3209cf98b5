"""Interpolation coefficients of normsys (code 4) and the additive shape of histosys (code 4p), CERN-OPEN-2012-016."""

import numpy as np
from jaxtyping import Float


def code4_coefficients(hi: Float[np.ndarray, "*n"], lo: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n 6"]:
    """Coefficients a_1..a_6 of 1 + sum a_i alpha^i on [-1, 1].

    They make the polynomial and its first two derivatives continuous with hi^alpha at +1 and lo^(-alpha) at -1, and 1
    at alpha = 0 (alpha_0 = 1).
    """
    log_hi, log_lo = np.log(hi), np.log(lo)
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
