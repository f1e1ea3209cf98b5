"""Uncertainties of the background predictions.

ttbar and Z are normalised in control regions: uncertainties of their rates act only where the yield is extrapolated to.
"""

from search.channels import EXTRAPOLATED_CHANNELS, SR_LOW
from search.systematics import Rate, Scope, Systematic, Tilt

TTBAR = Scope(("ttbar",))
TTBAR_EXTRAPOLATED = Scope(("ttbar",), EXTRAPOLATED_CHANNELS)
Z = Scope(("Zjets",))
Z_EXTRAPOLATED = Scope(("Zjets",), EXTRAPOLATED_CHANNELS)
W = Scope(("Wjets",))

THEORY_SYSTEMATICS: tuple[Systematic, ...] = (
    Tilt("ttbar_HardScatter", 0.15, 0.15, 1000.0, TTBAR),
    # One-sided: a second shower generator, with nothing to mirror it at.
    Tilt("ttbar_PartonShower", 0.10, 0.0, 900.0, TTBAR),
    Rate("ttbar_ISR", 0.06, 0.05, TTBAR_EXTRAPOLATED),
    Rate("ttbar_FSR", 0.05, 0.08, TTBAR_EXTRAPOLATED),
    Rate("ttbar_PDF", 0.015, 0.015, TTBAR_EXTRAPOLATED),
    Rate("ttbar_HeavyFlavour", 0.08, 0.08, TTBAR_EXTRAPOLATED),
    Tilt("Zjets_ScaleR", 0.12, 0.09, 1000.0, Z),
    Rate("Zjets_ScaleF", 0.03, 0.02, Z_EXTRAPOLATED),
    Rate("Zjets_Matching", 0.04, 0.05, Z_EXTRAPOLATED),
    Rate("Zjets_PDF", 0.02, 0.02, Z_EXTRAPOLATED),
    Rate("Zjets_HeavyFlavour", 0.10, 0.10, Z_EXTRAPOLATED),
    Rate("Wjets_Scale", 0.25, 0.20, W),
    Rate("Wjets_HeavyFlavour", 0.30, 0.30, W),
    Rate("singletop_CrossSection", 0.05, 0.05, Scope(("singletop",))),
    # One-sided: removing instead of subtracting the diagrams shared with ttbar.
    Rate("singletop_Interference", 0.0, 0.25, Scope(("singletop",), EXTRAPOLATED_CHANNELS)),
    Rate("ttV_CrossSection", 0.13, 0.12, Scope(("ttV",))),
    Rate("diboson_CrossSection", 0.20, 0.18, Scope(("diboson",))),
    Rate("multijet_Transfer", 0.25, 0.20, Scope(("multijet",), (SR_LOW.name,))),
)
