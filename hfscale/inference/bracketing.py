"""Where a function of the POI that is known at some values crosses zero, and where to evaluate it next.

The functions rise from below zero at POI = 0, nearly as straight lines. Each is evaluated in a batch with many others,
so what is kept of it are its values, and every step starts from those alone.
"""

import numpy as np
from jaxtyping import Float

_ASIDE = 0.4
"""Distance from an enclosing value, in allowed widths, at which the interval is closed from the other side."""
_GROWTH = (1e-4, 3.0)
"""Least and largest relative step upwards where no value above the crossing is known yet."""


def next_value(
    x: Float[np.ndarray, " n"],
    f: Float[np.ndarray, " n"],
    upper: float,
    rtol: float,
    guess: float,
    careful: bool = False,
) -> float | None:
    """Value at which to evaluate a function next, None where its crossing is known well enough, or lies above `upper`.

    Args:
        x: Values at which the function is known, ascending from 0.
        f: The function there, negative at 0.
        upper: Largest value at which it may be evaluated.
        rtol: Relative width of the interval that the crossing is to be known to lie in.
        guess: Where the crossing may lie, used where the function is known at 0 alone.
        careful: Halve the interval, or go up in large steps, whatever the function looks like.
    """
    last = _last_below(f)
    low = float(x[last])
    if last == len(x) - 1:
        return None if low >= upper else min(_upwards(x, f, guess, careful), upper)
    high = float(x[last + 1])
    width = rtol * high
    if high - low <= width:
        return None
    if careful or not np.isfinite(f[last : last + 2]).all():
        return 0.5 * (low + high)
    estimate = _estimate(x, f, last)
    # Evaluated at the estimate itself, the function would close in from one side only.
    return float(np.clip(estimate, low + _ASIDE * width, high - _ASIDE * width))


def crossing(x: Float[np.ndarray, " n"], f: Float[np.ndarray, " n"]) -> float:
    """The crossing between the two values that enclose it; NaN if the function is negative at the largest value.

    If it crosses zero several times, this is the last crossing among the known values.
    """
    last = _last_below(f)
    if last == len(x) - 1:
        return float("nan")
    return _straight(float(x[last]), float(x[last + 1]), float(f[last]), float(f[last + 1]))


def _last_below(f: Float[np.ndarray, " n"]) -> int:
    """Position of the last negative value of the function; 0 if there is none."""
    below = np.flatnonzero(f < 0)
    return int(below[-1]) if len(below) else 0


def _upwards(x: Float[np.ndarray, " n"], f: Float[np.ndarray, " n"], guess: float, careful: bool) -> float:
    if len(x) == 1:
        return guess
    slope = (f[-1] - f[-2]) / (x[-1] - x[-2])
    step = -1.1 * f[-1] / slope if slope > 0 and not careful else np.inf
    return float(x[-1] + np.clip(step, _GROWTH[0] * x[-1], _GROWTH[1] * x[-1]))


def _estimate(x: Float[np.ndarray, " n"], f: Float[np.ndarray, " n"], last: int) -> float:
    """Inverse quadratic interpolation with the better neighbour of the enclosing values, else a straight line."""
    low, high = float(x[last]), float(x[last + 1])
    straight = _straight(low, high, float(f[last]), float(f[last + 1]))
    neighbours = [k for k in (last - 1, last + 2) if 0 <= k < len(x) and np.isfinite(f[k])]
    if not neighbours:
        return straight
    third = min(neighbours, key=lambda k: abs(f[k]))
    a, b, c = (float(f[k]) for k in (last, last + 1, third))
    if len({a, b, c}) < 3:
        return straight
    curved = (
        low * b * c / ((a - b) * (a - c))
        + high * a * c / ((b - a) * (b - c))
        + float(x[third]) * a * b / ((c - a) * (c - b))
    )
    return curved if low < curved < high else straight


def _straight(low: float, high: float, f_low: float, f_high: float) -> float:
    return low + (high - low) * f_low / (f_low - f_high)
