"""Tables of the results at the signal points: observed and expected ones with their bands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from hfscale.errors import SelectionError
from hfscale.exporting.hepdata.tables import Qualifier, Table, Variable
from hfscale.exporting.sources import USABLE, Axis, Row, Source, describe_left_out

_NSIGMA = (0, -1, 1, -2, 2)
"""Standard deviations of the columns of expected results: the median first."""
_METHODS = {"asymptotics": "asymptotic formulas", "toybased": "toys"}


class _Quantity(NamedTuple):
    """A result with its keys in the objects of signal points.

    Attributes:
        observed, expected: The keys.
        title: What tables of it are called, after "Observed" or "Expected".
        name: Header of its columns; ``{poi}`` is replaced.
        observable: What HEPData lists it under.
        units: Its units.
    """

    observed: str
    expected: str
    title: str
    name: str
    observable: str
    units: str = ""


_CLS = (_Quantity("CLs_obs", "CLs_exp", "CLs", "CLs", "CLS"),)
_QUANTITIES: Mapping[str, tuple[_Quantity, ...]] = MappingProxyType(
    {
        "cls": _CLS,
        "scan": _CLS,
        "limit": (
            _Quantity("upper_limit_obs", "upper_limit_exp", "upper limit", "upper limit on {poi}", "MU"),
            _Quantity("S95_obs", "S95_exp", "limit on signal events", "upper limit on signal events", "N"),
            _Quantity("visible_xsec_obs", "visible_xsec_exp", "limit on visible cross-section", "", "SIG", "fb"),
            _Quantity("xsec_limit_obs", "xsec_limit_exp", "limit on cross-section", "", "SIG", "fb"),
        ),
        "significance": (
            _Quantity("p0", "p0_exp", "p0", "p0", "P0"),
            _Quantity("Z", "Z_exp", "significance", "significance", "SIGNIFICANCE"),
        ),
    }
)


@dataclass(frozen=True)
class Layout:
    """How signal points are placed in tables.

    Attributes:
        axes: The independent variables; the labels of the patchset where there are none.
        units: Units of labels and axes by name; those of the empty name hold for all others.
        names: Signal points to write, None for all.
    """

    axes: tuple[Axis, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] | None = None

    def unit(self, name: str) -> str:
        """Units of a label or an axis, empty where none are known."""
        return self.units.get(name, self.units.get("", ""))


class ResultTables(NamedTuple):
    """Tables, and sentences about what is not in them."""

    tables: tuple[Table, ...]
    messages: tuple[str, ...]


def result_tables(source: Source, layout: Layout) -> ResultTables:
    """Make the tables of the results of a store.

    Points without any result are left out.

    Raises:
        SelectionError: Results are of a kind that has no tables.
    """
    if source.kind not in _QUANTITIES:
        raise SelectionError(
            f"there are no HEPData tables for results of kind {source.kind}, which {source.store.path} holds",
            remedy="export CLs, limits or significances, or take another format",
        )
    chosen = [row for row in source.rows if layout.names is None or row["name"] in layout.names]
    quantities = _QUANTITIES[source.kind]
    rows = [row for row in chosen if _has_result(row, quantities)]
    left_out = [row for row in chosen if not _has_result(row, quantities)]
    messages = describe_left_out(left_out, len(chosen), "tables")
    if not rows:
        raise SelectionError(f"{source.store.path} has no results to export yet", remedy="finish the run first")
    independent, fixed = _places(source, rows, layout)
    tables = []
    for quantity in quantities:
        tables += _tables(source, rows, quantity, independent, (*fixed, *_qualifiers(source, rows)))
    return ResultTables(tuple(tables), tuple(messages))


def _has_result(row: Row, quantities: Sequence[_Quantity]) -> bool:
    keys = [key for quantity in quantities for key in (quantity.observed, quantity.expected)]
    return row["status"] in USABLE and any(row.get(key) is not None for key in keys)


def _places(source: Source, rows: Sequence[Row], layout: Layout) -> tuple[tuple[Variable, ...], tuple[Qualifier, ...]]:
    """The independent variables, and the labels that axes leave out but all points have in common."""
    columns = {label: [row["values"][label] for row in rows] for label in source.store.labels}
    fixed: list[Qualifier] = []
    if layout.axes:
        places = [
            Variable(axis.name, _whole(axis.values(rows).tolist()), layout.unit(axis.name)) for axis in layout.axes
        ]
        used = {axis.text for axis in layout.axes}
        common = {label: values[0] for label, values in columns.items() if len(set(values)) == 1 and label not in used}
        fixed = [Qualifier(label, value, layout.unit(label)) for label, value in common.items()]
    else:
        places = [Variable(label, values, layout.unit(label)) for label, values in columns.items()]
    if not places:
        places = [Variable("signal point", [row["name"] for row in rows])]
    if _poi_values(rows) > 1:
        places.append(Variable(source.poi, [row["poi"] for row in rows]))
    return tuple(places), tuple(fixed)


def _whole(values: list[float]) -> list[Any]:
    return [int(value) for value in values] if all(value.is_integer() for value in values) else values


def _poi_values(rows: Sequence[Row]) -> int:
    return len({row.get("poi") for row in rows})


def _qualifiers(source: Source, rows: Sequence[Row]) -> tuple[Qualifier, ...]:
    """What all results have in common."""
    common = [Qualifier("Calculation", _METHODS[source.calculation.calctype])]
    if "poi" in rows[0] and _poi_values(rows) == 1:
        common.append(Qualifier(source.poi, rows[0]["poi"]))
    if source.kind == "limit":
        common.append(Qualifier("Confidence level", float(f"{100.0 * (1.0 - source.calculation.level):.12g}"), "%"))
    return tuple(common)


def _tables(
    source: Source,
    rows: Sequence[Row],
    quantity: _Quantity,
    independent: tuple[Variable, ...],
    qualifiers: tuple[Qualifier, ...],
) -> list[Table]:
    name = (quantity.name or quantity.title).format(poi=source.poi)
    tables = []
    observed = [row.get(quantity.observed) for row in rows]
    if any(value is not None for value in observed):
        ends = tuple(_interval(row, quantity.observed, None) for row in rows)
        column = Variable(f"Observed {name}", observed, quantity.units, qualifiers, ends)
        text = _description(source, f"Observed {name}")
        varied = _varied(rows, f"{quantity.observed}_signal", column)
        tables.append(Table(f"Observed {quantity.title}", text, quantity.observable, independent, (column, *varied)))
    expected = tuple(_expected(rows, quantity, name, n, qualifiers) for n in _NSIGMA)
    if any(value is not None for column in expected for value in column.values):
        bands = ": the median, and the quantiles at -1, +1, -2 and +2 standard deviations"
        text = _description(source, f"Expected {name}{bands}")
        tables.append(Table(f"Expected {quantity.title}", text, quantity.observable, independent, expected))
    return tables


def _varied(rows: Sequence[Row], key: str, nominal: Variable) -> list[Variable]:
    """The columns with the cross-section of the signal one standard deviation down and up, if any."""
    if not any(key in row for row in rows):
        return []
    return [
        Variable(
            f"{nominal.name} (signal cross-section {n_sigma:+d} sigma)",
            [row[key][k] if key in row else None for row in rows],
            nominal.units,
            (*nominal.qualifiers, Qualifier("Signal cross-section, standard deviations", n_sigma)),
        )
        for k, n_sigma in enumerate((-1, 1))
    ]


def _expected(
    rows: Sequence[Row], quantity: _Quantity, name: str, n_sigma: int, qualifiers: tuple[Qualifier, ...]
) -> Variable:
    k = n_sigma + 2
    values = [band[k] if (band := row.get(quantity.expected)) else None for row in rows]
    header = f"Expected {name}" + (f" ({n_sigma:+d} sigma)" if n_sigma else "")
    ends = tuple(_interval(row, quantity.expected, k) for row in rows)
    return Variable(header, values, quantity.units, (*qualifiers, Qualifier("Standard deviations", n_sigma)), ends)


def _interval(row: Row, key: str, k: int | None) -> tuple[float | None, float | None]:
    """Both ends of the uncertainty of a number from toys; None where there is none."""
    found = (row.get("toys") or {}).get(f"{key}_interval")
    if found is not None and k is not None:
        found = found[k]
    return (None, None) if found is None else (found[0], found[1])


def _description(source: Source, what: str) -> str:
    data = {
        "limit": f"Upper limits at CLs = {source.calculation.level:g}.",
        "significance": "The background-only hypothesis is tested.",
    }.get(source.kind, f"The hypothesis of a signal with the given {source.poi} is tested.")
    return f"{what}, from {_METHODS[source.calculation.calctype]}. {data}"
