"""What a contour is made from: CLs or limits of the signal points of a patchset and the labels that place them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from hfscale.errors import SelectionError
from hfscale.plot.quantities import CLS, Quantity

#: Standard deviations of the expected results, in the order of the last axis of ``expected``.
NSIGMA = (-2, -1, 0, 1, 2)
_OPTIONAL = ("doubtful", "interval", "signal")


@dataclass(frozen=True)
class PlanePoints:
    """CLs or upper limits of signal points, without regard to where they were stored.

    Args:
        names: Names of the signal points.
        labels: For every label of the patchset its value at each point: numbers or text, of shape ``(point,)``.
        observed: Observed results; NaN where there is none.
        expected: Expected ones for -2, -1, 0, +1 and +2 standard deviations of the background, ascending.
        status: ``ok``, ``no_signal``, ``partial``, ``failed``, ``pending`` or ``not_run`` of each point.
        doubtful: Where the asymptotic formulas may not hold, to be marked; None where that is not known.
        interval: Lower and upper end of the uncertainty of the observed results from the number of toys, NaN where that
            is not known; None without toys.
        signal: Observed results with the cross-section of the signal one standard deviation down and up; None without.
        quantity: What the results are.
        level: CLs at upper limits; None for CLs.
        remarks: What a reader of the contour should know of the results, a sentence each.

    Raises:
        SelectionError: The arrays have not the same number of points.
    """

    names: tuple[str, ...]
    labels: Mapping[str, np.ndarray]
    observed: Float[np.ndarray, "point"]
    expected: Float[np.ndarray, "point 5"]
    status: tuple[str, ...]
    doubtful: Bool[np.ndarray, "point"] | None = None
    interval: Float[np.ndarray, "point side"] | None = None
    signal: Float[np.ndarray, "point variation"] | None = None
    quantity: Quantity = CLS
    level: float | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.names)
        lengths = {f"label {label!r}": len(values) for label, values in self.labels.items()}
        lengths |= {name: len(getattr(self, name)) for name in ("observed", "expected", "status")}
        lengths |= {name: len(getattr(self, name)) for name in _OPTIONAL if getattr(self, name) is not None}
        for what, length in lengths.items():
            if length != count:
                raise SelectionError(f"{what} has {length} values for {count} signal points")

    def take(self, kept: Bool[np.ndarray, "point"]) -> "PlanePoints":
        """Return the points where ``kept`` is true, in the same order."""
        indices = np.flatnonzero(kept)
        return replace(
            self,
            names=tuple(self.names[i] for i in indices),
            labels={label: values[indices] for label, values in self.labels.items()},
            observed=self.observed[indices],
            expected=self.expected[indices],
            status=tuple(self.status[i] for i in indices),
            doubtful=None if self.doubtful is None else self.doubtful[indices],
            interval=None if self.interval is None else self.interval[indices],
            signal=None if self.signal is None else self.signal[indices],
        )
