"""Derivatives where formulas divide by parameters, and the low-rank stand-in for the Hessian."""

import numpy as np
import pytest

from hfscale.model.structure import ModelGroup
from tests.evaluation import derivatives, hessian_of, value_of
from tests.models import counting, group_of, histosys, modifier, normfactor, normsys, one_channel, position, sample


def group_with_everything() -> ModelGroup:
    return group_of(
        one_channel(
            [60, 40],
            sample("signal", [8, 3], normfactor(), normsys("a", 1.1, 0.95)),
            sample("b1", [40, 30], normsys("a", 1.2, 0.85), histosys("b", [44, 29], [37, 32])),
            sample("b2", [10, 7], normfactor("k"), modifier("shapesys", "mc", [2, 1])),
        )
    )


def test_factors_at_zero_have_exact_derivatives() -> None:
    group = group_with_everything()
    theta = group.inits.copy()
    theta[0, position(group, "mu")] = theta[0, position(group, "k")] = 0.0
    v = np.random.default_rng(0).normal(size=theta.shape[1])
    found = derivatives(group, theta[0], v)
    np.testing.assert_allclose(found.gradient, found.automatic_gradient, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(found.hessian @ v, found.automatic_product, rtol=1e-6, atol=1e-6)


def test_two_zero_factors_of_one_sample_have_exact_derivatives() -> None:
    group = group_of(one_channel([9], sample("signal", [8], normfactor(), normfactor("k")), sample("bkg", [10])))
    theta = np.zeros_like(group.inits)
    hessian = derivatives(group, theta[0], np.ones(2)).hessian
    np.testing.assert_allclose(hessian, hessian_of(group, theta[0]), atol=1e-6)
    assert hessian[0, 1] == pytest.approx(8 * (1 - 9 / 10))


def test_the_stand_in_is_the_hessian_where_data_agree_with_the_rates() -> None:
    group = group_with_everything()
    theta = group.inits.copy()
    theta[0, position(group, "a")], theta[0, position(group, "b")] = 0.4, -0.3
    rates, _ = value_of(group, theta)
    agreeing = group.points._replace(data=rates)
    same = ModelGroup(**{**vars(group), "points": agreeing})
    found = derivatives(same, theta[0], np.ones(theta.shape[1]))
    constrained = group.points.constrained[0] > 0
    stand_in = np.diag(np.where(constrained, found.diagonal, 0.0)) + found.rows.T @ found.rows
    np.testing.assert_allclose(stand_in, found.hessian, rtol=1e-9, atol=1e-9)


def test_the_stand_in_is_positive_definite_where_the_hessian_is_not() -> None:
    group = group_of(counting(0.0, 10, 200, histosys("b", [2], [12])))
    theta = group.inits.copy()
    theta[0, position(group, "b")] = 0.3
    found = derivatives(group, theta[0], np.ones(theta.shape[1]))
    b = position(group, "b")
    stand_in = np.diag(found.diagonal) + found.rows.T @ found.rows
    assert stand_in[b, b] > 0
