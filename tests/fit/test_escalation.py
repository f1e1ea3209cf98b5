"""Fits that are repeated: from other starts, with iminuit, and what is kept of them."""

from functools import partial
from typing import Any

import jax
import numpy as np
import pytest
from iminuit import Minuit

from hfscale.fit import escalation
from hfscale.fit.escalation import best_fits, refit
from hfscale.fit.lanes import FitResults
from hfscale.fit.minuit import minuit_minimum
from hfscale.fit.slots import minimise
from hfscale.fit.status import FitStatus
from hfscale.model.derivatives import value_and_gradient
from hfscale.model.structure import ModelGroup, PointNumbers
from tests.models import EXAMPLE, counting, fit_all, group_of, normsys, patched, with_poi


@pytest.fixture(scope="module")
def group() -> ModelGroup:
    modifiers = (normsys("a", 1.2, 0.85), normsys("b", 0.9, 1.15))
    return group_of(*(counting(8, 50, n, *modifiers) for n in (40.0, 60.0, 75.0)))


class FailingAtFirst:
    """Stands for `minimise` and `challenge`: its first calls report that no fit converged."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.sizes: list[int] = []

    def __call__(self, structure: Any, shared: Any, fits: Any, start: np.ndarray, *_: Any) -> FitResults:
        results = minimise(structure, shared, fits, start)
        self.sizes.append(len(start))
        if len(self.sizes) <= self.failures:
            failed = np.full(len(start), int(FitStatus.NOT_CONVERGED))
            return results._replace(status=failed, nll=results.nll + 1.0, theta=start)
        return results


def test_good_fits_are_done_once(group: ModelGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = FailingAtFirst(0)
    monkeypatch.setattr(escalation, "minimise", counted)
    monkeypatch.setattr(escalation, "challenge", counted)
    best_fits(group.structure, group.shared, group.points, [group.inits, group.inits + 0.1])
    assert counted.sizes == [3]


def test_failed_fits_are_repeated_from_the_next_start(group: ModelGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = FailingAtFirst(1)
    monkeypatch.setattr(escalation, "minimise", counted)
    monkeypatch.setattr(escalation, "challenge", counted)
    results = best_fits(group.structure, group.shared, group.points, [group.inits, group.inits + 0.1])
    assert counted.sizes == [3, 3]
    np.testing.assert_allclose(results.nll, fit_all(group).nll, atol=1e-9)
    assert results.succeeded.all()


def test_what_newton_cannot_do_is_rescued_by_iminuit(group: ModelGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[np.ndarray] = []

    def watched(*args: Any) -> np.ndarray:
        reached.append(minuit_minimum(*args))
        return reached[-1]

    failing = FailingAtFirst(2)
    monkeypatch.setattr(escalation, "minimise", failing)
    monkeypatch.setattr(escalation, "challenge", failing)
    monkeypatch.setattr(escalation, "minuit_minimum", watched)
    results = best_fits(group.structure, group.shared, group.points, [group.inits, group.inits + 0.1])
    assert len(reached) == 3
    assert results.succeeded.all()
    np.testing.assert_allclose(results.nll, fit_all(group).nll, atol=1e-9)
    np.testing.assert_allclose(np.stack(reached), results.theta, atol=1e-2)


def test_iminuit_is_silent_whatever_others_in_the_process_want_of_it(
    group: ModelGroup, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    failing = FailingAtFirst(2)
    monkeypatch.setattr(escalation, "minimise", failing)
    monkeypatch.setattr(escalation, "challenge", failing)
    theirs = Minuit(lambda x: x**2, 1.0)
    theirs.print_level = 3
    try:
        results = best_fits(group.structure, group.shared, group.points, [group.inits, group.inits + 0.1])
        assert theirs.print_level == 3
    finally:
        theirs.print_level = 0
    assert results.succeeded.all()
    assert capfd.readouterr() == ("", "")


def test_a_fit_that_nothing_rescues_keeps_its_status(group: ModelGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = FailingAtFirst(3)
    monkeypatch.setattr(escalation, "minimise", failing)
    monkeypatch.setattr(escalation, "challenge", failing)
    results = best_fits(group.structure, group.shared, group.points, [group.inits, group.inits + 0.1])
    assert (results.status == FitStatus.NOT_CONVERGED).all()


def test_an_impossible_fit_is_given_up() -> None:
    group = group_of(counting(0.0, 0.0, 4.0), counting(5.0, 50.0, 52.0))
    results = best_fits(group.structure, group.shared, group.points, [group.inits])
    assert results.take_status(0) is FitStatus.NOT_FINITE
    assert results.take_status(1).succeeded


def test_the_lower_minimum_is_kept(group: ModelGroup) -> None:
    lowest = fit_all(group)
    higher = lowest._replace(nll=lowest.nll + np.array([0.5, -0.5, 0.5]), iterations=np.array([7, 7, 7]))
    which = np.array([True, True, False])
    kept = refit(group.structure, group.shared, group.points, group.inits, which, higher)
    np.testing.assert_allclose(kept.nll - lowest.nll, [0.0, -0.5, 0.5], atol=1e-12)
    assert (kept.iterations[:2] > 7).all()
    assert kept.iterations[2] == 7


def minuit_value(group: ModelGroup, fit: PointNumbers, start: np.ndarray) -> float:
    """Minimum of -ln L that MIGRAD finds with a tolerance far below its default."""
    program = jax.jit(partial(value_and_gradient, group.structure))

    def at(theta: np.ndarray) -> tuple[float, np.ndarray]:
        with jax.enable_x64(True):
            value, gradient = program(group.shared, fit, np.asarray(theta)[None])
        return float(value[0]), np.asarray(gradient[0])

    minuit = Minuit(lambda theta: at(theta)[0], start, grad=lambda theta: at(theta)[1])
    minuit.errordef, minuit.tol = Minuit.LIKELIHOOD, 1e-4
    minuit.limits = list(zip(fit.lower[0], fit.upper[0], strict=True))
    minuit.fixed = list(fit.fixed[0])
    minuit.migrad()
    return float(minuit.fval)


@pytest.mark.slow
def test_minima_are_those_of_iminuit() -> None:
    names = ["gluino_1200_1000", "gluino_2200_400"]
    background, specs = patched(EXAMPLE, names)
    group = group_of(*specs, background=background)
    for points, start in [(group.points, group.inits), with_poi(group, 1.0)]:
        results = minimise(group.structure, group.shared, points, start)
        assert results.succeeded.all()
        for k in range(len(names)):
            expected = minuit_value(group, points.take(np.array([k])), start[k])
            assert results.nll[k] <= expected + 1e-9
            assert results.nll[k] == pytest.approx(expected, abs=1e-6)
