"""Models for tests of single likelihoods: small ones, and one signal point of the embedded example, beside pyhf's."""

import json
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyhf

import hfscale
from tests.models import (
    EXAMPLE,
    Spec,
    histosys,
    modifier,
    normfactor,
    normsys,
    sample,
    shapesys_model,
    workspace,
)

POINT = 40
HELLO_WORLD = shapesys_model(signal=(12, 11), background=(50, 52), uncertainty=(3, 7), observed=(58, 62))

EVERYTHING = workspace(
    {
        "SR": [
            sample("signal", [5.0, 8.0], normfactor(), normsys("theory", 1.2, 0.85)),
            sample(
                "bkg",
                [50.0, 40.0],
                histosys("jes", [53.0, 42.0], [46.0, 39.0]),
                modifier("staterror", "stat_SR", [3.0, 2.0]),
                modifier("lumi", "lumi"),
            ),
        ],
        "CR": [
            sample("bkg", [200.0], normsys("theory", 1.1, 0.9), modifier("shapesys", "fakes", [12.0])),
            sample("top", [80.0], normfactor("k_top"), modifier("lumi", "lumi")),
        ],
    },
    {"SR": [58, 49], "CR": [285]},
    [
        {"name": "lumi", "inits": [1.0], "bounds": [[0.5, 1.5]], "auxdata": [1.0], "sigmas": [0.02]},
        {"name": "k_top", "bounds": [[0.1, 5.0]], "inits": [1.1]},
        {"name": "jes", "fixed": False, "inits": [0.2]},
    ],
)


class Case(NamedTuple):
    """A likelihood, with the model and data of pyhf that it must agree with."""

    likelihood: hfscale.Likelihood
    model: Any
    data: list[float]


def case_of(spec: Spec, **settings: Any) -> Case:
    measured = pyhf.Workspace(spec)
    model = measured.model(**settings)
    return Case(hfscale.Likelihood.from_workspace(spec), model, measured.data(model))


@cache
def example_patch() -> tuple[Spec, ...]:
    """The JSON patch of one signal point of the embedded example."""
    return tuple(json.loads((EXAMPLE / "patchset.json").read_text())["patches"][POINT]["patch"])


@cache
def example_case() -> Case:
    background = json.loads((EXAMPLE / "BkgOnly.json").read_text())
    measured = pyhf.Workspace(background)
    model = measured.model(patches=[list(example_patch())])
    likelihood = hfscale.Likelihood.from_workspace(EXAMPLE / "BkgOnly.json", patch=example_patch())
    return Case(likelihood, model, measured.data(model))


def around(likelihood: hfscale.Likelihood, n: int, seed: int = 0) -> np.ndarray:
    """Parameters around the suggested ones, inside the bounds."""
    rng = np.random.default_rng(seed)
    lower, upper = likelihood.suggested_bounds.T
    init = likelihood.suggested_init
    shifts = np.where(lower < 0, rng.normal(0, 0.8, (n, len(init))), init * rng.uniform(-0.2, 0.2, (n, len(init))))
    return np.clip(init + shifts, lower, upper)
