"""The JSON objects of signal points as columns: one row per point and POI value.

Profile likelihoods have a row for each value of the scanned parameters, fits and rankings for each parameter.

Names of columns are those of ``hfscale show --json``, nested keys joined by underscores, with the suffixes ``_m2``,
``_m1``, ``_0``, ``_p1`` and ``_p2`` for -2 to +2 standard deviations, and ``_low`` and ``_high`` for the ends of
intervals (of ``CLs_obs_interval``: ``CLs_obs_low``). They are those of `hfscale.results.Results.to_dataframe` where
that has them.
"""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from hfscale.exporting.sources import Row, Source
from hfscale.reading.fits import fit_columns
from hfscale.reading.goodness import goodness_columns
from hfscale.reading.profiles import profile_columns
from hfscale.reading.rankings import ranking_columns

Axes = tuple[tuple[str, ...], ...]

_BAND = ("m2", "m1", "0", "p1", "p2")
_ENDS = ("low", "high")
_SIGNAL = ("m1", "p1")
"""The cross-section of the signal one standard deviation down and up."""
_PAIRS = ("signal_poi", "CLs_obs_signal")
_FIRST = ("name", "values", "status", "reason")
_SEPARATE = ("toys",)
"""Of what is told of toys, intervals are named after the numbers that they belong to."""
_TEXTS = ("name", "status", "reason", "doubts")


class Column(NamedTuple):
    """One field of all rows.

    Attributes:
        name: Its name.
        axes: What the numbers of one entry are told apart by: nothing for a single one, suffixes of five for -2 to +2
            standard deviations, of two for the ends of an interval, or both for five intervals.
        values: The entries, nested lists of numbers or texts; None where there is none.
    """

    name: str
    axes: Axes
    values: list[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one entry."""
        return tuple(len(axis) for axis in self.axes)

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
    if source.kind in _LONG:
        rows = [{**row, "reason": point.get("reason")} for point in source.rows for row in _LONG[source.kind](point)]
        names = list(dict.fromkeys(itertools.chain.from_iterable(rows)))
        return [Column(name, (), [_plain(row.get(name)) for row in rows]) for name in names]
    fields = [_fields(row) for row in source.rows]
    names = list(dict.fromkeys(itertools.chain.from_iterable(fields)))
    labels = [_labels_column(label, names, source.rows) for label in source.store.labels]
    first, *rest = [_column(name, [row.get(name) for row in fields]) for name in names]
    return [first, *labels, *rest]


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
        separate = key in _SEPARATE and _axes(inner)
        found |= _flattened(inner if separate else f"{key}_{inner}", item)
    return found


def _axes(key: str) -> Axes:
    if key in _PAIRS:
        return (_SIGNAL,)
    if key.endswith(("_interval", "_bounds")):
        return (_BAND, _ENDS) if "_exp_" in key else (_ENDS,)
    return (_BAND,) if key.endswith(("_exp", "_exp_status")) else ()


def _column(name: str, values: list[Any]) -> Column:
    axes = _axes(name)
    if not axes:
        return Column(name, (), [_plain(value) for value in values])
    shape = tuple(len(axis) for axis in axes)
    return Column(name, axes, [_nothing(shape) if value is None else value for value in values])


def _plain(value: Any) -> Any:
    """True and false as 1 and 0, lists of texts as one text, and any other list as JSON."""
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, list):
        return value
    return ", ".join(value) if all(isinstance(item, str) for item in value) else json.dumps(value)


def _nothing(shape: tuple[int, ...]) -> list[Any]:
    return [None if len(shape) == 1 else _nothing(shape[1:]) for _ in range(shape[0])]


def _profile_rows(point: Row) -> list[dict[str, Any]]:
    """One row for each fit of the grid of scanned parameters; a single one where there is no result."""
    common = profile_columns(point)
    names = [f"value_{name}" for name in point["parameters"]]
    if point["grid"] is None:
        return [{**common, **dict.fromkeys((*names, "t"))}]
    places, t = itertools.product(*point["grid"]), _leaves(point["t"])
    # What is interpolated was not fitted; a fit that failed has a number in neither.
    between = _leaves(point["t_interpolated"]) if "t_interpolated" in point else t
    rows = zip(places, t, between)
    return [{**common, **dict(zip(names, x)), "t": y} for x, y, z in rows if y is not None or z is None]


_LONG: Mapping[str, Callable[[Any], list[dict[str, Any]]]] = MappingProxyType(
    {"profile": _profile_rows, "fit": fit_columns, "ranking": ranking_columns, "gof": goodness_columns}
)
"""What makes the rows of a point, of kinds that have several or nested fields."""


def flat_columns(columns: Sequence[Column]) -> list[Column]:
    """Give every number a column of its own."""
    found = []
    for column in columns:
        name = column.name.removesuffix("_interval") if column.axes else column.name
        for place in itertools.product(*(range(n) for n in column.shape)):
            suffix = "".join(f"_{axis[k]}" for axis, k in zip(column.axes, place))
            found.append(Column(name + suffix, (), [_entry(value, place) for value in column.values]))
    return found


def _entry(value: Any, place: Sequence[int]) -> Any:
    for k in place:
        value = value[k]
    return value
