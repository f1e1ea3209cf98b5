"""Small ROOT files, and configurations of cabinetry that use everything it has for templates."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import uproot

EVENTS = 400

CONFIG: dict[str, Any] = {
    "General": {
        "Measurement": "made_up",
        "POI": "mu",
        "InputPath": "ntuples/{SamplePath}",
        "HistogramFolder": "histograms",
    },
    "Regions": [
        {"Name": "Signal region", "Variable": "x", "Binning": [0, 2, 4, 6, 8, 10], "Filter": "(y > 0.3) & (x < 9.5)"},
        {"Name": "CR", "Variable": "sqrt(x)", "Binning": [0.0, 1.5, 3.2], "Filter": "y <= 0.3"},
    ],
    "Samples": [
        {"Name": "Data", "Tree": "data", "SamplePath": "data.root", "Data": True},
        {"Name": "signal", "Tree": "nominal", "SamplePath": "signal.root", "Weight": "w", "Regions": "Signal region"},
        {"Name": "top", "Tree": "nominal", "SamplePath": ["top_1.root", "top_2.root"], "Weight": "0.5*w"},
        {"Name": "other", "Tree": "nominal", "SamplePath": "signa*.root", "Weight": "1.5", "Filter": "y > 0.1"},
    ],
    "NormFactors": [{"Name": "mu", "Samples": "signal", "Nominal": 1.0, "Bounds": [0.0, 5.0]}],
    "Systematics": [
        {"Name": "lumi", "Type": "Normalization", "Up": {"Normalization": 0.02}, "Down": {"Normalization": -0.02}},
        {
            "Name": "weights",
            "Type": "NormPlusShape",
            "Up": {"Weight": "w*(1 + 0.1*y)"},
            "Down": {"Weight": "w*(1 - 0.1*y)"},
            "Samples": ["signal", "top"],
        },
        {
            "Name": "tree",
            "Type": "NormPlusShape",
            "Up": {"Tree": "shifted"},
            "Down": {"Symmetrize": True},
            "Samples": "top",
            "Smoothing": {"Algorithm": "353QH, twice", "Regions": "Signal region"},
        },
        {
            "Name": "generator",
            "Type": "NormPlusShape",
            "Up": {"SamplePath": "top_2.root", "Variable": "x + 0.1", "Filter": "y > 0.25"},
            "Down": {"Symmetrize": True},
            "Samples": "top",
            "Regions": "Signal region",
            "ModifierName": "theory",
        },
    ],
}


def write_inputs(folder: Path) -> None:
    """Write ntuples, and histograms of two bins with their variations."""
    (folder / "ntuples").mkdir()
    for k, name in enumerate(("data", "signal", "top_1", "top_2")):
        with uproot.recreate(folder / "ntuples" / f"{name}.root") as file:
            for shift, tree in enumerate(("data",) if name == "data" else ("nominal", "shifted")):
                write_tree(file, tree, events(seed=k, shift=0.3 * shift))
    edges = np.array([0.0, 1.0, 2.0])
    with uproot.recreate(folder / "histograms.root") as file:
        for k, name in enumerate(("data", "background", "background_up", "background_down")):
            file[f"SR/{name}"] = (np.array([10.0 + k, 20.0 - k]), edges)


def events(seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Draw events with a position, a quality and a weight."""
    random = np.random.default_rng(seed)
    return {
        "x": np.minimum(random.exponential(4.0, EVENTS) + shift, 9.9),
        "y": random.uniform(0.0, 1.0, EVENTS),
        "w": random.uniform(0.5, 1.5, EVENTS),
    }


def write_tree(file: Any, name: str, branches: Mapping[str, np.ndarray]) -> None:
    """Write one tree into an open file."""
    file.mktree(name, {branch: array.dtype for branch, array in branches.items()}).extend(dict(branches))


def collecting() -> dict[str, Any]:
    """Return a configuration that collects histograms."""
    return {
        "General": {
            "Measurement": "made_up",
            "POI": "mu",
            "InputPath": "histograms.root:{RegionPath}/{SamplePath}{VariationPath}",
            "HistogramFolder": "histograms",
            "VariationPath": "",
        },
        "Regions": [{"Name": "SR", "RegionPath": "SR"}],
        "Samples": [
            {"Name": "Data", "SamplePath": "data", "Data": True},
            {"Name": "background", "SamplePath": "background"},
        ],
        "NormFactors": [{"Name": "mu", "Samples": "background"}],
        "Systematics": [
            {
                "Name": "scale",
                "Type": "NormPlusShape",
                "Up": {"VariationPath": "_up"},
                "Down": {"VariationPath": "_down"},
            }
        ],
    }
