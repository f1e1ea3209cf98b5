"""Empty figures in a style, without pyplot and without changing anybody's settings."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.text import Text

from hfscale.plot.style_files import read_style_file
from hfscale.plot.styles import PALETTES, Palette, style_settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ShownFigure(Figure):
    """A figure that notebooks show, though pyplot, which usually teaches them to, has nothing to do with it."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()


class Canvas(NamedTuple):
    """A figure with one pair of axes, and the colours to draw in."""

    figure: Figure
    axes: "Axes"
    palette: Palette

    def name_axes(self, x: str, y: str, title: str | None) -> None:
        """Write what the axes show, and a text above them."""
        self.axes.set_xlabel(x, loc="right")
        self.axes.set_ylabel(y, loc="top")
        self.axes.set_title(title or "", loc="left")

    def explain(self, entries: Sequence[Artist], title: str = "") -> None:
        """Put a legend above the axes, where it hides nothing."""
        legend = self.figure.legend(
            handles=list(entries), title=title, ncols=2, frameon=False, loc="outside upper left"
        )
        legend.set_alignment("left")


@contextmanager
def canvas(style: str, style_file: str | Path | None = None) -> Iterator[Canvas]:
    """Make a figure in a style, which is in force as long as it is drawn on.

    Args:
        style: ``plain``, or ``ATLAS`` or ``CMS`` in the manner of these experiments (mplhep), without their names.
        style_file: Style file of matplotlib, whose settings replace those of the style; None without one.

    Raises:
        SelectionError: No such style.
        InputError: The style file cannot be read.
    """
    own = {} if style_file is None else read_style_file(style_file)
    with matplotlib.style.context(["default", style_settings(style), own]):
        figure = ShownFigure(layout="constrained")
        yield Canvas(figure, figure.add_subplot(), PALETTES[style])
        fix_fonts(figure)


def fix_fonts(figure: Figure) -> None:
    """Write the fonts of the style into the texts: names of generic families are else resolved when drawn, outside."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    family = get_font(findfont(FontProperties())).family_name
    mathematics = "dejavusans" if family == "DejaVu Sans" else "stixsans"
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            size = axis.get_major_ticks(1)[0].label1.get_fontsize()
            axis.set_tick_params(which="both", labelfontfamily=family, labelsize=size)
    figure.draw_without_rendering()  # makes the ticks while the style is in force
    for text in figure.findobj(Text):
        text.set_fontfamily(family)
        text.set_math_fontfamily(mathematics)
