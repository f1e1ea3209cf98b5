"""The verb ``contour``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hfscale.cli.completing import complete_labels
from hfscale.cli.figures import (
    chosen_numbers,
    figure_options,
    look_keywords,
    page_keywords,
    save_figures,
    split_outputs,
)
from hfscale.cli.messages import inform, say, write_json
from hfscale.cli.options import loudness_options
from hfscale.cli.searches import Subject, one_subject, open_searches, search_options
from hfscale.cli.surfaces import (
    find_surfaces,
    lines_to_dict,
    surface_keywords,
    surface_options,
    surfaces_to_dict,
    write_surfaces,
)

if TYPE_CHECKING:
    from hfscale.reading.tables import Table
    from hfscale.results import Results

_EPILOG = """\b
Examples:
  hfscale contour sbottom.zarr -x m_sbottom -y m_n2 --select "m_n1 == 60" -o contour.pdf
  hfscale contour results.zarr -x m_gluino -y "m_gluino - m_lsp" -o contour.png --csv contour.csv
  hfscale contour results.zarr -x m_gluino -y m_lsp -o contour.html
  hfscale contour cls.zarr -x m_gluino -y m_lsp --numbers limit --numbers-from limits.zarr --x-unit GeV -o c.pdf
  hfscale contour A.zarr B.zarr -x m_sbottom -y m_n2 --select "m_n1 == 60" --best-expected -o best.pdf
  hfscale contour significance.zarr -x m_gluino -y m_lsp --discovery 3,5 -o discovery.pdf"""


def _read_significances(context: click.Context, parameter: click.Parameter, text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise click.BadParameter(
            "give numbers with commas between them, for example 3,5", context, parameter
        ) from error


@click.command("contour", epilog=_EPILOG)
@click.argument("stores", type=click.Path(), metavar="STORE|TABLE...", nargs=-1, required=True)
@click.option(
    "-x",
    "x",
    required=True,
    metavar="EXPR",
    shell_complete=complete_labels,
    help="Horizontal axis, an expression of the labels.",
)
@click.option("-y", "y", required=True, metavar="EXPR", shell_complete=complete_labels, help="Vertical axis.")
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
@click.option(
    "--discovery",
    callback=_read_significances,
    is_flag=False,
    flag_value="3,5",
    metavar="Z,Z",
    help="Of a store of significances: where the significance is 3 and 5, or what is given.",
)
@search_options
@surface_options
@figure_options
@loudness_options
def contour_command(stores: tuple[str, ...], **options: Any) -> None:
    """Draw the exclusion contour of a plane of signal points: where CLs is the level, or where upper limits are 1.

    Of toys, dotted lines tell how far the observed contour could move if all toys were off to the same side; of CLs
    with a signal uncertainty, how far it moves with the cross-section of the signal. Instead of a store, a table of CLs
    as JSON or CSV will do. Several are drawn over each other.
    """
    if not any(options[key] for key in ("outputs", "csv", "interpolation_error", "suggest", "as_json")):
        raise click.UsageError("give at least one of -o FILE, --csv FILE, --interpolation-error, --suggest and --json")
    figures, pages = split_outputs(options["outputs"])
    searches = open_searches(stores, options)
    if options["discovery"] is not None:
        _refuse(
            options, "contours of one store of significances", *_NOT_OF_DISCOVERY, pages=pages, several=len(stores) > 1
        )
        (results,) = searches.values()
        _draw_discovery(results, figures, options)
    elif len(stores) > 1 and not options["best_expected"]:
        _refuse(options, "contours of one search", *_NOT_OF_SEVERAL, pages=pages)
        _draw_several(searches, figures, options)
    else:
        _draw_one(one_subject(searches), figures, pages, options)


_NOT_OF_SEVERAL = ("interpolation_error", "suggest", "numbers", "expected_lines")
_NOT_OF_DISCOVERY = ("interpolation_error", "suggest", "level", "expected_lines", "best_expected")


def _refuse(
    options: Mapping[str, Any], what: str, *names: str, pages: Sequence[Path], several: bool = False
) -> None:  # fmt: skip
    """Refuse options that would have no effect."""
    given = ["--" + name.replace("_", "-").removesuffix("s") for name in names if options[name]]
    given += ["HTML"] * bool(pages) + ["several stores"] * several
    if given:
        raise click.UsageError(f"{', '.join(given)}: not possible here, only of {what}")


def _draw_one(subject: Subject, figures: Sequence[Path], pages: Sequence[Path], options: dict[str, Any]) -> None:
    from hfscale.plot.compose import find_contours
    from hfscale.plot.contours import named_lines
    from hfscale.plot.figure import draw_contour
    from hfscale.plot.interactive import interactive_contour

    points = subject.points
    drawn = find_contours(points, options["x"], options["y"], options["select"], **surface_keywords(options))
    numbers = chosen_numbers(options, subject.numbers)
    for message in (*points.remarks, *drawn.contours.messages, *drawn.contours.remarks):
        say(message)
    found = find_surfaces(drawn, options)
    plane, contours = drawn
    if figures:
        lines = {"bands": options["bands"], "expected_lines": options["expected_lines"]}
        figure = draw_contour(contours, plane, numbers=numbers, error=found.error, **lines, **look_keywords(options))
        save_figures(figure, figures)
    if pages:
        page = interactive_contour(contours, plane, subject.facts(), messages=points.remarks, **page_keywords(options))
        for output in pages:
            page.save(output)
            inform(f"wrote {output}")
    _write_lines(named_lines(contours), options)
    write_surfaces(drawn, found, options)  # last: readers of standard output may leave early


def _draw_several(
    searches: "Mapping[str, Results | Table]", figures: Sequence[Path], options: dict[str, Any]
) -> None:  # fmt: skip
    from hfscale.plot.compose import find_contours
    from hfscale.plot.several import draw_several, lines_of_several

    found = {}
    for name, results in searches.items():
        points = results.plane_points()
        drawn = find_contours(points, options["x"], options["y"], options["select"], **surface_keywords(options))
        found[name] = drawn
        for message in (*points.remarks, *drawn.contours.messages, *drawn.contours.remarks):
            say(f"{name}: {message}")
    figure = draw_several(found, **look_keywords(options))
    if options["as_json"]:
        write_json({name: surfaces_to_dict(*drawn, None, None) for name, drawn in found.items()})
    save_figures(figure, figures)
    _write_lines(lines_of_several(found), options)


def _draw_discovery(results: "Results | Table", figures: Sequence[Path], options: dict[str, Any]) -> None:
    from hfscale.plot.compose import find_discovery
    from hfscale.plot.discovery import discovery_lines, draw_discovery
    from hfscale.reading.point_values import point_values
    from hfscale.results import Results

    if not isinstance(results, Results):
        raise click.UsageError("discovery contours are drawn of a store of significances, not of a table")
    axes = (options["x"], options["y"], options["select"])
    points, significances = results.discovery_points(), options["discovery"]
    plane, contours = find_discovery(points, *axes, significances, **surface_keywords(options))
    numbers = chosen_numbers(options, lambda key: point_values(results.to_list(), key))
    for message in contours.messages:
        say(message)
    if options["as_json"]:
        shared = {"x": plane.x_text, "y": plane.y_text, "significances": list(contours.significances)}
        lines = lines_to_dict(discovery_lines(contours))
        write_json({**shared, "messages": list(contours.messages), "lines": lines})
    if figures:
        save_figures(draw_discovery(contours, plane, numbers=numbers, **look_keywords(options)), figures)
    _write_lines(discovery_lines(contours), options)


def _write_lines(named: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    from hfscale.plot.line_tables import write_lines

    if options["csv"]:
        write_lines(named, Path(options["csv"]))
        inform(f"wrote {options['csv']}")
