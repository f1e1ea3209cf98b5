"""What is exported: the results of one store, or of several that calculate different things for the same points."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from hfscale.errors import InputError, SelectionError, StoreMismatchError
from hfscale.plan.settings import Calculation
from hfscale.plot.expressions import evaluate_numbers, evaluate_truth, parse_expression
from hfscale.reading.columns import labels
from hfscale.reading.points import read_points
from hfscale.store.store import ResultStore

Row = Mapping[str, Any]

USABLE = ("ok", "no_signal", "partial")
"""Statuses of points that have numbers; those of partial ones are from the toys that there are."""


class Source(NamedTuple):
    """The results of one store.

    Attributes:
        store: The store.
        calculation: What it holds.
        rows: The objects of the chosen signal points, as ``hfscale show --json`` has them.
    """

    store: ResultStore
    calculation: Calculation
    rows: tuple[Row, ...]

    @property
    def kind(self) -> str:
        """What is calculated."""
        return self.calculation.kind

    @property
    def poi(self) -> str:
        """Name of the parameter of interest."""
        return str(self.store.settings["poi"])


class Axis(NamedTuple):
    """An axis: its name in the file, and the expression of the labels that it is."""

    name: str
    text: str

    def values(self, rows: Sequence[Row]) -> Float[np.ndarray, " row"]:
        """Evaluate the expression at signal points.

        Raises:
            SelectionError: It cannot be evaluated, or is not finite at a point.
        """
        found = evaluate_numbers(parse_expression(self.text), labels(rows))
        lost = np.flatnonzero(~np.isfinite(found))
        if len(lost):
            raise SelectionError(
                f"the axis {self.text!r} has no finite value at signal point {rows[lost[0]]['name']!r}",
                remedy="leave such points out with a selection",
            )
        return found


def parse_axis(text: str) -> Axis:
    """Read an axis as users write it: ``m_gluino``, or with a name of its own, ``mg=m_gluino``."""
    name, equals, expression = text.partition("=")
    axis = Axis(name.strip(), expression.strip()) if equals else Axis(text.strip(), text.strip())
    if not axis.name or not axis.text or "=" in axis.text:
        raise InputError(f"{text!r} is no axis", remedy="write an expression of the labels, or NAME=EXPRESSION")
    return axis


def read_source(store: ResultStore, select: str | None = None, poi: float | None = None) -> Source:
    """Read the results of a store.

    Args:
        store: The store, finished or not.
        select: Condition on the labels that points must meet; None takes all.
        poi: The one POI value to take, of results at several; None takes all.

    Raises:
        SelectionError: No point meets the condition, or there are no results at that POI value.
    """
    rows = read_points(store)
    if select is not None:
        kept = evaluate_truth(parse_expression(select), labels(rows))
        rows = [row for row, stays in zip(rows, kept, strict=True) if stays]
        if not rows:
            raise SelectionError(f"no signal point of {store.path} has {select}")
    if poi is not None:
        rows = _at(store, rows, poi)
    return Source(store, Calculation.model_validate(store.settings["calculation"]), tuple(rows))


def _at(store: ResultStore, rows: Sequence[dict[str, Any]], poi: float) -> list[dict[str, Any]]:
    found = [row for row in rows if "poi" in row and bool(np.isclose(row["poi"], poi, rtol=1e-6, atol=1e-9))]
    if not found:
        tested = sorted({row["poi"] for row in rows if "poi" in row})
        listed = ", ".join(f"{value:g}" for value in tested)
        raise SelectionError(
            f"{store.path} has no results at the POI value {poi:g}",
            remedy=f"choose one of {listed}" if tested else "leave the POI value out",
        )
    return found


def read_sources(
    stores: Sequence[ResultStore], select: str | None = None, poi: float | None = None
) -> tuple[Source, ...]:
    """Read several stores that belong together: of one workspace, and each of another kind.

    The POI value chooses among the results of scans.

    Raises:
        SelectionError: As `read_source`, or two stores are of the same kind.
        StoreMismatchError: Stores are of different workspaces, or have one name for different points.
    """
    kinds = [str(store.settings["calculation"].get("kind", "cls")) for store in stores]
    several = len(stores) > 1
    sources = [
        read_source(store, select, None if several and kind != "scan" else poi) for store, kind in zip(stores, kinds)
    ]
    first = sources[0]
    for k, source in enumerate(sources[1:], 1):
        if source.kind in kinds[:k]:
            raise SelectionError(
                f"{source.store.path} and {sources[kinds.index(source.kind)].store.path} both hold results of kind"
                f" {source.kind}",
                remedy="give one store of each kind; hfscale merge pools stores of one kind",
            )
        _refuse_others(first, source)
    return tuple(sources)


def _refuse_others(first: Source, other: Source) -> None:
    """Refuse to put results of different models into one row."""
    digests = [source.store.settings["inputs"]["workspace"] for source in (first, other)]
    what = f"{first.store.path} and {other.store.path}"
    if digests[0] != digests[1]:
        raise StoreMismatchError(f"{what} hold results of different workspaces", remedy="export them one by one")
    values = {row["name"]: row["values"] for row in first.rows}
    for row in other.rows:
        if values.get(row["name"], row["values"]) != row["values"]:
            raise StoreMismatchError(
                f"{what} have signal points of the name {row['name']!r} with different labels",
                remedy="export them one by one",
            )


def describe_left_out(rows: Sequence[Row], n_total: int, where: str) -> list[str]:
    """Say how many points were left out, and what became of them; nothing if none was.

    Args:
        rows: Those that were left out.
        n_total: How many there were.
        where: What they are not in.
    """
    if not rows:
        return []
    states = [str(row["status"]) for row in rows]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states) if state not in USABLE)
    lacking = sum(state in USABLE for state in states)
    reasons = [counts] if counts else []
    if lacking:
        reasons.append(f"{lacking} without a result to write")
    return [f"{len(rows)} of {n_total} points are not in the {where}: {', '.join(reasons)}"]
