"""What a structure knows of derived quantities: factors of rates that are functions of parameters.

Behind its parameters the engine keeps one further factor for each value of each derived quantity. `extended` evaluates
them and carries derivatives back to the parameters.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from hfscale.model.custom import CustomTerm
from hfscale.model.formulas import Formula, needed_formulas


@dataclass(frozen=True)
class DerivedQuantities:
    """Derived quantities of a structure, in the order of their values: factors first, then terms.

    Attributes:
        formulas: Formulas, each after those that it uses.
        factors: Names of those formulas that multiply rates.
        terms: Uses of custom modifiers, with one value per bin.
        names: Parameters that any of them uses.
        inputs: Internal positions of these parameters.
    """

    formulas: tuple[Formula, ...] = ()
    factors: tuple[str, ...] = ()
    terms: tuple[CustomTerm, ...] = ()
    names: tuple[str, ...] = ()
    inputs: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Number of values."""
        return len(self.factors) + sum(term.bins for term in self.terms)

    @property
    def key(self) -> tuple[Any, ...]:
        """Everything that a compiled program depends on, the same in every process."""
        formulas = tuple(formula.key for formula in self.formulas)
        return (formulas, self.factors, tuple(term.key for term in self.terms), self.names, self.inputs)

    @property
    def values(self) -> dict[tuple[str, int], int]:
        """(name, bin) -> position among the values; a formula has a single one."""
        each = [(name, 0) for name in self.factors]
        each += [(term.name, i) for term in self.terms for i in range(term.bins)]
        return {value: k for k, value in enumerate(each)}


NOTHING_DERIVED = DerivedQuantities()


def derived_quantities(
    quantities: Mapping[str, Formula | CustomTerm], factors: Set[str], position: Mapping[tuple[str, int], int]
) -> DerivedQuantities:
    """Choose and order the quantities that a structure needs.

    Args:
        quantities: Name -> quantity.
        factors: Names of the factors of all samples.
        position: (name, component) of a parameter -> internal position.
    """
    used = [name for name in quantities if name in factors]
    formulas = {name: quantity for name, quantity in quantities.items() if isinstance(quantity, Formula)}
    needed = needed_formulas(formulas, used)
    terms = tuple(quantity for name in used if isinstance(quantity := quantities[name], CustomTerm))
    needing: list[Formula | CustomTerm] = [*needed.values(), *terms]
    names = tuple(sorted({name for quantity in needing for name in quantity.uses} - needed.keys()))
    return DerivedQuantities(
        formulas=tuple(needed.values()),
        factors=tuple(name for name in used if name in formulas),
        terms=terms,
        names=names,
        inputs=tuple(position[name, 0] for name in names),
    )
