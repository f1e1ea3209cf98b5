"""Signal points with made-up results, and the figures of them that are kept as references."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure
from scipy.special import ndtr

from hfscale.plot.axes import Plane, select_plane
from hfscale.plot.contours import exclusion_contours
from hfscale.plot.discovery import discovery_contours, draw_discovery
from hfscale.plot.figure import draw_contour
from hfscale.plot.markers import Numbers
from hfscale.plot.points import NSIGMA, PlanePoints
from hfscale.plot.quantities import DISCOVERY
from hfscale.plot.several import Search, draw_several

SIGMAS = np.array(NSIGMA)
X, Y = (axis.ravel() for axis in np.meshgrid(np.linspace(200, 800, 7), np.linspace(0, 100, 6)))


def points_at(Z: object, labels: Mapping[str, np.ndarray] | None = None, prefix: str = "point") -> PlanePoints:
    """Points whose observed significance is ``Z``, expected to be half a standard deviation stronger."""
    given = {"m_x": X, "m_y": Y} if labels is None else dict(labels)
    heights = np.broadcast_to(np.asarray(Z, dtype=np.float64), (len(next(iter(given.values()))),))
    return PlanePoints(
        names=tuple(f"{prefix}_{k}" for k in range(len(heights))),
        labels=given,
        observed=ndtr(-heights),
        expected=ndtr(-(heights[:, None] + 0.5 - SIGMAS)),
        status=("ok",) * len(heights),
    )


def falling(middle: float, slope: float = 150.0) -> np.ndarray:
    """A significance of 1.645 where m_x is ``middle``, falling with both masses."""
    return 1.645 + (middle - X) / slope - (Y - 50.0) / 50.0


def with_signal(points: PlanePoints, Z: np.ndarray, shift: float = 0.4) -> PlanePoints:
    """The points with observed results at a varied cross-section, weaker and stronger by ``shift``."""
    return replace(points, signal=np.column_stack([ndtr(-(Z - shift)), ndtr(-(Z + shift))]))


def significances(Z: np.ndarray) -> PlanePoints:
    """Points with significances of a signal, observed as ``Z``, expected to be larger by one."""
    points = points_at(0.0)
    return replace(points, observed=Z, expected=Z[:, None] + 1.0 - SIGMAS, quantity=DISCOVERY)


def searched(points: PlanePoints) -> Search:
    """The points in their plane, with contours."""
    plane: Plane = select_plane(points, "m_x", "m_y")
    return plane, exclusion_contours(plane)


def without_text(figure: Figure) -> Figure:
    """The figure without what depends on fonts, which versions of matplotlib draw differently."""
    (axes,) = figure.axes
    figure.set_layout_engine("none")
    axes.set_position((0.05, 0.05, 0.9, 0.9))
    axes.tick_params(which="both", labelbottom=False, labelleft=False)
    axes.set_title("", loc="left")
    for text in (*figure.legends, *axes.texts, axes.xaxis.label, axes.yaxis.label):
        text.set_visible(False)
    return figure


def reference_figures() -> dict[str, Figure]:
    """The figures that are kept, by the names of their files."""
    Z = falling(500.0)
    plane, contours = searched(with_signal(points_at(Z), Z))
    numbers = Numbers(dict(zip(plane.names, 10.0 ** (-Z / 4), strict=True)), "Numbers: upper limit obs")
    units = {"x_unit": "GeV", "y_unit": "GeV"}
    found = select_plane(significances(2.0 + (700.0 - X) / 120.0 - Y / 80.0), "m_x", "m_y")
    figures = {
        "exclusion": draw_contour(contours, plane, title="A search", **units),
        "exclusion_full": draw_contour(contours, plane, bands=2, expected_lines=(-2, 1), numbers=numbers, **units),
        "several": draw_several({"Two leptons": (plane, contours), "No lepton": searched(points_at(falling(600.0)))}),
        "discovery": draw_discovery(discovery_contours(found), found, **units),
    }
    return {name: without_text(figure) for name, figure in figures.items()}
