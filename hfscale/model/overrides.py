"""Constraints and fixed components of single parameters that a measurement sets under its key ``hfscale``."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from hfscale.errors import ModelError
from hfscale.model.parameters import POSITIVE, Constraint, ParameterSet
from hfscale.workspace.extension import ParameterExtension


def extend(parameter: ParameterSet, settings: ParameterExtension, place: str) -> ParameterSet:
    """Apply the settings of one parameter.

    Args:
        parameter: The parameter as pyhf's part of the workspace defines it.
        settings: What to change.
        place: Where the settings stand, for messages.

    Raises:
        ModelError: A list of the wrong length, or a constraint that the parameter cannot have.
    """
    if settings.constraint is not None:
        parameter = _constrained(parameter, settings.constraint, settings, place)
    if settings.fixed is not None:
        _require_length(parameter, "fixed", settings.fixed, place)
        parameter = replace(parameter, fixed=np.array(settings.fixed, dtype=bool))
    return parameter


def _constrained(
    parameter: ParameterSet, constraint: Constraint, settings: ParameterExtension, place: str
) -> ParameterSet:
    given = {
        key: np.array(values, dtype=np.float64)
        for key in ("sigmas", "factors", "auxdata")
        if (values := getattr(settings, key)) is not None
    }
    for key, values in given.items():
        _require_length(parameter, key, values, place)
    if constraint in ("poisson", "lognormal"):
        parameter = _positive(parameter, constraint, place)
    if "sigmas" in given or "factors" in given:
        changed = _with_widths(parameter, constraint, given)
    elif parameter.constraint != "none" or constraint == "none":
        changed = with_constraint(parameter, constraint)
    else:
        raise ModelError(
            f"parameter '{parameter.name}': a {constraint} constraint of a free parameter needs its widths",
            place=place,
            remedy="add sigmas" + (" or factors" if constraint == "poisson" else ""),
        )
    changed = replace(changed, auxdata=given.get("auxdata", changed.auxdata))
    _require_possible_auxdata(changed, place)
    return changed


def with_constraint(parameter: ParameterSet, constraint: Constraint) -> ParameterSet:
    """Give a constrained parameter another kind of constraint of the same auxiliary value and relative uncertainty.

    A Poisson constraint of relative uncertainty r has 1/r^2 auxiliary events, a log-normal one the width r.
    """
    if constraint == parameter.constraint:
        return parameter
    if constraint == "none":
        zero, one = np.zeros(parameter.size), np.ones(parameter.size)
        return replace(parameter, constraint=constraint, auxdata=zero, width=one)
    value = _auxiliary_value(parameter)
    if parameter.constraint == "poisson":
        sigma = np.sqrt(parameter.auxdata) / parameter.width
    else:
        sigma = parameter.width * (value if parameter.constraint == "lognormal" else 1.0)
    return _with_widths(parameter, constraint, {"sigmas": sigma / value if constraint == "lognormal" else sigma})


def _with_widths(
    parameter: ParameterSet, constraint: Constraint, given: dict[str, Float[np.ndarray, " component"]]
) -> ParameterSet:
    """A constraint of given widths around the auxiliary value that the parameter has."""
    value = _auxiliary_value(parameter)
    if constraint != "poisson":
        return replace(parameter, constraint=constraint, width=given["sigmas"], auxdata=value)
    tau = given["factors"] if "factors" in given else value / given["sigmas"] ** 2
    return replace(parameter, constraint=constraint, width=tau, auxdata=value * tau)


def _auxiliary_value(parameter: ParameterSet) -> Float[np.ndarray, " component"]:
    """The value that the auxiliary measurement prefers; the start value of a free parameter."""
    if parameter.constraint == "none":
        return parameter.inits
    return parameter.auxdata / parameter.width if parameter.constraint == "poisson" else parameter.auxdata


def _positive(parameter: ParameterSet, constraint: Constraint, place: str) -> ParameterSet:
    """Keep a parameter above zero, where its constraint term needs that."""
    value, lowest = float(_auxiliary_value(parameter).min()), float(parameter.lower.min())
    if lowest < 0.0 or value <= 0.0:
        what = f"its lower bound is {lowest:g}" if lowest < 0.0 else f"its value is {value:g}"
        raise ModelError(
            f"parameter '{parameter.name}': a {constraint} constraint needs a positive parameter, {what}",
            place=place,
            remedy="choose normal or none, or give the parameter positive inits and bounds",
        )
    return replace(parameter, lower=np.maximum(parameter.lower, POSITIVE))


def _require_possible_auxdata(parameter: ParameterSet, place: str) -> None:
    least = {"poisson": 0.0, "lognormal": POSITIVE}.get(parameter.constraint, -np.inf)
    if (parameter.auxdata < least).any():
        raise ModelError(
            f"parameter '{parameter.name}': auxdata of {parameter.auxdata.min():g} are impossible with a"
            f" {parameter.constraint} constraint",
            place=f"{place}/auxdata",
            remedy="give positive numbers",
        )


def _require_length(parameter: ParameterSet, key: str, values: Sequence[Any] | np.ndarray, place: str) -> None:
    if len(values) != parameter.size:
        raise ModelError(
            f"parameter '{parameter.name}': {len(values)} values for '{key}', expected {parameter.size}",
            place=f"{place}/{key}",
            remedy="give one per component",
        )
