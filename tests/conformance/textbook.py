"""Textbook models whose results are documented elsewhere, in the words of those documents."""

from hfscale.model.interpolation import InterpolationCodes
from tests.models import (
    Spec,
    histosys,
    modifier,
    normfactor,
    normsys,
    one_channel,
    sample,
    shapesys_model,
    workspace,
)

EARLY_CODES = InterpolationCodes(normsys="code1", histosys="code0")
"""Codes of pyhf's early documentation and of its validation against ROOT."""

HELLO_WORLD = shapesys_model(signal=(12, 11), background=(50, 52), uncertainty=(3, 7), observed=(51, 48))

ONE_BIN = shapesys_model((10,), (50,), (7,), (55,))

SHAPESYS = shapesys_model(signal=(30, 95), background=(100, 150), uncertainty=(10, 10), observed=(120, 180))

SHAPEFACTOR = workspace(
    {
        "signal": [
            sample("signal", (20, 20), normfactor()),
            sample("bkg", (100, 70), modifier("shapefactor", "from_control")),
        ],
        "control": [sample("bkg", (100, 100), modifier("shapefactor", "from_control"))],
    },
    {"signal": (220, 230), "control": (200, 300)},
)

HISTOSYS = one_channel(
    (120, 180),
    sample("signal", (30, 95), normfactor()),
    sample("bkg", (100, 150), histosys("a", (102, 190), (98, 100))),
)

TWO_CHANNELS = workspace(
    {
        "signal": [
            sample("signal", (10, 35), normfactor()),
            sample("bkg", (100, 150), modifier("shapesys", "signal_region", [10, 10])),
        ],
        "control": [sample("bkg", (200, 350), modifier("shapesys", "control_region", [5, 10]))],
    },
    {"signal": (110, 155), "control": (205, 345)},
)

COUPLED = workspace(
    {
        "signal": [
            sample("signal", (10, 35), normfactor()),
            sample("bkg1", (100, 100), normsys("a", 1.1, 0.9)),
            sample("bkg2", (50, 100), normsys("a", 1.5, 0.5)),
        ],
        "control": [sample("bkg1", (100, 100), normsys("a", 1.1, 0.9))],
    },
    {"signal": (105, 220), "control": (110, 105)},
)

NORMSYS = one_channel(
    (120, 180), sample("signal", (30, 95), normfactor()), sample("bkg", (100, 150), normsys("a", 1.1, 0.9))
)

COUPLED_HISTOSYS = workspace(
    {
        "signal": [
            sample("signal", (10, 35), normfactor()),
            sample("bkg1", (100, 100), histosys("a", (105, 112), (96, 92))),
            sample("bkg2", (50, 100), histosys("a", (55, 91), (44, 107))),
        ],
        "control": [sample("bkg1", (100, 100), histosys("a", (108, 97), (91, 102)))],
    },
    {"signal": (165, 220), "control": (104, 101)},
)

_LUMI = [{"name": "lumi", "inits": [1.0], "bounds": [[0.5, 1.5]], "auxdata": [1.0], "sigmas": [0.03]}]

LUMI = one_channel(
    (100, 160),
    sample("signal", (20, 35), normfactor(), modifier("lumi", "lumi")),
    sample("bkg", (60, 90), modifier("lumi", "lumi"), modifier("shapesys", "mc", [5, 12])),
    sample("other", (20, 40)),
    parameters=_LUMI,
)

KINKED = one_channel(
    (100, 160),
    sample("signal", (20, 35), normfactor(), modifier("lumi", "lumi")),
    sample("bkg", (60, 90), modifier("lumi", "lumi"), modifier("shapesys", "mc", [5, 12])),
    sample("other", (20, 40), normsys("a", 1.1, 0.9)),
    parameters=_LUMI,
)
"""With code 1, whose slope jumps at 0, -ln L of its Asimov data at mu = 1 has a minimum on either side of a = 0."""

ZERO_UNCERTAINTY: Spec = workspace(
    {
        "signal": [
            sample("signal", (30, 95, 7), normfactor()),
            sample("bkg", (100, 150, 40), modifier("shapesys", "mc", [10, 0, 6])),
        ]
    },
    {"signal": (120, 180, 42)},
)

TWO_BINS: Spec = {
    "channels": [
        {
            "name": "singlechannel",
            "samples": [
                {
                    "name": "signal",
                    "data": [5.0, 10.0],
                    "modifiers": [{"name": "mu", "type": "normfactor", "data": None}],
                },
                {
                    "name": "background",
                    "data": [50.0, 60.0],
                    "modifiers": [{"name": "uncorr_bkguncrt", "type": "shapesys", "data": [5.0, 12.0]}],
                },
            ],
        }
    ],
    "observations": [{"name": "singlechannel", "data": [50.0, 60.0]}],
    "measurements": [{"name": "Measurement", "config": {"poi": "mu", "parameters": []}}],
    "version": "1.0.0",
}
"""The example workspace "2-bin, 1-channel" of pyhf's command line; `TWO_BINS_DIGEST` proves that it is the same."""

TWO_BINS_DIGEST = "dad8822af55205d60152cbe4303929042dbd9d4839012e055e7c6b6459d68d73"
