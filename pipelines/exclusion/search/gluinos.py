"""The signal: pair production of gluinos, each decaying to two b quarks and the lightest neutralino (LSP)."""

import math
from typing import Any, NamedTuple

from search.channels import CHANNELS, SR_HIGH, SR_LOW, VR, Channel
from search.detector import DETECTOR_SYSTEMATICS, LUMINOSITY
from search.spectra import PeakedSpectrum
from search.systematics import Modifier, acting, bare_modifier, rate_modifier, rounded_all

SIMULATED_EVENTS = 50_000
"""Simulated events per signal point."""
SMALLEST_SPLITTING_IN_SR_HIGH = 300.0
"""Points with a smaller mass splitting (GeV) have no event in SRhigh."""


class SignalPoint(NamedTuple):
    """Masses of the gluino and of the LSP in GeV."""

    m_gluino: int
    m_lsp: int

    @property
    def name(self) -> str:
        """The name of the point and of its sample."""
        return f"gluino_{self.m_gluino}_{self.m_lsp}"


def signal_points() -> list[SignalPoint]:
    """The grid: every 200 GeV in both masses, a diagonal of small splittings, more around the exclusion."""
    coarse = {(m, max(lsp, 1)) for m in range(1200, 2601, 200) for lsp in range(0, min(m - 200, 1600) + 1, 200)}
    compressed = {(m, m - 100) for m in range(1200, 1801, 200)}
    heavy = {(2100, max(lsp, 1)) for lsp in range(0, 1001, 200)} | {(2300, 1), (2300, 400), (2300, 800)}
    heavy_lsp = {(m, lsp) for m in (1500, 1700, 1900) for lsp in (800, 1000, 1200)}
    return sorted(SignalPoint(*masses) for masses in coarse | compressed | heavy | heavy_lsp)


def cross_section(m_gluino: float) -> float:
    """Cross-section of gluino pairs in fb at a mass in GeV.

    A power law times an exponential, for the partonic cross-section and the parton luminosity. Its three numbers make
    it fall as the cross-section at 13 TeV does, from about 400 fb at 1 TeV to 1 fb at 2 TeV; it is no prediction.
    """
    mass = m_gluino / 1000.0
    return 385.0 * math.pow(mass, -3.9) * math.exp(-3.25 * (mass - 1.0))


def energy_release(point: SignalPoint) -> float:
    """Energy in GeV that the two gluino decays give to visible particles, from two-body kinematics."""
    return (point.m_gluino**2 - point.m_lsp**2) / point.m_gluino


def acceptance(point: SignalPoint, channel: Channel) -> float:
    """Acceptance times efficiency of the selection of a channel, before its lowest bin edge.

    Open spectra reach SRhigh; compressed ones need a jet from initial-state radiation and land in SRlow.
    """
    release = energy_release(point)
    hardness = 1.0 / (1.0 + math.exp((1100.0 - release) / 220.0))
    splitting = point.m_gluino - point.m_lsp
    high = 0.0 if splitting < SMALLEST_SPLITTING_IN_SR_HIGH else 0.16 * hardness
    low = 0.05 * (1.0 - 0.75 * hardness) * (1.0 - math.exp(-splitting / 450.0))
    return {SR_HIGH.name: high, SR_LOW.name: low, VR.name: 0.15 * low}.get(channel.name, 0.0)


def spectrum(point: SignalPoint, channel: Channel) -> PeakedSpectrum:
    """The effective mass of a signal point in a channel: decay products plus the recoil against radiation."""
    recoil = 250.0 if channel == SR_HIGH else 500.0
    peak = 0.9 * energy_release(point) + recoil
    events = LUMINOSITY * cross_section(point.m_gluino) * acceptance(point, channel)
    return PeakedSpectrum(total=events, peak=peak, width=60.0 + 0.06 * peak)


def patch(point: SignalPoint) -> list[dict[str, Any]]:
    """The JSON patch that adds the signal to every channel it reaches."""
    return [
        {"op": "add", "path": f"/channels/{index}/samples/-", "value": _sample(point, channel)}
        for index, channel in enumerate(CHANNELS)
        if acceptance(point, channel) > 0.0
    ]


def _sample(point: SignalPoint, channel: Channel) -> dict[str, Any]:
    shape = spectrum(point, channel)
    modifiers = [bare_modifier("normfactor", "mu_SIG"), bare_modifier("lumi", "lumi"), *_theory_modifiers(point)]
    modifiers.append(_statistical_modifier(point, channel))
    modifiers += [
        systematic.modifier(shape, channel.edges) for systematic in acting(DETECTOR_SYSTEMATICS, "signal", channel.name)
    ]
    return {"name": point.name, "data": rounded_all(shape.yields(channel.edges)), "modifiers": modifiers}


def _theory_modifiers(point: SignalPoint) -> list[Modifier]:
    """Radiation matters most for compressed spectra, parton densities for heavy gluinos."""
    compression = math.exp(-(point.m_gluino - point.m_lsp) / 300.0)
    return [
        rate_modifier("signal_ISR", 0.02 + 0.18 * compression, 0.02 + 0.14 * compression),
        rate_modifier("signal_FSR", 0.015 + 0.06 * compression, 0.02 + 0.06 * compression),
        rate_modifier("signal_Scale", 0.03, 0.025),
        rate_modifier("signal_PDF", 0.02 * point.m_gluino / 1000.0, 0.02 * point.m_gluino / 1000.0),
    ]


def _statistical_modifier(point: SignalPoint, channel: Channel) -> Modifier:
    """Statistical uncertainty of the simulated signal, as one normsys per channel.

    As a staterror it would change the constraints of the background with every point; like this, all points have the
    same background-only likelihood.
    """
    relative = 1.0 / math.sqrt(SIMULATED_EVENTS * acceptance(point, channel))
    return rate_modifier(f"signal_Statistical_{channel.name}", relative, relative)
