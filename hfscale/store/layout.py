"""The arrays of a result store: names, dimensions, types, fill values and what they mean. The one place to add one.

Every number that is missing is NaN, and whether it is missing because nothing ran, because nothing could be computed or
because a fit failed is told by a status array next to it, never by the number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from hfscale.fit.status import FitStatus
from hfscale.inference.measurement.results import SHIFTS, SIDES, MinosStatus, ParameterStatus
from hfscale.inference.results import SIGNAL_VARIATIONS, LimitStatus, PointStatus
from hfscale.inference.toys.results import ToyStatus
from hfscale.inference.toys.settings import Hypothesis

FORMAT_VERSION = 1
"""Raised when a reader of an older version could misread a newer store."""

NSIGMA = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""The expected CLs are kept for these standard deviations of the background-only test statistic."""


@dataclass(frozen=True)
class Variable:
    """One array of the store.

    Attributes:
        name: Name of the array.
        dims: Its dimensions, ``point`` first.
        long_name: What it is.
        dtype: ``float64`` or ``uint8``.
        units: Units, ``1`` for a pure number.
        flags: Meaning of the values of a status array, or None for a number.
        lengths: Dimensions whose length the settings of the calculation say, with that length.
    """

    name: str
    dims: tuple[str, ...]
    long_name: str
    dtype: str = "float64"
    units: str = "1"
    flags: type[IntEnum] | None = None
    lengths: tuple[tuple[str, int], ...] = ()

    @property
    def fill(self) -> float | int:
        """The value of what was never written."""
        return 0 if self.flags is not None else float("nan")

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the array, in the CF conventions' names."""
        attributes: dict[str, Any] = {"long_name": self.long_name, "units": self.units}
        if self.flags is not None:
            attributes["flag_values"] = [int(flag) for flag in self.flags]
            attributes["flag_meanings"] = " ".join(flag.name.lower() for flag in self.flags)
        return attributes


def _number(name: str, dims: str, long_name: str) -> Variable:
    return Variable(name, tuple(dims.split()), long_name)


def _status(name: str, dims: str, long_name: str, flags: type[IntEnum]) -> Variable:
    return Variable(name, tuple(dims.split()), long_name, dtype="uint8", flags=flags)


_TABLE = (
    _number("CLs_obs", "point mu", "observed CLs"),
    _number("CLs_exp", "point mu nsigma", "expected CLs under the background-only hypothesis"),
    _number("CLsb", "point mu", "observed p-value of the signal-plus-background hypothesis"),
    _number("CLb", "point mu", "one minus the observed p-value of the background-only hypothesis"),
    _number("q", "point mu", "observed value of the test statistic"),
    _number("q_asimov", "point mu", "value of the test statistic on the background-only Asimov data"),
    _number("effective_events", "point mu", "number of events that effectively decide between the hypotheses"),
    _number("mu_hat", "point", "best-fit value of the parameter of interest"),
    _number("mu_hat_error", "point", "uncertainty of the best-fit value of the parameter of interest"),
    _number("twice_nll_free", "point", "minimum of twice the negative log-likelihood, all parameters free"),
    _number("twice_nll_background", "point", "the same, parameter of interest fixed to zero"),
    _number("twice_nll_conditional", "point mu", "the same, parameter of interest fixed to mu"),
    _number("twice_nll_asimov_free", "point", "the same on the Asimov data, all parameters free"),
    _number("twice_nll_asimov", "point mu", "the same on the Asimov data, parameter of interest fixed to mu"),
    _number("parameters_free", "point parameter", "best-fit parameters, all free"),
    _number("parameters_background", "point parameter", "best-fit parameters, parameter of interest fixed to zero"),
    _number("parameters_conditional", "point mu parameter", "best-fit parameters, parameter of interest fixed to mu"),
    _number("parameters_asimov", "point mu parameter", "the same on the Asimov data"),
    _status("fit_status_free", "point", "how the fit with all parameters free ended", FitStatus),
    _status("fit_status_background", "point", "how the background-only fit ended", FitStatus),
    _status("fit_status_conditional", "point mu", "how the fit with mu fixed ended", FitStatus),
    _status("fit_status_asimov", "point mu", "how the fit of the Asimov data with mu fixed ended", FitStatus),
    # Last, because variables are written in this order: a point with a status has all its numbers.
    _status("status", "point mu", "what became of the signal point", PointStatus),
)

