"""Several minima: from a higher one to the lowest, one parameter at a time."""

import numpy as np
import pytest

from hfscale.fit.escalation import best_fits
from hfscale.fit.lanes import FitResults
from hfscale.fit.mirrored import neighbouring_minima
from hfscale.model.structure import ModelGroup
from tests.models import fit_all, group_of, histosys, normfactor, one_channel, position, sample


@pytest.fixture(scope="module")
def group() -> ModelGroup:
    """Shifts that raise the rate on both sides, more so below: an excess has a minimum at every choice of sides."""
    shifts = [histosys(f"h{k}", [120.0, 100.0 + k], [126.0, 100.0 + k]) for k in range(3)]
    background = sample("bkg", [100.0, 100.0], *shifts)
    return group_of(one_channel([190, 100], sample("signal", [0.0, 1.0], normfactor()), background))


def from_sides(group: ModelGroup, *sides: float) -> np.ndarray:
    start = group.inits.copy()
    for k, side in enumerate(sides):
        start[0, position(group, f"h{k}")] = side
    return start


def lowest(group: ModelGroup) -> FitResults:
    return fit_all(group, from_sides(group, -1.0, -1.0, -1.0))


def test_the_lowest_of_many_minima_is_reached_from_the_highest(group: ModelGroup) -> None:
    high = fit_all(group, from_sides(group, 1.0, 1.0, 1.0))
    assert high.succeeded.all()
    assert high.nll[0] > lowest(group).nll[0] + 0.1
    found = neighbouring_minima(group.structure, group.shared, group.points, high)
    assert found.nll[0] == pytest.approx(lowest(group).nll[0], abs=1e-9)
    assert (found.theta[0, [position(group, f"h{k}") for k in range(3)]] < 0).all()
    assert found.succeeded.all()


def test_the_lowest_minimum_stays(group: ModelGroup) -> None:
    best = lowest(group)
    found = neighbouring_minima(group.structure, group.shared, group.points, best)
    np.testing.assert_array_equal(found.theta, best.theta)
    np.testing.assert_array_equal(found.nll, best.nll)


def test_starts_that_disagree_lead_to_a_search(group: ModelGroup) -> None:
    starts = [from_sides(group, 1.0, 1.0, 1.0), from_sides(group, 1.0, -1.0, 1.0)]
    sure = best_fits(group.structure, group.shared, group.points, starts, sure=2)
    assert sure.nll[0] == pytest.approx(lowest(group).nll[0], abs=1e-9)


def test_fixed_parameters_are_not_mirrored(group: ModelGroup) -> None:
    fixed = group.points.fixed.copy()
    fixed[0, position(group, "h1")] = True
    points = group.points._replace(fixed=fixed)
    high = fit_all(group, from_sides(group, 1.0, 0.7, 1.0), points)
    found = neighbouring_minima(group.structure, group.shared, points, high)
    assert found.nll[0] < high.nll[0] - 1e-3
    assert found.theta[0, position(group, "h1")] == 0.7
