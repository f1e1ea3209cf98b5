"""The two kinds of scans: of CLs over the POI, and of the likelihood over any parameters."""

from collections.abc import Sequence
from typing import Literal

from hfscale.errors import InputError


def scan_kind(poi_grid: str | None, parameters: Sequence[str], grids: Sequence[str]) -> Literal["scan", "profile"]:
    """Which kind of calculation a scan is.

    Args:
        poi_grid: POI values at which CLs is asked for, or None.
        parameters: Names of parameters whose profile likelihood is asked for.
        grids: Their values.

    Raises:
        InputError: Neither is asked for, or both are.
    """
    profile = bool(parameters or grids)
    if profile == (poi_grid is not None):
        raise InputError(
            "a grid of POI values and parameters exclude each other"
            if profile
            else "a scan needs a grid of POI values, or parameters",
            remedy="give either --poi-grid A:B:N for CLs, or --parameter NAME for a profile likelihood (poi_grid or"
            " parameters in Python)",
        )
    return "profile" if profile else "scan"
