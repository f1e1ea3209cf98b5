"""Distributions of the effective mass, integrated over the bins of a channel.

A channel's bins are given by their lower edges in GeV; the last bin is open.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Yields: TypeAlias = npt.NDArray[np.float64]


class Spectrum(Protocol):
    """Expected events per bin, for a calorimeter that measures all energies too high by a factor ``energy_scale``."""

    def yields(self, edges: tuple[float, ...], energy_scale: float = 1.0) -> Yields:
        """Events in each bin of ``edges``."""


@dataclass(frozen=True)
class FallingSpectrum:
    """An exponentially falling spectrum: ``total`` events above the first bin edge, slope in GeV."""

    total: float
    slope: float

    def yields(self, edges: tuple[float, ...], energy_scale: float = 1.0) -> Yields:
        """Events in each bin; a higher energy scale also moves events in from below the first edge."""
        lower = np.array(edges)
        above = self.total * np.exp(lower[0] / self.slope - lower / (self.slope * energy_scale))
        return _differences(above)


@dataclass(frozen=True)
class PeakedSpectrum:
    """A logistic peak: ``total`` events in all, most probable value and width in GeV."""

    total: float
    peak: float
    width: float

    def yields(self, edges: tuple[float, ...], energy_scale: float = 1.0) -> Yields:
        """Events in each bin; those below the first edge are lost."""
        distance = (np.array(edges) / energy_scale - self.peak) / self.width
        return _differences(self.total / (1.0 + np.exp(distance)))


def _differences(above: Yields) -> Yields:
    """Events per bin from events above each edge."""
    return np.append(above[:-1] - above[1:], above[-1:])
