"""Value, gradient and Hessian of random workspaces against differences of an evaluation with 50 digits."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mpmath import mpf

import hfscale
from tests.conformance.high_precision import gradient, hessian, hessian_product, nll, rates
from tests.conformance.strategies import workspaces
from tests.models import Spec

compiles = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def named(names: tuple[str, ...], values: Sequence[Any]) -> dict[str, list[Any]]:
    """Components of every parameter, from a vector."""
    theta: dict[str, list[Any]] = {}
    for name, value in zip(names, values, strict=True):
        theta.setdefault(name.partition("[")[0], []).append(value)
    return theta


def random_parameters(likelihood: hfscale.Likelihood, seed: int) -> np.ndarray:
    """Parameters inside their bounds, alphas often beyond one sigma."""
    rng = np.random.default_rng(seed)
    init, (lower, upper) = likelihood.suggested_init, likelihood.suggested_bounds.T
    moved = np.where(lower < 0, init + rng.normal(0.0, 1.2, init.shape), init * rng.uniform(0.6, 1.5, init.shape))
    return np.clip(moved, np.maximum(lower, -2.8), np.minimum(upper, 2.8))


def compare(spec: Spec, seed: int, *, whole: bool) -> None:
    """Compare with the whole Hessian, or with its product with one direction, which is much cheaper."""
    likelihood = hfscale.Likelihood.from_workspace(spec)
    theta = random_parameters(likelihood, seed)
    names = likelihood.parameter_names
    # Bins that cancel to almost nothing carry no digits.
    assume(min(rates(spec, named(names, [*map(mpf, theta)]))) > 1e-6)

    def function(values: Sequence[Any]) -> Any:
        return nll(spec, named(names, values))

    assert -likelihood.logpdf(theta) == pytest.approx(float(function([*map(mpf, theta)])), rel=1e-12, abs=1e-11)
    found = -likelihood.hessian(theta)
    # Terms as large as the largest curvature are summed, and rounded at 1e-16 of that.
    size = 1.0 + np.abs(found).max()
    np.testing.assert_allclose(-likelihood.gradient(theta), gradient(function, theta), rtol=1e-10, atol=1e-13 * size)
    if whole:
        np.testing.assert_allclose(found, hessian(function, theta), rtol=1e-10, atol=1e-12 * size)
    direction = np.random.default_rng(seed).normal(size=len(theta))
    product = hessian_product(function, theta, direction)
    np.testing.assert_allclose(found @ direction, product, rtol=1e-10, atol=1e-12 * size)


@settings(compiles, max_examples=6)
@given(spec=workspaces(), seed=st.integers(0, 1000))
def test_derivatives_of_some_workspaces(spec: Spec, seed: int) -> None:
    compare(spec, seed, whole=False)


@pytest.mark.slow
@settings(compiles, max_examples=60)
@given(spec=workspaces(), seed=st.integers(1001, 9999))
def test_derivatives_of_many_workspaces(spec: Spec, seed: int) -> None:
    compare(spec, seed, whole=True)
