from collections.abc import Callable, Mapping

import numpy as np
import pytest
from scipy.special import ndtr

from hfscale.plot.points import NSIGMA, PlanePoints

MakePoints = Callable[..., PlanePoints]


@pytest.fixture
def make_points() -> MakePoints:
    """Points whose observed significance is ``Z``; n standard deviations of the expected CLs shift it by -n."""

    def make(labels: Mapping[str, object], Z: object = 0.0, *, status: Mapping[int, str] | None = None) -> PlanePoints:
        columns = {label: np.asarray(values) for label, values in labels.items()}
        count = len(next(iter(columns.values())))
        significance = np.broadcast_to(np.asarray(Z, dtype=np.float64), (count,))
        statuses = [(status or {}).get(index, "ok") for index in range(count)]
        return PlanePoints(
            names=tuple(f"point_{index}" for index in range(count)),
            labels=columns,
            observed=ndtr(-significance),
            expected=ndtr(-(significance[:, None] - np.array(NSIGMA))),
            status=tuple(statuses),
        )

    return make


@pytest.fixture
def two_planes() -> dict[str, np.ndarray]:
    """Masses laid out as in a published patchset: one plane at m_n1 == 60, another at m_n2 - m_n1 == 130."""
    masses = [(sbottom, n2, 60) for sbottom in range(400, 1500, 100) for n2 in range(205, sbottom, 70)]
    masses += [(sbottom, n1 + 130, n1) for sbottom in range(400, 1500, 100) for n1 in range(1, sbottom - 150, 99)]
    return dict(zip(("m_sbottom", "m_n2", "m_n1"), np.array(masses).T, strict=True))


@pytest.fixture
def square() -> dict[str, np.ndarray]:
    """A regular grid of 7 x 6 points."""
    x, y = np.meshgrid(np.linspace(200, 800, 7), np.linspace(0, 100, 6))
    return {"m_x": x.ravel(), "m_y": y.ravel()}
