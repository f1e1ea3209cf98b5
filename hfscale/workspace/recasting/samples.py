"""The signal sample of one channel, from the rows of its bins."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfscale.errors import SchemaError
from hfscale.workspace.recasting.columns import DOWN, STAT, UP, YIELD, Columns
from hfscale.workspace.recasting.rows import Row

_LEAST_FACTOR = 1e-9
"""Factors are interpolated by their logarithms (CERN-OPEN-2012-016, section 4.1), and must be positive."""


def signal_sample(
    sample: str, channel: str, bins: Sequence[Row], columns: Columns, common: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Make the sample that a signal adds to a channel.

    Args:
        sample: Its name.
        channel: Name of the channel.
        bins: The row of each bin.
        columns: What the columns mean.
        common: Modifiers that it has in all channels.

    Returns:
        The sample; None where the signal has no events in the channel.

    Raises:
        SchemaError: A cell is not what it should be.
    """
    yields = [_yield(row) for row in bins]
    uncertainty = _statistical(bins, yields) if columns.has_stat else None
    systematic = [_systematic(name, bins, yields) for name in columns.systematics]
    if not any(yields):
        return None
    modifiers = [dict(modifier) for modifier in common]
    if uncertainty is not None:
        # A name of its own: with that of the background's, both would share one parameter per bin.
        modifiers.append({"name": f"staterror_{sample}_{channel}", "type": "staterror", "data": uncertainty})
    modifiers += [modifier for modifier in systematic if modifier is not None]
    return {"name": sample, "data": yields, "modifiers": modifiers}


def _yield(row: Row) -> float:
    row.text(YIELD)
    return row.number(YIELD) or 0.0


def _statistical(bins: Sequence[Row], yields: Sequence[float]) -> list[float] | None:
    """Return the statistical uncertainties; None where there are none."""
    found = [row.number(STAT) or 0.0 for row in bins]
    for row, value, events in zip(bins, found, yields, strict=True):
        if value and not events:
            raise SchemaError(
                f"a yield of 0 has a statistical uncertainty of {value:g}: HistFactory scales yields",
                place=row.place,
                remedy="leave the uncertainty out, or give the yield a small value",
            )
    return found if any(found) else None


def _systematic(name: str, bins: Sequence[Row], yields: Sequence[float]) -> dict[str, Any] | None:
    """Return the modifier of a systematic uncertainty; None where the channel does not have it."""
    up = [row.number(name + UP, _LEAST_FACTOR) for row in bins]
    down = [row.number(name + DOWN, _LEAST_FACTOR) for row in bins]
    highs, lows = [value for value in up if value is not None], [value for value in down if value is not None]
    if not highs and not lows:
        return None
    if len(highs) != len(bins) or len(lows) != len(bins):
        empty = next(row for row, *pair in zip(bins, up, down, strict=True) if None in pair)
        raise SchemaError(
            f"the uncertainty {name!r} is given for a part of its bins",
            place=empty.place,
            remedy="fill in both factors in all bins of the channel, 1 for no effect, or leave all of them empty",
        )
    if len(set(highs)) == len(set(lows)) == 1:
        return {"name": name, "type": "normsys", "data": {"hi": highs[0], "lo": lows[0]}}
    data = {
        "hi_data": [factor * events for factor, events in zip(highs, yields, strict=True)],
        "lo_data": [factor * events for factor, events in zip(lows, yields, strict=True)],
    }
    return {"name": name, "type": "histosys", "data": data}
