"""The figures of exclusion contours that a campaign file declares."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from hfscale.plan.settings import FiniteNumber, Settings

_PLANE = ("x", "y", "select", "project")
_FIGURE = ("output", "style", "interpolation_error")


class Contour(Settings):
    """One figure of an exclusion contour.

    Attributes:
        x: Expression of the patchset's labels for the horizontal axis.
        y: The same for the vertical axis.
        select: Expression that chooses the signal points of the plane, None for all.
        output: File to write; its suffix chooses the format.
        project: Whether labels that are no axis may vary among the selected points.
        style: Look of the figure.
        level: CLs on the contour, None for 0.05 or that of the limits.
        interpolation: How surfaces are laid through the points.
        smoothing: Of ``rbf`` and ``gp``: how far they may pass by the points.
        epsilon: Of ``rbf``: the width of its functions.
        log_x: Whether the horizontal axis is logarithmic.
        log_y: The same for the vertical axis.
        sigma_max: Significances above are set to this.
        forbidden: Condition that is true where no contour can be, such as ``y > x - 125``.
        forbidden_style: ``cut``, or ``histfitter`` for points mirrored at the edge of that region.
        interpolation_error: Whether to draw how far the contour may be off between points.
    """

    x: str
    y: str
    select: str | None = None
    output: str
    project: bool = False
    style: Literal["plain", "ATLAS", "CMS"] = "plain"
    level: FiniteNumber | None = Field(default=None, gt=0.0, lt=1.0)
    interpolation: Literal["linear", "cubic", "rbf", "gp"] = "linear"
    smoothing: FiniteNumber | None = Field(default=None, ge=0.0)
    epsilon: FiniteNumber | None = Field(default=None, gt=0.0)
    log_x: bool = False
    log_y: bool = False
    sigma_max: FiniteNumber = 5.0
    forbidden: str | None = None
    forbidden_style: Literal["cut", "histfitter"] = "cut"
    interpolation_error: bool = False

    @property
    def plane(self) -> Mapping[str, Any]:
        """The axes and the selection, as keyword arguments."""
        return self.model_dump(include=set(_PLANE))

    @property
    def surface(self) -> Mapping[str, Any]:
        """What is chosen about surfaces and the plane, besides axes and selection, as keyword arguments."""
        return self.model_dump(exclude={"x", "y", "select", *_FIGURE})
