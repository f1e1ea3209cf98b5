"""The verb ``plot``: pictures of the results in a store."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hfscale.cli.completing import complete_labels, complete_points
from hfscale.cli.messages import inform, say
from hfscale.cli.options import loudness_options
from hfscale.cli.verbs import Verbs
from hfscale.errors import SelectionError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hfscale.pictures import Picture
    from hfscale.results import Results

_Command = TypeVar("_Command", bound=Callable[..., Any])

_EPILOG = """\b
Examples:
  hfscale plot brazil scan.zarr --point gluino_2000_1 -o brazil.pdf
  hfscale plot brazil toylimits.zarr --point gluino_2000_1 -o brazil.pdf
  hfscale plot brazil limits.zarr -x m_gluino --select "m_lsp == 1" -o limits.pdf
  hfscale plot profile profile.zarr --point gluino_2000_1 -o profile.pdf
  hfscale plot profile plane.zarr --point gluino_2000_1 -o plane.pdf --csv plane.csv
  hfscale plot toys toys.zarr --point gluino_2000_1 -o q.pdf
  hfscale plot spent toys.zarr -x m_gluino -y m_lsp -o spent.pdf
  hfscale plot pulls fit.zarr -o pulls.pdf
  hfscale plot correlations fit.zarr --threshold 0.2 -o correlations.pdf
  hfscale plot ranking ranking.zarr --most 20 -o ranking.pdf"""

_COMMON_OPTIONS = (
    click.argument("store", type=click.Path()),
    click.option(
        "-o", "--output", "outputs", multiple=True, required=True, metavar="FILE", help="PDF, PNG or SVG; repeatable."
    ),
    click.option("--style", type=click.Choice(["plain", "ATLAS", "CMS"]), default="plain", show_default=True),
    click.option("--title", help="Text above the figure."),
    loudness_options,
)
_point_option = click.option(
    "--point", metavar="NAME", shell_complete=complete_points, help="Signal point, or a pattern that matches one."
)
_select_option = click.option("--select", metavar="EXPR", help="Which points to draw, for example 'm_lsp == 1'.")
_level_option = click.option(
    "--level", type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True), default=0.05, show_default=True
)


def _picture_options(command: _Command) -> _Command:
    for option in reversed(_COMMON_OPTIONS):
        command = option(command)
    return command


@click.group("plot", cls=Verbs, epilog=_EPILOG)
def plot_command() -> None:
    """Draw CLs against the POI, upper limits, profile likelihoods, and what there is of toys."""


@plot_command.command("brazil")
@_picture_options
@_point_option
@click.option(
    "-x", "x", metavar="EXPR", shell_complete=complete_labels, help="Axis of upper limits, an expression of the labels."
)
@_select_option
@click.option(
    "--level",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    help="CLs at the limits that are marked.  [default: 0.05, or that of the limits in the store]",
)
@click.option("--log", is_flag=True, help="Draw CLs on a logarithmic axis, as limits always are.")
def brazil_command(store: str, outputs: tuple[str, ...], **options: Any) -> None:
    """Observed and expected results with their bands.

    CLs of one signal point against the POI, from a scan or from limits from toys; or, with -x, upper limits against a
    label, from any limits.
    """
    from hfscale import pictures
    from hfscale.reading.curves import has_curves

    def draw(results: "Results") -> "Picture":
        look = {"style": options["style"], "title": options["title"]}
        holds_limits = results.store.settings["calculation"].get("kind") == "limit"
        if not holds_limits:
            _refuse(options, "x", "select", why="upper limits, which this store does not hold")
        if options["x"] is not None:
            _refuse(options, "point", why="curves of CLs against the POI, and -x is for upper limits")
            return pictures.limits(results, options["x"], options["select"], **look)
        if holds_limits and not has_curves(results.store):
            raise SelectionError("upper limits are drawn against a label", remedy="name it with -x")
        _refuse(options, "select", why="upper limits, whose axis -x names")
        return pictures.brazil(results, options["point"], level=options["level"], log=options["log"], **look)

    _draw(store, outputs, draw)


@plot_command.command("profile")
@_picture_options
@_point_option
@click.option("--csv", metavar="FILE", help="Also write the contours of two parameters as CSV.")
def profile_command(store: str, outputs: tuple[str, ...], csv: str | None, **options: Any) -> None:
    """Profile likelihood of a signal point: a curve with lines at t = 1 and 3.84, or contours of 68.3 and 95 %."""
    from hfscale import pictures

    _draw(store, outputs, lambda results: pictures.profile(results, options.pop("point"), **options), csv)


@plot_command.command("toys")
@_picture_options
@_point_option
@click.option("--poi", type=float, metavar="MU", help="Tested POI value, of a store with several.")
def toys_command(store: str, outputs: tuple[str, ...], **options: Any) -> None:
    """Test statistic of toys of both hypotheses, its asymptotic distributions and the observed value."""
    from hfscale import pictures

    _draw(store, outputs, lambda results: pictures.toys(results, options.pop("point"), **options))


@plot_command.command("spent")
@_picture_options
@click.option("-x", "x", required=True, metavar="EXPR", help="Horizontal axis, an expression of the labels.")
@click.option("-y", "y", required=True, metavar="EXPR", help="Vertical axis.")
@_select_option
@click.option("--project", is_flag=True, help="Let labels that are no axis vary: the strongest point at each place.")
@_level_option
def spent_command(store: str, outputs: tuple[str, ...], **options: Any) -> None:
    """Toys spent on every signal point of a plane, and the contours."""
    from hfscale import pictures

    axes = [options.pop(name) for name in ("x", "y", "select")]
    _draw(store, outputs, lambda results: pictures.spent(results, *axes, **options))


def _refuse(options: dict[str, Any], *names: str, why: str) -> None:
    """Refuse options that mean nothing for what is drawn, rather than draw something else than was asked for."""
    for name in names:
        if options[name] is not None:
            raise SelectionError(f"the option {'-' if len(name) == 1 else '--'}{name} is for {why}")


_CABINETRY_OPTIONS = (_COMMON_OPTIONS[0], _COMMON_OPTIONS[1], _point_option, loudness_options)


def _cabinetry_options(command: _Command) -> _Command:
    """Add what pictures that cabinetry draws have in common: it has a style of its own."""
    for option in reversed(_CABINETRY_OPTIONS):
        command = option(command)
    return command


@plot_command.command("pulls")
@_cabinetry_options
@click.option("--exclude", multiple=True, metavar="GLOB", help="Parameters that are left out; repeatable.")
def pulls_command(store: str, outputs: tuple[str, ...], point: str | None, exclude: tuple[str, ...]) -> None:
    """Best fit and error of every parameter of a fit, drawn by cabinetry (extra cabinetry)."""
    from hfscale import measurement_pictures

    _draw_figure(store, outputs, lambda results: measurement_pictures.pulls(results, point, exclude=exclude))


@plot_command.command("correlations")
@_cabinetry_options
@click.option("--threshold", type=click.FloatRange(0.0, 1.0), default=0.0, show_default=True, help="Least correlation.")
def correlations_command(store: str, outputs: tuple[str, ...], point: str | None, threshold: float) -> None:
    """Correlation matrix of a fit, drawn by cabinetry (extra cabinetry)."""
    from hfscale import measurement_pictures

    _draw_figure(store, outputs, lambda results: measurement_pictures.correlations(results, point, threshold=threshold))


@plot_command.command("ranking")
@_cabinetry_options
@click.option("--most", type=click.IntRange(min=1), metavar="N", help="Most parameters that are shown.")
def ranking_picture_command(store: str, outputs: tuple[str, ...], point: str | None, most: int | None) -> None:
    """Impacts of nuisance parameters on the POI, drawn by cabinetry (extra cabinetry)."""
    from hfscale import measurement_pictures

    _draw_figure(store, outputs, lambda results: measurement_pictures.ranking(results, point, most=most))


def _draw_figure(store: str, outputs: tuple[str, ...], draw: "Callable[[Results], Figure]") -> None:
    from hfscale.pictures import Picture

    _draw(store, outputs, lambda results: Picture(draw(results), ()))


def _draw(store: str, outputs: tuple[str, ...], draw: "Callable[[Results], Picture]", csv: str | None = None) -> None:
    """Draw a picture of a store, say what is missing, and write it; nothing is written if anything is wrong.

    Args:
        store: The store.
        outputs: Files of the picture.
        draw: Draws it.
        csv: File for the lines of the picture, None for none.
    """
    from hfscale.plot.files import check_figure_file, save_figure
    from hfscale.plot.line_tables import write_lines
    from hfscale.results import open_results

    for output in outputs:
        check_figure_file(Path(output))
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
