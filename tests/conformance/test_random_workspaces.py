"""Random workspaces against pyhf, and derivatives against automatic differentiation."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hfscale.model.structure import ModelGroup
from tests.conformance.pyhf_models import PyhfModel, columns, pyhf_model, random_parameters
from tests.conformance.strategies import campaigns, workspaces
from tests.evaluation import derivatives, value_of
from tests.models import PYHF_WARNING, Spec, group_of, groups_of

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING)

compiles = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def defined(group: ModelGroup, rates: np.ndarray) -> bool:
    """Whether the likelihood is finite at these rates."""
    return bool((rates >= 0).all() and (rates[group.points.data[0] > 0] > 1e-9).all())


def internal(group: ModelGroup, reference: PyhfModel, theta: np.ndarray) -> np.ndarray:
    result = group.inits[0].copy()
    result[columns(group, 0, reference.names)] = theta
    return result


def assert_same_parameters(group: ModelGroup, reference: PyhfModel) -> None:
    config = reference.model.config
    assert list(group.parameter_names) == reference.names
    numbers, order = group.points, columns(group, 0, reference.names)
    np.testing.assert_allclose(group.inits[0, order], config.suggested_init(), rtol=0)
    bounds = np.array(config.suggested_bounds(), dtype=float)
    np.testing.assert_allclose(np.stack([numbers.lower[0], numbers.upper[0]], axis=-1)[order], bounds, rtol=0)
    assert numbers.fixed[0, order].tolist() == [bool(f) for f in config.suggested_fixed()]
    constrained = [k for name in config.auxdata_order for k in range(*config.par_slice(name).indices(config.npars))]
    np.testing.assert_allclose(numbers.auxdata[0, order][constrained], config.auxdata, rtol=1e-14)
    assert numbers.constrained[0].sum() == len(constrained)


def check_likelihood(spec: Spec, seed: int) -> None:
    """Compare parameters, rates and likelihood with pyhf's."""
    group, reference = group_of(spec), pyhf_model(spec)
    assert_same_parameters(group, reference)
    theta = random_parameters(reference.model, seed)
    rates, nll = value_of(group, internal(group, reference, theta)[None])

    expected = reference.rates(theta)
    np.testing.assert_allclose(rates[0], expected, rtol=1e-12, atol=1e-12)
    if defined(group, expected):
        assert nll[0] == pytest.approx(reference.nll(theta), rel=1e-10)


def check_derivatives(spec: Spec, seed: int) -> None:
    """Compare gradient and Hessian with automatic ones."""
    group, reference = group_of(spec), pyhf_model(spec)
    theta = random_parameters(reference.model, seed)
    assume(defined(group, reference.rates(theta)))
    v = np.random.default_rng(seed).normal(size=len(theta))
    found = derivatives(group, internal(group, reference, theta), v)

    # Both derivatives sum terms as large as these, and round them.
    size = 1.0 + np.abs(found.hessian).max()
    np.testing.assert_allclose(found.gradient, found.automatic_gradient, rtol=1e-9, atol=1e-12 * size)
    np.testing.assert_allclose(found.hessian @ v, found.automatic_product, rtol=1e-9, atol=1e-12 * size)
    np.testing.assert_allclose(found.hessian, found.hessian.T, rtol=1e-12, atol=1e-12 * size)
    assert (found.diagonal >= 0).all()


def check_union(campaign: tuple[Spec, list[Spec]], seed: int) -> None:
    """Compare every point of a group with pyhf's model of that point alone."""
    background, points = campaign
    tested = 0
    for group in groups_of(points, background):
        references = [pyhf_model(points[k]) for k in group.members]
        theta = group.inits.copy()
        own = [random_parameters(reference.model, seed) for reference in references]
        for row, (reference, values) in enumerate(zip(references, own)):
            theta[row, columns(group, row, reference.names)] = values
        rates, nll = value_of(group, theta)
        for row, (reference, values) in enumerate(zip(references, own)):
            present = group.points.bins[row] > 0
            np.testing.assert_allclose(rates[row][present], reference.rates(values), rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(rates[row][~present], 0.0)
            if (reference.rates(values) > 1e-9).all():
                assert nll[row] == pytest.approx(reference.nll(values), rel=1e-10)
            tested += 1
    assert tested == len(points)


SEEDS, OTHER_SEEDS = st.integers(0, 1000), st.integers(1001, 99_999)
"""Of the tests that always run and of the long ones."""


@settings(compiles, max_examples=20)
@given(spec=workspaces(), seed=SEEDS)
def test_parameters_rates_and_likelihood_are_those_of_pyhf(spec: Spec, seed: int) -> None:
    check_likelihood(spec, seed)


@settings(compiles, max_examples=6)
@given(spec=workspaces(), seed=SEEDS)
def test_gradient_and_hessian_are_those_of_automatic_differentiation(spec: Spec, seed: int) -> None:
    check_derivatives(spec, seed)


@settings(compiles, max_examples=12)
@given(campaign=campaigns(), seed=SEEDS)
def test_points_in_a_union_keep_the_likelihood_of_their_own_model(campaign: tuple[Spec, list[Spec]], seed: int) -> None:
    check_union(campaign, seed)


@pytest.mark.slow
@settings(compiles, max_examples=200)
@given(spec=workspaces(), seed=OTHER_SEEDS)
def test_likelihoods_of_many_workspaces(spec: Spec, seed: int) -> None:
    check_likelihood(spec, seed)


@pytest.mark.slow
@settings(compiles, max_examples=60)
@given(spec=workspaces(), seed=OTHER_SEEDS)
def test_derivatives_of_many_workspaces(spec: Spec, seed: int) -> None:
    check_derivatives(spec, seed)


@pytest.mark.slow
@settings(compiles, max_examples=100)
@given(campaign=campaigns(), seed=OTHER_SEEDS)
def test_many_unions(campaign: tuple[Spec, list[Spec]], seed: int) -> None:
    check_union(campaign, seed)
