"""What a signal point is, as digests of its inputs: the same in every selection of points, and on every machine.

Random numbers of toys are addressed by them. Fitted numbers do not count, which differ in their last digits, and
neither does the layout as arrays, which depends on the other points of a group.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Shaped

from hfscale.model.interpolation import InterpolationCodes
from hfscale.model.parameters import ParameterSet
from hfscale.model.point import PointModel
from hfscale.model.samples import SampleData

_T = TypeVar("_T")
_ARRAYS = ("inits", "lower", "upper", "fixed", "auxdata", "width")


class PointDigests(NamedTuple):
    """Digests of one point.

    Attributes:
        full: Of the whole model and its observations.
        background: Without what vanishes where the POI is 0: samples that it multiplies, and parameters that only
            they have. Points of equal background models have it in common. The size of a staterror to which such
            a sample contributes does not count either: it differs from point to point, but hardly.
    """

    full: str
    background: str


def point_digests(points: Sequence[PointModel], poi: str, codes: InterpolationCodes) -> tuple[PointDigests, ...]:
    """Digests of some points; what they share is looked at once."""
    samples, parameters = _Known(_sample), _Known(_parameter)
    return tuple(
        PointDigests(
            full=_digest(point, point.samples, point.parameters, codes, samples, parameters),
            background=_digest(point, *_at_zero(point, poi), codes, samples, parameters),
        )
        for point in points
    )


def digests_with(digests: Sequence[str], data: str) -> tuple[str, ...]:
    """Digests of points whose observations were replaced, from those without and from what says by which data."""
    return tuple(hashlib.sha256(_text(digest, data)).hexdigest() for digest in digests)


class _Known(Generic[_T]):
    """Digests of objects by identity; valid as long as the objects live."""

    def __init__(self, calculate: Callable[[_T], bytes]) -> None:
        self.calculate = calculate
        self.digests: dict[int, bytes] = {}

    def __call__(self, item: _T) -> bytes:
        found = self.digests.get(id(item))
        if found is None:
            found = self.digests[id(item)] = self.calculate(item)
        return found


def _at_zero(
    point: PointModel, poi: str
) -> tuple[Mapping[tuple[str, str], SampleData], Mapping[str, ParameterSet | str]]:  # fmt: skip
    """Samples and parameters that matter where the POI is 0; all where that is not plain to see.

    A staterror of bins to which a vanishing sample contributes stands for itself with its name alone.
    """
    if point.clip.samples is not None and point.clip.samples > 0.0:
        return point.samples, point.parameters
    vanishing = {key for key, data in point.samples.items() if poi in (name for _, name in data.factors)}
    samples = {key: data for key, data in point.samples.items() if key not in vanishing}
    mixed = {name for key in vanishing for kind, name in point.samples[key].factors if kind == "staterror"}
    names = set(point.parameters)
    if not point.quantities:
        names = {name for data in samples.values() for name in (*data.histosys, *data.normsys)}
        names |= {name for data in samples.values() for _, name in data.factors}
    parameters = {name: parameter for name, parameter in point.parameters.items() if name in names}
    return samples, {name: name if name in mixed else parameter for name, parameter in parameters.items()}


def _digest(
    point: PointModel,
    samples: Mapping[tuple[str, str], SampleData],
    parameters: Mapping[str, ParameterSet | str],
    codes: InterpolationCodes,
    digest_of_sample: Callable[[SampleData], bytes],
    digest_of_parameter: Callable[[ParameterSet | str], bytes],
) -> str:
    data = [point.data[name] for name in sorted(point.data)]
    observations = [point.observations[name] for name in sorted(point.bins)]
    keys = tuple(quantity.key for quantity in point.quantities.values())
    parts = [_text(codes, point.clip, keys, sorted(point.data), sorted(point.bins.items()), sorted(samples))]
    parts += [_numbers(data), _numbers(observations)]
    parts += [digest_of_sample(samples[key]) for key in sorted(samples)]
    parts += [digest_of_parameter(parameters[name]) for name in sorted(parameters)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _sample(sample: SampleData) -> bytes:
    """Yields and modifiers; uncertainties count as those of their parameters."""
    histosys, normsys = sorted(sample.histosys), sorted(sample.normsys)
    shifted = [values for name in histosys for values in sample.histosys[name]]
    factors = [np.array(sample.normsys[name]) for name in normsys]
    text = _text(sample.factors, histosys, normsys)
    return hashlib.sha256(text + _numbers([sample.nominal, *shifted, *factors])).digest()


def _parameter(parameter: ParameterSet | str) -> bytes:
    if isinstance(parameter, str):
        return hashlib.sha256(_text(parameter)).digest()
    text = _text(parameter.name, parameter.constraint, parameter.layout, parameter.scalar)
    return hashlib.sha256(text + _numbers([getattr(parameter, name) for name in _ARRAYS])).digest()


def _text(*values: object) -> bytes:
    return _with_length(repr(values).encode())


def _numbers(arrays: Sequence[Shaped[np.ndarray, " _"]]) -> bytes:
    """Numbers of arrays whose lengths are known otherwise."""
    return _with_length(np.concatenate([np.zeros(0), *arrays]).astype("<f8").tobytes())


def _with_length(content: bytes) -> bytes:
    return len(content).to_bytes(8, "little") + content
