"""Likelihoods of pyhf's model objects."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyhf

from hfscale.errors import ModelError
from hfscale.likelihood import Likelihood

_MEASUREMENT = "measurement"
_IMPLICIT_CODES = {"normsys": "code1", "histosys": "code0"}
"""What pyhf 0.7.6 takes where a model's settings name a modifier type without a code, or do not name it."""


def from_pyhf(model: pyhf.Model, data: npt.ArrayLike) -> Likelihood:
    """The likelihood of a pyhf model and its data, with the same POI, bounds and interpolation codes.

    Args:
        model: A model of pyhf with or without a POI, such as ``pyhf.Workspace(spec).model()``.
        data: Main and auxiliary data, such as ``pyhf.Workspace(spec).data(model)``.

    Raises:
        ModelError: The model uses something that is not supported: clipping, or modifiers of its user's own.
        InputError: The data are of the wrong length or not finite.
    """
    _refuse_clipping(model)
    workspace = _workspace_of(model)
    settings = model.config.modifier_settings
    codes = {kind: settings.get(kind, {}).get("interpcode", code) for kind, code in _IMPLICIT_CODES.items()}
    return Likelihood.from_workspace(workspace, interpcode=codes).with_data(np.asarray(data))


def _refuse_clipping(model: pyhf.Model) -> None:
    for name in ("clip_sample_data", "clip_bin_data"):
        if getattr(model.main_model, name) is not None:
            raise ModelError(
                f"the pyhf model was made with {name}, which is not supported",
                remedy=f"make it without {name}",
            )


def _workspace_of(model: pyhf.Model) -> dict[str, Any]:
    """A workspace with one measurement that makes this model; its observations are placeholders."""
    channels = _plain(model.spec["channels"])
    config = {"poi": model.config.poi_name or "", "parameters": _plain(model.spec.get("parameters", []))}
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
