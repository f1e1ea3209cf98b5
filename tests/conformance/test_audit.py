"""Fits of random toys, checked by code that has nothing in common with the fitter.

Values come from the likelihood, derivatives from automatic differentiation, and restarts from scipy's L-BFGS-B.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from hfscale.fit.escalation import best_fits
from hfscale.fit.lanes import FitResults
from hfscale.fit.slots import minimise
from hfscale.model.structure import NORMAL, POISSON, ModelGroup, PointNumbers
from hfscale.work.models import build_models
from hfscale.workspace import load_inputs
from tests.evaluation import hessian_of
from tests.minimisers import Fits, automatic_value_and_gradient, lbfgsb_minimum
from tests.models import (
    group_of,
    histosys,
    modifier,
    normfactor,
    normsys,
    sample,
    with_poi,
    workspace,
)

SEED = 4171
LOWER = 1e-6
"""A restart that ends lower than this in -ln L has found another minimum."""
MOST_MISSED = 0.01
EDGE, MOST_EDGES = 1e-5, 0.01
MANY, SOME = 1000, 50
"""Toys of the long and of the short audit; each is fitted with the POI free and fixed."""
SOME_RESTARTS = 20
N_HESSIANS = 4
PERTURBATION = 0.7
"""By how much restarts are moved away, in units of each parameter's width."""


class Toys(NamedTuple):
    """Toy experiments of one model, with the POI free and fixed, and what they were generated with."""

    group: ModelGroup
    numbers: PointNumbers
    start: np.ndarray


class Audit(NamedTuple):
    """What the checks found: gradients of all fits, and what restarts of some of them gained."""

    gradient: np.ndarray
    gain: np.ndarray


def drawn(group: ModelGroup, n_toys: int, mu: float) -> Toys:
    """Main data and auxiliary data drawn at the best parameters for a POI value; half of the fits keep it fixed."""
    points, start = with_poi(group, mu)
    best = minimise(group.structure, group.shared, points, start)
    assert best.succeeded.all()
    rng, theta, constraint = np.random.default_rng(SEED), best.theta[0], group.structure.constraint
    repeated = group.points.take(np.zeros(n_toys, dtype=int))
    normal = rng.normal(theta, np.where(constraint == NORMAL, points.width[0], 1.0), (n_toys, len(theta)))
    poisson = rng.poisson(np.where(constraint == POISSON, theta * points.width[0], 1.0), (n_toys, len(theta)))
    auxdata = np.where(constraint == NORMAL, normal, poisson)
    toys = repeated._replace(
        data=rng.poisson(best.rates[0], (n_toys, best.rates.shape[1])).astype(float),
        auxdata=np.where(repeated.constrained > 0, auxdata, repeated.auxdata),
    )
    fixed = toys._replace(fixed=np.repeat(points.fixed, n_toys, axis=0))
    both = PointNumbers(*(np.concatenate(arrays) for arrays in zip(toys, fixed, strict=True)))
    return Toys(group, both, np.repeat(best.theta, 2 * n_toys, axis=0))


def fitted(toys: Toys) -> FitResults:
    """Fit from three starts: the parameters that made the toys, the toys' auxiliary data, and the middle of both."""
    structure, made = toys.group.structure, toys.start
    moved = (structure.constraint == NORMAL) & ~structure.gamma & ~toys.numbers.fixed
    pulled, between = (np.where(moved, made + f * (toys.numbers.auxdata - made), made) for f in (1.0, 0.5))
    cold = np.where(toys.numbers.fixed, made, toys.group.inits)
    return best_fits(structure, toys.group.shared, toys.numbers, [between, made, pulled, cold], sure=3)


def spread(total: int, count: int) -> set[int]:
    """Positions of some of all, from the first to the last."""
    return {int(k) for k in np.linspace(0, total - 1, min(total, count))}


def audited(toys: Toys, results: FitResults, n_restarts: int) -> Audit:
    """Gradients inside the bounds, in units of each parameter's width, and what restarts nearby gain."""
    restarted = spread(len(results.theta), n_restarts)
    fits = Fits(toys.group, automatic_value_and_gradient)
    rng = np.random.default_rng(SEED + 2)
    gradient, gain = [], []
    for k, theta in enumerate(results.theta):
        fit = fits.fit(toys.numbers.take(np.array([k])))
        value, slope = fit.evaluate(theta)
        assert value == pytest.approx(results.nll[k], rel=1e-11)
        outward = ((theta <= fit.lower) & (slope > 0)) | ((theta >= fit.upper) & (slope < 0)) | fit.fixed
        gradient.append(np.abs(np.where(outward, 0.0, slope * fit.width)).max())
        if k not in restarted:
            continue
        near = theta + np.where(fit.fixed, 0.0, rng.normal(0.0, PERTURBATION, theta.shape) * fit.width)
        gain.append(value - fit.evaluate(lbfgsb_minimum(fit, np.clip(near, fit.lower, fit.upper)))[0])
    return Audit(np.array(gradient), np.array(gain))


