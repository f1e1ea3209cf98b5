"""Parameters of one workspace: which there are, in pyhf's order, with their constraints and defaults.

The rules are pyhf's (0.7.6): defaults per modifier type, overrides by the measurement, order by modifier type and then
by the walk over sorted channels, samples and modifiers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float

from hfscale.errors import ModelError

Constraint = Literal["none", "normal", "poisson", "lognormal"]

MODIFIER_TYPES = ("histosys", "lumi", "normfactor", "normsys", "shapefactor", "shapesys", "staterror")
"""Modifier types in the order in which pyhf lays out their parameters."""

POSITIVE = 1e-10
"""Lower bound of parameters that must stay positive, as pyhf's."""


@dataclass(frozen=True)
class ParameterSet:
    """One named parameter of a workspace, of one or several components.

    Attributes:
        name: Name as in the workspace.
        constraint: Kind of the constraint term of every component.
        inits, lower, upper: Start value and bounds.
        fixed: Components held constant in fits (their constraint terms stay in the likelihood).
        auxdata: Auxiliary observation of each component; 0 for unconstrained ones.
        width: Standard deviation of a normal constraint, that of the logarithm for a log-normal one, or the factor tau
            of a Poisson one; 1 for unconstrained ones.
        layout: What the components stand for: global bins for staterror, () where components are counted locally.
    """

    name: str
    constraint: Constraint
    inits: Float[np.ndarray, " component"]
    lower: Float[np.ndarray, " component"]
    upper: Float[np.ndarray, " component"]
    fixed: Bool[np.ndarray, " component"]
    auxdata: Float[np.ndarray, " component"]
    width: Float[np.ndarray, " component"]
    layout: tuple[tuple[str, int], ...] = ()
    scalar: bool = True

    @property
    def size(self) -> int:
        """Number of components."""
        return len(self.inits)

    @property
    def component_names(self) -> tuple[str, ...]:
        """Names of the components as in pyhf: ``x`` for a scalar, ``x[i]`` otherwise."""
        return (self.name,) if self.scalar else tuple(f"{self.name}[{i}]" for i in range(self.size))


def _filled(n: int, value: float) -> Float[np.ndarray, " n"]:
    return np.full(n, value, dtype=np.float64)


def _set(
    name: str,
    constraint: Constraint,
    n: int,
    init: float,
    bounds: tuple[float, float],
    *,
    scalar: bool,
    auxdata: Float[np.ndarray, " n"] | None = None,
    width: Float[np.ndarray, " n"] | None = None,
    fixed: Bool[np.ndarray, " n"] | None = None,
    layout: tuple[tuple[str, int], ...] = (),
) -> ParameterSet:
    return ParameterSet(
        name=name,
        constraint=constraint,
        inits=_filled(n, init),
        lower=_filled(n, bounds[0]),
        upper=_filled(n, bounds[1]),
        fixed=np.zeros(n, dtype=bool) if fixed is None else fixed,
        auxdata=_filled(n, init if constraint != "none" else 0.0) if auxdata is None else auxdata,
        width=_filled(n, 1.0) if width is None else width,
        layout=layout,
        scalar=scalar,
    )


@lru_cache(maxsize=4096)
def alpha_set(name: str) -> ParameterSet:
    """Parameter of histosys and normsys: unit normal constraint around 0."""
    return _set(name, "normal", 1, 0.0, (-5.0, 5.0), scalar=True)


@lru_cache(maxsize=4096)
def normfactor_set(name: str) -> ParameterSet:
    """Free scalar factor."""
    return _set(name, "none", 1, 1.0, (0.0, 10.0), scalar=True)


def lumi_set(name: str) -> ParameterSet:
    """Luminosity: everything comes from the measurement; NaN marks what it must give."""
    nan = float("nan")
    return _set(name, "normal", 1, nan, (nan, nan), scalar=True, width=_filled(1, nan))


def shapefactor_set(name: str, n: int) -> ParameterSet:
    """Free factor per bin."""
    return _set(name, "none", n, 1.0, (0.0, 10.0), scalar=False)


