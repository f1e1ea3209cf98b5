"""Pictures of expected yields with data, drawn by cabinetry; needs the extra `cabinetry`."""

import fnmatch
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hfscale.errors import SchemaError, SelectionError
from hfscale.predictions.prediction import Prediction
from hfscale.templating.configuration import load_config

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hfscale.plot.cabinetry.data_mc import Stack

_Config = str | Path | Mapping[str, Any]


def draw_channel(
    prediction: Prediction,
    channel: str | None = None,
    *,
    log: bool | None = None,
    config: _Config | None = None,
    style: str = "plain",
    title: str | None = None,
) -> "Figure":
    """Draw the yields of a channel as a stack with data, and their ratio.

    Args:
        prediction: From `hfscale.prediction`.
        channel: Which channel; not needed where there is one only.
        log: Whether the vertical axis is logarithmic; None for what the range of the yields suggests.
        config: Configuration of cabinetry, a YAML file or its content, for edges of bins and the variable.
        style: ``plain``, ``ATLAS`` or ``CMS``.
        title: Text above the figure.

    Raises:
        SelectionError: No such channel, or its yields cannot be stacked: negative in a bin, or zero everywhere.
        SchemaError: The configuration has other bins.
        InputError: cabinetry is not installed.
    """
    from hfscale.plot.cabinetry.data_mc import draw_data_mc

    (name,) = chosen_channels(prediction, () if channel is None else (channel,), one=True)
    return draw_data_mc(_stack(prediction, name, config), log=log, style=style, title=title)


def chosen_channels(prediction: Prediction, patterns: Sequence[str] = (), *, one: bool = False) -> tuple[str, ...]:
    """Return the channels that match one of the patterns, all without any.

    Args:
        prediction: The yields.
        patterns: Patterns of names; a name stands for itself.
        one: Whether it must be one channel.

    Raises:
        SelectionError: A pattern matches none, or it is not one.
    """
    known = prediction.channels
    found: dict[str, None] = {}
    for pattern in patterns:
        matches = [name for name in known if name == pattern] or fnmatch.filter(known, pattern)
        if not matches:
            near = get_close_matches(pattern, known, n=5) or known[:5]
            raise SelectionError(f"no channel matches {pattern!r}", remedy=f"channels are, for example, {near}")
        found |= dict.fromkeys(matches)
    chosen = tuple(found) or known
    if one and len(chosen) != 1:
        raise SelectionError(
            f"there are {len(chosen)} channels, and one is drawn", remedy=f"name one of {', '.join(chosen[:5])}"
        )
    return chosen


def _stack(prediction: Prediction, channel: str, config: _Config | None) -> "Stack":
    from hfscale.plot.cabinetry.data_mc import Stack

    own = prediction.channel_of_bin == prediction.channels.index(channel)
    edges, variable = _axis(channel, int(own.sum()), config)
    return Stack(
        channel=channel,
        label=prediction.label,
        samples=prediction.samples,
        yields=prediction.yields.bins[:-1, own],
        errors=prediction.yields.bin_errors[-1, own],
        data=prediction.data[own],
        edges=edges,
        variable=variable,
    )


def _axis(channel: str, n_bins: int, config: _Config | None) -> tuple[np.ndarray, str]:
    """Edges of the bins and the variable, as the configuration has them, or numbers of the bins."""
    plain = np.arange(n_bins + 1, dtype=np.float64)
    if config is None:
        return plain, "bin"
    regions = {region["Name"]: region for region in load_config(config)["Regions"]}
    region = regions.get(channel, {})
    edges = np.array(region.get("Binning", plain), dtype=np.float64)
    if len(edges) != n_bins + 1:
        raise SchemaError(
            f"channel {channel} has {n_bins} bins, and {len(edges) - 1} in the configuration",
            place="/Regions",
            remedy="give the configuration that the workspace was made with",
        )
    return edges, str(region.get("Variable", "bin"))
