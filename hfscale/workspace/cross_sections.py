"""Cross-sections of signal points and their uncertainties: ``--cross-section`` and ``--signal-uncertainty``."""

from collections.abc import Sequence

from hfscale.workspace.numbers_of_points import Given, Quantity, read_numbers

_CROSS_SECTION = Quantity("cross-section", "cross-sections", " in fb")
_UNCERTAINTY = Quantity("signal uncertainty", "signal uncertainties", below=1.0)


def read_cross_sections(source: Given, names: Sequence[str]) -> dict[str, float]:
    """Cross-section of every signal point, in fb.

    Args:
        source: One number for all points (or its text), a JSON or CSV file, or the mapping itself. A file may have
            points that are not asked for. The first line of a CSV file may name the columns.
        names: Names of the signal points.

    Raises:
        SourceError: The file cannot be read or is not JSON.
        SchemaError: The file holds something else, a point is there twice, or a number is not finite and above 0.
        SelectionError: A point has no cross-section.
    """
    return read_numbers(source, names, _CROSS_SECTION)


def read_signal_uncertainties(source: Given, names: Sequence[str]) -> dict[str, float]:
    """Relative uncertainty of the cross-section of every signal point: one standard deviation, between 0 and 1.

    Args:
        source: As `read_cross_sections`.
        names: Names of the signal points.

    Raises:
        SourceError, SchemaError, SelectionError: As `read_cross_sections`.
    """
    return read_numbers(source, names, _UNCERTAINTY)
