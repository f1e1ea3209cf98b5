"""The numbers of a store as plain JSON objects: one per signal point, or per point and POI value of a scan."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hfscale.inference.results import LimitStatus, PointStatus
from hfscale.store.store import ResultStore

if TYPE_CHECKING:
    import xarray

_STATUS = {
    PointStatus.NOT_RUN: "pending",
    PointStatus.OK: "ok",
    PointStatus.NO_SIGNAL: "no_signal",
    PointStatus.FAILED: "failed",
}


class Keys(NamedTuple):
    """The keys of the objects of one kind of calculation, which are names of arrays of the store.

    Attributes:
        settings: What was asked for, from the settings.
        numbers: One number per point. Like those of bands, they need not all be arrays of the store.
        bands: Five numbers per point, from -2 to +2 standard deviations; all None where one is missing.
        minima: Minima of twice -ln L, without their prefix.
        places: Where limits lie, key by key -> array of the store.
        varying: What tells the objects of one point apart.
        pairs: Two numbers per point, with the cross-section of the signal one standard deviation down and up.
    """

    settings: tuple[str, ...]
    numbers: tuple[str, ...]
    bands: tuple[str, ...] = ()
    minima: tuple[str, ...] = ("free", "background")
    places: Mapping[str, str] = MappingProxyType({})
    varying: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()


_FITTED = ("mu_hat", "mu_hat_error")
_CONVERTED = ("S95", "visible_xsec", "xsec_limit")
"""Added by `hfscale.reading.conversions`."""
_CLS = Keys(
    settings=("calctype", "test_stat"),
    numbers=("CLs_obs", "CLsb", "CLb", "q", "q_asimov", "effective_events", *_FITTED),
    bands=("CLs_exp",),
    minima=("free", "conditional", "background"),
    pairs=("signal_poi", "CLs_obs_signal"),
)
_KEYS: Mapping[str, Keys] = MappingProxyType(
    {
        "cls": _CLS,
        "scan": _CLS._replace(varying=("poi",)),
        "limit": Keys(
            settings=("calctype", "test_stat", "level"),
            numbers=("upper_limit_obs", *_FITTED, "signal_yield", *(f"{name}_obs" for name in _CONVERTED)),
            bands=("upper_limit_exp", *(f"{name}_exp" for name in _CONVERTED)),
            places=MappingProxyType(
                {"upper_limit_status": "upper_limit_obs_status", "upper_limit_exp_status": "upper_limit_exp_status"}
            ),
        ),
        "significance": Keys(
            settings=("calctype",), numbers=("p0", "Z", "q0", "q0_asimov", *_FITTED), bands=("p0_exp", "Z_exp")
        ),
    }
)


def keys_of(calculation: Mapping[str, Any]) -> Keys:
    """The keys that objects of a calculation have beside name, values, status and reason."""
    return _KEYS[calculation.get("kind", "cls")]


def read_records(store: ResultStore) -> list[dict[str, Any]]:
    """One object per signal point, and per POI value where there are several; None where there is no number."""
    data = store.to_xarray().load()
    calculation = store.settings["calculation"]
    reasons = store.reasons()
    labels = {label: plain_values(data[name].values) for label, name in store.labels.items()}
    values = data["mu"].values.tolist() if "mu" in data["status"].dims else [None]
    arrays = _aligned(data, len(values))
    records = []
    for k, name in enumerate(store.names):
        for i, value in enumerate(values):
            code = PointStatus(int(arrays["status"][k, i]))
            state = state_of(code, reasons.get(name))
            # A task that was killed before its marker may have left numbers, which do not count.
            row = {key: array[k, i] for key, array in arrays.items()} if code != PointStatus.NOT_RUN else {}
            records.append(
                {
                    "name": name,
                    "values": {label: column[k] for label, column in labels.items()},
                    "status": state,
                    **({} if value is None else {"poi": value}),
                    **_fields(keys_of(calculation), calculation, row, set(arrays)),
                    **({"reason": reasons[name]} if state == "failed" and name in reasons else {}),
                }
            )
    return records


def state_of(code: PointStatus, reason: str | None) -> str:
    """The status of a point as JSON objects name it: failed also where its whole task could not be run."""
    if reason is not None and code == PointStatus.NOT_RUN:
        return "failed"
    return _STATUS[code]


def _aligned(data: "xarray.Dataset", n_values: int) -> dict[str, np.ndarray]:
    """All arrays with the axes of points and of POI values first; what does not depend on the POI is repeated."""
    arrays = {}
    for name, array in data.data_vars.items():
        values = np.asarray(array.values)
        if "mu" not in array.dims:
            values = np.repeat(values[:, None], n_values, axis=1)
        arrays[str(name)] = values
    return arrays


def _fields(keys: Keys, calculation: Mapping[str, Any], row: Mapping[str, Any], stored: set[str]) -> dict[str, Any]:
    """The fields of one object, in the order of the contract; those that the store has no array for are left out."""
    fields: dict[str, Any] = {key: calculation[key] for key in keys.settings}
    if "test_stat" not in fields:
        fields["test_stat"] = "q0"
    first, *others = (key for key in keys.numbers if key in stored)
    fields[first] = number(row.get(first))
    fields |= {key: _band(row.get(key), whole=not keys.places) for key in keys.bands if key in stored}
    fields |= {key: number(row.get(key)) for key in others}
    fields |= {key: numbers(row.get(key, (None, None))) for key in keys.pairs if key in stored}
    fields |= {key: places_of(row.get(name)) for key, name in keys.places.items() if name in stored}
    fields["twice_nll"] = {key: number(row.get(f"twice_nll_{key}")) for key in keys.minima}
    return fields


def number(value: Any) -> float | None:
    """A number for JSON, None where there is none."""
    return float(value) if value is not None and math.isfinite(value) else None


def numbers(values: Iterable[Any]) -> list[float | None]:
    """Numbers for JSON, None where there is none."""
    return [number(value) for value in values]


def _band(values: Any, whole: bool) -> list[float | None] | None:
    """The five numbers; where a whole band is asked for, none if one is missing."""
    if values is None or (not np.isfinite(values).all() and (whole or not np.isfinite(values).any())):
        return None
    return numbers(values)


def places_of(codes: Any) -> Any:
    """The name of a `LimitStatus`, or of each of several; None where nothing was found."""
    if codes is None or not np.any(codes):
        return None
    names = [LimitStatus(int(code)).name.lower() for code in np.ravel(codes)]
    return names if np.ndim(codes) else names[0]


def plain_values(values: np.ndarray) -> list[Any]:
    """Python numbers and texts; whole numbers as integers, as patchsets write masses."""
    items = values.tolist()
    if values.dtype.kind != "f":
        return [str(item) for item in items]
    whole = all(math.isfinite(item) and item == int(item) for item in items)
    return [int(item) for item in items] if whole else items
