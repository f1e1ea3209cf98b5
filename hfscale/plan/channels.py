"""Channels whose part of a goodness of fit a store keeps."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from hfscale.errors import SelectionError
from hfscale.plan.settings import Calculation


def with_channels(calculation: Calculation, workspace: Mapping[str, Any]) -> Calculation:
    """The calculation with the names of its channels, all of the workspace unless some were chosen.

    Args:
        calculation: What to compute; kinds other than ``gof`` are left as they are.
        workspace: The background workspace.

    Raises:
        SelectionError: A chosen channel is none of the workspace.
    """
    if calculation.kind != "gof":
        return calculation
    known = sorted(str(channel["name"]) for channel in workspace["channels"])
    for name in calculation.channels:
        if name not in known:
            near = get_close_matches(name, known, n=5) or known[:10]
            raise SelectionError(f"{name!r} is no channel", remedy=f"choose another, such as {', '.join(near)}")
    return calculation.model_copy(update={"channels": calculation.channels or tuple(known)})
