"""The JSON objects of signal points as columns: one row per point and POI value, or per value of a scanned parameter.

Names of columns are those of ``hfscale show --json``, nested keys joined by underscores, with the suffixes ``_m2``,
``_m1``, ``_0``, ``_p1`` and ``_p2`` for -2 to +2 standard deviations, and ``_low`` and ``_high`` for the ends of
intervals (of ``CLs_obs_interval``: ``CLs_obs_low``). They are those of `hfscale.results.Results.to_dataframe` where
that has them.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from hfscale.exporting.sources import Row, Source
from hfscale.reading.profiles import profile_columns

_BAND = ("m2", "m1", "0", "p1", "p2")
_ENDS = ("low", "high")
_FIRST = ("name", "values", "status", "reason")
_SEPARATE = ("toys",)
"""Of what is told of toys, intervals are named after the numbers that they belong to."""
_TEXTS = ("name", "status", "reason", "doubts")


class Column(NamedTuple):
    """One field of all rows.

    Attributes:
        name: Its name.
        shape: Shape of one entry: ``()``, ``(5,)`` for -2 to +2 standard deviations, ``(2,)`` for the ends of an
            interval, ``(5, 2)`` for five intervals.
        values: The entries, nested lists of numbers or texts; None where there is none.
    """

    name: str
    shape: tuple[int, ...]
    values: list[Any]

    @property
    def type(self) -> Literal["text", "integer", "number"]:
        """What the entries are; missing ones are of any type."""
        found = [value for value in _leaves(self.values) if value is not None]
        if not found:
            return "text" if self.name.rpartition("_")[2] in _TEXTS else "number"
        if any(isinstance(value, str) for value in found):
            return "text"
        return "integer" if all(isinstance(value, int) for value in found) else "number"


def _leaves(values: Any) -> list[Any]:
    if isinstance(values, list):
        return list(itertools.chain.from_iterable(map(_leaves, values)))
    return [values]


def columns_of(source: Source) -> list[Column]:
    """Make the columns of the results of a store."""
    if source.kind == "profile":
        rows = [row for point in source.rows for row in _profile_rows(point)]
        names = list(dict.fromkeys(itertools.chain.from_iterable(rows)))
        return [Column(name, (), [row.get(name) for row in rows]) for name in names]
    fields = [_fields(row) for row in source.rows]
    names = list(dict.fromkeys(itertools.chain.from_iterable(fields)))
    columns = [_labels_column(label, names, source.rows) for label in source.store.labels]
    rest = [_column(name, [row.get(name) for row in fields]) for name in names]
    return [rest[0], *columns, *rest[1:]]


def _labels_column(label: str, taken: Sequence[str], rows: Sequence[Row]) -> Column:
    return Column(f"label_{label}" if label in taken else label, (), [row["values"][label] for row in rows])


def _fields(row: Row) -> dict[str, Any]:
    """The fields of one object, no longer nested; name, status and reason first."""
    fields = {key: row.get(key) for key in _FIRST if key != "values"}
    for key, value in row.items():
        if key not in _FIRST:
            fields |= _flattened(key, value)
    return fields


def _flattened(key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {key: value}
    found: dict[str, Any] = {}
    for inner, item in value.items():
        separate = key in _SEPARATE and _shape(inner)
        found |= _flattened(inner if separate else f"{key}_{inner}", item)
    return found


def _shape(key: str) -> tuple[int, ...]:
    if key.endswith(("_interval", "_bounds")):
        return (5, 2) if "_exp_" in key else (2,)
    return (5,) if key.endswith(("_exp", "_exp_status")) else ()


def _column(name: str, values: list[Any]) -> Column:
    shape = _shape(name)
    if any(_depth(value) not in (0, len(shape)) for value in values) or not shape:
        return Column(name, (), [_plain(value) for value in values])
    return Column(name, shape, [_nothing(shape) if value is None else value for value in values])


def _depth(value: Any) -> int:
    return 1 + _depth(value[0]) if isinstance(value, list) and value else int(isinstance(value, list))


def _plain(value: Any) -> Any:
    """Lists of texts as one text, and any other list as JSON."""
    if not isinstance(value, list):
        return value
    return ", ".join(value) if all(isinstance(item, str) for item in value) else json.dumps(value)


def _nothing(shape: tuple[int, ...]) -> list[Any]:
    return [None if len(shape) == 1 else _nothing(shape[1:]) for _ in range(shape[0])]


def _profile_rows(point: Row) -> list[dict[str, Any]]:
    """One row for each place of the grid of scanned parameters; a single one where there is no result."""
    common = {**profile_columns(point), "reason": point.get("reason")}
    names = [f"value_{name}" for name in point["parameters"]]
    if point["grid"] is None:
        return [{**common, **dict.fromkeys((*names, "t"))}]
    places = itertools.product(*point["grid"])
    return [{**common, **dict(zip(names, place)), "t": t} for place, t in zip(places, _leaves(point["t"]))]


def flat_columns(columns: Sequence[Column]) -> list[Column]:
    """Give every number a column of its own."""
    found = []
    for column in columns:
        axes = [_ENDS if n == len(_ENDS) else _BAND for n in column.shape]
        name = column.name.removesuffix("_interval") if column.shape else column.name
        for place in itertools.product(*(range(n) for n in column.shape)):
            suffix = "".join(f"_{axis[k]}" for axis, k in zip(axes, place))
            found.append(Column(name + suffix, (), [_entry(value, place) for value in column.values]))
    return found


def _entry(value: Any, place: Sequence[int]) -> Any:
    for k in place:
        value = value[k]
    return value
