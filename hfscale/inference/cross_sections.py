"""From limits on the POI to limits on numbers of events and on cross-sections. Knows no JAX.

A limit on the POI times the signal events expected with the POI at 1 is the limit on signal events: S95, at the usual
level of CLs. Divided by the luminosity it is the limit on the visible cross-section, that times efficiency and
acceptance. A limit on the POI times the cross-section of the signal is the limit on that cross-section. All three hold
where signal yields are proportional to the POI.
"""

from collections.abc import Mapping
from typing import Any

from hfscale.errors import InputError


def conversion_factors(
    signal_yield: float | None, luminosity: float | None = None, cross_section: float | None = None
) -> dict[str, float]:
    """Factors that turn limits on the POI of a signal point into others, by name; those that can be known.

    Args:
        signal_yield: Expected signal events with the POI at 1 (`hfscale.inference.yields.signal_yields`).
        luminosity: Integrated luminosity in fb^-1.
        cross_section: Cross-section of the signal with the POI at 1, in fb.

    Returns:
        ``S95`` (events), ``visible_xsec`` (fb) and ``xsec_limit`` (fb).

    Raises:
        InputError: The luminosity or the cross-section is not above 0.
    """
    for name, unit, value in (("luminosity", "fb^-1", luminosity), ("cross-section", "fb", cross_section)):
        if value is not None and not 0.0 < value < float("inf"):
            raise InputError(f"the {name} is {value:g} {unit}", remedy="give a finite number above 0")
    factors = {}
    if signal_yield is not None:
        factors["S95"] = signal_yield
        if luminosity is not None:
            factors["visible_xsec"] = signal_yield / luminosity
    if cross_section is not None:
        factors["xsec_limit"] = cross_section
    return factors


def converted_limits(limits: Mapping[str, Any], factors: Mapping[str, float]) -> dict[str, Any]:
    """Limits on other quantities, observed and expected.

    Args:
        limits: ``upper_limit_obs``, a number, and ``upper_limit_exp``, five of them, as in the JSON of a signal point;
            None where there is no limit. The intervals and bounds that limits from toys have, such as
            ``upper_limit_obs_interval`` and ``upper_limit_obs_bounds``, are converted where they are there.
        factors: From `conversion_factors`.

    Returns:
        The same for every factor, with its name in place of ``upper_limit``: ``S95_obs``, ``S95_exp`` and so on.
    """
    suffixes = [key.removeprefix("upper_limit_") for key in _KEYS if key in limits]
    return {
        f"{name}_{suffix}": _scaled(limits[f"upper_limit_{suffix}"], factor)
        for name, factor in factors.items()
        for suffix in suffixes
    }


_KEYS = tuple(f"upper_limit_{which}{what}" for what in ("", "_interval", "_bounds") for which in ("obs", "exp"))


def _scaled(value: Any, factor: float) -> Any:
    """A number, or every number of nested lists, times a factor; None stays None."""
    if value is None:
        return None
    return factor * value if isinstance(value, int | float) else [_scaled(each, factor) for each in value]
