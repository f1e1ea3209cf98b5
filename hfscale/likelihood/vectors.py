"""Parameters and data as vectors in pyhf's order, and where their elements live in the arrays of a model.

pyhf's vector of data holds the main data, channels sorted by name, and behind them one auxiliary number per component
of the constrained parameters, in the order of the parameters.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float, Int

from hfscale.errors import InputError
from hfscale.model.structure import ModelGroup


@dataclass(frozen=True, eq=False)
class Vectors:
    """Translation between pyhf's vectors and the arrays of a group of one point.

    Attributes:
        names: Names of the parameters.
        index: Internal position of each of them; a parameter that only stands in for a missing POI is not among them.
        aux_index: Internal position of the parameter of each auxiliary number.
        inits: Start values of all parameters in the internal order.
        main, auxdata: Data that are used where none are given, the latter in the internal order.
    """

    names: tuple[str, ...]
    index: Int[np.ndarray, " parameter"]
    aux_index: Int[np.ndarray, " auxiliary"]
    inits: Float[np.ndarray, " internal"]
    main: Float[np.ndarray, " bin"]
    auxdata: Float[np.ndarray, " internal"]

    @property
    def n_data(self) -> int:
        """Length of the vector of main and auxiliary data."""
        return len(self.main) + len(self.aux_index)

    def to_internal(self, parameters: npt.ArrayLike) -> Float[np.ndarray, "*batch internal"]:
        """Check vectors of parameters and put them into the internal order.

        Raises:
            InputError: They are no numbers, or of the wrong length.
        """
        given = as_numbers(parameters, "the parameters")
        if given.ndim == 0 or given.shape[-1] != len(self.names):
            raise InputError(
                f"{_length_of(given)} parameters are given, the model has {len(self.names)}",
                remedy="give one number per name in parameter_names",
            )
        theta = np.broadcast_to(self.inits, (*given.shape[:-1], len(self.inits))).copy()
        theta[..., self.index] = given
        return theta

    def split_data(
        self, data: npt.ArrayLike | None
    ) -> tuple[Float[np.ndarray, "*batch bin"], Float[np.ndarray, "*batch internal"]]:
        """Check vectors of data and split them into main data and auxiliary data in the internal order.

        Raises:
            InputError: They are no finite numbers, or of the wrong length.
        """
        if data is None:
            return self.main, self.auxdata
        given = as_numbers(data, "the data")
        n = len(self.main)
        if given.ndim == 0 or given.shape[-1] != self.n_data:
            raise InputError(
                f"{_length_of(given)} data are given, the model has {self.n_data}:"
                f" {n} of the bins and {len(self.aux_index)} auxiliary ones",
                remedy="give the observations of the channels sorted by name, and auxdata behind them",
            )
        if not np.isfinite(given).all():
            raise InputError("the data hold a number that is not finite", remedy="give finite numbers")
        auxdata = np.broadcast_to(self.auxdata, (*given.shape[:-1], len(self.auxdata))).copy()
        auxdata[..., self.aux_index] = given[..., n:]
        return given[..., :n], auxdata


def vectors_of(group: ModelGroup) -> Vectors:
    """Read the layout of a group of one point."""
    index = np.argsort(group.order)
    present = group.present[0, index]
    index = index[present]
    return Vectors(
        names=tuple(name for name, has in zip(group.parameter_names, present, strict=True) if has),
        index=index,
        aux_index=index[group.points.constrained[0, index] > 0],
        inits=group.inits[0],
        main=group.points.data[0],
        auxdata=group.points.auxdata[0],
    )


def as_numbers(values: npt.ArrayLike, what: str) -> Float[np.ndarray, "..."]:
    """Return an array of floats.

    Raises:
        InputError: The values are no numbers, or there are none.
    """
    array = _converted(values, np.float64, what)
    if array.size == 0:
        raise InputError(f"{what} are empty", remedy="give one number each")
    return array


def as_flags(values: npt.ArrayLike, length: int, what: str) -> Bool[np.ndarray, " parameter"]:
    """Return one boolean per parameter.

    Raises:
        InputError: The values are of another length.
    """
    array = _converted(values, np.bool_, what)
    if array.shape != (length,):
        raise InputError(f"{what} have the shape {array.shape}, the model has {length} parameters")
    return array


def _converted(values: npt.ArrayLike, dtype: npt.DTypeLike, what: str) -> np.ndarray:
    try:
        return np.asarray(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} are no array of numbers: {error}", remedy="give a list of numbers") from error


def _length_of(array: Float[np.ndarray, "..."]) -> int:
    return array.shape[-1] if array.ndim else 1
