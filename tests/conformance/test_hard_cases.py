"""Hard models: each has the right minimum and status in bounded time, beside pyhf with iminuit or by hand."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from iminuit import Minuit
from scipy import stats
from scipy.optimize import minimize_scalar

from hfscale.fit.escalation import best_fits
from hfscale.fit.newton import MAX_BULK_ITERATIONS, MAX_ITERATIONS
from hfscale.fit.slots import lanes_for
from hfscale.fit.status import FitStatus
from hfscale.model.structure import ModelGroup
from tests.conformance.pyhf_models import pyhf_model
from tests.minimisers import Fits, lbfgsb_minimum
from tests.models import (
    PYHF_WARNING,
    Spec,
    counting,
    group_of,
    histosys,
    modifier,
    normfactor,
    normsys,
    one_channel,
    position,
    sample,
    with_poi,
    workspace,
)

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING)

HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)
PASSES = 6
"""Minimisations of one fit from one start at most: the plain one, four with barriers, and one after iminuit."""


class Minimum(NamedTuple):
    """The only fit of a model."""

    group: ModelGroup
    status: FitStatus
    nll: float
    theta: np.ndarray
    rates: np.ndarray

    def value(self, name: str) -> float:
        return float(self.theta[position(self.group, name)])


def fitted(spec: Spec, mu: float | None = None) -> Minimum:
    """Minimise as the calculations do, and check that it took a bounded number of iterations."""
    group = group_of(spec)
    points, start = (group.points, group.inits) if mu is None else with_poi(group, mu)
    results = best_fits(group.structure, group.shared, points, [start])
    assert results.iterations[0] <= PASSES * (MAX_ITERATIONS + MAX_BULK_ITERATIONS)
    theta = results.theta[0]
    assert (theta >= points.lower[0]).all()
    assert (theta <= points.upper[0]).all()
    return Minimum(group, results.take_status(0), float(results.nll[0]), theta, results.rates[0])


def pyhf_minimum(spec: Spec, n_starts: int = 3) -> float:
    """Lowest -ln L that iminuit finds with pyhf's likelihood from several starts."""
    reference = pyhf_model(spec)
    config = reference.model.config
    init, bounds = np.array(config.suggested_init(), dtype=float), np.array(config.suggested_bounds(), dtype=float)

    def nll(theta: np.ndarray) -> float:
        value = reference.nll(theta) if (reference.rates(theta) >= 0).all() else np.inf
        return value if np.isfinite(value) else 1e10

    values = []
    for seed in range(n_starts):
        move = 0.1 * seed * np.random.default_rng(seed).normal(size=init.shape)
        minuit = Minuit(nll, np.clip(init + move, *bounds.T))
        minuit.errordef, minuit.strategy, minuit.tol = Minuit.LIKELIHOOD, 2, 1e-4
        minuit.limits, minuit.fixed = bounds.tolist(), config.suggested_fixed()
        minuit.migrad()
        values.append(float(minuit.fval))
    return min(values)


def signal(*data: float) -> Spec:
    return sample("signal", data, normfactor())


def poi(lower: float, upper: float) -> list[Spec]:
    return [{"name": "mu", "bounds": [[lower, upper]], "inits": [1.0]}]


