"""Limits on events and cross-sections in the JSON objects of signal points, from their limits on the POI."""

from collections.abc import Mapping
from typing import Any

from hfscale.inference.cross_sections import conversion_factors, converted_limits
from hfscale.plan.settings import Calculation


def with_conversions(points: list[dict[str, Any]], calculation: Calculation) -> list[dict[str, Any]]:
    """Add what the limits on the POI mean in other quantities; intervals of toys are converted with them.

    Args:
        points: Objects with limits, and with `signal_yield` where the store has it.
        calculation: With the luminosity and the cross-sections, where there are some.
    """
    found = calculation.cross_section
    cross_sections: Mapping[str, float] = found if isinstance(found, Mapping) else {}
    result = []
    for point in points:
        cross_section = cross_sections.get(point["name"])
        factors = conversion_factors(point.get("signal_yield"), calculation.luminosity, cross_section)
        toys = {"toys": {**point["toys"], **converted_limits(point["toys"], factors)}} if "toys" in point else {}
        result.append({**point, **converted_limits(point, factors), **toys})
    return result