def smallest_curvature(toys: Toys, results: FitResults, k: int) -> float:
    """Smallest eigenvalue of the Hessian of the parameters inside their bounds, scaled to a unit diagonal."""
    numbers = toys.numbers.take(np.array([k]))
    theta = results.theta[k]
    hessian = hessian_of(replace(toys.group, points=numbers), theta)
    inside = ~numbers.fixed[0] & (theta > numbers.lower[0]) & (theta < numbers.upper[0])
    own = hessian[np.ix_(inside, inside)]
    scale = 1.0 / np.sqrt(np.diagonal(own))
    return float(np.linalg.eigvalsh(own * scale * scale[:, None]).min())


def check(toys: Toys, label: str, n_restarts: int | None = None) -> None:
    """Audit fits of toys; restarts of all fits unless a number is given."""
    results = fitted(toys)
    assert results.succeeded.all(), np.bincount(results.status)
    n = len(results.theta)
    audit = audited(toys, results, n if n_restarts is None else n_restarts)
    missed = audit.gain > LOWER
    sys.stdout.write(
        f"{label}: {n} fits, largest gradient {audit.gradient.max():.1e}, {len(missed)} restarts,"
        f" {missed.sum()} ended lower, by at most {audit.gain.max():.1e}\n"
    )
    # Where the rate of an empty bin ends at zero, the minimum lies on an edge at which the gradient does not vanish.
    edge = ((toys.numbers.data == 0) & (toys.numbers.bins > 0) & (results.rates < EDGE)).any(axis=1)
    assert edge.mean() <= MOST_EDGES
    assert audit.gradient[~edge].max() < 2e-4
    assert missed.mean() <= MOST_MISSED
    for k in spread(n, N_HESSIANS):
        assert smallest_curvature(toys, results, k) > 1e-9


def sparse_model() -> ModelGroup:
    """Three channels with less than ten expected events together."""
    rng = np.random.default_rng(3)
    channels, observed = {}, {}
    for name, yields in (("A", [0.4, 1.1, 0.2]), ("B", [2.0, 0.7]), ("C", [0.05, 3.0, 0.6])):
        b = np.array(yields)
        shifts = [histosys(f"h{k}", b * rng.uniform(1.0, 1.5, b.shape), b * rng.uniform(0.5, 1.0, b.shape))
                  for k in range(3)]  # fmt: skip
        norms = [normsys("n0", 1.25, 0.8), normsys(f"n{name}", 1.4, 0.7)]
        stat = modifier("staterror", f"st{name}", list(0.3 * b))
        channels[name] = [
            sample("signal", list(rng.uniform(0.1, 1.0, b.shape)), normfactor(), normsys("n0", 1.1, 0.9)),
            sample("bkg", yields, *shifts, *norms, stat),
        ]
        observed[name] = list(rng.poisson(b).astype(float))
    return group_of(workspace(channels, observed))


def published_point(folder: Path) -> ModelGroup:
    """One point of RegionA, 64 parameters."""
    (group,) = build_models(load_inputs(folder / "sbottom-RegionA.tar.gz", points=["sbottom_1300_205_60"]))
    return group


def test_some_toys_of_a_sparse_model() -> None:
    check(drawn(sparse_model(), SOME, 1.0), "sparse model", SOME_RESTARTS)


@pytest.mark.data
def test_some_toys_of_a_published_point(shared_data: Path) -> None:
    check(drawn(published_point(shared_data), SOME, 1.0), "RegionA sbottom_1300_205_60", SOME_RESTARTS)


@pytest.mark.slow
def test_many_toys_of_a_sparse_model() -> None:
    check(drawn(sparse_model(), MANY, 1.0), "sparse model")


@pytest.mark.slow
@pytest.mark.data
def test_many_toys_of_a_published_point(shared_data: Path) -> None:
    check(drawn(published_point(shared_data), MANY, 1.0), "RegionA sbottom_1300_205_60")
