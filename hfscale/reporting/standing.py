"""What a report says of the results: counts, a table of all points, and what went wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfscale.plan.settings import Calculation
from hfscale.plot.interactive import Fact
from hfscale.plot.web.markup import Html, element, facts, table
from hfscale.plot.web.page import section
from hfscale.reading.facts import facts_of, point_facts
from hfscale.results import Results

MOST_ROWS = 20_000
"""Browsers become slow with more; the store has them all."""

_Row = Mapping[str, Any]
_KINDS = {
    "cls": "CLs at one value of the POI",
    "scan": "CLs at several values of the POI",
    "limit": "upper limits on the POI",
    "significance": "significance of the signal (p-value of the background-only hypothesis)",
    "profile": "profile likelihood",
    "fit": "best fits of all parameters",
    "ranking": "impacts of nuisance parameters on the POI",
    "gof": "goodness of fit against the saturated model",
}


def summary_section(results: Results) -> Html:
    """What was computed, and how much of it is there."""
    status, settings = results.status(), results.store.settings
    calculation = Calculation.model_validate(settings["calculation"])
    done = status.points_ok + status.points_no_signal
    pairs: list[tuple[str, object]] = [
        ("computed", _KINDS.get(calculation.kind, calculation.kind)),
        ("from", "toys" if calculation.toybased else "asymptotic formulas"),
        ("measurement", settings["measurement"]),
        ("parameter of interest", settings["poi"] or None),
        ("signal points", f"{done} of {status.points_total} done"),
        ("without signal", status.points_no_signal or None),
        ("failed", status.points_failed or None),
        ("not computed yet", status.points_pending or None),
        ("lacking toys", status.points_partial or None),
    ]
    if status.toys is not None:
        pairs.append(("toys", f"{status.toys.done} of {status.toys.total} done, {status.toys.failed} with failed fits"))
    if status.toys is not None and status.toys.per_second is not None:
        pairs.append(("toys per second", f"{status.toys.per_second:.3g}"))
    pairs.append(("tasks", f"{status.tasks_done} of {status.tasks_total} done"))
    pairs.append(("finished", "yes" if status.finished else "no; the same command continues it"))
    return section("Summary", facts((name, value) for name, value in pairs if value is not None))


def points_section(results: Results, rows: Sequence[_Row]) -> Html:
    """All results as a table that sorts and filters.

    Args:
        results: The results.
        rows: Their JSON objects.
    """
    shown = rows[:MOST_ROWS]
    found = _facts(results, shown)
    columns = list(dict.fromkeys(fact.name for of_row in found for fact in of_row))
    values = ([row["name"], *(dict(of_row).get(name) for name in columns)] for row, of_row in zip(shown, found))
    search = element(
        "div",
        element("label", "Show rows with ", element("input", type="search", data_filters="points")),
        element("span", class_="count", role="status"),
        class_="filter",
        hidden=True,
    )
    rest = len(rows) - len(shown)
    note = element("p", f"{rest} more rows are in the store; hfscale show lists them.", class_="note") if rest else None
    whole = table(("name", *columns), values, frame="tall", id="points", data_sortable=True)
    return section("Signal points", search, whole, note)


def _facts(results: Results, rows: Sequence[_Row]) -> list[list[Fact]]:
    """What the table tells of each row; of kinds with one row per point, also how the fits ended."""
    if len(rows) != len(results.store.names):
        return [facts_of(row) for row in rows]
    found = point_facts(results.store, rows)
    return [found[row["name"]] for row in rows]


def problems_section(results: Results, rows: Sequence[_Row]) -> Html:
    """Points and toys that failed and tasks that were given up, with reasons."""
    reasons = {**results.failures(), **{row["name"]: row["reason"] for row in rows if "reason" in row}}
    parts: list[object] = []
    if reasons:
        parts.append(element("h3", "Signal points"))
        parts.append(table(("signal point", "reason"), sorted(reasons.items())))
    toys = results.status().toys
    if toys is not None and toys.failure_rates:
        parts.append(element("h3", "Toys with failed fits"))
        shares = [
            (name, ", ".join(f"{100 * rate:.3g} % of {hypothesis}" for hypothesis, rate in rates.items()))
            for name, rates in toys.failure_rates.items()
        ]
        parts.append(table(("signal point", "share of its toys"), shares))
    given_up = results.activity().quarantined
    if given_up:
        parts.append(element("h3", "Tasks that were given up"))
        parts.append(table(("task", "reason"), sorted(given_up.items())))
    doubtful = sum(bool(row.get("asymptotics_doubts")) for row in rows)
    if doubtful:
        text = f"The asymptotic formulas are doubtful for {doubtful} of {len(rows)} results, which the table marks."
        parts.append(element("p", text))
    return section("What failed", *(parts or [element("p", "Nothing failed.")]))
