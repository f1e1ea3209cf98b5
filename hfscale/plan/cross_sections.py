"""Cross-sections of the signal points of a calculation, read from where the user keeps them."""

from collections.abc import Sequence

from hfscale.plan.settings import Calculation
from hfscale.workspace.cross_sections import read_cross_sections


def with_cross_sections(calculation: Calculation, names: Sequence[str]) -> Calculation:
    """The calculation with a cross-section for each of the named signal points in place of a number or file.

    A file is read once, so that the numbers in a store are those that it had.

    Raises:
        SourceError, SchemaError, SelectionError: As `hfscale.workspace.cross_sections.read_cross_sections`.
    """
    if calculation.cross_section is None:
        return calculation
    return calculation.model_copy(update={"cross_section": read_cross_sections(calculation.cross_section, names)})
