"""Expected yields of the samples of one signal point as a frozen result, and its plain JSON object."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from hfscale.inference.measurement.prediction import Yields
from hfscale.reading.records import number, numbers

Label = Literal["pre-fit", "post-fit"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """Expected yields with uncertainties; rows of arrays are the samples and behind them their sum.

    Attributes:
        name, values: Name of the signal point, and its value of each label of the patchset.
        label: ``pre-fit`` or ``post-fit``.
        samples: Names of the samples, merged ones under their new name.
        channels: Names of the channels, sorted.
        channel_of_bin: Position of the channel of each bin.
        yields: Yields and uncertainties in bins and in channels.
        data: Counts of every bin; NaN where they are not to be shown.
        missing: Parameters that the fit does not have, which are where they are before it.
    """

    name: str
    values: Mapping[str, Any]
    label: Label
    samples: tuple[str, ...]
    channels: tuple[str, ...]
    channel_of_bin: Int[np.ndarray, " bin"]
    yields: Yields
    data: Float[np.ndarray, " bin"]
    missing: tuple[str, ...]

    @property
    def channel_data(self) -> Float[np.ndarray, " channel"]:
        """Counts of every channel."""
        sums: Float[np.ndarray, " channel"] = np.bincount(self.channel_of_bin, self.data, len(self.channels))
        return sums

    def to_list(self) -> list[dict[str, Any]]:
        """One object for each channel, as in ``hfscale prediction --json``; None where there is no number."""
        return [self._channel(k) for k in range(len(self.channels))]

    def to_json(self) -> dict[str, Any]:
        """The JSON object of ``hfscale prediction --json``."""
        return {
            "name": self.name,
            "values": dict(self.values),
            "label": self.label,
            "parameters_not_in_fit": list(self.missing),
            "channels": self.to_list(),
        }

    def _channel(self, k: int) -> dict[str, Any]:
        own = self.channel_of_bin == k
        rows = []
        for row, name in enumerate([*self.samples, "total"]):
            fields = {
                "yields": numbers(self.yields.bins[row, own]),
                "errors": numbers(self.yields.bin_errors[row, own]),
                "sum": number(self.yields.channels[row, k]),
                "sum_error": number(self.yields.channel_errors[row, k]),
            }
            rows.append({"sample": name, **fields})
        seen = np.isfinite(self.data[own]).all()
        return {
            "channel": self.channels[k],
            "samples": rows[:-1],
            "total": {key: value for key, value in rows[-1].items() if key != "sample"},
            "data": numbers(self.data[own]) if seen else None,
        }
