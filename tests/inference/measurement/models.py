"""A small measurement with every kind of parameter that a ranking meets."""

from typing import Any

from tests.models import histosys, modifier, normfactor, normsys, sample, workspace

BOUNDS = {"name": "mu", "bounds": [[-5.0, 10.0]], "inits": [1.0]}


def measurement() -> dict[str, Any]:
    """Signal, a background with a free factor and a control region, and correlated uncertainties."""
    jets = histosys("jets", [55.0, 34.0], [46.0, 27.0])
    return workspace(
        {
            "CR": [sample("top", [110.0], normfactor("top"), normsys("scale", 1.05, 0.96))],
            "SR": [
                sample("signal", [12.0, 9.0], normfactor(), normsys("scale", 1.1, 0.93)),
                sample("top", [50.0, 30.0], normfactor("top"), jets, modifier("staterror", "mc", [2.5, 2.0])),
                sample("other", [8.0, 6.0], modifier("shapesys", "fakes", [2.0, 1.5]), modifier("lumi", "lumi")),
            ],
        },
        {"CR": [118.0], "SR": [74.0, 47.0]},
        [BOUNDS, {"name": "lumi", "auxdata": [1.0], "sigmas": [0.02], "bounds": [[0.5, 1.5]], "inits": [1.0]}],
    )
