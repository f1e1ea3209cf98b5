"""What users choose of contours, as keyword arguments."""

from pathlib import Path
from typing import TypedDict


class SurfaceKeywords(TypedDict, total=False):
    """What can be chosen about the surfaces between signal points, and about the axes.

    Attributes:
        project: Let labels that are no axis vary among the selected points.
        level: CLs on the contour, 0.05 by default; upper limits have their own.
        interpolation: ``rbf`` (the default), ``linear``, ``cubic`` or ``gp``.
        smoothing: Of ``rbf`` and ``gp``, see :class:`hfscale.plot.surfaces.settings.SurfaceSettings`.
        epsilon: Of ``rbf``, in the same place.
        log_x: Whether the first axis is logarithmic.
        log_y: The same for the second axis.
        sigma_max: Significances of CLs above are set to this, 5 by default.
        forbidden: Condition that is true where no contour can be, such as ``y > x - 125``, in x, y and labels.
        forbidden_style: ``cut`` (the default) or ``histfitter``, see :func:`hfscale.plot.ground.make_ground`.
    """

    project: bool
    level: float | None
    interpolation: str
    smoothing: float | None
    epsilon: float | None
    log_x: bool
    log_y: bool
    sigma_max: float
    forbidden: str | None
    forbidden_style: str


class LookKeywords(TypedDict, total=False):
    """What can be chosen about the look of a figure, see :class:`hfscale.plot.look.Look`."""

    style: str
    style_file: str | Path | None
    title: str | None
    x_label: str | None
    y_label: str | None
    x_unit: str | None
    y_unit: str | None


class FigureKeywords(SurfaceKeywords, LookKeywords, total=False):
    """What can be chosen about a figure of contours: its surfaces, its axes and its look."""
