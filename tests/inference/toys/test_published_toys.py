"""Toys of a published point, RegionA sbottom_1300_205_60: the three ensembles, and fits against iminuit."""

from pathlib import Path

import numpy as np
import pytest

from hfscale.inference.toys.addresses import address_of
from hfscale.inference.toys.fits import run_toys
from hfscale.inference.toys.origins import toy_origins
from hfscale.inference.toys.p_values import toy_p_values
from hfscale.inference.toys.results import ToyBlock, ToyOrigins
from hfscale.inference.toys.settings import Ensemble, Hypothesis, ToySettings
from hfscale.inference.toys.throw import throw_toys
from hfscale.model.structure import ModelGroup, PointNumbers
from hfscale.work.models import build_models
from hfscale.workspace import load_inputs
from tests.minimisers import Fits, lbfgsb_minimum, minuit_minimum, scattered_starts

pytestmark = [pytest.mark.slow, pytest.mark.data]

ENSEMBLES: dict[Ensemble, float] = {"unconditional": 0.331, "aux-profiled": 0.249, "aux-observed": 0.313}
"""CLs of 20,000 toys per hypothesis by an independent program, to 0.008."""
N_REFITS = 30
"""Toys of each hypothesis that iminuit fits again."""


@pytest.fixture(scope="module")
def group(shared_data: Path) -> ModelGroup:
    (found,) = build_models(load_inputs(shared_data / "sbottom-RegionA.tar.gz", points=["sbottom_1300_205_60"]))
    return found


def run(group: ModelGroup, origins: ToyOrigins, hypothesis: Hypothesis, count: int, settings: ToySettings) -> ToyBlock:
    return run_toys(group, 0, origins, hypothesis, 1.0, 0, count, settings)


@pytest.mark.parametrize("ensemble", list(ENSEMBLES))
def test_ensembles(group: ModelGroup, ensemble: Ensemble) -> None:
    settings = ToySettings(ensemble=ensemble)
    origins = toy_origins(group, np.array([0]), 1.0, settings)
    sb, b = (run(group, origins, hypothesis, 6000, settings) for hypothesis in ("sb", "b"))
    p = toy_p_values(float(origins.q_obs[0]), sb.q, sb.status, b.q, b.status)
    error = np.diff(p.CLs_obs_interval)[0] / 2
    assert error < 0.016
    assert p.CLs_obs == pytest.approx(ENSEMBLES[ensemble], abs=3.0 * np.hypot(error, 0.008))
    assert p.sb.failed == p.b.failed == 0


def toys_of(group: ModelGroup, origins: ToyOrigins, hypothesis: Hypothesis, count: int) -> PointNumbers:
    """Numbers of the toys that `run` fits."""
    address = address_of((group.digests[0], group.background_digests[0]), hypothesis, 1.0, ToySettings())
    thrown = throw_toys(group, 0, address, *origins.generating(0, hypothesis), 0, count)
    return group.points.take(np.zeros(count, dtype=int))._replace(data=thrown.data, auxdata=thrown.auxdata)


@pytest.mark.parametrize("hypothesis", ["sb", "b"])
def test_iminuit_finds_the_same_statistic(group: ModelGroup, hypothesis: Hypothesis) -> None:
    settings = ToySettings()
    origins = toy_origins(group, np.array([0]), 1.0, settings)
    block, numbers = run(group, origins, hypothesis, N_REFITS, settings), toys_of(group, origins, hypothesis, N_REFITS)
    theta, poi = origins.generating(0, hypothesis)[0], group.structure.poi
    fits, minima = Fits(group), np.full((2, N_REFITS), np.inf)
    for toy in range(N_REFITS):
        for kind, fixed in enumerate((True, False)):
            one = numbers.take(np.array([toy]))
            one.fixed[0, poi] = fixed
            fit = fits.fit(one)
            start = theta.copy()
            start[poi] = 1.0 if fixed else theta[poi]
            found = [minuit_minimum(fit, start)]
            found += [lbfgsb_minimum(fit, place) for place in scattered_starts(fit, start, 1, seed=toy)]
            minima[kind, toy] = min(fit.evaluate(place)[0] for place in found)
    # The others may end in higher minima too; none of hfscale's may be higher than the lower of theirs.
    conditional, free = block.twice_nll_conditional, block.twice_nll_free
    assert (conditional < 2.0 * minima[0] + 1e-4).all()
    assert (free < 2.0 * minima[1] + 1e-4).all()
    best = np.minimum(2.0 * minima, np.stack([conditional, free]))
    q = np.where(block.mu_hat > 1.0, 0.0, np.maximum(best[0] - best[1], 0.0))
    assert block.q == pytest.approx(q, abs=1e-4)
    agree = np.abs(2.0 * minima - np.stack([conditional, free])) < 1e-4
    assert agree.mean() > 0.9
