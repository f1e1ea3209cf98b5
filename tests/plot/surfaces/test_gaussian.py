"""Gaussian processes against the formulas of the posterior and of the marginal likelihood."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal

from hfscale.plot.surfaces.gaussian import gaussian_surfaces, marginal_likelihood, matern

RANDOM = np.random.default_rng(11)
POINTS = RANDOM.uniform(0.0, 10.0, (30, 2)) * [1.0, 20.0]
HEIGHTS = np.column_stack([np.sin(POINTS[:, 0]) + np.cos(POINTS[:, 1] / 30), np.cos(POINTS[:, 0] + POINTS[:, 1] / 40)])
PLACES = RANDOM.uniform(0.0, 10.0, (7, 2)) * [1.0, 20.0]


def covariance(first: np.ndarray, second: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The Matern function of order 5/2, written pair by pair."""
    result = np.empty((len(first), len(second)))
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            r = np.sqrt(sum(((a[k] - b[k]) / lengths[k]) ** 2 for k in (0, 1)))
            result[i, j] = (1 + np.sqrt(5) * r + 5 * r**2 / 3) * np.exp(-np.sqrt(5) * r)
    return result


def test_mean_and_deviation_are_those_of_the_posterior() -> None:
    """Conditioning the joint normal distribution of points and places on the heights at the points."""
    surfaces = gaussian_surfaces(POINTS, HEIGHTS)
    among = covariance(POINTS, POINTS, surfaces.lengths) + surfaces.share * np.eye(len(POINTS))
    across = covariance(PLACES, POINTS, surfaces.lengths)
    means = HEIGHTS.mean(axis=0)
    np.testing.assert_allclose(surfaces(PLACES), means + across @ np.linalg.solve(among, HEIGHTS - means), atol=1e-6)
    variance = 1.0 - np.diag(across @ np.linalg.solve(among, across.T))
    expected = np.sqrt(variance)[:, None] * surfaces.scales
    np.testing.assert_allclose(surfaces.deviations(PLACES), expected, atol=1e-5)


def test_the_marginal_likelihood_is_that_of_a_normal_distribution_with_the_best_scale() -> None:
    lengths, share = np.array([2.0, 50.0]), 0.01
    logarithms = np.log([*lengths, share])
    heights = HEIGHTS - HEIGHTS.mean(axis=0)
    correlation = covariance(POINTS, POINTS, lengths) + share * np.eye(len(POINTS))
    n = len(POINTS)
    total = 0.0
    for column in heights.T:
        scale = column @ np.linalg.solve(correlation, column) / n
        total -= multivariate_normal(cov=scale * correlation).logpdf(column) - 0.5 * n * (-1 - np.log(2 * np.pi))
    value, gradient = marginal_likelihood(logarithms, POINTS, heights)
    assert value == pytest.approx(total, rel=1e-9)
    numeric = approx_fprime(logarithms, lambda at: marginal_likelihood(at, POINTS, heights)[0], 1e-6)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-4)


def test_no_smoothing_goes_through_the_points() -> None:
    surfaces = gaussian_surfaces(POINTS, HEIGHTS, smoothing=0.0)
    np.testing.assert_allclose(surfaces(POINTS), HEIGHTS, atol=1e-4)
    assert surfaces.deviations(POINTS).max() < 1e-3 * surfaces.scales.max()


def test_scatter_is_told_from_the_surface() -> None:
    points = np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), axis=-1).reshape(-1, 2)
    surface = np.sin(points[:, 0] / 4) + points[:, 1] / 8
    noisy = surface + RANDOM.normal(scale=0.1, size=len(points))
    found = gaussian_surfaces(points, noisy[:, None])
    assert np.sqrt(found.share) * found.scales[0] == pytest.approx(0.1, rel=0.3)
    assert np.std(found(points)[:, 0] - surface) < 0.06


def test_a_further_point_makes_its_surroundings_certain_and_no_place_less_so() -> None:
    surfaces = gaussian_surfaces(POINTS, HEIGHTS, smoothing=0.0)
    before, after = surfaces.deviations(PLACES), surfaces.deviations(PLACES, PLACES[:1])
    assert (after <= before + 1e-6).all()
    assert after[0].max() < 0.01 * before[0].max()


def test_constant_heights_give_a_constant_surface() -> None:
    surfaces = gaussian_surfaces(POINTS, np.full((30, 1), 5.0))
    np.testing.assert_allclose(surfaces(PLACES), 5.0)


def test_the_covariance_falls_from_one() -> None:
    along = matern(np.array([[0.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 0.0]]), np.array([2.0, 1.0]))[0]
    assert along[0] == 1.0
    assert 1.0 > along[1] > along[2] > 0.0
