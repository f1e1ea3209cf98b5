"""Adaptive grids on likelihoods in closed form: contours of the full grid with several times fewer fits."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscale.inference.profile_levels import PROBABILITIES, height_of
from hfscale.inference.profile_refinement import (
    cubic_weights,
    level_values,
    places_to_fit,
    strides,
    surface,
)
from hfscale.reading.profiles import interval_below

TOLERANCE = 0.01


def scanned(
    axes: list[np.ndarray], t: np.ndarray, best_fit: list[float], tolerance: float = TOLERANCE
) -> tuple[np.ndarray, np.ndarray]:
    """What an adaptive grid makes of a full one: the surface, and which places are fitted."""
    steps = strides(t.shape)
    fitted = np.zeros(t.shape, dtype=bool)
    fitted[np.ix_(*(level_values(*each) for each in zip(t.shape, steps[0], strict=True)))] = True
    for level in range(len(steps) - 1):
        known = np.where(fitted, t, np.nan)
        more = places_to_fit(axes, known, fitted, np.array(best_fit), level, tolerance)
        assert not (more & fitted).any()
        fitted |= more
    return surface(axes, np.where(fitted, t, np.nan), fitted), fitted


def errors_near_contours(found: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Differences of the roots of t in standard deviations, near the two contours."""
    errors = [np.zeros(1)]
    for probability in PROBABILITIES:
        near = np.abs(np.sqrt(t) - np.sqrt(height_of(probability, t.ndim))) < 0.05
        errors.append(np.abs(np.sqrt(found) - np.sqrt(t))[near])
    return np.concatenate(errors)


def plane(length: int, t: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    axes = [np.linspace(-3.2, 3.0, length), np.linspace(-3.0, 3.2, length)]
    return axes, t(*np.meshgrid(*axes, indexing="ij"))


@settings(max_examples=60, derandomize=True)
@given(
    length=st.integers(40, 90),
    bend=st.floats(-0.5, 0.5),
    skew=st.tuples(st.floats(-0.12, 0.12), st.floats(-0.12, 0.12)),
    correlation=st.floats(-0.8, 0.8),
)
def test_bent_contours_are_those_of_the_full_grid(
    length: int, bend: float, skew: tuple[float, float], correlation: float
) -> None:
    def t(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        z = y - bend * x**2
        parabola = x**2 + z**2 - 2.0 * correlation * x * z
        return np.asarray(parabola / (1.0 - correlation**2) * (1.0 + skew[0] * x + skew[1] * y) ** 2)

    axes, full = plane(length, t)
    found, fitted = scanned(axes, full, [0.0, 0.0])
    assert errors_near_contours(found, full).max() < 1.5 * TOLERANCE
    assert fitted.sum() < full.size / 3.0


@settings(max_examples=30, derandomize=True)
@given(
    place=st.tuples(st.floats(0.6, 1.4), st.floats(0.6, 1.4)),
    height=st.floats(0.0, 4.0),
    sharpness=st.floats(2.0, 6.0),
)
def test_two_minima(place: tuple[float, float], height: float, sharpness: float) -> None:
    def t(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        other = (x - place[0]) ** 2 + (y - place[1]) ** 2
        return np.asarray(np.minimum(4.0 * ((x + 1.0) ** 2 + (y + 1.0) ** 2), height + sharpness * other))

    axes, full = plane(65, t)
    found, fitted = scanned(axes, full, [-1.0, -1.0])
    errors = errors_near_contours(found, full)
    assert np.quantile(errors, 0.95) < TOLERANCE
    # Where both are equally high right at a contour, it can be wrong about the last cell between them.
    assert errors.max() < 0.1
    assert fitted.sum() < full.size / 3.0


@settings(max_examples=60, derandomize=True)
@given(
    best=st.floats(-1.0, 1.0),
    error=st.floats(0.05, 1.0),
    skew=st.floats(-0.3, 0.3),
    tolerance=st.sampled_from([0.002, 0.01, 0.05]),
)
def test_intervals_are_those_of_the_full_grid(best: float, error: float, skew: float, tolerance: float) -> None:
    values = np.linspace(-5.0, 5.0, 513)
    away = (values - best) / error
    full = away**2 * (1.0 + skew * np.tanh(away)) ** 2
    found, fitted = scanned([values], full, [best], tolerance)
    assert fitted.sum() < len(values) / 5.0
    for probability in PROBABILITIES:
        ours, theirs = (interval_below(values, t, best, height_of(probability, 1)) for t in (found, full))
        assert ours is not None
        assert theirs is not None
        assert np.abs(np.subtract(ours, theirs)).max() < 1.5 * tolerance * error


def test_a_parabola_needs_the_coarsest_level_alone() -> None:
    axes, full = plane(65, lambda x, y: x**2 - x * y + 2.0 * y**2)
    found, fitted = scanned(axes, full, [0.0, 0.0])
    assert fitted.sum() == 81
    np.testing.assert_allclose(found, full, atol=1e-12)


def test_a_smaller_tolerance_costs_more_fits() -> None:
    axes, full = plane(97, lambda x, y: 1.6 * x**2 + 2.0 * (y - 0.5 * x**2) ** 2)
    numbers = []
    for tolerance in (0.1, 0.01, 0.001):
        found, fitted = scanned(axes, full, [0.0, 0.0], tolerance)
        assert errors_near_contours(found, full).max() < 1.5 * tolerance
        numbers.append(int(fitted.sum()))
    assert numbers[0] < numbers[1] < numbers[2] < full.size


def test_failed_fits_spoil_their_surroundings_alone() -> None:
    axes, full = plane(65, lambda x, y: x**2 + y**2)
    lost = full.copy()
    # Of the coarsest level, outside of both contours.
    lost[0, 0] = lost[8, 56] = np.nan
    found, _ = scanned(axes, lost, [0.0, 0.0])
    assert np.isnan(found[0, 0])
    assert np.isnan(found[8, 56])
    assert np.isnan(found).sum() == 2
    assert errors_near_contours(np.nan_to_num(found), full).max() < TOLERANCE


def test_a_plane_of_a_single_value_of_one_parameter() -> None:
    x = np.linspace(-3.0, 3.0, 65)
    full = np.stack([x**2 + 0.1 * x**3], axis=1)
    found, fitted = scanned([x, np.array([0.5])], full, [0.0, 0.5])
    assert errors_near_contours(found, full).max() < TOLERANCE
    assert fitted.sum() < 30


def test_nothing_is_made_up_without_fits() -> None:
    nothing = np.full((65, 65), np.nan)
    assert np.isnan(surface([np.arange(65.0)] * 2, nothing, np.zeros((65, 65), dtype=bool))).all()


@pytest.mark.parametrize("known", [[0.0, 1.0, 2.5, 3.0, 7.0], [0.0, 2.0, 3.0, 4.5], [0.0, 1.0, 4.0], [1.0, 2.0], [3.0]])
def test_cubic_interpolation_is_exact(known: list[float]) -> None:
    values = np.array(known)
    asked = np.linspace(values[0], values[-1], 11)
    for power in range(min(len(known), 4)):
        np.testing.assert_allclose(cubic_weights(values, asked) @ values**power, asked**power, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(1,), (5,), (31,), (50, 50), (21, 129), (65, 1), (2, 3)])
def test_levels_end_with_the_full_grid(shape: tuple[int, ...]) -> None:
    steps = strides(shape)
    assert steps[-1] == (1,) * len(shape)
    for length, stride in zip(shape, steps[0], strict=True):
        places = level_values(length, stride)
        assert (places[0], places[-1]) == (0, length - 1)
        assert len(places) >= min(length, 7)
