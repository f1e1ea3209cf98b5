"""Minima on the published likelihoods beside the lowest that two other minimisers found from many starts."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from hfscale.inference.fits import fit_hypotheses
from hfscale.model.structure import ModelGroup
from hfscale.work.models import build_models
from tests.data.make_reference_minima import FILE, chosen_points

pytestmark = pytest.mark.data

TOLERANCE = 1e-6
"""By how much twice -ln L may lie above the reference."""
REFERENCE: dict[str, dict[str, dict[str, float]]] = json.loads(FILE.read_text())["minima"]
POINTS = {"sbottom-RegionA": 217, "sbottom-RegionB": 218, "1Lbb-simplified": 125, "offshell3L": 91}


def excess_of_group(group: ModelGroup, names: list[str], reference: dict[str, dict[str, float]]) -> dict[str, float]:
    """How far each fit of a group lies above the reference."""
    rows = np.flatnonzero([names[member] in reference for member in group.members])
    fits = fit_hypotheses(group, rows, 1.0)
    found = {}
    for hypothesis, results in (("free", fits.free), ("mu=1", fits.conditional), ("mu=0", fits.background)):
        assert results.succeeded.all()
        for row, nll in zip(rows, results.nll, strict=True):
            name = names[group.members[row]]
            found[f"{name} {hypothesis}"] = float(2.0 * nll - reference[name][hypothesis])
    return found


def compare(region: str, n_points: int | None) -> None:
    """Fit some points of a region and print the worst."""
    names, inputs = chosen_points(region, n_points)
    excess: dict[str, float] = {}
    for group in build_models(inputs):
        excess.update(excess_of_group(group, names, REFERENCE[region]))
    assert len(excess) == 3 * len(names)
    worst, best = max(excess, key=lambda k: excess[k]), min(excess, key=lambda k: excess[k])
    sys.stdout.write(f"{region}: {len(excess)} fits, highest above the reference: {worst} {excess[worst]:+.1e}\n")
    for label, value in sorted(excess.items(), key=lambda item: item[1]):
        if value < -TOLERANCE:
            sys.stdout.write(f"  below the reference: {label} {value:+.1e}\n")
    assert excess[worst] <= TOLERANCE, worst
    assert excess[best] > -5.0, f"{best}: the reference is of another likelihood"


def test_the_reference_has_every_point(shared_data: Path) -> None:
    assert {region: len(points) for region, points in REFERENCE.items()} == POINTS
    assert shared_data.is_dir()


@pytest.mark.parametrize("region", ["sbottom-RegionA", "sbottom-RegionB", "1Lbb-simplified"])
def test_minima_of_some_points(shared_data: Path, region: str) -> None:
    assert shared_data.is_dir()
    compare(region, 5)


@pytest.mark.slow
@pytest.mark.parametrize("region", POINTS)
def test_minima_of_all_points(shared_data: Path, region: str) -> None:
    assert shared_data.is_dir()
    compare(region, None)
