"""Expected yields from and to cabinetry's container, for its own pictures and tables; needs the extra `cabinetry`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from hfscale.errors import InputError, SelectionError
from hfscale.inference.measurement.prediction import Yields
from hfscale.predictions.prediction import Label, Prediction

if TYPE_CHECKING:
    from cabinetry.model_utils import ModelPrediction


def cabinetry_prediction(prediction: Prediction, model: Any) -> "ModelPrediction":
    """The yields as `cabinetry.model_utils.prediction` returns them.

    Args:
        prediction: The yields, of samples that were not merged.
        model: The model in pyhf, of which the container holds channels and samples.

    Raises:
        SelectionError: The model has other samples, channels or bins.
        InputError: cabinetry is not installed.
    """
    container = _container()
    config = model.config
    _check(prediction, config)
    rows = [prediction.samples.index(name) for name in config.samples]
    with_sum = [*rows, len(prediction.samples)]
    yields, bins = prediction.yields, [_bins_of(prediction, name) for name in config.channels]
    places = [prediction.channels.index(name) for name in config.channels]
    found: ModelPrediction = container(
        model,
        [yields.bins[rows][:, own].tolist() for own in bins],
        [yields.bin_errors[with_sum][:, own].tolist() for own in bins],
        [yields.channel_errors[with_sum, place].tolist() for place in places],
        prediction.label,
    )
    return found


def prediction_from_cabinetry(results: "ModelPrediction", data: Sequence[float] | None, name: str) -> Prediction:
    """The yields that `cabinetry.model_utils.prediction` returned.

    Args:
        results: The container.
        data: Counts of all bins, in the order of the model, with auxiliary data behind them or not; None for none.
        name: Name of the signal point.

    Raises:
        InputError: The label is neither ``pre-fit`` nor ``post-fit``, or there are fewer counts than bins.
    """
    label = next((known for known in get_args(Label) if known == results.label), None)
    if label is None:
        raise InputError(f"the label of the prediction is {results.label!r}", remedy="use pre-fit or post-fit")
    config = results.model.config
    sizes = [config.channel_nbins[channel] for channel in config.channels]
    channel_of_bin = np.repeat(np.arange(len(sizes)), sizes)
    bins = np.concatenate([np.array(one, dtype=np.float64) for one in results.model_yields], axis=1)
    bins = np.vstack([bins, bins.sum(axis=0)])
    counts = np.full(bins.shape[1], np.nan) if data is None else np.array(data, dtype=np.float64)[: bins.shape[1]]
    if len(counts) != bins.shape[1]:
        raise InputError(f"there are {len(counts)} counts for {bins.shape[1]} bins", remedy="give those of all bins")
    return Prediction(
        name=name,
        values={},
        label=label,
        samples=tuple(config.samples),
        channels=tuple(config.channels),
        channel_of_bin=channel_of_bin.astype(np.int64),
        yields=Yields(
            bins=bins,
            bin_errors=np.concatenate([np.array(one) for one in results.total_stdev_model_bins], axis=1),
            channels=np.stack([bins[:, channel_of_bin == k].sum(axis=1) for k in range(len(sizes))], axis=1),
            channel_errors=np.array(results.total_stdev_model_channels).T,
        ),
        data=counts,
        missing=(),
    )


def _bins_of(prediction: Prediction, channel: str) -> np.ndarray:
    return np.flatnonzero(prediction.channel_of_bin == prediction.channels.index(channel))


def _check(prediction: Prediction, config: Any) -> None:
    """Refuse a model that is not the one of the yields."""
    for what, ours, theirs in (
        ("samples", prediction.samples, config.samples),
        ("channels", prediction.channels, config.channels),
    ):
        if set(ours) != set(theirs):
            other = ", ".join(sorted(set(ours) ^ set(theirs))[:5])
            raise SelectionError(
                f"the model has other {what} than the yields: {other}",
                remedy="give the pyhf model of the same workspace, and merge no samples",
            )
    for channel, n in config.channel_nbins.items():
        if len(_bins_of(prediction, channel)) != n:
            raise SelectionError(f"the model has {n} bins in {channel}", remedy="give the model of the same workspace")


def _container() -> Any:
    try:
        from cabinetry.model_utils import ModelPrediction
    except ImportError as error:
        raise InputError(
            "cabinetry is not installed", remedy="install it with pip install 'hfscale[cabinetry]'"
        ) from error
    return ModelPrediction
