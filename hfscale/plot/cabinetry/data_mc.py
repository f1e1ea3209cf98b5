"""Observed data over stacked yields of a channel, and their ratio below."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from hfscale.errors import SelectionError
from hfscale.plot.cabinetry.drawing import draw_with_cabinetry

_MOST_BINS = 5
_OWN_COLOURS = 6


class Stack(NamedTuple):
    """The yields of a channel.

    Attributes:
        channel: Its name.
        label: When they are expected: ``pre-fit`` or ``post-fit``.
        samples: Names of the samples, from the top of the stack down.
        yields: Their yields.
        errors: Uncertainty of the sum.
        data: Counts; NaN where they are not to be shown.
        edges: Edges of the bins.
        variable: What the horizontal axis shows.
    """

    channel: str
    label: str
    samples: tuple[str, ...]
    yields: Float[np.ndarray, "sample bin"]
    errors: Float[np.ndarray, " bin"]
    data: Float[np.ndarray, " bin"]
    edges: Float[np.ndarray, " edge"]
    variable: str = "bin"

    @property
    def total(self) -> Float[np.ndarray, " bin"]:
        """Sum of the samples."""
        sums: Float[np.ndarray, " bin"] = self.yields.sum(axis=0)
        return sums


def draw_data_mc(stack: Stack, *, log: bool | None = None, style: str = "plain", title: str | None = None) -> Figure:
    """Draw a stack with data, and the ratio of both; bins without any yield are left out of the ratio.

    Args:
        stack: What to draw; samples without yields are left out.
        log: Whether the vertical axis is logarithmic; None for what the range of the yields suggests.
        style: As in :func:`hfscale.plot.canvas.canvas`.
        title: Text above the axes, or None.

    Raises:
        SelectionError: The sum is negative in a bin or zero in all, or there is no such style.
        InputError: cabinetry is not installed.
    """
    _check(stack)
    observed = bool(np.isfinite(stack.data).any())
    histograms = [
        {"label": name, "isData": False, "yields": yields, "variable": stack.variable}
        for name, yields in zip(stack.samples[::-1], stack.yields[::-1], strict=True)
        if yields.any()
    ]
    data = {"label": "Data" if observed else "Data not shown", "isData": True, "yields": stack.data}
    return draw_with_cabinetry(
        lambda visualize: visualize.plot_model.data_mc(
            [*histograms, data],
            stack.errors,
            stack.edges,
            # None would be a guess that NaN in place of data spoils.
            log_scale=_wide(stack) if log is None else log,
            label=f"{stack.channel}\n{stack.label}",
            colors=_colours([str(one["label"]) for one in histograms]),
        ),
        style=style,
        title=title,
    )


def _check(stack: Stack) -> None:
    """Refuse what cabinetry cannot draw."""
    negative = np.flatnonzero(stack.total < 0.0) + 1
    if len(negative):
        listed = ", ".join(map(str, negative[:_MOST_BINS])) + (", ..." if len(negative) > _MOST_BINS else "")
        raise SelectionError(
            f"the expected yields of channel {stack.channel} are negative in bin {listed}, and cannot be stacked",
            remedy="look at the samples with hfscale prediction --per bin",
        )
    if not stack.total.any():
        raise SelectionError(
            f"channel {stack.channel} has no expected yields", remedy="draw other channels, with --channel"
        )


def _colours(names: Sequence[str]) -> dict[str, Any] | None:
    """A colour for each sample; None where cabinetry's own, which it repeats, are enough."""
    from matplotlib import colormaps

    if len(names) <= _OWN_COLOURS:
        return None
    listed, wide = colormaps["tab20"], colormaps["turbo"]
    if len(names) <= listed.N:
        return {name: listed(k) for k, name in enumerate(names)}
    return {name: wide(k / (len(names) - 1)) for k, name in enumerate(names)}


def _wide(stack: Stack) -> bool:
    """Whether yields differ by more than a factor of 100: cabinetry's rule for a logarithmic axis."""
    total = stack.total
    largest = max(float(total.max()), float(np.nanmax(stack.data, initial=0.0)))
    return largest / float(total[total > 0].min()) > 100.0
