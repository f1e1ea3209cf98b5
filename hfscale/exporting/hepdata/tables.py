"""Tables as HEPData stores them: independent and dependent variables, with units, qualifiers and uncertainties.

The format is that of https://hepdata-submission.readthedocs.io, version 1.1.1 of the JSON schemas of
``hepdata-validator``.
"""

from typing import Any, NamedTuple

from hfscale.reading.columns import number_of

Value = int | float | str | None
Interval = tuple[float | None, float | None]

NO_VALUE = "-"
"""What HEPData shows where there is no number."""
_DIGITS = 6
_UNCERTAINTY = "toys, 68.3 %"


class Qualifier(NamedTuple):
    """What all numbers of a column have in common."""

    name: str
    value: int | float | str
    units: str = ""


class Variable(NamedTuple):
    """One column of a table.

    Attributes:
        name: Its header.
        values: Numbers or texts; None where there is none.
        units: Units of the numbers, empty for pure ones.
        qualifiers: What all numbers have in common.
        intervals: Lower and upper end of the uncertainty of each number from toys; empty without toys.
    """

    name: str
    values: list[Value]
    units: str = ""
    qualifiers: tuple[Qualifier, ...] = ()
    intervals: tuple[Interval, ...] = ()


class Table(NamedTuple):
    """A table of a submission.

    Attributes:
        name: Its title, at most 64 characters.
        description: What it holds, in sentences.
        observable: What HEPData lists it under.
        independent, dependent: Its columns.
    """

    name: str
    description: str
    observable: str
    independent: tuple[Variable, ...]
    dependent: tuple[Variable, ...]

    @property
    def file(self) -> str:
        """Name of its file."""
        name = self.name.replace(" -", " minus ").replace(" +", " plus ")
        words = "".join(character if character.isalnum() else " " for character in name).split()
        return "_".join(words).lower() + ".yaml"

    def document(self) -> dict[str, Any]:
        """The content of its file."""
        return {
            "independent_variables": [_independent(variable) for variable in self.independent],
            "dependent_variables": [_dependent(variable) for variable in self.dependent],
        }


def _independent(variable: Variable) -> dict[str, Any]:
    return {"header": _header(variable), "values": [{"value": rounded(value)} for value in variable.values]}


def _dependent(variable: Variable) -> dict[str, Any]:
    intervals = variable.intervals or ((None, None),) * len(variable.values)
    document: dict[str, Any] = {"header": _header(variable)}
    if variable.qualifiers:
        document["qualifiers"] = [_qualifier(each) for each in variable.qualifiers]
    values = zip(variable.values, intervals, strict=True)
    return {**document, "values": [{"value": rounded(value), **_errors(value, ends)} for value, ends in values]}


def _qualifier(qualifier: Qualifier) -> dict[str, Any]:
    document = {"name": qualifier.name, "value": rounded(qualifier.value)}
    return {**document, "units": qualifier.units} if qualifier.units else document


def _header(variable: Variable) -> dict[str, str]:
    return {"name": variable.name, **({"units": variable.units} if variable.units else {})}


def _errors(value: Value, ends: Interval) -> dict[str, Any]:
    """The uncertainty of a number, if any; an end that is not known is empty."""
    if not isinstance(value, int | float) or ends == (None, None):
        return {}
    minus, plus = (rounded(number_of(end) - value) if end is not None else "" for end in ends)
    # HEPData refuses uncertainties that are zero or unknown on both sides.
    if not minus and not plus:
        return {}
    return {"errors": [{"asymerror": {"minus": minus, "plus": plus}, "label": _UNCERTAINTY}]}


def rounded(value: Value) -> int | float | str:
    """A number to six significant digits, as many as fits determine; whole numbers and texts as they are."""
    if value is None:
        return NO_VALUE
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
