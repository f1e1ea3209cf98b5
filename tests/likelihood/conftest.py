"""A published model for tests of single likelihoods."""

from pathlib import Path

import pyhf
import pytest

import hfscale
from hfscale.workspace import load_inputs
from tests.likelihood.models import Case


@pytest.fixture(scope="session")
def region_a(shared_data: Path) -> Case:
    """A signal point of sbottom RegionA."""
    source = shared_data / "sbottom-RegionA.tar.gz"
    inputs = load_inputs(source, points=["sbottom_1000_131_1"])
    point = inputs.points[0]
    likelihood = hfscale.Likelihood.from_workspace(source, patch=point)
    measured = pyhf.Workspace(inputs.workspace)
    model = measured.model(patches=[list(point.patch)])
    return Case(likelihood, model, measured.data(model))