VARIABLES = MappingProxyType({variable.name: variable for variable in _TABLE})
"""Arrays of asymptotic CLs at one POI value or several."""

_SIGNAL_DIMS = "point mu signal_variation"
_SIGNAL_TABLE = (
    _number("signal_poi", _SIGNAL_DIMS, "value of the parameter of interest that varies the cross-section"),
    _number("CLs_obs_signal", _SIGNAL_DIMS, "observed CLs with the cross-section of the signal varied"),
    _status("fit_status_signal", _SIGNAL_DIMS, "how the fits with the cross-section varied ended", FitStatus),
)
_WITH_SIGNAL = MappingProxyType({variable.name: variable for variable in (*_SIGNAL_TABLE, *_TABLE)})
"""Arrays of CLs with an uncertainty of the cross-section of the signal."""

_TOYBASED = MappingProxyType({name: v for name, v in VARIABLES.items() if not name.startswith("CL")})
"""Arrays of a calculation with toys, beside those of the toys: p-values are computed when they are read."""

_TOY_DIMS = "point mu hypothesis toy"
TOY_VARIABLES = MappingProxyType(
    {
        variable.name: variable
        for variable in (
            _number("q", _TOY_DIMS, "value of the test statistic"),
            _number("mu_hat", _TOY_DIMS, "best-fit value of the parameter of interest"),
            _number("twice_nll_conditional", _TOY_DIMS, "minimum of twice the negative log-likelihood, mu fixed"),
            _number("twice_nll_free", _TOY_DIMS, "the same, all parameters free"),
            _status("status", _TOY_DIMS, "what became of the toy", ToyStatus),
        )
    }
)
"""Arrays of toys, in groups of their own."""

HYPOTHESES: tuple[Hypothesis, ...] = ("sb", "b")
"""What toys are thrown from: the tested hypothesis, and the other one."""

_FITTED = tuple(
    VARIABLES[name] for name in ("mu_hat", "mu_hat_error", "twice_nll_free", "twice_nll_background")
) + tuple(VARIABLES[f"{what}_{fit}"] for what in ("parameters", "fit_status") for fit in ("free", "background"))
_POINT_STATUS = _status("status", "point", "what became of the signal point", PointStatus)
_SIGNAL_YIELD = _number("signal_yield", "point", "expected signal events with the parameter of interest at 1")
_LIMIT_TABLE = (
    _number("upper_limit_obs", "point", "observed upper limit on the parameter of interest"),
    _number("upper_limit_exp", "point nsigma", "expected upper limits under the background-only hypothesis"),
    _status("upper_limit_obs_status", "point", "where the observed upper limit lies", LimitStatus),
    _status("upper_limit_exp_status", "point nsigma", "where the expected upper limits lie", LimitStatus),
    _SIGNAL_YIELD,
    *_FITTED,
    _POINT_STATUS,
)
_SIGNIFICANCE_TABLE = (
    _number("q0", "point", "observed value of the discovery test statistic"),
    _number("q0_asimov", "point", "its value on the Asimov data of a signal with the parameter of interest at 1"),
    _number("p0", "point", "observed p-value of the background-only hypothesis"),
    _number("Z", "point", "observed significance in standard deviations"),
    _number("p0_exp", "point nsigma", "expected p-values for a signal with the parameter of interest at 1"),
    _number("Z_exp", "point nsigma", "expected significances for a signal with the parameter of interest at 1"),
    *_FITTED,
    _POINT_STATUS,
)

_SCANS = tuple(
    (
        *(
            _number(f"values_{axis}", f"point {axis}", f"values of the {axis} scanned parameter")
            for axis in dims.split()
        ),
        _number("t", f"point {dims}", "twice the profile of the negative log-likelihood above its minimum"),
        _number("best_fit", "point scanned", "best-fit values of the scanned parameters, all parameters free"),
        _number("error", "point scanned", "uncertainties of the best-fit values of the scanned parameters"),
        VARIABLES["twice_nll_free"],
        VARIABLES["parameters_free"],
        VARIABLES["fit_status_free"],
        _status("fit_status", f"point {dims}", "how the fit with the scanned parameters fixed ended", FitStatus),
        _POINT_STATUS,
    )
    for dims in ("first", "first second")
)
_PROFILES = tuple(MappingProxyType({variable.name: variable for variable in table}) for table in _SCANS)
"""Arrays of profile likelihoods of one and of two parameters; the values of these may differ from point to point."""

