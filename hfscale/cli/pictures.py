"""What the pictures of ``hfscale plot`` have in common: options, and writing figures."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hfscale.cli.completing import complete_points
from hfscale.cli.messages import inform, say
from hfscale.cli.options import loudness_options
from hfscale.errors import SelectionError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hfscale.pictures import Picture
    from hfscale.results import Results

_Command = TypeVar("_Command", bound=Callable[..., Any])

_LOOK_OPTIONS = (
    click.option(
        "-o", "--output", "outputs", multiple=True, required=True, metavar="FILE", help="PDF, PNG or SVG; repeatable."
    ),
    click.option("--style", type=click.Choice(["plain", "ATLAS", "CMS"]), default="plain", show_default=True),
    click.option("--title", help="Text above the figure."),
    loudness_options,
)
point_option = click.option(
    "--point", metavar="NAME", shell_complete=complete_points, help="Signal point, or a pattern that matches one."
)


def look_options(command: _Command) -> _Command:
    """Add the files that are written, and what is chosen about the look of pictures."""
    for option in reversed(_LOOK_OPTIONS):
        command = option(command)
    return command


def picture_options(command: _Command) -> _Command:
    """Add STORE and `look_options`."""
    return click.argument("store", type=click.Path())(look_options(command))


def write_picture(
    store: str, outputs: tuple[str, ...], draw: "Callable[[Results], Picture]", csv: str | None = None
) -> None:  # fmt: skip
    """Draw a picture of a store, say what is missing, and write it; nothing is written if anything is wrong.

    Args:
        store: The store.
        outputs: Files of the picture.
        draw: Draws it.
        csv: File for the lines of the picture, None for none.
    """
    from hfscale.plot.files import save_figure
    from hfscale.plot.line_tables import write_lines
    from hfscale.results import open_results

    check_outputs(outputs)
    picture = draw(open_results(store))
    if csv is not None and picture.lines is None:
        raise SelectionError(
            "one parameter has no contour that --csv could write", remedy="hfscale export csv writes the curve"
        )
    for message in picture.messages:
        say(message)
    for output in outputs:
        save_figure(picture.figure, Path(output))
        inform(f"wrote {output}")
    if csv is not None and picture.lines is not None:
        write_lines(picture.lines, Path(csv))
        inform(f"wrote {csv}")


def write_figure(store: str, outputs: tuple[str, ...], draw: "Callable[[Results], Figure]") -> None:
    """Draw a figure of a store and write it, as `write_picture`."""
    from hfscale.pictures import Picture

    write_picture(store, outputs, lambda results: Picture(draw(results), ()))


def check_outputs(outputs: Iterable[str]) -> None:
    """Check, before anything is read, that figures can be written.

    Raises:
        InputError: One of them cannot.
    """
    from hfscale.plot.files import check_figure_file

    for output in outputs:
        check_figure_file(Path(output))
