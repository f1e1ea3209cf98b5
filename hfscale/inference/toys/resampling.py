"""Resampled toys: weights of toys, and shares of their weight. Knows no JAX.

Weights are exponential (Rubin, Ann. Statist. 9 (1981) 130), and half a toy more lies beyond each end, so that every
share of toys has the Jeffreys distribution that intervals of p-values come from (`hfscale.inference.toys.intervals`),
also where few toys or none are above the observed statistic. Of toys of which only some shares are wanted, the sums
between these are drawn, which have gamma distributions: a handful of numbers in place of one for each toy.

Numbers come from counter-based generators with fixed keys, so that the same toys always give the same numbers.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

_KEY = 0x68667363616C65
_HALF_TOY = 0.5


def stream_of_value(number: int) -> np.random.Generator:
    """The generator for the toys that are thrown for the POI value at some place of the grid."""
    return _stream(2 + number)


def _stream(number: int) -> np.random.Generator:
    """One of many independent generators; the first two are those of the background toys."""
    return np.random.Generator(np.random.Philox(key=np.array([_KEY, number], dtype=np.uint64)))


def resampled_shares(
    generator: np.random.Generator, n_toys: int, below: Int[np.ndarray, "resample k"]
) -> Float[np.ndarray, "resample k"]:
    """Shares of so many toys that are not among the lowest `below`, with new weights for each resample."""
    order = np.argsort(below, axis=1, kind="stable")
    numbers = np.take_along_axis(below, order, axis=1)
    between = np.diff(numbers, axis=1, prepend=0, append=n_toys).astype(np.float64)
    between[:, [0, -1]] += _HALF_TOY
    sums = np.cumsum(generator.standard_gamma(between)[:, ::-1], axis=1)[:, ::-1]
    shares = np.empty(below.shape)
    np.put_along_axis(shares, order, sums[:, 1:] / sums[:, :1], axis=1)
    return shares


class Weights(NamedTuple):
    """Sums of the weights of toys in some order, in several resamples.

    Attributes:
        sums: Weight of the first k toys, for k from 0 to their number.
        ends: Weight beyond both ends.
    """

    sums: Float[np.ndarray, "resample place"]
    ends: Float[np.ndarray, "resample side"]

    @classmethod
    def of(cls, weights: Float[np.ndarray, "resample toy"], ends: Float[np.ndarray, "resample side"]) -> "Weights":
        """Sum up weights."""
        sums = np.zeros((len(weights), weights.shape[1] + 1))
        np.cumsum(weights, axis=1, out=sums[:, 1:])
        return cls(sums, ends)

    def shares_above(self, below: Int[np.ndarray, "resample k"]) -> Float[np.ndarray, "resample k"]:
        """Shares of the toys that are not among the first `below`."""
        lowest = np.take_along_axis(self.sums, below, axis=1)
        shares: Float[np.ndarray, "resample k"] = (self.sums[:, -1:] - lowest + self.ends[:, 1:]) / (
            self.sums[:, -1:] + self.ends.sum(axis=1, keepdims=True)
        )
        return shares

    def quantiles(self, of: Float[np.ndarray, " k"]) -> "Quantiles":
        """Where quantiles of the toys lie; with equal weights, these are those of numpy."""
        sums, last = self.sums, self.sums.shape[1] - 2
        # A toy lies in the middle of its weight, and quantiles are counted from the first to the last toy.
        first, final = (0.5 * (sums[:, k] + sums[:, k + 1])[:, None] for k in (0, last))
        wanted = first + of * (final - first)
        found = np.stack([row.searchsorted(values) for row, values in zip(sums[:, 1:], wanted, strict=True)])
        found = np.minimum(found, last)
        found += self._middles(found) < wanted
        upper = np.clip(found, min(1, last), last)
        lower = np.maximum(upper - 1, 0)
        below, above = self._middles(lower), self._middles(upper)
        return Quantiles(lower, upper, (wanted - below) / np.where(above > below, above - below, 1.0))

    def _middles(self, toys: Int[np.ndarray, "resample k"]) -> Float[np.ndarray, "resample k"]:
        begins, ends = (np.take_along_axis(self.sums, toys + k, axis=1) for k in (0, 1))
        middles: Float[np.ndarray, "resample k"] = 0.5 * (begins + ends)
        return middles


class Quantiles(NamedTuple):
    """Between which of ordered toys quantiles lie, and how far from the first to the second of them."""

    lower: Int[np.ndarray, "resample k"]
    upper: Int[np.ndarray, "resample k"]
    part: Float[np.ndarray, "resample k"]


class BackgroundWeights:
    """Weights of the background toys, drawn in batches whose size does not change them."""

    def __init__(self, n_toys: int) -> None:
        self._n_toys = n_toys
        self._toys, self._ends = _stream(0), _stream(1)

    def draw(self, resamples: int) -> tuple[Float[np.ndarray, "resample toy"], Float[np.ndarray, "resample side"]]:
        """Weights of every toy and beyond both ends in the next resamples."""
        return (
            self._toys.standard_exponential((resamples, self._n_toys)),
            self._ends.standard_gamma(_HALF_TOY, (resamples, 2)),
        )
