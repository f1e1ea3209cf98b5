"""CLs of a signal point against the POI, and upper limits against a label: observed, expected, and the bands."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from hfscale.inference.bracketing import crossing
from hfscale.plot.bands import draw_expected, draw_observed
from hfscale.plot.canvas import canvas
from hfscale.plot.figure import confidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST_CLS = 1e-2
"""Share of the level that stands for a CLs of zero where curves are interpolated: toys that saw nothing above."""
_ROOM = 0.04


class MarkedLimit(NamedTuple):
    """A limit to mark on its curve, NaN where there is none.

    Attributes:
        value: The POI value.
        interval: Lower and upper end of its uncertainty, NaN where an end is not known; None without one.
    """

    value: float
    interval: Float[np.ndarray, " side"] | None = None

    @property
    def text(self) -> str:
        """How it is written."""
        if self.interval is None or not np.isfinite(self.interval).all():
            return f"{self.value:.3g}"
        below, above = (abs(float(end) - self.value) for end in self.interval)
        return rf"{self.value:.3g} $^{{+{above:.2g}}}_{{-{below:.2g}}}$"


def limit_of_curve(values: Float[np.ndarray, " mu"], CLs: Float[np.ndarray, " mu"], level: float) -> float:
    """POI value at which a curve of CLs falls below the level for the last time; NaN where it does not.

    Between two values ln CLs is taken for a straight line, which it nearly is near a limit.

    Args:
        values: POI values, ascending.
        CLs: CLs there; values where it is NaN are left out.
        level: CLs at the limit.
    """
    known = np.isfinite(CLs)
    x, below = values[known], np.log(level) - np.log(np.maximum(CLs[known], _LEAST_CLS * level))
    return crossing(x, below) if len(x) > 1 and below[0] < 0 else float("nan")


def draw_brazil(
    values: Float[np.ndarray, " mu"],
    CLs_obs: Float[np.ndarray, " mu"],
    CLs_exp: Float[np.ndarray, "mu nsigma"],
    level: float = 0.05,
    *,
    CLs_obs_interval: Float[np.ndarray, "mu side"] | None = None,
    limits: tuple[MarkedLimit, MarkedLimit] | None = None,
    poi: str = r"$\mu$",
    log: bool = False,
    style: str = "plain",
    title: str | None = None,
) -> Figure:
    """Draw CLs against the POI, with the upper limits.

    Args:
        values: Tested POI values, ascending.
        CLs_obs: Observed CLs; NaN where there is none.
        CLs_exp: Expected CLs for -2, -1, 0, +1 and +2 standard deviations of the background.
        level: CLs at the limit.
        CLs_obs_interval: Lower and upper end of the uncertainty of `CLs_obs` from a limited number of toys, or None.
        limits: The observed and the expected limit; without them, they are where the curves cross the level.
        poi: How the POI is written.
        log: Whether CLs is drawn on a logarithmic axis.
        style: As in :func:`hfscale.plot.canvas.canvas`.
        title: Text above the axes, or None.

    Raises:
        SelectionError: No such style.
    """
    with canvas(style) as drawn:
        axes, palette = drawn.axes, drawn.palette
        drawn.name_axes(poi, r"$\mathrm{CL_s}$", title)
        marked = limits or [MarkedLimit(limit_of_curve(values, curve, level)) for curve in (CLs_obs, CLs_exp[:, 2])]
        labels = [
            f"{name} (limit {limit.text})" if np.isfinite(limit.value) else name
            for name, limit in zip(("Observed", "Expected"), marked, strict=True)
        ]
        entries = draw_observed(axes, values, CLs_obs, palette, labels[0], CLs_obs_interval)
        entries += draw_expected(axes, values, CLs_exp, palette, labels[1])
        axes.axhline(level, color=palette.points, linestyle="dotted", linewidth=1.4, zorder=2.0, gid="level")
        if log:
            axes.set_yscale("log")
        axes.set_ylim(*_cls_range([CLs_obs, CLs_exp], level, log))
        for limit, colour, name in zip(marked, (palette.observed, palette.expected), ("observed", "expected")):
            _mark_limit(axes, limit, level, colour, name)
        _set_x(axes, values)
        drawn.explain(entries, f"CLs = {level:g} ({confidence(level)})")
    return drawn.figure


def _mark_limit(axes: "Axes", limit: MarkedLimit, level: float, colour: str, name: str) -> None:
    foot = [axes.get_ylim()[0], level]
    axes.plot([limit.value] * 2, foot, color=colour, linestyle="dotted", linewidth=1.6, gid=f"{name} limit")
    if limit.interval is not None and np.isfinite([*limit.interval, limit.value]).all():
        look: dict[str, Any] = {"color": colour, "linewidth": 3.0, "solid_capstyle": "butt", "zorder": 2.2}
        axes.plot(limit.interval, [level] * 2, gid=f"{name} limit interval", **look)


def draw_limits(
    x: Float[np.ndarray, " point"],
    upper_limit_obs: Float[np.ndarray, " point"],
    upper_limit_exp: Float[np.ndarray, "point nsigma"],
    *,
    x_label: str,
    y_label: str,
    interval: Float[np.ndarray, "point side"] | None = None,
    style: str = "plain",
    title: str | None = None,
) -> Figure:
    """Draw upper limits of a row of signal points, on a logarithmic axis, with a line at the nominal signal, 1.

    Args:
        x: Place of each point, ascending, as of a mass.
        upper_limit_obs: Observed upper limits; NaN where there is none, which leaves a gap.
        upper_limit_exp: Expected ones for -2, -1, 0, +1 and +2 standard deviations of the background.
        x_label: What `x` is.
        y_label: What is limited.
        interval: Lower and upper end of the uncertainty of `upper_limit_obs`, or None.
        style: As in :func:`hfscale.plot.canvas.canvas`.
        title: Text above the axes, or None.

    Raises:
        SelectionError: No such style.
    """
    with canvas(style) as drawn:
        axes, palette = drawn.axes, drawn.palette
        drawn.name_axes(x_label, y_label, title)
        entries = draw_observed(axes, x, upper_limit_obs, palette, "Observed limit", interval)
        entries += draw_expected(axes, x, upper_limit_exp, palette, "Expected limit")
        axes.axhline(1.0, color=palette.points, linestyle="dotted", linewidth=1.4, zorder=2.0, gid="nominal signal")
        axes.set_yscale("log")
        axes.set_ylim(*_limit_range([upper_limit_obs, upper_limit_exp]))
        _set_x(axes, x)
        drawn.explain(entries)
    return drawn.figure


def _set_x(axes: "Axes", x: Float[np.ndarray, " place"]) -> None:
    margin = _ROOM * (np.ptp(x) or 1.0)
    axes.set_xlim(float(x.min() - margin), float(x.max() + margin))


def _cls_range(curves: list[np.ndarray], level: float, log: bool) -> tuple[float, float]:
    """Limits of the axis of CLs; far below the level, a logarithmic one has nothing to show."""
    if not log:
        return 0.0, 1.05
    numbers = np.concatenate([np.ravel(curve) for curve in curves])
    positive = numbers[np.isfinite(numbers) & (numbers > 0)]
    least = float(positive.min()) if len(positive) else level
    return max(0.7 * min(least, level), 1e-3 * level), 1.5


def _limit_range(curves: list[np.ndarray]) -> tuple[float, float]:
    numbers = np.concatenate([np.ravel(curve) for curve in curves])
    positive = np.append(numbers[np.isfinite(numbers) & (numbers > 0)], 1.0)
    return float(0.6 * positive.min()), float(1.7 * positive.max())
