"""Modifiers of the user's own: pure functions of parameters that scale or shift expected rates.

A workspace says where such a modifier acts and with which numbers; the function comes from Python, never from code
that a workspace names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from hfscale.errors import InputError, ModelError

Function = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
"""(parameters, data) -> one number per bin, or one for all: pure, and made of functions that JAX can trace."""


@dataclass(frozen=True)
class ParameterSettings:
    """A scalar parameter of a custom modifier.

    Attributes:
        init: Start value.
        bounds: Lower and upper bound.
        constraint: Kind of its constraint term.
        sigma: Width of the constraint; for a log-normal one that of the logarithm.
        auxdata: Auxiliary observation, the start value by default.
    """

    init: float = 0.0
    bounds: tuple[float, float] = (-5.0, 5.0)
    constraint: Literal["none", "normal", "poisson", "lognormal"] = "none"
    sigma: float = 1.0
    auxdata: float | None = None

    def __post_init__(self) -> None:
        numbers = (self.init, *self.bounds, self.sigma, *([] if self.auxdata is None else [self.auxdata]))
        if not all(map(isfinite, numbers)) or not self.bounds[0] <= self.init <= self.bounds[1] or self.sigma <= 0:
            raise InputError(
                f"{self} is not a parameter: it needs finite numbers, bounds around init, and a positive sigma",
                remedy="for example ParameterSettings(init=0.0, bounds=(-5.0, 5.0), constraint='normal')",
            )


@dataclass(frozen=True)
class CustomModifier:
    """A type of modifiers that is a function of parameters.

    Attributes:
        parameters: Name -> settings of the parameters of the function; None for a parameter that the workspace has
            of itself. Several modifiers may share parameters.
        operation: ``multiply`` the rates of samples by the result, or ``add`` it to their yields, where histosys adds.
        function: The function. It gets the parameters as scalars and the numbers that the workspace gives as
            ``data`` (arrays and scalars), and returns one number per bin of the channel or one for all. It must be
            pure and made of functions that JAX can trace (`jax.numpy`). For worker processes it must be importable.
        version: Changed by the user when the function changes under the same name, so that results are not mixed.
    """

    parameters: Mapping[str, ParameterSettings | None]
    operation: Literal["multiply", "add"]
    function: Function
    version: str = ""

    def __post_init__(self) -> None:
        if self.operation not in ("multiply", "add"):
            raise InputError(
                f"a custom modifier cannot {self.operation!r}", remedy="choose the operation 'multiply' or 'add'"
            )

    @property
    def key(self) -> tuple[str, ...]:
        """What tells the function apart from others, the same in every process."""
        name = getattr(self.function, "__qualname__", type(self.function).__qualname__)
        return (str(getattr(self.function, "__module__", "")), name, self.version, self.operation, *self.parameters)


@dataclass(frozen=True)
class CustomTerm:
    """One use of a custom modifier, for channels of one number of bins.

    Attributes:
        name: Name of the use.
        type: Its type in the workspace.
        modifier: The function and its parameters.
        bins: Number of values.
        layout: Key and shape of each number or array that the function gets as data.
    """

    name: str
    type: str
    modifier: CustomModifier
    bins: int
    layout: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the parameters of the function."""
        return tuple(self.modifier.parameters)

    @property
    def n_data(self) -> int:
        """How many numbers the function gets."""
        return sum(int(np.prod(shape)) for _, shape in self.layout)

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it apart from other uses, the same in every process."""
        return (self.name, self.type, *self.modifier.key, self.bins, self.layout)

    def unpack(self, numbers: Any) -> dict[str, Any]:
        """Turn a vector of `n_data` numbers (NumPy or JAX) into the data of the function."""
        data, start = {}, 0
        for key, shape in self.layout:
            stop = start + int(np.prod(shape))
            data[key] = numbers[start:stop].reshape(shape)
            start = stop
        return data


def pack_data(
    data: Mapping[str, Any], place: str
) -> tuple[tuple[tuple[str, tuple[int, ...]], ...], Float[np.ndarray, " datum"]]:
    """Turn the data of a use in a workspace into layout and vector of a `CustomTerm`.

    Raises:
        ModelError: A value is neither a number nor a regular list of numbers.
    """
    arrays: dict[str, np.ndarray] = {}
    for key, value in sorted(data.items()):
        try:
            array = np.asarray(value)
        except ValueError:
            array = np.asarray(None)
        if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
            raise ModelError(
                f"the data {key!r} of a custom modifier are {value!r}, and must be numbers",
                place=f"{place}/data/{key}",
                remedy="give a finite number, or a list with lists of equal length, of finite numbers",
            )
        arrays[key] = array.astype(np.float64)
    layout = tuple((key, array.shape) for key, array in arrays.items())
    return layout, np.concatenate([np.zeros(0), *(array.ravel() for array in arrays.values())])
