"""Where a noisy curve that rises with the POI in truth crosses zero. Knows no JAX."""

import numpy as np
from jaxtyping import Float


def never_falling(
    f: Float[np.ndarray, "replica mu"], weights: Float[np.ndarray, " mu"]
) -> Float[np.ndarray, "replica mu"]:  # fmt: skip
    """The nearest sequences that never fall, in the sense of weighted least squares.

    By the min-max formula: Robertson, Wright, Dykstra, Order Restricted Statistical Inference (1988), eq. 1.4.1. It
    shows that no value of the result falls where a value of `f` rises.
    """
    result = np.full_like(f, -np.inf)
    for first in range(f.shape[1]):
        means = np.cumsum(f[:, first:] * weights[first:], axis=1) / np.cumsum(weights[first:])
        least = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
        np.maximum(result[:, first:], least, out=result[:, first:])
    return result


def crossings(values: Float[np.ndarray, " mu"], f: Float[np.ndarray, "replica mu"]) -> Float[np.ndarray, " replica"]:
    """Where sequences that never fall cross zero; infinite where they do so outside the values, NaN without values.

    Args:
        values: Where `f` is known, ascending.
        f: The sequences, as from `never_falling`.
    """
    if not len(values):
        return np.full(len(f), np.nan)
    if len(values) == 1:
        return np.where(f[:, 0] == 0.0, values[0], np.where(f[:, 0] < 0.0, np.inf, -np.inf))
    upper = np.clip((f < 0.0).sum(axis=1), 1, len(values) - 1)
    rows = np.arange(len(f))
    low, high = f[rows, upper - 1], f[rows, upper]
    part = np.clip(-low / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    found = values[upper - 1] + part * (values[upper] - values[upper - 1])
    return np.where(f[:, -1] < 0.0, np.inf, np.where(f[:, 0] > 0.0, -np.inf, found))
