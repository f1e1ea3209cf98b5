"""Lanes and queue: what a fit gives does not depend on which fits run beside it."""

import numpy as np
import pytest

from hfscale.fit import slots
from hfscale.fit.lanes import FitResults
from hfscale.fit.slots import lanes_for, minimise
from hfscale.model.structure import ModelGroup
from tests.models import counting, fit_all, group_of, modifier, normsys

MODIFIERS = (normsys("a", 1.2, 0.85), normsys("b", 0.9, 1.15), modifier("shapesys", "mc", [6.0]))


@pytest.fixture(scope="module")
def campaign() -> ModelGroup:
    """Fits of all sorts: quick ones, at bounds, and one that cannot succeed."""
    rng = np.random.default_rng(5)
    cases = zip(rng.uniform(0.5, 30, 24), rng.integers(0, 180, 24), strict=True)
    specs = [counting(float(s), 50.0, float(n), *MODIFIERS) for s, n in cases]
    impossible = counting(0.0, 0.0, 4.0, *MODIFIERS)
    return group_of(*specs[:11], impossible, *specs[11:], background=counting(1.0, 50.0, 1.0))


@pytest.fixture(scope="module")
def usual(campaign: ModelGroup) -> FitResults:
    return fit_all(campaign)


def assert_same(found: FitResults, expected: FitResults) -> None:
    assert found.status.tolist() == expected.status.tolist()
    good = expected.succeeded
    assert good.sum() == len(good) - 1
    np.testing.assert_allclose(found.nll[good], expected.nll[good], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.theta[good], expected.theta[good], atol=1e-6)


@pytest.mark.parametrize("lanes", [4, 8, 32])
def test_minima_do_not_depend_on_the_number_of_lanes(
    campaign: ModelGroup, usual: FitResults, lanes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "lanes_for", lambda *_: lanes)
    assert_same(fit_all(campaign), usual)


@pytest.mark.parametrize("capacity", [4, 32])
def test_minima_do_not_depend_on_the_capacity_of_the_queue(
    campaign: ModelGroup, usual: FitResults, capacity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "capacity_for", lambda *_: capacity)
    assert_same(fit_all(campaign), usual)


def test_what_cannot_be_lower_is_not_certified(campaign: ModelGroup, usual: FitResults) -> None:
    points, inits = campaign.points, campaign.inits
    higher = usual._replace(nll=usual.nll + 1.0)
    found = slots.challenge(campaign.structure, campaign.shared, points, inits, higher)
    assert_same(found, usual)
    lower = usual._replace(nll=usual.nll - 1.0)
    for own, before in zip(slots.challenge(campaign.structure, campaign.shared, points, inits, lower), usual):
        if own.ndim == 1:
            assert np.isnan(own[usual.succeeded]).all() == (before is usual.poi_variance)


def test_minima_do_not_depend_on_the_order(campaign: ModelGroup, usual: FitResults) -> None:
    order = np.random.default_rng(1).permutation(len(campaign.inits))
    shuffled = minimise(campaign.structure, campaign.shared, campaign.points.take(order), campaign.inits[order])
    assert_same(shuffled.take(np.argsort(order)), usual)


def test_the_same_fits_give_the_same_bits(campaign: ModelGroup, usual: FitResults) -> None:
    for again, before in zip(fit_all(campaign), usual, strict=True):
        np.testing.assert_array_equal(again, before)


def test_no_fits_are_no_work(campaign: ModelGroup) -> None:
    none = np.zeros(0, dtype=np.int64)
    results = minimise(campaign.structure, campaign.shared, campaign.points.take(none), campaign.inits[none])
    assert results.theta.shape == (0, campaign.structure.n_parameters)
    assert results.succeeded.shape == (0,)


def test_inputs_are_left_alone(campaign: ModelGroup) -> None:
    before = [array.copy() for array in campaign.points]
    fit_all(campaign)
    for array, kept in zip(campaign.points, before, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_lanes_are_a_power_of_two_between_4_and_32(campaign: ModelGroup) -> None:
    assert lanes_for(campaign.structure, "bulk") in (4, 8, 16, 32)
    assert lanes_for(campaign.structure, "exact") in (4, 8, 16, 32)
