"""The figures of exclusion contours that a campaign file declares."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from hfscale.plan.settings import FiniteNumber, Settings

_PLANE = ("x", "y", "select", "project")
_LOOK = ("style", "style_file", "title", "x_label", "y_label", "x_unit", "y_unit")
_PAGE = ("title", "x_label", "y_label", "x_unit", "y_unit")
_LINES = ("bands", "expected_lines")
_FIGURE = ("output", "numbers", "interpolation_error", *_LOOK, *_LINES)


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
        style_file: Style file of matplotlib, over the style.
        title: Text above the figure.
        x_label, y_label: Texts at the axes; made from their expressions by default.
        x_unit, y_unit: Units behind these texts.
        bands: Filled bands of the expected contour: 0, 1 or 2.
        expected_lines: Standard deviations, of -2, -1, 1 and 2, for which the expected contour is drawn as a line.
        numbers: Key of ``hfscale show --json`` whose numbers are written beside the points.
    """

    x: str
    y: str
    select: str | None = None
    output: str
    project: bool = False
    style: Literal["plain", "ATLAS", "CMS"] = "plain"
    level: FiniteNumber | None = Field(default=None, gt=0.0, lt=1.0)
    interpolation: Literal["rbf", "linear", "cubic", "gp"] = "rbf"
    smoothing: FiniteNumber | None = Field(default=None, ge=0.0)
    epsilon: FiniteNumber | None = Field(default=None, gt=0.0)
    log_x: bool = False
    log_y: bool = False
    sigma_max: FiniteNumber = 5.0
    forbidden: str | None = None
    forbidden_style: Literal["cut", "histfitter"] = "cut"
    interpolation_error: bool = False
    style_file: str | None = None
    title: str | None = None
    x_label: str | None = None
    y_label: str | None = None
    x_unit: str | None = None
    y_unit: str | None = None
    bands: Literal[0, 1, 2] = 1
    expected_lines: tuple[Literal[-2, -1, 1, 2], ...] = ()
    numbers: str | None = None

    @property
    def plane(self) -> Mapping[str, Any]:
        """The axes and the selection, as keyword arguments."""
        return self.model_dump(include=set(_PLANE))

    @property
    def surface(self) -> Mapping[str, Any]:
        """What is chosen about surfaces and the plane, besides axes and selection, as keyword arguments."""
        return self.model_dump(exclude={"x", "y", "select", *_FIGURE})

    @property
    def page(self) -> Mapping[str, Any]:
        """What is chosen about the look of a page, as keyword arguments."""
        return self.model_dump(include=set(_PAGE))

    @property
    def figure(self) -> Mapping[str, Any]:
        """What is chosen about lines and the look of the figure, as keyword arguments."""
        return self.model_dump(include={*_LOOK, *_LINES})
