"""The test statistic of toys of both hypotheses, with its asymptotic distributions and the observed value."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, StepPatch

from hfscale.inference.densities import statistic_density
from hfscale.inference.toys.settings import Hypothesis, ToyTestStatistic
from hfscale.plot.canvas import canvas
from hfscale.plot.styles import Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 50
_CURVE = 800
_ZERO = 1e-9  # statistics up to here are zero, as where p-values are counted
_SYMBOLS: dict[ToyTestStatistic, str] = {"qtilde": r"\tilde{q}_{\mu}", "q": r"q_{\mu}", "q0": r"q_{0}"}


class _Hypothesis(NamedTuple):
    """How one hypothesis is drawn."""

    key: Hypothesis
    label: str
    q: np.ndarray
    filled: bool
    line: dict[str, Any]


def draw_toys(
    q_sb: Float[np.ndarray, " toy_sb"],
    q_b: Float[np.ndarray, " toy_b"],
    q_obs: float,
    *,
    q_asimov: float = float("nan"),
    test_stat: ToyTestStatistic = "qtilde",
    labels: tuple[str, str] = (r"$\mu$", r"$\mu = 0$"),
    style: str = "plain",
    title: str | None = None,
) -> Figure:
    """Draw the distributions of the test statistic as densities on a logarithmic axis.

    Both distributions have a part at exactly zero, which no density shows: its share is written in the legend.

    Args:
        q_sb: Statistics of finished toys of the tested hypothesis.
        q_b: Statistics of finished toys of the other one.
        q_obs: Observed statistic; NaN draws none.
        q_asimov: The statistic of the Asimov data of the other hypothesis, from which the asymptotic densities follow;
            NaN draws none.
        test_stat: Which statistic it is.
        labels: How the tested and the other hypothesis are written.
        style: As in :func:`hfscale.plot.canvas.canvas`.
        title: Text above the axes, or None.

    Raises:
        SelectionError: No such style.
    """
    with canvas(style) as drawn:
        axes, palette = drawn.axes, drawn.palette
        drawn.name_axes(f"${_SYMBOLS[test_stat]}$", "Density of toys", title)
        hypotheses = _hypotheses(q_sb, q_b, labels, palette)
        edges = _edges(q_sb, q_b, q_obs, q_asimov)
        entries: list[Artist] = []
        for hypothesis in hypotheses:
            entries += _draw_histogram(axes, hypothesis, edges)
        if np.isfinite(q_obs):
            look: dict[str, Any] = {"color": palette.observed, "linewidth": 2.4}
            axes.axvline(q_obs, zorder=4.0, gid="observed", **look)
            entries.append(Line2D([], [], label=f"Observed: {q_obs:.3g}", **look))
        if np.isfinite(q_asimov):
            for hypothesis in hypotheses:
                entries += _draw_density(axes, hypothesis, edges[-1], q_asimov, test_stat)
        axes.set_yscale("log")
        axes.set_ylim(*_density_range(axes, [len(q_sb), len(q_b)], edges))
        axes.set_xlim(-0.01 * edges[-1], edges[-1])
        drawn.explain(entries)
    return drawn.figure


def _hypotheses(
    q_sb: Float[np.ndarray, " toy_sb"], q_b: Float[np.ndarray, " toy_b"], labels: tuple[str, str], palette: Palette
) -> list[_Hypothesis]:
    other: dict[str, Any] = {"color": palette.points, "linestyle": (0, (1, 1)), "linewidth": 2.0}
    tested: dict[str, Any] = {"color": palette.expected, "linestyle": (0, (5, 2)), "linewidth": 2.0}
    return [
        _Hypothesis("b", labels[1], q_b, True, {**other, "facecolor": palette.one_sigma}),
        _Hypothesis("sb", labels[0], q_sb, False, tested),
    ]


def _edges(
    q_sb: Float[np.ndarray, " toy_sb"], q_b: Float[np.ndarray, " toy_b"], q_obs: float, q_asimov: float
) -> Float[np.ndarray, " edge"]:
    candidates = np.concatenate([q_sb, q_b, [q_obs, q_asimov, 1.0]])
    return np.linspace(0.0, 1.02 * float(candidates[np.isfinite(candidates)].max()), _BINS + 1)


def _draw_histogram(axes: "Axes", hypothesis: _Hypothesis, edges: Float[np.ndarray, " edge"]) -> list[Artist]:
    n = len(hypothesis.q)
    if not n:
        return []
    above = hypothesis.q[hypothesis.q > _ZERO]
    counts, _ = np.histogram(above, edges)
    heights = counts / (n * np.diff(edges))
    colour = hypothesis.line["color"]
    look: dict[str, Any] = {"edgecolor": colour, "linewidth": 1.2}
    look |= {"facecolor": hypothesis.line["facecolor"], "fill": True} if hypothesis.filled else {"fill": False}
    axes.stairs(heights, edges, zorder=1.0 if hypothesis.filled else 2.0, gid=f"toys {hypothesis.key}", **look)
    return [Patch(label=f"{n} toys, {hypothesis.label} ({_percent(1.0 - len(above) / n)} at 0)", **look)]


def _draw_density(
    axes: "Axes", hypothesis: _Hypothesis, largest: float, q_asimov: float, test_stat: ToyTestStatistic
) -> list[Artist]:
    # Evenly spaced in the root, for the density rises steeply towards 0.
    q = np.linspace(np.sqrt(largest) / _CURVE, np.sqrt(largest), _CURVE) ** 2
    found = statistic_density(q, q_asimov, hypothesis.key, test_stat)
    look = {key: value for key, value in hypothesis.line.items() if key != "facecolor"}
    axes.add_line(Line2D(q, found.density, zorder=3.0, gid=f"asymptotic {hypothesis.key}", **look))
    return [Line2D([], [], label=f"Asymptotic, {hypothesis.label} ({_percent(found.at_zero)} at 0)", **look)]


def _percent(share: float) -> str:
    return f"{100.0 * share:.3g}%"


def _density_range(axes: "Axes", counts: list[int], edges: Float[np.ndarray, " edge"]) -> tuple[float, float]:
    """From half a toy in a bin to above the highest bin; curves do not count, for they have a pole at 0."""
    width = float(edges[1] - edges[0])
    least = 1.0 / (max([*counts, 1]) * width)
    heights = [float(patch.get_data()[0].max()) for patch in axes.patches if isinstance(patch, StepPatch)]
    return 0.5 * least, 3.0 * max([*heights, least])
