"""A template beside those of a systematic variation, before and after post-processing."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from hfscale.plot.cabinetry.drawing import draw_with_cabinetry


class Heights(NamedTuple):
    """A histogram: yields and their statistical uncertainties."""

    yields: Float[np.ndarray, " bin"]
    errors: Float[np.ndarray, " bin"]


class Variation(NamedTuple):
    """A template and its variations; None for one that there is not.

    Attributes:
        label: What it is, one line for each part.
        variable: What the horizontal axis shows.
        edges: Edges of the bins.
        nominal: The template.
        up, down: The variations as they were made.
        up_processed, down_processed: The same after post-processing.
    """

    label: str
    variable: str
    edges: Float[np.ndarray, " edge"]
    nominal: Heights
    up: Heights | None
    down: Heights | None
    up_processed: Heights | None
    down_processed: Heights | None


def draw_templates(variation: Variation, *, style: str = "plain", title: str | None = None) -> Figure:
    """Draw a template and its variations, and their ratios below.

    Args:
        variation: What to draw.
        style: As in :func:`hfscale.plot.canvas.canvas`.
        title: Text above the axes, or None.

    Raises:
        SelectionError: No such style.
        InputError: cabinetry is not installed.
    """
    histograms = (
        variation.nominal,
        variation.up,
        variation.down,
        variation.up_processed,
        variation.down_processed,
    )
    return draw_with_cabinetry(
        lambda visualize: visualize.plot_model.templates(
            *(_as_cabinetry(one) for one in histograms), variation.edges, variation.variable, label=variation.label
        ),
        style=style,
        title=title,
    )


def _as_cabinetry(heights: Heights | None) -> dict[str, np.ndarray]:
    return {} if heights is None else {"yields": heights.yields, "stdev": heights.errors}
