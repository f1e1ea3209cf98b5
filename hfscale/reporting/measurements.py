"""What a report says of best fits and rankings: tables of parameters, impacts and groups, and some pictures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hfscale.errors import InputError
from hfscale.plot.labels import axis_label
from hfscale.plot.web.images import figure_image
from hfscale.plot.web.markup import Html, element, table
from hfscale.plot.web.page import section
from hfscale.reading.group_impacts import impacts_of_groups, sums_of_impacts
from hfscale.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hfscale.reading.fits import FittedPoint
    from hfscale.reading.rankings import RankedPoint

_MOST_ROWS = 20_000
"""Browsers become slow with more; the store has them all."""
_MOST_POINTS = 3
"""Signal points with pictures."""
_MOST_PULLS = 100
_MOST_CORRELATED = 25
_MOST_RANKED = 20

_Row = Mapping[str, Any]
_FIT = ("parameter", "value", "error", "MINOS \N{MINUS SIGN}", "MINOS +", "remark")
_IMPACTS = ("prefit_up", "prefit_down", "postfit_up", "postfit_down", "component", "value", "error")


def measurement_sections(results: Results, rows: Sequence[_Row]) -> list[Html]:
    """Return the sections on best fits and rankings; none for results of other kinds.

    Args:
        results: The results.
        rows: Their JSON objects.
    """
    kind = results.store.settings["calculation"].get("kind")
    if kind == "fit":
        return [_fits_section(results, rows)]
    if kind == "ranking":
        return [_rankings_section(results, rows)]
    return []


def _fits_section(results: Results, rows: Sequence[_Row]) -> Html:
    parameters = [
        (row["name"], *_parameter(name, fields)) for row in rows for name, fields in row["parameters"].items()
    ]
    fits = [fit for fit in results.fits() if fit.status == "ok"][:_MOST_POINTS]
    pictures = [picture for fit in fits for picture in _fit_pictures(fit)]
    whole = _table(("name", *_FIT), parameters, "fit", "the parameters")
    return section("Best fit", _warnings(rows), *whole, *pictures, _left_out(rows, fits))


def _parameter(name: str, fields: _Row) -> tuple[object, ...]:
    remark = "fixed" if fields["fixed"] else "at bound" if fields["at_bound"] else None
    return (name, fields["value"], fields["error"], *fields.get("minos", (None, None)), remark)


def _rankings_section(results: Results, rows: Sequence[_Row]) -> Html:
    impacts = [
        (row["name"], one["parameter"], *(one[key] for key in _IMPACTS)) for row in rows for one in row["impacts"]
    ]
    groups = [
        (row["name"], one["group"], one["parameters"], one["impact"], one["component"])
        for row in rows
        for one in row["groups"]
    ]
    titles = ("name", "parameter", *(key.replace("_", " ").replace("fit", "-fit") for key in _IMPACTS))
    ranked = [one for one in results.rankings() if one.fit.status == "ok"][:_MOST_POINTS]
    pictures = [picture for one in ranked for picture in _ranking_pictures(one)]
    return section(
        "Ranking",
        _warnings(rows),
        *_table(titles, impacts, "impacts", "the impacts"),
        element("h3", "Groups"),
        table(("name", "group", "parameters", "impact", "component"), groups, data_sortable=True),
        *pictures,
        _left_out(rows, [one.fit for one in ranked]),
    )


def _table(titles: Sequence[str], rows: Sequence[Sequence[object]], identity: str, what: str) -> list[Html]:
    """A table that sorts and filters, and a sentence about what it leaves out."""
    search = element(
        "div",
        element("label", "Show rows with ", element("input", type="search", data_filters=identity)),
        element("span", class_="count", role="status"),
        class_="filter",
        hidden=True,
    )
    shown = table(titles, rows[:_MOST_ROWS], frame="tall", id=identity, data_sortable=True)
    rest = len(rows) - _MOST_ROWS
    return [search, shown, *([_note(f"{rest} more rows of {what} are in the store.")] if rest > 0 else [])]


def _warnings(rows: Sequence[_Row]) -> Html | None:
    """The warnings of the fits, each once, with the points that have it."""
    points: dict[str, list[str]] = {}
    for row in rows:
        for text in row["warnings"]:
            points.setdefault(text, []).append(row["name"])
    if not points:
        return None
    items = (
        element("li", f"{', '.join(names[:_MOST_POINTS])}{', ...' if len(names) > _MOST_POINTS else ''}: {text}")
        for text, names in points.items()
    )
    return element("ul", *items, class_="warnings")


def _fit_pictures(fit: "FittedPoint") -> Iterator[Html]:
    from hfscale.plot.cabinetry.fits import draw_correlations, draw_pulls

    if int((fit.errors > 0).sum()) <= _MOST_PULLS:
        yield from _drawn(lambda: draw_pulls(fit.to_cabinetry()), f"Best fit of {fit.name}")
    threshold = _threshold(fit.correlation)
    yield from _drawn(
        lambda: draw_correlations(fit.to_cabinetry(), threshold=threshold),
        f"Correlations of {fit.name}" + (f", of parameters with one of at least {threshold:.2g}" if threshold else ""),
    )


def _ranking_pictures(ranked: "RankedPoint") -> Iterator[Html]:
    from hfscale.plot.cabinetry.fits import draw_ranking
    from hfscale.plot.group_impacts import draw_group_impacts

    name, poi = ranked.fit.name, ranked.poi
    yield from _drawn(
        lambda: draw_ranking(ranked.to_cabinetry(), most=_MOST_RANKED), f"Largest impacts on {poi} of {name}"
    )
    yield from _drawn(
        lambda: draw_group_impacts(impacts_of_groups(ranked), sums_of_impacts(ranked), poi=axis_label(poi)),
        f"Impacts of groups on {poi} of {name}",
    )


def _drawn(draw: "Callable[[], Figure]", description: str) -> Iterator[Html]:
    """A picture, or why there is none: cabinetry is not installed, or there is nothing to draw."""
    try:
        figure = draw()
    except InputError as error:
        yield _note(f"{description}: not drawn, {error.message}.")
        return
    yield figure_image(figure, description)


def _threshold(correlation: np.ndarray) -> float:
    """The size of correlations that leaves as many parameters as a matrix can show; 0 where it can show all."""
    if len(correlation) <= _MOST_CORRELATED:
        return 0.0
    largest = np.sort(np.abs(correlation - np.diag(np.diag(correlation))).max(axis=0))
    return float(np.nextafter(largest[-_MOST_CORRELATED - 1], 1.0))


def _left_out(rows: Sequence[_Row], drawn: Sequence["FittedPoint"]) -> Html | None:
    done = sum(row["status"] == "ok" for row in rows)
    if done <= len(drawn):
        return None
    return _note(f"Pictures of {len(drawn)} of {done} points are shown; hfscale plot draws the others.")


def _note(text: str) -> Html:
    return element("p", text, class_="note")
