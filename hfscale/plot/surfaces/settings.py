"""What the user chooses about surfaces."""

from dataclasses import dataclass
from typing import Literal, get_args

from hfscale.errors import SelectionError

Interpolation = Literal["linear", "cubic", "rbf", "gp"]
ForbiddenStyle = Literal["cut", "histfitter"]


@dataclass(frozen=True)
class SurfaceSettings:
    """How a surface is laid through the signal points.

    Args:
        interpolation: ``linear`` on Delaunay triangles, ``cubic`` on the same (Clough and Tocher), ``rbf``
            (multiquadric radial functions, as HistFitter) or ``gp`` (Gaussian process).
        smoothing: Of ``rbf``: how far the surface may pass by the points, as ``smooth`` of ``scipy.interpolate.Rbf``.
        epsilon: Of ``rbf``: the width of its functions, in the unit of x (of its decimal logarithm on a logarithmic
            axis); None for the mean distance of the points.

    Raises:
        SelectionError: No such interpolation, or a number that it does not take.
    """

    interpolation: str = "linear"
    smoothing: float = 0.0
    epsilon: float | None = None

    def __post_init__(self) -> None:
        known = get_args(Interpolation)
        if self.interpolation not in known:
            listed = ", ".join(repr(name) for name in known[:-1])
            raise SelectionError(f"no interpolation {self.interpolation!r}", remedy=f"choose {listed} or {known[-1]!r}")
        if self.interpolation != "rbf" and (self.smoothing or self.epsilon is not None):
            raise SelectionError(
                f"smoothing and epsilon are settings of the interpolation 'rbf', not of {self.interpolation!r}",
                remedy="choose the interpolation 'rbf', or leave them out",
            )
        if not 0.0 <= self.smoothing < float("inf"):
            raise SelectionError(f"the smoothing {self.smoothing:g} is not 0 or positive")
        if self.epsilon is not None and not 0.0 < self.epsilon < float("inf"):
            raise SelectionError(f"the width epsilon {self.epsilon:g} of radial functions is not positive")