_FIT_TABLE = (
    VARIABLES["twice_nll_free"],
    VARIABLES["parameters_free"],
    _number("errors", "point parameter", "uncertainties of the best-fit parameters from the inverse Hessian"),
    _status("parameter_status", "point parameter", "how the parameter came out of the fit", ParameterStatus),
    _number("correlation", "point parameter_other parameter", "correlations of the best-fit parameters"),
    _number("edm", "point", "estimated distance to the minimum of the negative log-likelihood"),
    VARIABLES["fit_status_free"],
)
_MINOS_TABLE = (
    _number("minos", "point side parameter", "MINOS errors of the best-fit parameters, lower ones negative"),
    _status("minos_status", "point side parameter", "what became of the MINOS error", MinosStatus),
)
_RANKING_TABLE = (
    _number("impact", "point shift parameter", "change of the best-fit parameter of interest with the parameter held"),
    _status("impact_fit_status", "point shift parameter", "how the fit with the parameter held ended", FitStatus),
    _number("component", "point parameter", "change of the parameter of interest per deviation of the auxiliary datum"),
    _number("component_data", "point", "uncertainty of the parameter of interest from the fluctuations of the data"),
)

_GOODNESS_TABLE = (
    _number("chi2", "point", "twice the difference in ln L between the saturated model and the best fit"),
    _number("chi2_constraints", "point", "the part of the constraints in chi2"),
    _number("n_dof", "point", "degrees of freedom of chi2"),
    _number("p_value", "point", "chance of a larger chi2"),
    _number("channel_chi2", "point channel", "the part of the bins of the channel in chi2"),
    _number("channel_bins", "point channel", "number of bins of the channel"),
    _number("chi2_toys", "point toy", "chi2 of toys thrown from the best fit"),
    _number("channel_above", "point channel", "toys with at least the observed part of the channel"),
    VARIABLES["twice_nll_free"],
    VARIABLES["parameters_free"],
    _number("edm", "point", "estimated distance to the minimum of the negative log-likelihood"),
    VARIABLES["fit_status_free"],
    _POINT_STATUS,
)
_OF_GOODNESS_TOYS = ("chi2_toys", "channel_above")

_TOYBASED_LIMIT = MappingProxyType({_SIGNAL_YIELD.name: _SIGNAL_YIELD, **_TOYBASED})
_TOYBASED_SIGNIFICANCE = MappingProxyType(
    {variable.name: variable for variable in _SIGNIFICANCE_TABLE if not variable.name.startswith(("p0", "Z"))}
)
_BY_KIND: Mapping[str, Mapping[str, Variable]] = MappingProxyType(
    {
        "cls": VARIABLES,
        "scan": VARIABLES,
        "limit": MappingProxyType({variable.name: variable for variable in _LIMIT_TABLE}),
        "significance": MappingProxyType({variable.name: variable for variable in _SIGNIFICANCE_TABLE}),
        "fit": MappingProxyType({variable.name: variable for variable in (*_FIT_TABLE, *_MINOS_TABLE, _POINT_STATUS)}),
        "ranking": MappingProxyType(
            {variable.name: variable for variable in (*_FIT_TABLE, *_RANKING_TABLE, _POINT_STATUS)}
        ),
        "gof": MappingProxyType({variable.name: variable for variable in _GOODNESS_TABLE}),
    }
)


class ParameterPlaces(NamedTuple):
    """Positions of the parameters that some values and a store have in common, in either."""

    own: Int[np.ndarray, " common"]
    stored: Int[np.ndarray, " common"]


GRID_DIMENSIONS = ("first", "second")
"""Axes of the values of scanned parameters."""
PARAMETER_DIMENSIONS = ("parameter", "parameter_other")
"""Axes of all parameters; matrices have both."""
NAMED_AXES: Mapping[str, tuple[str, ...]] = MappingProxyType({"side": SIDES, "shift": SHIFTS})
"""Axes that are the same in every store, with the names along them."""
_OTHER_DIMENSIONS = ("point", "mu", "nsigma", "signal_variation", "scanned", "channel", "toy")
DIMENSIONS = (*_OTHER_DIMENSIONS, *PARAMETER_DIMENSIONS, *NAMED_AXES, *GRID_DIMENSIONS)
RESERVED = frozenset(
    {*(name for variables in (*_BY_KIND.values(), _WITH_SIGNAL, *_PROFILES) for name in variables), *DIMENSIONS, "name"}
)


