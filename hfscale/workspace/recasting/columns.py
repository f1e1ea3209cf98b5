"""What the columns of a table of yields mean, by their names."""

import math
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from hfscale.errors import SchemaError
from hfscale.workspace.recasting.rows import Row

NAME, CHANNEL, BIN, YIELD, STAT = "name", "channel", "bin", "yield", "stat"
UP, DOWN = "_up", "_down"


class Columns(NamedTuple):
    """The columns of a table whose names say what they are.

    Attributes:
        labels: Those with the labels of the plane of signal points.
        systematics: Names of the systematic uncertainties, which have two columns each.
        has_names: Whether there is one with the names of the points.
        has_bins: Whether there is one with the numbers of the bins.
        has_stat: Whether there is one with statistical uncertainties.
    """

    labels: tuple[str, ...]
    systematics: tuple[str, ...]
    has_names: bool
    has_bins: bool
    has_stat: bool


def read_columns(row: Row, labels: Sequence[str] | None) -> Columns:
    """Tell the columns of a table apart.

    Args:
        row: Any row.
        labels: Columns with labels; None for all that have no other meaning.

    Raises:
        SchemaError: A column is missing, or has no meaning.
    """
    names = list(row.values)
    for needed in (CHANNEL, YIELD, *(labels or ())):
        if needed not in names:
            near = get_close_matches(needed, names, n=1)
            hint = f"; is it the one that is called {near[0]!r}?" if near else ""
            raise SchemaError(
                f"the table has no column {needed!r}{hint}", remedy=f"its columns are {', '.join(map(repr, names))}"
            )
    systematics = tuple(name.removesuffix(UP) for name in names if name.endswith(UP) and name != UP)
    known = {NAME, CHANNEL, BIN, YIELD, STAT, *(name + end for name in systematics for end in (UP, DOWN))}
    rest = [name for name in names if name not in known]
    lacking = [name + DOWN for name in systematics if name + DOWN not in names]
    lacking += [name.removesuffix(DOWN) + UP for name in rest if name.endswith(DOWN) and name not in (labels or ())]
    if lacking:
        raise SchemaError(
            f"the table has no column {lacking[0]!r}", remedy="a systematic uncertainty has two columns, _up and _down"
        )
    chosen = tuple(rest if labels is None else labels)
    unknown = [name for name in rest if name not in chosen]
    if unknown or not chosen:
        what = f"the column {unknown[0]!r} has no meaning" if unknown else "no column has a label of the signal points"
        raise SchemaError(what, remedy="name all columns with labels, such as masses, in labels")
    return Columns(chosen, systematics, NAME in names, BIN in names, STAT in names)


def label_value(row: Row, column: str) -> int | float | str:
    """Return the label of a point: a whole number, another number, or a text.

    Raises:
        SchemaError: The cell is empty, or no finite number.
    """
    text = row.text(column)
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        raise SchemaError(f"the label {column!r} is {text}", place=row.place, remedy="give a finite number or a text")
    return int(number) if number.is_integer() else number
