"""What a contour is made from: the CLs of the signal points of a patchset and the labels that place them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hfscale.errors import SelectionError

#: Standard deviations of the expected CLs, in the order of the last axis of ``CLs_exp``.
NSIGMA = (-2, -1, 0, 1, 2)


@dataclass(frozen=True)
class PlanePoints:
    """CLs of signal points, without regard to where they were stored.

    Args:
        names: Names of the signal points.
        labels: For every label of the patchset its value at each point: numbers or text, of shape ``(point,)``.
        CLs_obs: Observed CLs; NaN where there is none.
        CLs_exp: Expected CLs for -2, -1, 0, +1 and +2 standard deviations of the background (small to large CLs).
        status: ``ok``, ``no_signal``, ``partial``, ``failed``, ``pending`` or ``not_run`` of each point.
        doubtful: Where the asymptotic formulas may not hold, to be marked; None where that is not known.

    Raises:
        SelectionError: The arrays have not the same number of points.
    """

    names: tuple[str, ...]
    labels: Mapping[str, np.ndarray]
    CLs_obs: Float[np.ndarray, "point"]
    CLs_exp: Float[np.ndarray, "point 5"]
    status: tuple[str, ...]
    doubtful: Bool[np.ndarray, "point"] | None = None

    def __post_init__(self) -> None:
        count = len(self.names)
        lengths = {f"label {label!r}": len(values) for label, values in self.labels.items()}
        lengths |= {"CLs_obs": len(self.CLs_obs), "CLs_exp": len(self.CLs_exp), "status": len(self.status)}
        lengths |= {} if self.doubtful is None else {"doubtful": len(self.doubtful)}
        for what, length in lengths.items():
            if length != count:
                raise SelectionError(f"{what} has {length} values for {count} signal points")

    def take(self, kept: Bool[np.ndarray, "point"]) -> "PlanePoints":
        """Return the points where ``kept`` is true, in the same order."""
        indices = np.flatnonzero(kept)
        return PlanePoints(
            names=tuple(self.names[i] for i in indices),
            labels={label: values[indices] for label, values in self.labels.items()},
            CLs_obs=self.CLs_obs[indices],
            CLs_exp=self.CLs_exp[indices],
            status=tuple(self.status[i] for i in indices),
            doubtful=None if self.doubtful is None else self.doubtful[indices],
        )