def variables_of(calculation: Mapping[str, Any]) -> Mapping[str, Variable]:
    """Return the arrays of a store by name, in the order in which they are written.

    Args:
        calculation: The document of `hfscale.plan.settings.Calculation`.
    """
    kind = calculation.get("kind", "cls")
    if kind == "profile":
        return _PROFILES[len(calculation["parameters"]) - 1]
    if kind == "fit" and not calculation["minos"]:
        return {name: variable for name, variable in _BY_KIND[kind].items() if variable not in _MINOS_TABLE}
    if kind == "gof":
        return _goodness_variables(calculation)
    if calculation.get("signal_uncertainty") is not None:
        return _WITH_SIGNAL
    if calculation.get("calctype") != "toybased":
        return _BY_KIND[kind]
    return {"significance": _TOYBASED_SIGNIFICANCE, "limit": _TOYBASED_LIMIT}.get(kind, _TOYBASED)


def _goodness_variables(calculation: Mapping[str, Any]) -> Mapping[str, Variable]:
    """The arrays of a goodness of fit, with an axis of channels and, if there are any, one of toys."""
    toybased = calculation.get("calctype") == "toybased"
    lengths = (("channel", len(calculation["channels"])), ("toy", int(calculation["ntoys"]) if toybased else 0))
    return {
        name: replace(variable, lengths=lengths)
        for name, variable in _BY_KIND["gof"].items()
        if toybased or name not in _OF_GOODNESS_TOYS
    }


COMPRESSION_LEVEL = 3
"""Of Zstandard."""


def compressors() -> list[Any]:
    """Return what every array is compressed with; a checksum lets readers notice damage."""
    from zarr.codecs import Crc32cCodec, ZstdCodec

    return [ZstdCodec(level=COMPRESSION_LEVEL), Crc32cCodec()]


def block_shape(
    variable: Variable, n_points: int, n_mu: int, n_parameters: int, grid: Sequence[int] = ()
) -> tuple[int, ...]:
    """Return the shape of a variable over ``n_points`` signal points.

    Args:
        variable: The array.
        n_points, n_mu, n_parameters: Lengths of its dimensions.
        grid: How many values of each scanned parameter there are.
    """
    sizes = {"point": n_points, "mu": n_mu, "nsigma": len(NSIGMA), "scanned": len(grid)}
    sizes |= dict.fromkeys(PARAMETER_DIMENSIONS, n_parameters)
    sizes |= {axis: len(names) for axis, names in NAMED_AXES.items()}
    sizes |= {"signal_variation": len(SIGNAL_VARIATIONS), **dict(zip(GRID_DIMENSIONS, grid)), **dict(variable.lengths)}
    return tuple(sizes[dim] for dim in variable.dims)


def empty_block(
    n_points: int,
    n_mu: int,
    n_parameters: int,
    variables: Mapping[str, Variable] = VARIABLES,
    grid: Sequence[int] = (),
) -> dict[str, np.ndarray]:
    """Return all arrays of a block of signal points, filled as if nothing had run, for a task to fill."""
    return {
        name: np.full(block_shape(variable, n_points, n_mu, n_parameters, grid), variable.fill, dtype=variable.dtype)
        for name, variable in variables.items()
    }


def spread_parameters(
    values: np.ndarray, dims: Sequence[str], variable: Variable, places: ParameterPlaces, n_parameters: int
) -> np.ndarray:
    """Put values into the order of a store's parameters; those that the values do not have get the fill value.

    Args:
        values: The values, with axes `dims`, of which any may be of parameters.
        dims: Names of its axes.
        variable: What they are values of.
        places: Which parameters they are.
        n_parameters: Parameters of the store.
    """
    for axis, dim in enumerate(dims):
        if dim in PARAMETER_DIMENSIONS:
            shape = (*values.shape[:axis], n_parameters, *values.shape[axis + 1 :])
            spread = np.full(shape, variable.fill, values.dtype)
            np.moveaxis(spread, axis, 0)[places.stored] = np.moveaxis(values, axis, 0)[places.own]
            values = spread
    return values
