"""Cross-sections of the signal points of a calculation and their uncertainties, read from where the user keeps them."""

from collections.abc import Sequence
from typing import Any

from hfscale.plan.settings import Calculation
from hfscale.workspace.cross_sections import read_cross_sections, read_signal_uncertainties
from hfscale.workspace.numbers_of_points import number_of_all


def with_cross_sections(calculation: Calculation, names: Sequence[str]) -> Calculation:
    """The calculation with a number for each of the named signal points in place of a file.

    A file is read once, so that the numbers in a store are those that it had.

    Raises:
        SourceError, SchemaError, SelectionError: As `hfscale.workspace.cross_sections.read_cross_sections`.
    """
    update: dict[str, Any] = {}
    if calculation.cross_section is not None:
        update["cross_section"] = read_cross_sections(calculation.cross_section, names)
    if calculation.signal_uncertainty is not None:
        found = read_signal_uncertainties(calculation.signal_uncertainty, names)
        # One number for all stays one, so that stores of different points may be merged.
        alone = number_of_all(calculation.signal_uncertainty)
        update["signal_uncertainty"] = found if alone is None else alone
    return calculation.model_copy(update=update) if update else calculation
