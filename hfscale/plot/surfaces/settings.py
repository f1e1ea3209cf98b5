"""What the user chooses about surfaces."""

from dataclasses import dataclass
from typing import Literal, get_args

from hfscale.errors import SelectionError

Interpolation = Literal["rbf", "linear", "cubic", "gp"]
DEFAULT_INTERPOLATION: Interpolation = "rbf"
"""That of HistFitter."""
ForbiddenStyle = Literal["cut", "histfitter"]


@dataclass(frozen=True)
class SurfaceSettings:
    """How a surface is laid through the signal points.

    Args:
        interpolation: ``rbf`` (multiquadric radial functions, as HistFitter), ``linear`` on Delaunay triangles,
            ``cubic`` on the same (Clough and Tocher), or ``gp`` (Gaussian process).
        smoothing: How far the surface may pass by the points: of ``rbf`` as ``smooth`` of ``scipy.interpolate.Rbf``, by
            default 0; of ``gp`` the share of the variance that is scatter of points, by default the most likely one.
        epsilon: Of ``rbf``: the width of its functions, in the unit of x (of its decimal logarithm on a logarithmic
            axis); None for the mean distance of the points.

    Raises:
        SelectionError: No such interpolation, or a number that it does not take.
    """

    interpolation: str = DEFAULT_INTERPOLATION
    smoothing: float | None = None
    epsilon: float | None = None

    def __post_init__(self) -> None:
        known = get_args(Interpolation)
        if self.interpolation not in known:
            listed = ", ".join(repr(name) for name in known[:-1])
            raise SelectionError(f"no interpolation {self.interpolation!r}", remedy=f"choose {listed} or {known[-1]!r}")
        if self.interpolation not in ("rbf", "gp") and self.smoothing is not None:
            raise SelectionError(
                f"the interpolation {self.interpolation!r} goes through all points and takes no smoothing",
                remedy="choose the interpolation 'rbf' or 'gp', or leave the smoothing out",
            )
        if self.interpolation != "rbf" and self.epsilon is not None:
            raise SelectionError(
                f"the width epsilon is one of radial functions, not of the interpolation {self.interpolation!r}",
                remedy="choose the interpolation 'rbf', or leave it out",
            )
        if self.smoothing is not None and not 0.0 <= self.smoothing < float("inf"):
            raise SelectionError(f"the smoothing {self.smoothing:g} is neither 0 nor positive")
        if self.epsilon is not None and not 0.0 < self.epsilon < float("inf"):
            raise SelectionError(f"the width epsilon {self.epsilon:g} of radial functions is not positive")

    @property
    def is_exact(self) -> bool:
        """Whether the surface goes through all points."""
        return not self.smoothing if self.interpolation != "gp" else self.smoothing == 0.0
