"""Options about how contours are drawn, and writing figures."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hfscale.cli.messages import inform

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hfscale.plot.keywords import LookKeywords
    from hfscale.plot.markers import Numbers

_F = TypeVar("_F", bound=Callable[..., Any])
_LOOK = ("style", "style_file", "title", "x_label", "y_label", "x_unit", "y_unit")

_OPTIONS = (
    click.option("--style", type=click.Choice(["plain", "ATLAS", "CMS"]), default="plain", show_default=True),
    click.option("--style-file", metavar="FILE", help="Style file of matplotlib, over the style."),
    click.option("--title", help="Text above the figure."),
    click.option("--x-label", metavar="TEXT", help="Text at the horizontal axis; made from -x by default."),
    click.option("--y-label", metavar="TEXT", help="The same for the vertical axis."),
    click.option("--x-unit", metavar="UNIT", help="Unit behind that text, for example GeV."),
    click.option("--y-unit", metavar="UNIT", help="The same for the vertical axis."),
    click.option(
        "--bands",
        type=click.IntRange(0, 2),
        default=1,
        show_default=True,
        help="Filled bands of the expected contour: none, one standard deviation, two as well.",
    ),
    click.option(
        "--expected-line",
        "expected_lines",
        type=int,
        multiple=True,
        metavar="N",
        help="Draw the expected contour at N = -2, -1, 1 or 2 standard deviations as a line; repeatable.",
    ),
    click.option(
        "--numbers",
        metavar="KEY",
        help="Write a number beside each point: limit, CLs, or another key of 'show --json', such as CLs_exp.",
    ),
    click.option("--numbers-from", metavar="STORE", help="Take these numbers from another store, by names of points."),
)


def figure_options(command: _F) -> _F:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def look_keywords(options: Mapping[str, Any]) -> "LookKeywords":
    """Return what was chosen about the look of a figure."""
    look: Any = {name: options[name] for name in _LOOK}
    keywords: LookKeywords = look
    return keywords


def page_keywords(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was chosen about the look of a page."""
    return {name: options[name] for name in ("title", "x_label", "y_label", "x_unit", "y_unit")}


def chosen_numbers(options: Mapping[str, Any], own: Callable[[str], Mapping[str, float]]) -> "Numbers | None":
    """Return the numbers to write beside points, None if none are asked for.

    Args:
        options: Those of the command.
        own: Reads the numbers under a key from what is drawn, by names of points.
    """
    from hfscale.plot.markers import Numbers
    from hfscale.reading.point_values import point_values
    from hfscale.results import open_results

    key, store = options["numbers"], options["numbers_from"]
    if key is None:
        if store is not None:
            raise click.UsageError("--numbers-from needs --numbers KEY, which names what is taken from there")
        return None
    values = own(key) if store is None else point_values(open_results(store).to_list(), key)
    return Numbers(values, f"Numbers: {key.replace('_', ' ')}")


def split_outputs(outputs: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """Check that all outputs can be written, and tell figures from pages.

    Raises:
        InputError: One of them cannot be written.
    """
    from hfscale.plot.files import check_contour_file
    from hfscale.plot.web.page import is_page

    paths = [Path(output) for output in outputs]
    for path in paths:
        check_contour_file(path)
    return [path for path in paths if not is_page(path)], [path for path in paths if is_page(path)]


def save_figures(figure: "Figure", paths: Sequence[Path]) -> None:
    """Write a figure to files, and say so."""
    from hfscale.plot.files import save_figure

    for path in paths:
        save_figure(figure, path)
        inform(f"wrote {path}")
