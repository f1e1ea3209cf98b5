"""Expected yields of the samples of one signal point as a frozen result, and its plain JSON object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float, Int

from hfscale.inference.measurement.prediction import Yields
from hfscale.reading.records import number, numbers

if TYPE_CHECKING:
    from cabinetry.model_utils import ModelPrediction

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

    def to_cabinetry(self, model: Any) -> "ModelPrediction":
        """Return the container of `cabinetry.model_utils.prediction`.

        Args:
            model: The model in pyhf, of which the container holds channels and samples.

        Raises:
            SelectionError: The model has other samples, as where some were merged, or other channels or bins.
            InputError: cabinetry is not installed.
        """
        from hfscale.predictions.cabinetry_predictions import cabinetry_prediction

        return cabinetry_prediction(self, model)

    @classmethod
    def from_cabinetry(
        cls, results: "ModelPrediction", data: Sequence[float] | None = None, name: str = "cabinetry"
    ) -> "Prediction":
        """Take what `cabinetry.model_utils.prediction` returned.

        Args:
            results: The container.
            data: Counts of all bins in the order of the model; what is behind them, as auxiliary data, is left out.
            name: Name of the signal point.

        Raises:
            InputError: The label is neither ``pre-fit`` nor ``post-fit``, or there are fewer counts than bins.
        """
        from hfscale.predictions.cabinetry_predictions import prediction_from_cabinetry

        return prediction_from_cabinetry(results, data, name)

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
