"""The channels of the search: names and bin edges of the effective mass, and the order they have in the workspace."""

from typing import NamedTuple


class Channel(NamedTuple):
    """A channel with the lower edges of its bins in the effective mass (GeV); the last bin is open."""

    name: str
    edges: tuple[float, ...]


CR_TTBAR = Channel("CRtt_meff", (1000.0, 1300.0, 1700.0, 2200.0))
CR_Z = Channel("CRZ_meff", (1000.0, 1400.0, 1900.0))
CR_MULTIJET = Channel("CRmultijet_meff", (1000.0, 1300.0, 1700.0, 2200.0))
VR = Channel("VR_meff", (1200.0, 1500.0, 1900.0))
SR_LOW = Channel("SRlow_meff", (1000.0, 1300.0, 1700.0, 2200.0))
SR_HIGH = Channel("SRhigh_meff", (1600.0, 2000.0, 2400.0, 2900.0))

CHANNELS = (CR_TTBAR, CR_Z, CR_MULTIJET, VR, SR_LOW, SR_HIGH)
LEPTON_CHANNELS = (CR_TTBAR.name, CR_Z.name)
HADRONIC_CHANNELS = (CR_MULTIJET.name, VR.name, SR_LOW.name, SR_HIGH.name)
"""Channels that veto leptons and are triggered by missing transverse momentum."""
EXTRAPOLATED_CHANNELS = (VR.name, SR_LOW.name, SR_HIGH.name)
"""Channels whose ttbar and Z yields are extrapolated from a control region."""
