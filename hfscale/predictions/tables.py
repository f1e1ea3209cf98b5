"""Yield tables: samples as rows, channels or bins as columns, as text, LaTeX, HTML, or CSV."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np

from hfscale.plot.web.markup import element, join
from hfscale.predictions.prediction import Prediction

TableFormat = Literal["text", "latex", "html", "csv"]
Per = Literal["channel", "bin"]
_LATEX = str.maketrans(
    {"_": r"\_", "&": r"\&", "%": r"\%", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
     "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)  # fmt: skip


class _Cell(NamedTuple):
    """A yield with its uncertainty, or a count without one."""

    value: float
    error: float | None


class _Table(NamedTuple):
    """Name of each row and its cells, under the names of the columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[_Cell, ...]], ...]


def yield_tables(predictions: Sequence[Prediction], format: TableFormat = "text", per: Per = "channel") -> str:
    """Write tables of yields, one for each signal point; of CSV, one for all.

    Args:
        predictions: From `hfscale.prediction`.
        format: ``text``, ``latex`` (an environment tabular), ``html`` (an element table) or ``csv`` (one row for each
            sample in each bin or channel).
        per: Whether columns are channels or bins.
    """
    if format == "csv":
        return _csv(predictions, per)
    write = _WRITERS[format]
    return "\n".join(write(f"{one.name}, {one.label}", _table(one, per)) for one in predictions)


def _table(prediction: Prediction, per: Per) -> _Table:
    yields, data, columns = prediction.yields.channels, prediction.channel_data, prediction.channels
    errors = prediction.yields.channel_errors
    if per == "bin":
        yields, errors, data = prediction.yields.bins, prediction.yields.bin_errors, prediction.data
        columns = tuple(f"{prediction.channels[channel]}, bin {number}" for channel, number in _numbered(prediction))
    rows = [
        (name, tuple(_Cell(float(value), float(error)) for value, error in zip(yields[k], errors[k], strict=True)))
        for k, name in enumerate([*prediction.samples, "total"])
    ]
    if np.isfinite(data).all():
        rows.append(("data", tuple(_Cell(float(count), None) for count in data)))
    return _Table(columns, tuple(rows))


def _numbered(prediction: Prediction) -> list[tuple[int, int]]:
    """Channel of each bin, and its number there, which begins at 1."""
    seen: dict[int, int] = {}
    found = []
    for channel in map(int, prediction.channel_of_bin):
        seen[channel] = seen.get(channel, 0) + 1
        found.append((channel, seen[channel]))
    return found


def _text(title: str, table: _Table) -> str:
    rows = [("sample", *table.columns), *((name, *(_plain(cell) for cell in cells)) for name, cells in table.rows)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join(f"{cell:<{w}}" if k == 0 else f"{cell:>{w}}" for k, (cell, w) in enumerate(zip(row, widths))).rstrip()
        for row in rows
    ]
    return "\n".join([title, lines[0], "-" * max(map(len, lines)), *lines[1:], ""])


def _plain(cell: _Cell) -> str:
    return f"{cell.value:.2f}" if cell.error is None else f"{cell.value:.2f} \u00b1 {cell.error:.2f}"


def _latex(title: str, table: _Table) -> str:
    head = " & ".join(["sample", *(column.translate(_LATEX) for column in table.columns)])
    body = []
    for name, cells in table.rows:
        if name == "total":
            body.append(r"\hline")
        texts = [f"${_plain(cell)}$".replace("\u00b1", r"\pm") for cell in cells]
        body.append(" & ".join([name.translate(_LATEX), *texts]) + r" \\")
    columns = "l" + "r" * len(table.columns)
    begin = [f"% {title}", rf"\begin{{tabular}}{{{columns}}}", r"\hline", head + r" \\", r"\hline"]
    return "\n".join([*begin, *body, r"\hline", r"\end{tabular}", ""])


def _html(title: str, table: _Table) -> str:
    head = element("tr", *(element("th", text) for text in ("sample", *table.columns)))
    rows = [
        element("tr", element("th", name), *(element("td", _plain(cell)) for cell in cells))
        for name, cells in table.rows
    ]
    return f"{element('table', element('caption', title), element('thead', head), element('tbody', join(rows)))}\n"


def _csv(predictions: Sequence[Prediction], per: Per) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "label", "channel", *(["bin"] if per == "bin" else []), "sample", "yield", "error"])
    for one in predictions:
        places = _numbered(one) if per == "bin" else [(k,) for k in range(len(one.channels))]
        for name, cells in _table(one, per).rows:
            for (channel, *number), cell in zip(places, cells, strict=True):
                error = "" if cell.error is None else repr(cell.error)
                writer.writerow([one.name, one.label, one.channels[channel], *number, name, repr(cell.value), error])
    return text.getvalue()


_WRITERS: Mapping[str, Callable[[str, _Table], str]] = MappingProxyType(
    {"text": _text, "latex": _latex, "html": _html}
)  # fmt: skip
