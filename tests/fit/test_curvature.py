"""Quadratic models: solving with low rank, and minima inside bounds."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from hfscale.fit.curvature import LowRankCurvature, dense_curvature, newton_step, within_bounds

N = 6


def low_rank(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 2.0, N), rng.normal(size=(3, N))


def dense(seed: int) -> np.ndarray:
    diagonal, rows = low_rank(seed)
    return np.diag(diagonal) + rows.T @ rows


@pytest.mark.parametrize("seed", range(4))
def test_low_rank_and_dense_give_the_same_solution(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    free, right = rng.random(N) < 0.7, rng.normal(size=N)
    with jax.enable_x64(True):
        models: list[Any] = [
            LowRankCurvature(*(jnp.asarray(a)[None] for a in low_rank(seed))),
            dense_curvature(jnp.asarray(dense(seed))[None]),
        ]
        solved = [np.asarray(m.solve(jnp.asarray(free)[None], jnp.asarray(right)[None])[0]) for m in models]
        multiplied = [np.asarray(m.multiply(jnp.asarray(right)[None])[0]) for m in models]
    expected = np.zeros(N)
    expected[free] = np.linalg.solve(dense(seed)[np.ix_(free, free)], right[free])
    for found in solved:
        np.testing.assert_allclose(found, expected, atol=1e-12)
    for found in multiplied:
        np.testing.assert_allclose(found, dense(seed) @ right, atol=1e-12)


def test_an_indefinite_hessian_is_noticed() -> None:
    with jax.enable_x64(True):
        hessian = jnp.asarray(np.array([[[1.0, 2.0], [2.0, 1.0]], [[2.0, 1.0], [1.0, 2.0]]]))
        step = newton_step(dense_curvature(hessian), jnp.ones((2, 2)), jnp.ones((2, 2), dtype=bool), 0)
        assert step.definite.tolist() == [False, True]


def test_a_singular_hessian_is_flat_and_still_has_a_direction() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(2, N, N - 1)) @ rng.normal(size=(2, N - 1, N))
    hessian = np.swapaxes(rows, 1, 2) @ rows
    wanted = rng.normal(size=(2, N))
    hessian[1] += np.eye(N)
    gradient = -np.einsum("lpq,lq->lp", hessian, wanted)
    with jax.enable_x64(True):
        step = newton_step(
            dense_curvature(jnp.asarray(hessian)), jnp.asarray(gradient), jnp.ones((2, N), dtype=bool), 0
        )
        direction = np.asarray(step.direction)
    assert step.definite.tolist() == [True, True]
    assert step.flat.tolist() == [True, False]
    np.testing.assert_allclose(np.einsum("lpq,lq->lp", hessian, direction), -gradient, atol=1e-8)
    np.testing.assert_allclose(direction[1], wanted[1], rtol=1e-9)


def test_a_gradient_without_curvature_is_no_minimum() -> None:
    hessian = np.diag([2.0, 0.0])[None].repeat(2, axis=0)
    gradient = np.array([[0.0, 1.0], [0.0, 0.0]])
    with jax.enable_x64(True):
        step = newton_step(
            dense_curvature(jnp.asarray(hessian)), jnp.asarray(gradient), jnp.ones((2, 2), dtype=bool), 0
        )
    assert step.definite.tolist() == [False, True]
    assert step.flat.tolist() == [True, True]


@pytest.mark.parametrize("seed", range(6))
def test_the_minimum_inside_bounds_is_nearly_that_of_a_quadratic_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hessian, gradient = dense(seed), rng.normal(size=N) * 2
    lower, upper = -rng.uniform(0.1, 0.6, N), rng.uniform(0.1, 0.6, N)
    with jax.enable_x64(True):
        curvature = dense_curvature(jnp.asarray(hessian)[None])
        g, free = jnp.asarray(gradient)[None], jnp.ones((1, N), dtype=bool)
        room = (jnp.asarray(lower)[None], jnp.asarray(upper)[None])
        free_direction = curvature.solve(free, -g)
        found = np.asarray(within_bounds(curvature, g, free, free_direction, room, jnp.array([True]))[0])

    def model(x: np.ndarray) -> float:
        return float(gradient @ x + x @ hessian @ x / 2)

    exact = minimize(model, np.zeros(N), bounds=list(zip(lower, upper))).x
    assert (found >= lower - 1e-12).all()
    assert (found <= upper + 1e-12).all()
    clipped = np.clip(np.asarray(free_direction[0]), lower, upper)
    assert model(found) <= model(clipped) + 1e-12
    assert model(found) <= 0.9 * model(exact)
