"""Experimental uncertainties, shared by all simulated samples, the signal among them."""

from search.channels import HADRONIC_CHANNELS, LEPTON_CHANNELS
from search.systematics import EnergyScale, Rate, Resolution, Scope, Systematic

LIGHT_FLAVOUR = ("Zjets", "Wjets", "diboson")
HEAVY_FLAVOUR = ("ttbar", "singletop", "ttV", "signal")

LUMINOSITY = 139.0
"""Integrated luminosity in fb^-1, and below its relative uncertainty."""
LUMINOSITY_UNCERTAINTY = 0.017

DETECTOR_SYSTEMATICS: tuple[Systematic, ...] = (
    EnergyScale("JET_JES_Statistical", 0.0040, 0.0040),
    EnergyScale("JET_JES_Modelling", 0.0080, 0.0072),
    EnergyScale("JET_JES_Mixed", 0.0030, 0.0034),
    EnergyScale("JET_JES_Pileup", 0.0035, 0.0045),
    EnergyScale("JET_JES_FlavourComposition", 0.0065, 0.0055, Scope(LIGHT_FLAVOUR)),
    EnergyScale("JET_JES_BJES", 0.0050, 0.0050, Scope(HEAVY_FLAVOUR)),
    Resolution("JET_JER_Effective", 0.060),
    Resolution("JET_JER_DataVsMC", 0.030),
    EnergyScale("MET_SoftTrk_Scale", 0.0020, 0.0016),
    Resolution("MET_SoftTrk_Resolution", 0.025),
    Rate("JET_JVT", 0.008, 0.008),
    Rate("PRW_DATASF", 0.022, 0.015),
    Rate("FT_EFF_B", 0.035, 0.038, Scope(HEAVY_FLAVOUR)),
    Rate("FT_EFF_C", 0.030, 0.028, Scope(LIGHT_FLAVOUR)),
    Rate("FT_EFF_Light", 0.055, 0.050, Scope(LIGHT_FLAVOUR)),
    Rate("TRIG_MET", 0.010, 0.012, Scope(channels=HADRONIC_CHANNELS)),
    Rate("LEPTON_VETO", 0.012, 0.012, Scope(channels=HADRONIC_CHANNELS)),
    Rate("EL_EFF", 0.014, 0.014, Scope(channels=LEPTON_CHANNELS)),
    Rate("MU_EFF", 0.011, 0.010, Scope(channels=LEPTON_CHANNELS)),
)