def shapesys_set(
    name: str, nominal: Float[np.ndarray, " bins"], uncertainty: Float[np.ndarray, " bins"]
) -> ParameterSet:
    """Poisson-constrained factor per bin with tau = (nominal / uncertainty)^2; empty bins are fixed."""
    valid = (nominal > 0) & (uncertainty > 0)
    tau = np.ones_like(nominal)
    tau[valid] = nominal[valid] ** 2 / uncertainty[valid] ** 2
    return _set(name, "poisson", len(tau), 1.0, (POSITIVE, 10.0), scalar=False, auxdata=tau, width=tau, fixed=~valid)


def staterror_set(
    name: str, relative: Float[np.ndarray, " masked"], layout: tuple[tuple[str, int], ...], threshold: float = 0.0
) -> ParameterSet:
    """Normal-constrained factor per bin.

    Bins without uncertainty are fixed and get a unit constraint; those with one below the threshold are fixed.
    """
    empty = relative == 0.0
    width = np.where(empty, 1.0, relative)
    fixed = empty | (relative < threshold)
    return _set(
        name, "normal", len(width), 1.0, (POSITIVE, 10.0), scalar=False, width=width, fixed=fixed, layout=layout
    )  # fmt: skip


_ATTRIBUTES = {"inits": "inits", "auxdata": "auxdata", "sigmas": "width", "factors": "width"}


def override(parameter: ParameterSet, config: Mapping[str, Any]) -> ParameterSet:
    """Apply a parameter configuration of the measurement.

    Raises:
        ModelError: A list of the wrong length, or an attribute that this kind of parameter does not have.
    """
    changes: dict[str, Any] = {}
    for key, attribute in _ATTRIBUTES.items():
        if key not in config:
            continue
        _check_attribute(parameter, key)
        changes[attribute] = _values(parameter, key, config[key])
    if "bounds" in config:
        bounds = np.asarray(config["bounds"], dtype=np.float64).reshape(len(config["bounds"]), -1)
        _check_length(parameter, "bounds", len(bounds))
        if bounds.shape[1] != 2 or not (bounds[:, 0] <= bounds[:, 1]).all():
            raise ModelError(f"parameter '{parameter.name}': bounds must be pairs [lower, upper] with lower <= upper")
        changes["lower"], changes["upper"] = bounds[:, 0].copy(), bounds[:, 1].copy()
    if "fixed" in config:
        changes["fixed"] = np.full(parameter.size, bool(config["fixed"]))
    return replace(parameter, **changes)


def _check_attribute(parameter: ParameterSet, key: str) -> None:
    owner = {"inits": True, "auxdata": parameter.constraint != "none", "factors": parameter.constraint == "poisson"}
    # The width of a histosys or normsys is 1 by definition; lumi's is missing (NaN) until it is given.
    unit = parameter.scalar and bool(np.isfinite(parameter.width).all())
    owner["sigmas"] = parameter.constraint == "normal" and not unit
    if not owner[key]:
        raise ModelError(
            f"parameter '{parameter.name}' has a {parameter.constraint} constraint and no attribute '{key}'",
            remedy="remove it from the measurement's parameter configuration",
        )


def _check_length(parameter: ParameterSet, key: str, n: int) -> None:
    if n != parameter.size:
        raise ModelError(f"parameter '{parameter.name}': {n} values for '{key}', expected {parameter.size}")


def _values(parameter: ParameterSet, key: str, values: Sequence[float]) -> Float[np.ndarray, " component"]:
    array = np.asarray(values, dtype=np.float64)
    _check_length(parameter, key, array.size)
    return array


def check_complete(parameter: ParameterSet) -> None:
    """Raise ModelError where a required value (lumi's, say) was never given, or makes no sense."""
    p = parameter
    if not np.isfinite((p.inits, p.lower, p.upper, p.auxdata, p.width)).all():
        raise ModelError(
            f"parameter '{p.name}' needs inits, bounds, auxdata and sigmas from the measurement",
            remedy=f"add a configuration for '{p.name}' to the measurement's parameters",
        )
    if (parameter.width <= 0).any():
        raise ModelError(f"parameter '{parameter.name}': sigmas and factors must be positive")
    outside = (parameter.inits < parameter.lower) | (parameter.inits > parameter.upper)
    if outside.any():
        raise ModelError(
            f"parameter '{parameter.name}': start value {parameter.inits[outside][0]:g} lies outside its bounds",
            remedy="change inits or bounds in the measurement's parameter configuration",
        )
