"""The report on a store as one self-contained page."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hfscale.errors import SelectionError
from hfscale.plan.contours import Contour
from hfscale.plot.compose import find_contours
from hfscale.plot.interactive import SCRIPT, InteractiveContour, interactive_contour
from hfscale.plot.web.markup import Html, element
from hfscale.plot.web.page import check_page_file, heading, make_page, save_page, section
from hfscale.reading.facts import point_facts
from hfscale.reporting.measurements import measurement_sections
from hfscale.reporting.provenance import inputs_section, reproduction_section, settings_section, versions_section
from hfscale.reporting.reproduce import reproduction
from hfscale.reporting.selection import asked_contour, likely_contour, recorded_contours
from hfscale.reporting.standing import points_section, problems_section, summary_section
from hfscale.reporting.work import costs_of
from hfscale.reporting.workload import work_section
from hfscale.results import Results, open_results
from hfscale.store.places import Place

_SCRIPTS = (SCRIPT, "table.js")


def report(
    store: "Results | str | Place",
    output: str | Path,
    *,
    x: str | None = None,
    y: str | None = None,
    select: str | None = None,
    project: bool = False,
) -> Path:
    """Write a report on a store: one page for browsers and for paper, which needs no network and no other file.

    It tells what was computed, from which inputs and settings, the results with their contour, what failed and why,
    what it cost, and the commands that make the store again. Unfinished stores have reports too.

    Args:
        store: The store, or its results.
        output: File to write, ending in .html.
        x, y: Axes of the contour, expressions of the labels; by default the first two labels that span a plane.
        select: Condition that makes the points one plane, such as ``m_n1 == 60``.
        project: Draw points of several planes in one.

    Returns:
        The file.

    Raises:
        InputError: The file cannot be written, or one axis is given without the other.
        SelectionError: The points that were asked for are not one plane, or the store has no results for a contour.
        StoreError: There is no such store, or it is damaged.
    """
    path = Path(output)
    check_page_file(path)
    asked = asked_contour(x, y, select, project)
    results = store if isinstance(store, Results) else open_results(store)
    save_page(report_page(results, asked), path)
    return path


def report_page(results: Results, asked: Contour | None = None) -> str:
    """Return the report as a page.

    Args:
        results: The results.
        asked: The contour to draw; None for those of the campaign, or one of ours.

    Raises:
        SelectionError: The points that were asked for are not one plane, or the store has no results for a contour.
    """
    rows = results.to_list()
    contours = [asked] if asked else _own_contours(results)
    costs, measured = costs_of(results), measurement_sections(results, rows)
    title = f"Report on {results.path.name}"
    body = [
        heading(title, *_first_lines(results)),
        summary_section(results),
        None if measured and not contours else _contour_section(results, rows, contours, asked),
        *measured,
        points_section(results, rows),
        problems_section(results, rows),
        work_section(results, costs),
        inputs_section(results.store),
        settings_section(results.store),
        reproduction_section(reproduction(results.store, contours)),
        versions_section(results.store, costs),
    ]
    return make_page(title, body, _SCRIPTS)


def _first_lines(results: Results) -> Iterator[str]:
    metadata = results.store.attributes["provenance"].get("metadata") or {}
    if description := metadata.get("description"):
        yield str(description)
    created = str(results.store.attributes.get("created", ""))
    yield f"Store {results.path}, made {created}."


def _own_contours(results: Results) -> list[Contour]:
    """The contours of the store's campaign, else one of our choice; none where results or labels make no contour."""
    recorded = recorded_contours(results.store)
    if recorded:
        return recorded
    try:
        likely = likely_contour(results.plane_points())
    except SelectionError:
        return []
    return [] if likely is None else [likely]


def _contour_section(
    results: Results, rows: list[dict[str, Any]], contours: Sequence[Contour], asked: Contour | None
) -> Html:  # fmt: skip
    return section("Contour", *_contours(results, rows, contours, was_asked=asked is not None))


def _contours(
    results: Results, rows: list[dict[str, Any]], contours: Sequence[Contour], *, was_asked: bool
) -> Iterator[Html]:  # fmt: skip
    if not contours:
        yield _note("There is no contour: that takes CLs at one POI value, or upper limits, of points with two labels.")
    for number, contour in enumerate(contours, start=1):
        chosen = f" where {contour.select}" if contour.select else ""
        try:
            drawn = _drawn(results, rows, contour)
        except SelectionError as error:
            if was_asked:
                raise
            yield _note(f"There is no contour of {contour.y} against {contour.x}{chosen}: {error.message}.")
            continue
        yield drawn.figure(f"contour-{number}")
        yield _note(f"{contour.y} against {contour.x}{chosen}; -x, -y and --select choose another plane.")


def _drawn(results: Results, rows: list[dict[str, Any]], contour: Contour) -> InteractiveContour:
    points = results.plane_points()
    plane, contours = find_contours(points, contour.x, contour.y, contour.select, **contour.surface)
    facts = point_facts(results.store, rows)
    return interactive_contour(contours, plane, facts, messages=points.remarks, **contour.page)


def _note(text: str) -> Html:
    return element("p", text, class_="note")
