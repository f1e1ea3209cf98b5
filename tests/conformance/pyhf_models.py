"""The same numbers from pyhf, arranged like those of this project."""

from typing import Any, NamedTuple

import numpy as np
import pyhf

from hfscale.model.structure import ModelGroup
from tests.models import Spec


class PyhfModel(NamedTuple):
    """A model of pyhf with its data."""

    model: Any
    data: Any

    @property
    def names(self) -> list[str]:
        return list(self.model.config.par_names)

    def rates(self, theta: np.ndarray) -> np.ndarray:
        return np.asarray(self.model.expected_actualdata(theta))

    def nll(self, theta: np.ndarray) -> float:
        with np.errstate(divide="ignore"):
            return -float(np.asarray(self.model.logpdf(theta, self.data))[0])


def pyhf_model(spec: Spec) -> PyhfModel:
    """Model with pyhf's default interpolation codes (4 and 4p), which may lack its POI."""
    measured = pyhf.Workspace(spec)
    model = measured.model(poi_name=None)
    return PyhfModel(model, measured.data(model))


def columns(group: ModelGroup, point: int, names: list[str]) -> list[int]:
    """Internal positions of a point's parameters, in the order of `names`."""
    external = [group.parameter_names.index(name) for name in names]
    internal = np.argsort(group.order)
    assert group.present[point, internal[external]].all()
    return [int(k) for k in internal[external]]


def random_parameters(model: Any, seed: int) -> np.ndarray:
    """Values inside the bounds around the suggested ones: most alphas beyond one sigma now and then."""
    rng = np.random.default_rng(seed)
    lower, upper = np.array(model.config.suggested_bounds(), dtype=float).T
    init = np.array(model.config.suggested_init(), dtype=float)
    symmetric = lower < 0
    values = np.where(symmetric, init + rng.normal(0.0, 1.2, init.shape), init * rng.uniform(0.6, 1.5, init.shape))
    return np.clip(values, np.maximum(lower, -2.8), np.minimum(upper, 2.8))
