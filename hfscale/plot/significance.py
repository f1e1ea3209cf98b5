"""CLs as a significance, the quantity that is interpolated between signal points.

CLs falls about exponentially with the signal, so a contour interpolated in CLs itself is biased; Z = Phi^-1(1 - CLs)
is close to linear. The transformation, its caps and the upper bound of 5 are those of HistFitter's
``harvestToContours.py`` (commit 456c2b5, lines 429-431 and 809).
"""

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

#: CLs of 1 has no finite significance; HistFitter takes this number instead, which gives Z = -6.4.
LARGEST_CLs = 0.9999999999
#: Larger significances are set to this, so that points far inside do not pull the contour (``--sigmax``).
LARGEST_Z = 5.0


def significance(CLs: Float[np.ndarray, "*shape"], largest: float = LARGEST_Z) -> Float[np.ndarray, "*shape"]:
    """Return Z = Phi^-1(1 - CLs), clipped to what HistFitter allows; NaN stays NaN.

    Computed as -Phi^-1(CLs), which keeps its precision where 1 - CLs rounds to 1: the CLs of asymptotic formulas, made
    from logarithms, are told apart down to 1e-308, where Z is 37.5.

    Args:
        CLs: Values between 0 and 1, of any shape.
        largest: Significances above are set to this.
    """
    with np.errstate(invalid="ignore"):
        Z = -ndtri(np.minimum(CLs, LARGEST_CLs))
    return np.asarray(np.minimum(Z, largest))


def significance_of_level(level: float) -> float:
    """Return the significance of the contour: 1.645 for ``level`` 0.05 (95% confidence level)."""
    return float(-ndtri(level))
