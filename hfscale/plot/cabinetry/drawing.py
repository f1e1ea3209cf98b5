"""Having cabinetry draw: in one of our styles, and with nothing of it left behind in pyplot."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hfscale.errors import InputError, SelectionError
from hfscale.plot.canvas import fix_fonts
from hfscale.plot.styles import style_settings

_LAYOUT: dict[str, Any] = {
    **dict.fromkeys(("xtick.minor.visible", "ytick.minor.visible"), False),
    "font.size": 10.0,
    **dict.fromkeys(("axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"), "medium"),
    "axes.titlesize": "large",
}
"""What cabinetry's layouts are made for: minor ticks where it adds some, and letters of this size."""


def draw_with_cabinetry(draw: Callable[[ModuleType], Figure], *, style: str, title: str | None) -> Figure:
    """Call a function that draws with `cabinetry.visualize`, and finish its figure.

    cabinetry sets colours of its own, over those of the style, and makes figures with pyplot, which forgets this one.

    Args:
        draw: Gets the module; returns its figure.
        style: As in :func:`hfscale.plot.canvas.canvas`.
        title: Text above the axes, or None.

    Raises:
        InputError: cabinetry is not installed.
        SelectionError: cabinetry refuses to draw this, or there is no such style.
    """
    visualize = _visualize()
    with _drawing(style), _closed_figures():
        try:
            figure = draw(visualize)
        except ValueError as error:
            raise SelectionError(
                f"cabinetry cannot draw this: {error}", remedy="look at the numbers with hfscale show, or draw others"
            ) from error
        if title is not None:
            figure.axes[0].set_title(title, loc="left")
        fix_fonts(figure)
        _fix_colours(figure)
    return figure


@contextmanager
def _closed_figures() -> Iterator[None]:
    """Close what is made with pyplot meanwhile, also where drawing fails."""
    from matplotlib import pyplot

    before = set(pyplot.get_fignums())
    try:
        yield
    finally:
        for number in set(pyplot.get_fignums()) - before:
            pyplot.close(number)


def _fix_colours(figure: Figure) -> None:
    """Write the colours of lines out: "C0" is else that of the settings in force when the figure is saved."""
    for line in figure.findobj(Line2D):
        if isinstance(line, Line2D):
            line.set_color(to_rgba(line.get_color()))


@contextmanager
def _drawing(style: str) -> Iterator[None]:
    """Settings of a style; silence about empty bins, which cabinetry divides by and leaves out of ratios."""
    settings, logger = {**style_settings(style), **_LAYOUT}, logging.getLogger("cabinetry")
    level = logger.level
    with matplotlib.style.context(["default", settings]), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


def _visualize() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from cabinetry import visualize
    except ImportError as error:
        raise InputError(
            "cabinetry, which draws this, is not installed", remedy="install it with pip install 'hfscale[cabinetry]'"
        ) from error
    found: ModuleType = visualize
    return found
