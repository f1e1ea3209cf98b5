"""Normalisations that are functions of other parameters: reading the expressions of a measurement.

A formula is an expression with a name; it uses parameters and other formulas, in no circle.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from hfscale.errors import ModelError, SelectionError
from hfscale.workspace.expressions import Expression, check_arithmetic, parse_expression


@dataclass(frozen=True, eq=False)
class Formula:
    """A normalisation factor that is a function of parameters.

    Attributes:
        name: Name of the normfactor that it replaces, or by which other formulas use it.
        expression: The function, of parameters and other formulas.
    """

    name: str
    expression: Expression

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the parameters and formulas in it."""
        return self.expression.names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def key(self) -> tuple[str, str]:
        """What tells it apart from other formulas."""
        return (self.name, self.expression.canonical)


def read_formulas(expressions: Mapping[str, str], place: str) -> dict[str, Formula]:
    """Read expressions by name, each after those that it uses.

    Args:
        expressions: Name -> text.
        place: Where they stand, for messages.

    Raises:
        ModelError: A text is no arithmetic expression, or formulas use each other in a circle.
    """
    formulas = {name: Formula(name, _parse(name, text, place)) for name, text in expressions.items()}
    return {name: formulas[name] for name in _in_order(formulas, formulas, place)}


def _parse(name: str, text: str, place: str) -> Expression:
    try:
        expression = parse_expression(text)
        check_arithmetic(expression)
    except SelectionError as error:
        where = f"{place}/{name}" if error.place is None else f"{place}/{name}, {error.place}"
        raise ModelError(f"{name!r}: {error.message}", place=where, remedy=error.remedy) from error
    return expression


def needed_formulas(formulas: Mapping[str, Formula], names: Iterable[str]) -> dict[str, Formula]:
    """Formulas of the given names and those that they use, each after those that it uses."""
    return {name: formulas[name] for name in _in_order(formulas, [n for n in names if n in formulas], "")}


def parameters_of(formulas: Mapping[str, Formula]) -> tuple[str, ...]:
    """Names that formulas use and that are no formulas themselves, in order of first appearance."""
    used = dict.fromkeys(name for formula in formulas.values() for name in formula.uses)
    return tuple(name for name in used if name not in formulas)


def _in_order(formulas: Mapping[str, Formula], names: Iterable[str], place: str) -> list[str]:
    ordered: dict[str, None] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = (*path[path.index(name) :], name)
            raise ModelError(
                f"expressions use each other in a circle: {' -> '.join(circle)}",
                place=f"{place}/{name}",
                remedy="write one of them with parameters only",
            )
        if name in ordered:
            return
        for used in formulas[name].uses:
            if used in formulas:
                visit(used, (*path, name))
        ordered[name] = None

    for name in names:
        visit(name, ())
    return list(ordered)


def unknown_name(formula: Formula, name: str, known: Iterable[str], place: str) -> ModelError:
    """Return the error that says that a formula uses a name that is no scalar parameter."""
    near = get_close_matches(name, sorted(known), n=3)
    return ModelError(
        f"the expression {formula.name!r} uses {name!r}, which is no scalar parameter of the model",
        place=f"{place}/{formula.name}",
        remedy=f"add {name!r} to the measurement's parameters with inits and bounds, which makes it a free parameter"
        + (f", or use {', '.join(near)}" if near else ""),
    )
