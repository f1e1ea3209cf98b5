"""Pseudo-data: observed numbers of a point replaced by those of toys, as its ensemble says."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfscale.inference.toys.addresses import Address, normal_numbers, poisson_numbers
from hfscale.model.constraints import expected_auxdata
from hfscale.model.structure import LOGNORMAL, POISSON, ModelGroup, PointNumbers


class Thrown(NamedTuple):
    """Main and auxiliary data of toys, in the group's internal order."""

    data: Float[np.ndarray, "toy bin"]
    auxdata: Float[np.ndarray, "toy parameter"]


def throw_toys(
    group: ModelGroup,
    row: int,
    address: Address,
    theta: Float[np.ndarray, " parameter"],
    rates: Float[np.ndarray, " bin"],
    first: int,
    count: int,
) -> Thrown:
    """Data of toys `first` to `first + count - 1` of a point of the group.

    Main data are Poisson numbers around `rates`. Auxiliary data are, in the unconditional ensemble, normal, integer
    Poisson or log-normal numbers around the parameters `theta` as each constraint says, those of fixed parameters too
    (as pyhf); otherwise they are held at the expectation there, or at the observed values.
    """
    point = group.points.take(np.array([row]))
    data = np.repeat(point.data, count, axis=0)
    for k, (channel, i) in enumerate(group.bin_names):
        if point.bins[0, k] > 0:
            data[:, k] = poisson_numbers(address.uniforms(f"bin:{channel}:{i}", first, count), float(rates[k]))
    return Thrown(data, _auxiliary(group, point, address, theta, first, count))


def _auxiliary(
    group: ModelGroup,
    point: PointNumbers,
    address: Address,
    theta: Float[np.ndarray, " parameter"],
    first: int,
    count: int,
) -> Float[np.ndarray, "toy parameter"]:
    constraint, width = group.structure.constraint, point.width[0]
    constrained = point.constrained[0] > 0
    held = point.auxdata[0]
    if address.ensemble == "aux-profiled":
        held = np.where(constrained, expected_auxdata(constraint, width, theta), held)
    auxdata = np.tile(held, (count, 1))
    if address.ensemble != "unconditional":
        return auxdata
    for k in np.flatnonzero(constrained):
        uniforms = address.uniforms(f"aux:{_component(group.parameter_names[group.order[k]])}", first, count)
        if constraint[k] == POISSON:
            auxdata[:, k] = poisson_numbers(uniforms, float(theta[k] * width[k]))
        elif constraint[k] == LOGNORMAL:
            auxdata[:, k] = theta[k] * np.exp(width[k] * normal_numbers(uniforms))
        else:
            auxdata[:, k] = theta[k] + width[k] * normal_numbers(uniforms)
    return auxdata


def _component(name: str) -> str:
    """Name of a parameter component with its number also where it is the only one."""
    return name if name.endswith("]") else f"{name}[0]"
