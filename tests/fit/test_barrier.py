"""Rates that end at zero in bins without events."""

import numpy as np
import pytest

from hfscale.fit.barrier import barrier_minima, can_hold
from hfscale.fit.escalation import best_fits
from hfscale.fit.newton import MAX_BULK_ITERATIONS
from hfscale.fit.status import FitStatus
from hfscale.model.structure import ModelGroup
from tests.models import fit_all, group_of, histosys, normfactor, one_channel, position, sample

HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


def falling(observed: float, **clip: float) -> ModelGroup:
    """One bin whose rate is 1 + 1.5 h + 2 mu."""
    spec = one_channel(
        [observed], sample("signal", [2.0], normfactor()), sample("b", [1.0], histosys("h", [2.5], [-0.5]))
    )
    spec["measurements"][0]["config"]["hfscale"] = {"clip": clip}
    return group_of(spec)


def test_an_edge_is_found_without_iminuit_and_told_from_a_bound() -> None:
    group = falling(0)
    plain = fit_all(group)
    assert plain.take_status(0) is FitStatus.NOT_CONVERGED
    assert plain.iterations[0] < MAX_BULK_ITERATIONS + 50  # not to the end of its patience
    held = can_hold(group.structure, group.shared, group.points, group.inits, plain)
    assert held.tolist() == [[True]]
    found = barrier_minima(group.structure, group.shared, group.points, group.inits, held)
    assert found.take_status(0) is FitStatus.AT_BOUND
    assert abs(found.theta[0, position(group, "h")] + 2 / 3) < 1e-6
    true = 0.5 * (2 / 3) ** 2 + HALF_LOG_2PI
    assert -1e-9 < found.nll[0] - true < 3e-8
    assert found.edm[0] < 1e-7
    assert found.rates[0, 0] > 0


@pytest.mark.parametrize("clip", [{"bins": 0.0}, {"bins": 1e-6}, {"samples": 0.0}])
def test_the_kink_of_a_clipped_rate_is_found(clip: dict[str, float]) -> None:
    group = falling(0, **clip)
    found = best_fits(group.structure, group.shared, group.points, [group.inits])
    assert found.take_status(0) is FitStatus.AT_BOUND
    assert abs(found.theta[0, position(group, "h")] + 2 / 3) < 1e-5
    assert found.rates[0, 0] >= clip.get("bins", 0.0)
    limit = clip.get("bins", 0.0)
    assert -1e-9 < found.nll[0] - (0.5 * (2 / 3) ** 2 + HALF_LOG_2PI) < 3e-8 + limit
    assert found.edm[0] < 1e-7 + limit


def test_bins_with_events_are_not_held() -> None:
    group = falling(1)
    assert can_hold(group.structure, group.shared, group.points, group.inits, fit_all(group)).tolist() == [[False]]


def test_only_failed_fits_are_concerned() -> None:
    specs = [
        one_channel([n], sample("signal", [2.0], normfactor()), sample("b", [1.0], histosys("h", [2.5], [-0.5])))
        for n in (0.0, 2.0)
    ]
    group = group_of(*specs)
    results = best_fits(group.structure, group.shared, group.points, [group.inits])
    assert results.take_status(0) is FitStatus.AT_BOUND
    np.testing.assert_array_equal(results.theta[1], fit_all(group).theta[1])
