"""Kinds of systematic uncertainty, and the HistFactory modifiers they become.

A kind says how a spectrum changes; where it acts is its ``Scope``. Numbers are kept to six significant digits,
so that the files do not depend on the last bits of a platform's mathematical functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from search.spectra import Spectrum, Yields

Modifier = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """Samples and channels an uncertainty acts on; an empty tuple stands for all of them."""

    samples: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    def covers(self, sample: str, channel: str) -> bool:
        """Whether the uncertainty acts on this sample in this channel."""
        return (not self.samples or sample in self.samples) and (not self.channels or channel in self.channels)


class Systematic(Protocol):
    """A named uncertainty with a scope."""

    @property
    def name(self) -> str:
        """The name of its nuisance parameter."""

    @property
    def scope(self) -> Scope:
        """Where it acts."""

    def modifier(self, spectrum: Spectrum, edges: tuple[float, ...]) -> Modifier:
        """Its modifier of a sample with this spectrum in a channel with these bins."""


@dataclass(frozen=True)
class Rate:
    """A change of normalisation (normsys) by the relative amounts ``up`` and ``-down``."""

    name: str
    up: float
    down: float
    scope: Scope = Scope()

    def modifier(self, spectrum: Spectrum, edges: tuple[float, ...]) -> Modifier:
        """The same factor for every bin."""
        return rate_modifier(self.name, self.up, self.down)


@dataclass(frozen=True)
class EnergyScale:
    """Energies measured too high by ``up`` or too low by ``down`` (relative): bins gain or lose events (histosys)."""

    name: str
    up: float
    down: float
    scope: Scope = Scope()

    def modifier(self, spectrum: Spectrum, edges: tuple[float, ...]) -> Modifier:
        """The spectrum with both energy scales."""
        return shape_modifier(self.name, spectrum.yields(edges, 1.0 + self.up), spectrum.yields(edges, 1.0 - self.down))


@dataclass(frozen=True)
class Resolution:
    """Energies smeared by a relative ``width``: a one-sided histosys, whose lower variation is the nominal spectrum."""

    name: str
    width: float
    scope: Scope = Scope()

    def modifier(self, spectrum: Spectrum, edges: tuple[float, ...]) -> Modifier:
        """Half of the events measured too high and half too low by the width, which is enough for its second moment."""
        smeared = 0.5 * (spectrum.yields(edges, 1.0 + self.width) + spectrum.yields(edges, 1.0 - self.width))
        return shape_modifier(self.name, smeared, spectrum.yields(edges))


@dataclass(frozen=True)
class Tilt:
    """A difference between two generators that grows with the effective mass (histosys).

    The relative changes ``up`` and ``-down`` are those at 1 TeV above ``pivot`` (GeV), where the change is zero.
    """

    name: str
    up: float
    down: float
    pivot: float
    scope: Scope = Scope()

    def modifier(self, spectrum: Spectrum, edges: tuple[float, ...]) -> Modifier:
        """The spectrum reweighted linearly in the lower edge of each bin."""
        nominal = spectrum.yields(edges)
        above_pivot = (np.array(edges) - self.pivot) / 1000.0
        return shape_modifier(
            self.name, nominal * (1.0 + self.up * above_pivot), nominal * (1.0 - self.down * above_pivot)
        )


def acting(systematics: Sequence[Systematic], sample: str, channel: str) -> list[Systematic]:
    """Those of the uncertainties that act on this sample in this channel."""
    return [systematic for systematic in systematics if systematic.scope.covers(sample, channel)]


def rate_modifier(name: str, up: float, down: float) -> Modifier:
    """A normsys from its relative changes."""
    return {"name": name, "type": "normsys", "data": {"hi": rounded(1.0 + up), "lo": rounded(1.0 - down)}}


def shape_modifier(name: str, high: Yields, low: Yields) -> Modifier:
    """A histosys from its two varied spectra."""
    return {"name": name, "type": "histosys", "data": {"hi_data": rounded_all(high), "lo_data": rounded_all(low)}}


def bare_modifier(kind: str, name: str) -> Modifier:
    """A modifier without data: normfactor, shapefactor or lumi."""
    return {"name": name, "type": kind, "data": None}


def bin_modifier(kind: str, name: str, uncertainty: Yields) -> Modifier:
    """A modifier with one absolute uncertainty per bin: shapesys or staterror."""
    return {"name": name, "type": kind, "data": rounded_all(uncertainty)}


def rounded(number: float) -> float:
    """A number to six significant digits."""
    return float(f"{number:.6g}")


def rounded_all(numbers: Yields) -> list[float]:
    """Numbers to six significant digits, as JSON wants them."""
    return [rounded(float(number)) for number in numbers]
