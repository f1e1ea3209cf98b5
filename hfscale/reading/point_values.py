"""One number per signal point, by the key that `hfscale show --json` has for it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from hfscale.errors import SelectionError
from hfscale.reading.columns import number_of

_SHORT: Mapping[str, str] = MappingProxyType({"limit": "upper_limit_obs", "CLs": "CLs_obs"})
_N_BAND = 5
_MEDIAN = 2


def point_values(rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, float]:
    """The number under a key, by the name of the signal point; NaN where there is none.

    Args:
        rows: One JSON object per signal point.
        key: Name of a number, or of five expected ones, of which the median is taken; ``limit`` and ``CLs`` are short
            for the observed ones.

    Raises:
        SelectionError: There is no such number, or there are several for one point.
    """
    found = {str(row["name"]): _value(row.get(_SHORT.get(key, key))) for row in rows}
    known = sorted({name for row in rows for name, value in row.items() if _is_number(value)})
    if _SHORT.get(key, key) not in known:
        raise SelectionError(
            f"the signal points have no number {key!r}", remedy=f"choose one of {', '.join(known) or 'another store'}"
        )
    if len(found) < len(rows):
        raise SelectionError(
            f"there are several values of {key} for one signal point", remedy="take a store with one POI value"
        )
    return found


def _value(value: Any) -> float:
    return number_of(value[_MEDIAN] if isinstance(value, list) else value)


def _is_number(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) == _N_BAND and all(item is None or isinstance(item, int | float) for item in value)
    return isinstance(value, int | float) and not isinstance(value, bool)
