"""What contours are drawn of: CLs at one POI value, upper limits on the POI, or significances of a signal.

Between signal points a height is interpolated that is nearly linear there, and larger where more is excluded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfscale.errors import SelectionError
from hfscale.plot.significance import LARGEST_Z, significance, significance_of_level


class Quantity(NamedTuple):
    """One number per signal point, and how it is interpolated.

    Attributes:
        height: Turns numbers of any shape into heights; NaN stays NaN.
        threshold: Height on the contour, from the CLs of a point that is just excluded.
        no_signal: The number where a patch adds no signal.
        excluded: How points are excluded, with a place for that CLs.
    """

    height: Callable[[Float[np.ndarray, "*shape"]], Float[np.ndarray, "*shape"]]
    threshold: Callable[[float], float]
    no_signal: float
    excluded: str


_LARGEST_RATIO = 100.0
"""Limits further from 1 are set to this ratio, so that points far from a contour do not pull it."""


_LARGEST_DISCOVERY = 10.0


def _minus_logarithm(limits: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Limits change by factors from point to point, as cross-sections do."""
    return np.asarray(-np.log(np.clip(limits, 1.0 / _LARGEST_RATIO, _LARGEST_RATIO)))


CLS = Quantity(significance, significance_of_level, 1.0, "at CLs < {level:g}")


def _clipped(Z: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Significances, within bounds so wide that no contour is near them."""
    return np.asarray(np.clip(Z, -_LARGEST_DISCOVERY, _LARGEST_DISCOVERY))


UPPER_LIMITS = Quantity(_minus_logarithm, lambda level: 0.0, np.inf, "by an upper limit below 1")
DISCOVERY = Quantity(_clipped, significance_of_level, 0.0, "with p0 < {level:g}")


def clipped_at(quantity: Quantity, largest: float) -> Quantity:
    """Return a quantity whose heights are significances, clipped at another one than 5; others as they are.

    Raises:
        SelectionError: The largest significance is not above the one of the contour at 95% confidence level.
    """
    if not significance_of_level(0.05) < largest < np.inf:
        raise SelectionError(
            f"significances cannot be clipped at {largest:g}", remedy="choose a number above 1.645; HistFitter's is 5"
        )
    if quantity.height is not significance or largest == LARGEST_Z:
        return quantity
    return quantity._replace(height=_Clipped(largest))


@dataclass(frozen=True)
class _Clipped:
    """Significances that are clipped at another one; two are equal where that is."""

    largest: float

    def __call__(self, CLs: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        return significance(CLs, self.largest)
