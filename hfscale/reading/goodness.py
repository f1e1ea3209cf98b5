"""Goodness of fit in a store: one frozen result per signal point, and its plain JSON object."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from hfscale.fit.status import FitStatus
from hfscale.inference.results import PointStatus
from hfscale.inference.toys.intervals import share_interval
from hfscale.reading.records import number, numbers, plain_values, state_of
from hfscale.store.store import ResultStore

_TOLERANCE = 1e-9
"""Below the observed chi-square, for toys that are equal to it but for rounding."""


@dataclass(frozen=True, eq=False)
class GoodnessOfFit:
    """Goodness of fit of a signal point against the saturated model; numbers are NaN where there are none.

    Attributes:
        name, values: Name of the point, and its value of each label of the patchset.
        status: As in ``show --json``.
        chi2: Twice the difference in -ln L between the best fit and the saturated model.
        n_dof: Degrees of freedom: bins less parameters that are free and unconstrained.
        p_value: Chance of a larger chi-square.
        chi2_constraints: The part of the constraints in `chi2`.
        channels: Channels.
        channel_chi2, channel_bins: The part of the bins of each channel, and how many bins it has.
        channel_above: Toys in which the part of a channel is at least the observed one; NaN without toys.
        chi2_toys: Chi-square of toys thrown from the best fit, NaN where their fit failed; empty without toys.
        twice_nll: Twice -ln L at the minimum, with all constants.
        fit_status: How the fit ended.
        reason: Why the point failed, empty elsewhere.
    """

    name: str
    values: Mapping[str, Any]
    status: str
    chi2: float
    n_dof: float
    p_value: float
    chi2_constraints: float
    channels: tuple[str, ...]
    channel_chi2: Float[np.ndarray, " channel"]
    channel_bins: Float[np.ndarray, " channel"]
    channel_above: Float[np.ndarray, " channel"]
    chi2_toys: Float[np.ndarray, " toy"]
    twice_nll: float
    fit_status: FitStatus
    reason: str

    @property
    def n_toys(self) -> int:
        """Number of toys whose fits ended well."""
        return int(np.isfinite(self.chi2_toys).sum())

    @property
    def toy_p_value(self) -> float:
        """Share of toys with at least the observed chi-square; NaN without toys."""
        return self._above / self.n_toys if self.n_toys else float("nan")

    @property
    def toy_p_value_interval(self) -> Float[np.ndarray, " side"]:
        """68.3 % interval of `toy_p_value`."""
        return share_interval(self._above, self.n_toys) if self.n_toys else np.full(2, np.nan)

    @property
    def _above(self) -> int:
        return int((self.chi2_toys >= self.chi2 - _TOLERANCE).sum())


def read_goodness(store: ResultStore) -> tuple[GoodnessOfFit, ...]:
    """Goodness of fit of all signal points, in their order."""
    data = store.to_xarray().load()
    arrays = {str(name): np.asarray(array.values) for name, array in data.data_vars.items()}
    labels = {label: plain_values(data[name].values) for label, name in store.labels.items()}
    channels, reasons = tuple(store.settings["calculation"]["channels"]), store.reasons()
    found = []
    for k, name in enumerate(store.names):
        reason = reasons.get(name, "")
        status = state_of(PointStatus(int(arrays["status"][k])), reason or None)
        # A task that was killed before its marker may have left numbers, which do not count.
        row = {key: array[k] if status == "ok" else np.full_like(array[k], np.nan, dtype=np.float64)
               for key, array in arrays.items()}  # fmt: skip
        found.append(
            GoodnessOfFit(
                name=name,
                values={label: column[k] for label, column in labels.items()},
                status=status,
                chi2=float(row["chi2"]),
                n_dof=float(row["n_dof"]),
                p_value=float(row["p_value"]),
                chi2_constraints=float(row["chi2_constraints"]),
                channels=channels,
                channel_chi2=row["channel_chi2"],
                channel_bins=row["channel_bins"],
                channel_above=row.get("channel_above", np.full(len(channels), np.nan)),
                chi2_toys=row.get("chi2_toys", np.zeros(0)),
                twice_nll=float(row["twice_nll_free"]),
                fit_status=FitStatus(int(arrays["fit_status_free"][k])),
                reason=reason,
            )
        )
    return tuple(found)


def read_goodness_records(store: ResultStore) -> list[dict[str, Any]]:
    """One JSON object per signal point, in their order; None where there is no number."""
    return [goodness_record(point) for point in read_goodness(store)]


def goodness_record(point: GoodnessOfFit) -> dict[str, Any]:
    """The JSON object of a goodness of fit."""
    record: dict[str, Any] = {"name": point.name, "values": dict(point.values), "status": point.status}
    record |= {"chi2": number(point.chi2), "n_dof": _integer(point.n_dof), "p_value": number(point.p_value)}
    if len(point.chi2_toys):
        record |= {
            "toy_p_value": number(point.toy_p_value),
            "toy_p_value_interval": numbers(point.toy_p_value_interval),
            "n_toys": point.n_toys,
            "failed_toys": len(point.chi2_toys) - point.n_toys if point.status == "ok" else 0,
        }
    return {
        **record,
        "chi2_constraints": number(point.chi2_constraints),
        "channels": [_channel(point, k) for k in range(len(point.channels))],
        "twice_nll": {"free": number(point.twice_nll), "saturated": number(point.twice_nll - point.chi2)},
        "fit_status": point.fit_status.name.lower(),
        **({"reason": point.reason} if point.status == "failed" and point.reason else {}),
    }


def _channel(point: GoodnessOfFit, k: int) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "channel": point.channels[k],
        "chi2": number(point.channel_chi2[k]),
        "bins": _integer(point.channel_bins[k]),
    }
    if len(point.chi2_toys):
        fields["toy_p_value"] = number(point.channel_above[k] / point.n_toys) if point.n_toys else None
    return fields


def _integer(value: float) -> int | None:
    return int(value) if np.isfinite(value) else None


def goodness_columns(point: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The row of a data frame that the JSON object of a signal point fills."""
    low, high = point.get("toy_p_value_interval", (None, None))
    toys = {key: point[key] for key in ("toy_p_value", "n_toys", "failed_toys") if key in point}
    if toys:
        toys |= {"toy_p_value_low": low, "toy_p_value_high": high}
    return [
        {
            "name": point["name"],
            **point["values"],
            **{key: point[key] for key in ("status", "chi2", "n_dof", "p_value")},
            **toys,
            "chi2_constraints": point["chi2_constraints"],
            **{f"chi2_{fields['channel']}": fields["chi2"] for fields in point["channels"]},
        }
    ]
