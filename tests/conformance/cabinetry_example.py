"""The example of cabinetry: its events, drawn again from the same seed, and its configuration.

Numbers and order of the draws are those of util/create_ntuples.py (commit fc984e4 of scikit-hep/cabinetry), the
configuration that of config_example.yml (commit bea454e). The order matters: all draws come from one generator, NumPy's
legacy one.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import uproot

SEED, EVENTS = 0, 5000


class Process(NamedTuple):
    """How a process is distributed: a noncentral chi-square with 5 degrees of freedom, stretched and shifted.

    Attributes:
        noncentrality: Of the chi-square.
        scale: By which it is multiplied.
        offset: What is added.
        total: Sum of the weights of its events.
    """

    noncentrality: float
    scale: float
    offset: float
    total: int

    def draw(self, random: np.random.RandomState, events: int) -> np.ndarray:
        """Draw transverse momenta."""
        return np.asarray(random.noncentral_chisquare(5, self.noncentrality, events) * self.scale + self.offset)

    def draw_weights(self, random: np.random.RandomState, events: int) -> np.ndarray:
        """Draw weights that scatter by 10 % and have the right sum."""
        mean = self.total / float(events)
        weights = random.normal(mean, mean * 0.1, events)
        weights *= self.total / np.sum(weights)
        return weights


PROCESSES = {
    "signal": Process(10, 12, 350, 125),
    "background": Process(10, 25, 0, 1000),
    "background_varied": Process(12, 30, 0, 1000),
}

CONFIG: dict[str, Any] = {
    "General": {
        "Measurement": "minimal_example",
        "POI": "Signal_norm",
        "InputPath": "{SamplePath}",
        "HistogramFolder": "histograms",
    },
    "Regions": [
        {
            "Name": "Signal_region",
            "Variable": "jet_pt",
            "Filter": "lep_charge > 0",
            "Binning": [200, 300, 400, 500, 600],
        }
    ],
    "Samples": [
        {"Name": "Data", "Tree": "pseudodata", "SamplePath": "data.root", "Data": True},
        {"Name": "Signal", "Tree": "signal", "SamplePath": "prediction.root", "Weight": "weight"},
        {"Name": "Background", "Tree": "background", "SamplePath": "prediction.root", "Weight": "weight"},
    ],
    "Systematics": [
        {
            "Name": "Luminosity",
            "Type": "Normalization",
            "Up": {"Normalization": 0.05},
            "Down": {"Normalization": -0.05},
        },
        {
            "Name": "Modeling",
            "Type": "NormPlusShape",
            "Samples": "Background",
            "Up": {"SamplePath": "prediction.root", "Tree": "background_varied"},
            "Down": {"Symmetrize": True},
        },
        {
            "Name": "WeightBasedModeling",
            "Type": "NormPlusShape",
            "Samples": "Background",
            "Up": {"Weight": "weight_up"},
            "Down": {"Weight": "0.7*weight"},
        },
    ],
    "NormFactors": [{"Name": "Signal_norm", "Samples": "Signal", "Nominal": 1.0, "Bounds": [0.0, 10.0]}],
}


def write_ntuples(folder: Path) -> None:
    """Write ``prediction.root`` and ``data.root``."""
    random = np.random.RandomState(SEED)
    momenta = {name: process.draw(random, EVENTS) for name, process in PROCESSES.items()}
    weights = {name: process.draw_weights(random, EVENTS) for name, process in PROCESSES.items()}
    observed = np.hstack([PROCESSES["signal"].draw(random, 150), PROCESSES["background"].draw(random, 1000)])
    random.shuffle(observed)
    with uproot.recreate(folder / "prediction.root") as file:
        for name in PROCESSES:
            branches = {"jet_pt": momenta[name], "weight": weights[name], "lep_charge": _charges(random, EVENTS)}
            if name == "background":
                branches["weight_up"] = (1.2 * (momenta[name] / 350)) * weights[name]
            _write(file, name, branches)
    with uproot.recreate(folder / "data.root") as file:
        _write(file, "pseudodata", {"jet_pt": observed, "lep_charge": _charges(random, len(observed))})


def _charges(random: np.random.RandomState, events: int) -> np.ndarray:
    return random.randint(0, 2, size=events) * 2 - 1


def _write(file: Any, name: str, branches: dict[str, np.ndarray]) -> None:
    file.mktree(name, {branch: array.dtype for branch, array in branches.items()}).extend(branches)
