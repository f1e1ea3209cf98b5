"""The verb ``contour``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hfscale.cli.messages import inform, say, write_json
from hfscale.cli.options import loudness_options
from hfscale.cli.surfaces import surface_keywords, surface_options, surfaces_to_dict, write_error, write_suggestions

if TYPE_CHECKING:
    from hfscale.plot.compose import Drawn
    from hfscale.plot.interpolation_error import InterpolationError
    from hfscale.reading.tables import Table
    from hfscale.results import Results

_EPILOG = """\b
Examples:
  hfscale contour sbottom.zarr -x m_sbottom -y m_n2 --select "m_n1 == 60" -o contour.pdf
  hfscale contour results.zarr -x m_gluino -y "m_gluino - m_lsp" -o contour.png --csv contour.csv
  hfscale contour results.zarr -x m_gluino -y m_lsp -o contour.html"""


@click.command("contour", epilog=_EPILOG)
@click.argument("store", type=click.Path(), metavar="STORE|TABLE")
@click.option("-x", "x", required=True, metavar="EXPR", help="Horizontal axis, an expression of the labels.")
@click.option("-y", "y", required=True, metavar="EXPR", help="Vertical axis.")
@click.option("--select", metavar="EXPR", help="Which points make the plane, for example 'm_n1 == 60'.")
@click.option("--project", is_flag=True, help="Let labels that are no axis vary: the strongest point at each place.")
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FILE", help="PDF, PNG, SVG, or HTML to explore; repeatable."
)
@click.option("--csv", metavar="FILE", help="Also write every line as CSV.")
@click.option(
    "--level",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    help="CLs at the contour.  [default: 0.05, or that of the limits in the store]",
)
@surface_options
@click.option("--labels", metavar="NAMES", help="Names of the values of a table, separated by commas.")
@click.option("--style", type=click.Choice(["plain", "ATLAS", "CMS"]), default="plain", show_default=True)
@click.option("--title", help="Text above the figure.")
@loudness_options
def contour_command(store: str, **options: Any) -> None:
    """Draw the exclusion contour of a plane of signal points: where CLs is the level, or where upper limits are 1.

    Of toys, dotted lines tell how far the observed contour could move if all toys were off to the same side. Instead of
    a store, a table of CLs as JSON or CSV will do.
    """
    from hfscale.plot.compose import find_contours
    from hfscale.plot.contours import contours_to_csv
    from hfscale.plot.files import check_contour_file

    if not any(options[key] for key in ("outputs", "csv", "interpolation_error", "suggest", "as_json")):
        raise click.UsageError("give at least one of -o FILE, --csv FILE, --interpolation-error, --suggest and --json")
    for output in options["outputs"]:
        check_contour_file(Path(output))
    results = _results(store, options["labels"])
    points = results.plane_points()
    drawn = find_contours(points, options["x"], options["y"], options["select"], **surface_keywords(options))
    for message in (*points.remarks, *drawn.contours.messages, *drawn.contours.remarks):
        say(message)
    error = _write_surfaces(drawn, options)
    _draw(results, drawn, error, options)
    if options["csv"]:
        contours_to_csv(drawn.contours, Path(options["csv"]))
        inform(f"wrote {options['csv']}")


def _results(store: str, labels: str | None) -> "Results | Table":
    from hfscale.reading.tables import is_table, read_table
    from hfscale.results import open_results

    if is_table(store):
        return read_table(store, [name.strip() for name in labels.split(",")] if labels else ())
    if labels:
        raise click.UsageError("--labels names the values of a table; a store has labels of its own")
    return open_results(store)


def _write_surfaces(drawn: "Drawn", options: dict[str, Any]) -> "InterpolationError | None":
    """Print what was asked for of the surfaces, and return their error to be drawn."""
    from hfscale.plot.interpolation_error import interpolation_error
    from hfscale.plot.suggestions import suggest_points

    error = interpolation_error(*drawn) if options["interpolation_error"] else None
    suggestions = suggest_points(*drawn, options["suggest"]) if options["suggest"] else None
    if options["as_json"]:
        write_json(surfaces_to_dict(*drawn, error, suggestions))
        return error
    if error is not None:
        write_error(drawn.plane, error)
    if suggestions is not None:
        write_suggestions(drawn.plane, suggestions)
    return error


def _draw(
    results: "Results | Table", drawn: "Drawn", error: "InterpolationError | None", options: dict[str, Any]
) -> None:
    """Write all figures and pages."""
    from hfscale.plot.figure import draw_contour
    from hfscale.plot.files import save_figure
    from hfscale.plot.interactive import interactive_contour
    from hfscale.plot.web.page import is_page

    pages = [output for output in options["outputs"] if is_page(Path(output))]
    figures = [output for output in options["outputs"] if output not in pages]
    plane, contours = drawn
    if figures:
        figure = draw_contour(contours, plane, style=options["style"], title=options["title"], error=error)
    for output in figures:
        save_figure(figure, Path(output))
        inform(f"wrote {output}")
    if pages:
        messages = results.plane_points().remarks
        page = interactive_contour(contours, plane, results.facts(), title=options["title"], messages=messages)
    for output in pages:
        page.save(Path(output))
        inform(f"wrote {output}")
