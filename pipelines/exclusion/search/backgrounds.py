"""The backgrounds: their spectra in every channel, and the samples they become in the workspace."""

from typing import Any

import numpy as np

from search.channels import CR_MULTIJET, CR_TTBAR, CR_Z, SR_HIGH, SR_LOW, VR, Channel
from search.detector import DETECTOR_SYSTEMATICS
from search.spectra import FallingSpectrum, Yields
from search.systematics import Modifier, acting, bare_modifier, bin_modifier, rounded_all
from search.theory import THEORY_SYSTEMATICS

Sample = dict[str, Any]

SPECTRA: dict[str, dict[str, FallingSpectrum]] = {
    CR_TTBAR.name: {
        "ttbar": FallingSpectrum(900.0, 300.0),
        "Wjets": FallingSpectrum(130.0, 320.0),
        "singletop": FallingSpectrum(60.0, 310.0),
        "ttV": FallingSpectrum(12.0, 330.0),
        "diboson": FallingSpectrum(8.0, 320.0),
        "Zjets": FallingSpectrum(4.0, 320.0),
        "fakes": FallingSpectrum(18.0, 300.0),
    },
    CR_Z.name: {
        "Zjets": FallingSpectrum(320.0, 330.0),
        "ttbar": FallingSpectrum(40.0, 290.0),
        "diboson": FallingSpectrum(18.0, 330.0),
        "ttV": FallingSpectrum(10.0, 340.0),
        "singletop": FallingSpectrum(2.0, 300.0),
    },
    CR_MULTIJET.name: {
        "multijet": FallingSpectrum(2400.0, 280.0),
        "ttbar": FallingSpectrum(260.0, 290.0),
        "Zjets": FallingSpectrum(90.0, 310.0),
        "Wjets": FallingSpectrum(80.0, 310.0),
        "singletop": FallingSpectrum(20.0, 300.0),
    },
    VR.name: {
        "ttbar": FallingSpectrum(140.0, 310.0),
        "Zjets": FallingSpectrum(60.0, 330.0),
        "Wjets": FallingSpectrum(45.0, 320.0),
        "singletop": FallingSpectrum(16.0, 310.0),
        "ttV": FallingSpectrum(9.0, 330.0),
        "diboson": FallingSpectrum(5.0, 320.0),
    },
    SR_LOW.name: {
        "ttbar": FallingSpectrum(90.0, 300.0),
        "Zjets": FallingSpectrum(45.0, 330.0),
        "Wjets": FallingSpectrum(28.0, 320.0),
        "singletop": FallingSpectrum(10.0, 310.0),
        "ttV": FallingSpectrum(7.0, 330.0),
        "diboson": FallingSpectrum(4.0, 320.0),
        "multijet": FallingSpectrum(24.0, 280.0),
    },
    SR_HIGH.name: {
        "ttbar": FallingSpectrum(12.0, 360.0),
        "Zjets": FallingSpectrum(11.0, 400.0),
        "Wjets": FallingSpectrum(5.0, 380.0),
        "singletop": FallingSpectrum(3.0, 370.0),
        "ttV": FallingSpectrum(1.8, 400.0),
        "diboson": FallingSpectrum(0.8, 390.0),
    },
}

EVENT_WEIGHTS = {"ttbar": 0.05, "Zjets": 0.04, "Wjets": 0.08, "singletop": 0.06, "ttV": 0.01, "diboson": 0.02}
"""Mean weight of a simulated event; what is not here is estimated from data."""
MULTIJET_CLOSURE = 0.20
"""Relative disagreement of the multijet transfer factor with simulation, independent in each bin."""
FAKES_CLOSURE = 0.35
"""Relative uncertainty of the estimate of misidentified leptons, independent in each bin."""


def samples(channel: Channel) -> list[Sample]:
    """All background samples of a channel, each with its modifiers."""
    return [_sample(name, spectrum, channel) for name, spectrum in SPECTRA[channel.name].items()]


def _sample(name: str, spectrum: FallingSpectrum, channel: Channel) -> Sample:
    nominal = spectrum.yields(channel.edges)
    simulated = name in EVENT_WEIGHTS
    modifiers = (
        _simulation_modifiers(name, nominal, channel) if simulated else _data_driven_modifiers(name, nominal, channel)
    )
    systematics = (*DETECTOR_SYSTEMATICS, *THEORY_SYSTEMATICS) if simulated else THEORY_SYSTEMATICS
    modifiers += [
        systematic.modifier(spectrum, channel.edges) for systematic in acting(systematics, name, channel.name)
    ]
    return {"name": name, "data": rounded_all(nominal), "modifiers": modifiers}


def _simulation_modifiers(name: str, nominal: Yields, channel: Channel) -> list[Modifier]:
    """Statistical uncertainty, and the normalisation: free where a control region gives it, else by the luminosity."""
    statistical = bin_modifier("staterror", f"staterror_{channel.name}", np.sqrt(EVENT_WEIGHTS[name] * nominal))
    normalised_in_control_region = name in ("ttbar", "Zjets")
    norm = bare_modifier("normfactor", f"mu_{name}") if normalised_in_control_region else bare_modifier("lumi", "lumi")
    return [norm, statistical]


def _data_driven_modifiers(name: str, nominal: Yields, channel: Channel) -> list[Modifier]:
    """The multijet shape is free and shared by its control region and SRlow; fakes have independent bins."""
    if name == "fakes":
        return [bin_modifier("shapesys", f"fakes_{channel.name}", FAKES_CLOSURE * nominal)]
    shape = bare_modifier("shapefactor", "multijet_shape")
    if channel == CR_MULTIJET:
        return [shape]
    return [shape, bin_modifier("shapesys", f"multijet_closure_{channel.name}", MULTIJET_CLOSURE * nominal)]
