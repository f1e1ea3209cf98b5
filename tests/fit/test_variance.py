"""The POI's variance against the inverse of the whole Hessian."""

import numpy as np
import pytest

from hfscale.fit.lanes import FitResults
from hfscale.model.structure import ModelGroup
from tests.evaluation import hessian_of
from tests.models import counting, fit_all, group_of, histosys, modifier, normsys, with_poi


def model(n: float) -> ModelGroup:
    return group_of(
        counting(
            8,
            50,
            n,
            normsys("a", 1.2, 0.85),
            histosys("b", [54.0], [47.0]),
            modifier("shapesys", "mc", [6.0]),
            normsys("still", 1.1, 0.9),
            parameters=[{"name": "still", "fixed": True}],
        )
    )


def expected_variance(group: ModelGroup, results: FitResults) -> float:
    moves = ~group.points.fixed[0]
    where = int(moves[: group.structure.poi].sum())
    hessian = hessian_of(group, results.theta[0])[np.ix_(moves, moves)]
    return float(np.linalg.inv(hessian)[where, where])


def test_where_the_poi_moves() -> None:
    group = model(n=66)
    results = fit_all(group)
    assert results.theta[0, group.structure.poi] > 0.5
    assert results.poi_variance[0] == pytest.approx(expected_variance(group, results), rel=1e-8)


def test_where_the_poi_sits_at_its_bound() -> None:
    group = model(n=40)
    results = fit_all(group)
    assert results.theta[0, group.structure.poi] == 0.0
    assert results.poi_variance[0] == pytest.approx(expected_variance(group, results), rel=1e-6)


def test_where_the_poi_is_fixed() -> None:
    group = model(n=66)
    points, start = with_poi(group, 2.0)
    results = fit_all(group, start, points)
    assert results.theta[0, group.structure.poi] == 2.0
    assert results.poi_variance[0] == pytest.approx(expected_variance(group, results), rel=1e-8)
