"""Filling the number arrays of a group from its rows and points."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from hfscale.model.interpolation import code4_coefficients, safe_log
from hfscale.model.parameters import ParameterSet
from hfscale.model.point import PointModel
from hfscale.model.samples import SampleData
from hfscale.model.structure import PointNumbers, SharedNumbers

if TYPE_CHECKING:
    from hfscale.model.build import Row


def fill_shared(rows: "Sequence[Row]", histosys: Sequence[str]) -> SharedNumbers:
    """Numbers of the rows that are the same for every point."""
    column = {name: k for k, name in enumerate(histosys)}
    samples = [next(s for s in row.samples if s is not None) for row in rows]
    blocks = [_shifts(data, column) for data in samples]
    factors = [data.normsys[name] for row, data in zip(rows, samples, strict=True) for name in row.normsys]
    log_hi, log_lo, polynomial = _terms(np.array(factors, dtype=np.float64).reshape(-1, 2))
    empty = np.zeros((0, len(histosys)))
    return SharedNumbers(
        nominal=np.concatenate([np.zeros(0), *(data.nominal for data in samples)]),
        half_sum=np.concatenate([empty, *(block[0] for block in blocks)]),
        half_difference=np.concatenate([empty, *(block[1] for block in blocks)]),
        log_hi=log_hi,
        log_lo=log_lo,
        polynomial=polynomial,
    )


def _shifts(data: SampleData, column: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    half_sum = np.zeros((len(data.nominal), len(column)))
    half_difference = np.zeros_like(half_sum)
    if data.histosys:
        columns = [column[name] for name in data.histosys]
        up, down = np.array(list(data.histosys.values())).transpose(1, 2, 0)
        half_sum[:, columns] = (up - down) / 2
        half_difference[:, columns] = (up + down) / 2 - data.nominal[:, None]
    return half_sum, half_difference


def _terms(
    factors: Float[np.ndarray, "*n 2"],
) -> tuple[Float[np.ndarray, "*n"], Float[np.ndarray, "*n"], Float[np.ndarray, "*n 6"]]:
    hi, lo = factors[..., 0], factors[..., 1]
    return safe_log(hi), safe_log(lo), code4_coefficients(hi, lo)


def fill_points(
    points: Sequence[PointModel],
    rows: "Sequence[Row]",
    histosys: Sequence[str],
    union: Mapping[str, ParameterSet],
    position: Mapping[tuple[str, int], int],
    bins: Mapping[str, int],
) -> tuple[PointNumbers, Float[np.ndarray, "point parameter"], Bool[np.ndarray, "point parameter"]]:
    """Numbers of every point: (numbers, start values, which parameters the point has)."""
    nominal, half_sum, half_difference, factors = _varying_rows(rows, len(points), histosys, bins)
    log_hi, log_lo, polynomial = _terms(factors)
    data, present_bins = _observations(points, bins)
    columns = _parameters(points, union, position)
    present = columns["present"] > 0
    numbers = PointNumbers(
        nominal=nominal,
        half_sum=half_sum,
        half_difference=half_difference,
        log_hi=log_hi,
        log_lo=log_lo,
        polynomial=polynomial,
        data=data,
        bins=present_bins,
        auxdata=columns["auxdata"],
        width=columns["width"],
        constrained=columns["constrained"],
        lower=columns["lower"],
        upper=columns["upper"],
        fixed=columns["fixed"] > 0,
        derived=np.zeros((len(points), 0)),
    )
    return numbers, columns["inits"], present


def _varying_rows(
    rows: "Sequence[Row]", n_points: int, histosys: Sequence[str], bins: Mapping[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    column = {name: k for k, name in enumerate(histosys)}
    n_entries = sum(bins[row.channel] for row in rows)
    nominal = np.zeros((n_points, n_entries))
    half_sum = np.zeros((n_points, n_entries, len(histosys)))
    half_difference = np.zeros_like(half_sum)
    factors = np.ones((n_points, sum(len(row.normsys) for row in rows), 2))
    entry = term = 0
    for row in rows:
        block = slice(entry, entry + bins[row.channel])
        for k, data in enumerate(row.samples):
            if data is None:
                continue
            nominal[k, block] = data.nominal
            half_sum[k, block], half_difference[k, block] = _shifts(data, column)
            for j, name in enumerate(row.normsys):
                factors[k, term + j] = data.normsys.get(name, (1.0, 1.0))
        entry = block.stop
        term += len(row.normsys)
    return nominal, half_sum, half_difference, factors


def _observations(points: Sequence[PointModel], bins: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    data = np.zeros((len(points), sum(bins.values())))
    present = np.zeros_like(data)
    for k, point in enumerate(points):
        start = 0
        for channel, n in bins.items():
            if channel in point.bins:
                data[k, start : start + n] = point.observations[channel]
                present[k, start : start + n] = 1.0
            start += n
    return data, present


def _parameters(
    points: Sequence[PointModel], union: Mapping[str, ParameterSet], position: Mapping[tuple[str, int], int]
) -> dict[str, Float[np.ndarray, "point parameter"]]:
    names = ("inits", "auxdata", "width", "lower", "upper", "fixed", "constrained", "present")
    columns = {name: np.zeros((len(points), len(position))) for name in names}
    for name, common in union.items():
        where = np.array([position[name, i] for i in range(common.size)])
        for attribute, values in _columns_of(common).items():
            columns[attribute][:, where] = values
        for k, point in enumerate(points):
            own = point.parameters.get(name)
            if own is common:
                continue
            for attribute, values in (_columns_of(own) if own is not None else _columns_of_absent(common)).items():
                columns[attribute][k, where] = values
    return columns


def _columns_of(parameter: ParameterSet) -> dict[str, Float[np.ndarray, " component"] | float]:
    """Numbers of a parameter that a point has."""
    columns: dict[str, Float[np.ndarray, " component"] | float] = {
        name: getattr(parameter, name) for name in ("inits", "auxdata", "width", "lower", "upper")
    }
    columns["fixed"] = parameter.fixed.astype(np.float64)
    columns["constrained"] = float(parameter.constraint != "none")
    columns["present"] = 1.0
    return columns


def _columns_of_absent(parameter: ParameterSet) -> dict[str, Float[np.ndarray, " component"] | float]:
    """Numbers of a parameter that other points of the group have: without effect, at its auxiliary value."""
    columns = {**_columns_of(parameter), "fixed": 1.0, "constrained": 0.0, "present": 0.0}
    if parameter.constraint != "none":
        columns["inits"] = 1.0 if parameter.constraint == "poisson" else parameter.auxdata
    return columns
