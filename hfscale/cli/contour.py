"""The verb ``contour``."""

from pathlib import Path
from typing import Any

import click

from hfscale.cli.messages import inform, say
from hfscale.cli.options import loudness_options

_EPILOG = """\b
Examples:
  hfscale contour sbottom.zarr -x m_sbottom -y m_n2 --select "m_n1 == 60" -o contour.pdf
  hfscale contour results.zarr -x m_gluino -y "m_gluino - m_lsp" -o contour.png --csv contour.csv
  hfscale contour results.zarr -x m_gluino -y m_lsp -o contour.html"""


@click.command("contour", epilog=_EPILOG)
@click.argument("store", type=click.Path())
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
@click.option("--interpolation", type=click.Choice(["linear", "rbf"]), default="linear", show_default=True)
@click.option("--style", type=click.Choice(["plain", "ATLAS", "CMS"]), default="plain", show_default=True)
@click.option("--title", help="Text above the figure.")
@loudness_options
def contour_command(store: str, **options: Any) -> None:
    """Draw the exclusion contour of a plane of signal points: where CLs is the level, or where upper limits are 1.

    Of toys, dotted lines tell how far the observed contour could move if all toys were off to the same side.
    """
    from hfscale.plot.axes import select_plane
    from hfscale.plot.contours import contours_to_csv, exclusion_contours
    from hfscale.plot.figure import draw_contour
    from hfscale.plot.files import check_contour_file, save_figure
    from hfscale.plot.interactive import interactive_contour
    from hfscale.plot.web.page import is_page
    from hfscale.reading.facts import point_facts
    from hfscale.results import open_results

    if not options["outputs"] and not options["csv"]:
        raise click.UsageError("give at least one of -o FILE and --csv FILE")
    for output in options["outputs"]:
        check_contour_file(Path(output))
    results = open_results(store)
    points = results.plane_points()
    plane = select_plane(points, options["x"], options["y"], options["select"], project=options["project"])
    contours = exclusion_contours(plane, level=options["level"], interpolation=options["interpolation"])
    for message in (*points.remarks, *contours.messages):
        say(message)
    pages = [output for output in options["outputs"] if is_page(Path(output))]
    figures = [output for output in options["outputs"] if output not in pages]
    if figures:
        figure = draw_contour(contours, plane, style=options["style"], title=options["title"])
    for output in figures:
        save_figure(figure, Path(output))
        inform(f"wrote {output}")
    if pages:
        facts = point_facts(results.store)
        page = interactive_contour(contours, plane, facts, title=options["title"], messages=points.remarks)
    for output in pages:
        page.save(Path(output))
        inform(f"wrote {output}")
    if options["csv"]:
        contours_to_csv(contours, Path(options["csv"]))
        inform(f"wrote {options['csv']}")
