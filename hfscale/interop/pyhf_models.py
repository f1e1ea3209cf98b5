"""Likelihoods of pyhf's model objects."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyhf

from hfscale.errors import ModelError
from hfscale.likelihood import Likelihood
from hfscale.workspace.extension import KEY

_MEASUREMENT = "measurement"
_IMPLICIT_CODES = {"normsys": "code1", "histosys": "code0"}
"""What pyhf 0.7.6 takes where a model's settings name a modifier type without a code, or do not name it."""


def from_pyhf(model: pyhf.Model, data: npt.ArrayLike) -> Likelihood:
    """The likelihood of a pyhf model and its data, with the same POI, bounds, interpolation codes and clipping.

    Args:
        model: A model of pyhf with or without a POI, such as ``pyhf.Workspace(spec).model()``.
        data: Main and auxiliary data, such as ``pyhf.Workspace(spec).data(model)``.

    Raises:
        ModelError: The model uses something that is not supported: modifiers of its user's own, or clipping that adds
            samples to channels that do not have them.
        InputError: The data are of the wrong length or not finite.
    """
    _refuse_added_samples(model)
    workspace = _workspace_of(model)
    settings = model.config.modifier_settings
    codes = {kind: settings.get(kind, {}).get("interpcode", code) for kind, code in _IMPLICIT_CODES.items()}
    return Likelihood.from_workspace(workspace, interpcode=codes).with_data(np.asarray(data))


def _refuse_added_samples(model: pyhf.Model) -> None:
    """Refuse a positive least rate of samples where a channel lacks one: pyhf gives it that rate there too."""
    limit = model.main_model.clip_sample_data
    if limit is None or limit <= 0.0:
        return
    for channel in model.spec["channels"]:
        missing = sorted(set(model.config.samples) - {sample["name"] for sample in channel["samples"]})
        if missing:
            raise ModelError(
                f"the pyhf model was made with clip_sample_data={limit:g}, which adds {', '.join(missing)} to the"
                f" channel {channel['name']!r}, where there are none",
                remedy="make it with clip_sample_data=0",
            )


def _workspace_of(model: pyhf.Model) -> dict[str, Any]:
    """A workspace with one measurement that makes this model; its observations are placeholders."""
    channels = _plain(model.spec["channels"])
    config: dict[str, Any] = {
        "poi": model.config.poi_name or "",
        "parameters": _plain(model.spec.get("parameters", [])),
    }
    clip = {"samples": model.main_model.clip_sample_data, "bins": model.main_model.clip_bin_data}
    limits = {name: float(limit) for name, limit in clip.items() if limit is not None}
    if limits:
        config[KEY] = {"clip": limits}
    bins = model.config.channel_nbins
    return {
        "channels": channels,
        "measurements": [{"name": _MEASUREMENT, "config": config}],
        "observations": [{"name": channel["name"], "data": [0.0] * bins[channel["name"]]} for channel in channels],
        "version": "1.0.0",
    }


def _plain(value: Any) -> Any:
    """The same with lists for tuples and arrays, which pyhf accepts and JSON does not know."""
    if isinstance(value, Mapping):
        return {key: _plain(element) for key, element in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(element) for element in value]
    return value
