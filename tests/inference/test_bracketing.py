"""Enclosing a crossing: how many evaluations it takes, and functions that are no straight lines."""

from collections.abc import Callable

import numpy as np
import pytest

from hfscale.inference.bracketing import crossing, next_value

RTOL = 1e-4


def search(
    function: Callable[[float], float], guess: float, upper: float = 10.0, rounds: int = 60
) -> tuple[float, list[float]]:
    """The crossing that is found, and the values at which the function was evaluated on the way."""
    x, f, asked = [0.0], [function(0.0)], []
    for number in range(rounds):
        careful = number >= 8 and number % 2 == 0
        value = next_value(np.array(x), np.array(f), upper, RTOL, guess, careful)
        if value is None:
            return crossing(np.array(x), np.array(f)), asked
        assert 0.0 < value <= upper
        assert value not in x
        place = int(np.searchsorted(x, value))
        x.insert(place, value)
        f.insert(place, function(value))
        asked.append(value)
    pytest.fail(f"not enclosed after {rounds} rounds: {asked}")


@pytest.mark.parametrize("guess", [0.001, 0.9, 2.0, 3.0, 10.0, 40.0])
@pytest.mark.parametrize("curvature", [-0.05, 0.0, 0.2])
def test_nearly_straight_lines_take_few_evaluations(curvature: float, guess: float) -> None:
    found, asked = search(lambda x: x + curvature * x * x - 2.0, guess)
    root = 2.0 if curvature == 0 else (-1 + np.sqrt(1 + 8 * curvature)) / (2 * curvature)
    assert found == pytest.approx(root, rel=RTOL / 10)
    assert len(asked) <= (8 if guess > 0.1 else 14)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: -1.0 if x < 3.0 else 1.0,
        lambda x: (x - 3.0) ** 3,
        lambda x: np.tanh(20.0 * (x - 3.0)),
        lambda x: min(x, 0.5) - 1.0 + 100.0 * max(x - 2.995, 0.0),
        lambda x: np.inf if x > 3.0 else x - 3.1,
    ],
    ids=["step", "flat", "steep", "kink", "infinite"],
)
def test_other_functions_are_enclosed_too(function: Callable[[float], float]) -> None:
    found, _ = search(function, 1.0)
    assert found == pytest.approx(3.0, rel=2 * RTOL)


def test_tiny_crossings_have_their_digits() -> None:
    found, _ = search(lambda x: 1e6 * x - 2.0, 1.0)
    assert found == pytest.approx(2e-6, rel=RTOL)


def test_nothing_above_the_upper_bound_is_evaluated() -> None:
    found, asked = search(lambda x: x - 11.0, 3.0)
    assert np.isnan(found)
    assert max(asked) == 10.0


def test_a_crossing_at_the_upper_bound_is_found() -> None:
    found, _ = search(lambda x: x - 9.99999, 20.0)
    assert found == pytest.approx(9.99999, rel=1e-9)


def test_of_several_crossings_the_last_known_one_is_taken() -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0])
    assert crossing(x, np.array([-1.0, 1.0, -1.0, 3.0])) == pytest.approx(2.25)
