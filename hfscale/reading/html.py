"""Results as a small table of HTML, for notebooks."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from hfscale.reading.points import read_points
from hfscale.reading.records import keys_of
from hfscale.store.store import ResultStore

if TYPE_CHECKING:
    import pandas

MOST_ROWS = 12
_BAND = ("&minus;2&sigma;", "&minus;1&sigma;", "expected", "+1&sigma;", "+2&sigma;")

_Point = Mapping[str, Any]


def results_html(store: ResultStore, summary: str) -> str:
    """Make a table with the first signal points of a store: labels, status, observed and expected results.

    Args:
        store: The store.
        summary: What is written above the table, as plain text.
    """
    head, calculation = _head(store, summary), store.settings["calculation"]
    points = read_points(store)
    columns, rows = _table(points[:MOST_ROWS], tuple(store.labels), calculation)
    left = len(points) - MOST_ROWS
    more = f"<p>and {left} more; <code>to_dataframe()</code> has all</p>" if left > 0 else ""
    titles = "".join(f"<th>{column}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"{head}<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>{more}"


def frame_html(store: ResultStore, summary: str, frame: "pandas.DataFrame") -> str:
    """Make a table with the first rows of results that have several rows per signal point.

    Args:
        store: The store.
        summary: What is written above the table, as plain text.
        frame: The results.
    """
    return _head(store, summary) + str(frame.to_html(max_rows=MOST_ROWS, float_format="{:.4g}".format, na_rep="-"))


def _head(store: ResultStore, summary: str) -> str:
    return f"<p><b>{escape(store.path.name)}</b>: {escape(summary)}</p>"


def _table(
    points: Sequence[_Point], labels: Sequence[str], calculation: Mapping[str, Any]
) -> tuple[list[str], list[list[str]]]:
    """Titles and cells, as HTML."""
    keys: tuple[str, ...] = ("parameters", "best_fit", "error")
    band: tuple[str, ...] = ()
    if calculation.get("kind") != "profile":
        known = keys_of(calculation)
        keys, band = (*known.varying, known.numbers[0]), known.bands[:1]
    titles = [*map(escape, ("name", *labels, "status", *keys)), *(_BAND if band else ())]
    rows = []
    for point in points:
        cells = [point["name"], *(point["values"].get(label) for label in labels), point["status"]]
        cells += [point.get(key) for key in keys]
        cells += [value for key in band for value in point.get(key) or [None] * len(_BAND)]
        rows.append([_cell(value) for value in cells])
    return titles, rows


def _cell(value: object) -> str:
    if value is None:
        return "&ndash;"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))