SHAPE_FACTORS = modifier("shapefactor", "q")
ORDINARY: dict[str, tuple[Callable[[], Spec], FitStatus]] = {
    "shape factor of an empty bin": (
        lambda: one_channel([12, 0, 7], signal(2, 1, 1), sample("qcd", [10, 0, 5], SHAPE_FACTORS)),
        FitStatus.FLAT,
    ),
    "shape factor of a bin without events": (
        lambda: one_channel(
            [12, 0, 7], signal(2, 0, 1), sample("qcd", [10, 4, 5], SHAPE_FACTORS), sample("b", [1, 1, 1])
        ),
        FitStatus.FLAT,
    ),
    "normsys with no effect": (lambda: counting(8, 50, 62, normsys("a", 1.0, 1.0)), FitStatus.CONVERGED),
    "negative nominal yields": (
        lambda: one_channel(
            [4, 9],
            signal(2, 1),
            sample("a", [5, 9], histosys("h", [9, 10], [0.5, 8])),
            sample("n", [-1.0, -0.5], histosys("h", [-3, -0.5], [-0.5, -0.4])),
        ),
        FitStatus.CONVERGED,
    ),
    "no events anywhere": (
        lambda: one_channel(
            [0, 0, 0],
            signal(2, 1, 3),
            sample("b", [5.0, 9, 1], normsys("n", 1.3, 0.7), histosys("h", [6, 10, 1.5], [4, 8, 0.5]),
                   modifier("staterror", "st", [1, 2, 0.4])),
        ),
        FitStatus.AT_BOUND,
    ),
    "an event where the rate can reach zero": (
        lambda: one_channel([1], signal(2.0), sample("b", [1.0], histosys("h", [2.2], [-0.2]))),
        FitStatus.CONVERGED,
    ),
    "two normalisations of one sample": (
        lambda: one_channel([62, 40], signal(8, 1), sample("b", [50, 40], normfactor("k1"), normfactor("k2"))),
        FitStatus.FLAT,
    ),
    "two samples of one shape": (
        lambda: one_channel(
            [62, 40], signal(8, 1), sample("b", [25, 20], normfactor("k1")), sample("c", [25, 20], normfactor("k2"))
        ),
        FitStatus.FLAT,
    ),
    "signal and background of one shape": (
        lambda: one_channel([62, 31], signal(8, 4), sample("b", [50, 25], normfactor("k"))),
        FitStatus.FLAT,
    ),
    "a million events beside a hundredth": (
        lambda: one_channel(
            [1_002_000, 0, 1],
            signal(100, 0.005, 0.02),
            sample("b", [1e6, 0.01, 0.02], normsys("n", 1.01, 0.99), modifier("staterror", "st", [500, 0.004, 0.01]),
                   histosys("h", [1.001e6, 0.012, 0.02], [0.999e6, 0.008, 0.02])),
        ),
        FitStatus.AT_BOUND,
    ),
    "no constrained parameter": (
        lambda: one_channel([62, 40], signal(8, 1), sample("b", [50, 40], normfactor("k"))),
        FitStatus.CONVERGED,
    ),
    "POI at its upper bound": (lambda: counting(8, 50, 300, normsys("a", 1.1, 0.9)), FitStatus.AT_BOUND),
    "POI at its lower bound": (lambda: counting(8, 50, 20, normsys("a", 1.1, 0.9)), FitStatus.AT_BOUND),
    "signal alone, with a negative POI allowed": (
        lambda: one_channel([3, 1], signal(3, 2), parameters=poi(-5, 10)),
        FitStatus.CONVERGED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDINARY)
def test_the_minimum_is_that_of_pyhf_with_iminuit(name: str) -> None:
    make, status = ORDINARY[name]
    spec = make()
    found = fitted(spec)
    assert found.status is status
    assert found.nll == pytest.approx(pyhf_minimum(spec), abs=2e-7)


@pytest.mark.parametrize("n", [62.0, 1.0, 0.0])
def test_a_normsys_that_takes_everything_away(n: float) -> None:
    # hi = 2 and lo = 0: pyhf divides by log(0). The polynomial inside meets 2^a at 1 and 0 at -1, with derivatives.
    b, s = 5.0, 0.5
    log2 = np.log(2.0)
    conditions = np.array([[x**k for k in range(1, 7)] for x in (1.0, -1.0)]
                          + [[k * x ** (k - 1) for k in range(1, 7)] for x in (1.0, -1.0)]
                          + [[k * (k - 1) * x ** max(k - 2, 0) for k in range(1, 7)] for x in (1.0, -1.0)])  # fmt: skip
    coefficients = np.linalg.solve(conditions, [1.0, -1.0, 2 * log2, 0.0, 2 * log2**2, 0.0])

    def factor(a: float) -> float:
        inside = 1.0 + sum(c * a ** (k + 1) for k, c in enumerate(coefficients))
        return float(inside if abs(a) < 1 else (2.0**a if a > 0 else 0.0))

    def profiled(a: float) -> float:
        rate = b * factor(a)
        mu = np.clip((n - rate) / s, 0.0, 10.0)
        return float(-stats.poisson.logpmf(n, mu * s + rate) + 0.5 * a * a + HALF_LOG_2PI)

    grid = np.linspace(-4.9, 4.9, 197)
    around = grid[int(np.argmin([profiled(a) for a in grid]))]
    expected = minimize_scalar(profiled, bounds=(around - 0.1, around + 0.1), options={"xatol": 1e-9}, method="bounded")
    found = fitted(counting(s, b, n, normsys("a", 2.0, 0.0)))
    assert found.status.succeeded
    assert found.nll == pytest.approx(expected.fun, abs=1e-8)


def test_no_events_and_free_normalisations_leave_nothing() -> None:
    found = fitted(one_channel([0, 0], signal(2, 1), sample("b", [5.0, 9], normfactor("k"))))
    assert found.status is FitStatus.AT_BOUND
    assert found.nll == pytest.approx(0.0, abs=1e-12)
    assert (found.value("mu"), found.value("k")) == (0.0, 0.0)


def test_a_shift_ends_where_it_has_removed_the_rate_of_an_empty_bin() -> None:
    # The rate is 1 + 1.5 h, falls with h and may not become negative; the constraint alone would give h = -1.5.
    found = fitted(one_channel([0], signal(2.0), sample("b", [1.0], histosys("h", [2.5], [-0.5]))))
    assert found.status is FitStatus.AT_BOUND
    assert found.value("h") == pytest.approx(-2 / 3, abs=1e-6)
    assert found.value("mu") == pytest.approx(0.0, abs=1e-6)
    assert found.nll == pytest.approx(0.5 * (2 / 3) ** 2 + HALF_LOG_2PI, abs=3e-8)


def test_a_total_near_zero_beside_an_ordinary_bin() -> None:
    shifted = sample("a", [1.0, 9], histosys("h", [2.5, 10], [-0.5, 8]))
    found = fitted(one_channel([0, 9], signal(2, 1), shifted))

    # On the edge mu = -(1 + 1.5 h) / 2 >= 0 below h = -2/3; there -ln L is one-dimensional.
    def on_the_edge(h: float) -> float:
        mu = max(-(1 + 1.5 * h) / 2, 0.0)
        return float(-stats.poisson.logpmf(9, 9 + h + mu) + 0.5 * h * h + HALF_LOG_2PI + 1 + 1.5 * h + 2 * mu)

    expected = minimize_scalar(on_the_edge, bounds=(-2 / 3, 0.0), options={"xatol": 1e-12}, method="bounded")
    assert found.status is FitStatus.AT_BOUND
    assert found.nll == pytest.approx(expected.fun, abs=3e-8)


def test_a_negative_signal_without_background_stops_at_no_signal() -> None:
    found = fitted(one_channel([0, 0], signal(3, 2), parameters=poi(-5, 10)))
    assert found.status is FitStatus.AT_BOUND
    assert found.value("mu") == pytest.approx(0.0, abs=1e-7)
    assert found.nll == pytest.approx(0.0, abs=3e-8)


def test_a_negative_signal_stops_where_it_has_cancelled_the_background_of_one_bin() -> None:
    spec = one_channel([0, 0], signal(3, 2), sample("b", [0.1, 0.1], normsys("n", 1.2, 0.8)), parameters=poi(-5, 10))
    reference = pyhf_model(spec)

    def on_the_edge(alpha: float) -> float:
        one = reference.rates(np.array([0.0, alpha]))[0]
        return float(one - 2 * one / 3 + 0.5 * alpha**2 + HALF_LOG_2PI)

    expected = minimize_scalar(on_the_edge, bounds=(-1, 1), options={"xatol": 1e-10}, method="bounded")
    found = fitted(spec)
    assert reference.names == ["mu", "n"]
    assert found.status is FitStatus.AT_BOUND
    assert found.nll == pytest.approx(expected.fun, abs=3e-8)
    assert found.rates.min() == pytest.approx(0.0, abs=1e-7)


def test_events_without_any_rate_are_refused() -> None:
    found = fitted(one_channel([0, 4], signal(3, 0), sample("b", [1.0, 0.0])))
    assert found.status is FitStatus.NOT_FINITE


def large_model(n_channels: int = 30, n_bins: int = 20, n_samples: int = 3, n_alphas: int = 450) -> Spec:
    """600 bins; up to 450 shifts of shapes and as many of normalisations, 600 staterrors and 20 free factors."""
    rng = np.random.default_rng(1)
    channels, observations = {}, {}
    for c in range(n_channels):
        samples = []
        for s in range(n_samples):
            nominal = rng.uniform(5, 60, n_bins)
            own = rng.choice(n_alphas, 30, replace=False)
            sizes = rng.normal(0, 0.02, (len(own), 2, n_bins))
            shapes = [histosys(f"h{k}", nominal * (1 + up), nominal * (1 - down)) for k, (up, down) in zip(own, sizes)]
            norms = [normsys(f"n{k}", 1.03, 0.97) for k in own]
            factors = [normfactor(f"k{c % 20}")] if s == 0 else []
            stat = modifier("staterror", f"st{c}", list(nominal * 0.03))
            samples.append(sample(f"b{s}", list(nominal), *shapes, *norms, *factors, stat))
        channels[f"c{c:02d}"] = [*samples, sample("signal", list(rng.uniform(0, 4, n_bins)), normfactor())]
        observations[f"c{c:02d}"] = list(rng.poisson(100.0, n_bins).astype(float))
    return workspace(channels, observations)


@pytest.mark.slow
def test_1500_parameters_and_600_bins() -> None:
    found = fitted(large_model())
    structure = found.group.structure
    assert structure.n_bins == 600
    assert structure.n_parameters >= 1500
    assert (lanes_for(structure, "bulk"), lanes_for(structure, "exact")) == (1, 1)
    assert found.status.succeeded

    fit = Fits(found.group).fit(found.group.points)
    reference = fit.evaluate(lbfgsb_minimum(fit, found.group.inits[0]))[0]
    assert found.nll <= reference + 1e-6
