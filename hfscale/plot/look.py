"""How a figure of contours looks, apart from what it shows: style, title and labels."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hfscale.plot.axes import Plane
from hfscale.plot.canvas import Canvas, canvas
from hfscale.plot.labels import axis_label


@dataclass(frozen=True)
class Look:
    """How a figure looks.

    Attributes:
        style: ``plain``, or ``ATLAS`` or ``CMS`` in the manner of these experiments (mplhep), without their names.
        style_file: Style file of matplotlib, whose settings replace those of the style; None without one.
        title: Text above the axes, or None.
        x_label: Instead of the label made from the expression of x.
        y_label: The same for y.
        x_unit: Unit of x, such as ``GeV``, behind its label.
        y_unit: The same for y.
    """

    style: str = "plain"
    style_file: str | Path | None = None
    title: str | None = None
    x_label: str | None = None
    y_label: str | None = None
    x_unit: str | None = None
    y_unit: str | None = None

    @contextmanager
    def canvas(self, plane: Plane) -> Iterator[Canvas]:
        """Make a figure with named axes, whose style is in force as long as it is drawn on.

        Args:
            plane: What the axes are.

        Raises:
            SelectionError: No such style.
            InputError: The style file cannot be read.
        """
        with canvas(self.style, self.style_file) as drawn:
            x = _with_unit(self.x_label, plane.x_text, self.x_unit)
            y = _with_unit(self.y_label, plane.y_text, self.y_unit)
            drawn.name_axes(x, y, self.title)
            yield drawn


def _with_unit(label: str | None, expression: str, unit: str | None) -> str:
    if label is None:
        return axis_label(expression, unit)
    return f"{label} [{unit}]" if unit else label
