"""Toys of a published point, RegionA sbottom_1300_205_60: ensembles, pyhf's distribution, and fits against iminuit."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats

from hfscale.fit.trace import Attempt
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
N_REFITS = 100
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


@pytest.fixture(scope="module")
def pyhf_q() -> dict[Hypothesis, np.ndarray]:
    """Test statistics of pyhf's own toys, by tests/data/make_pyhf_toys.py."""
    document = json.loads((Path(__file__).parents[2] / "data" / "pyhf-toys.json").read_text())
    assert document["failed"] == {"sb": [], "b": []}
    return {"sb": np.array(document["q"]["sb"]), "b": np.array(document["q"]["b"])}


@pytest.mark.parametrize("hypothesis", ["sb", "b"])
def test_the_statistic_is_distributed_as_in_pyhf(
    group: ModelGroup, pyhf_q: dict[Hypothesis, np.ndarray], hypothesis: Hypothesis
) -> None:
    p_values = {}
    for ensemble in ("unconditional", "aux-profiled"):
        settings = ToySettings(ensemble=ensemble)
        block = run(group, toy_origins(group, np.array([0]), 1.0, settings), hypothesis, 6000, settings)
        p_values[ensemble] = float(stats.ks_2samp(pyhf_q[hypothesis], block.q).pvalue)
    assert len(pyhf_q[hypothesis]) >= 150
    assert p_values["unconditional"] > 1e-3
    # A few hundred toys of pyhf suffice to tell this ensemble; with auxiliary data as observed, q is distributed too
    # much alike for that, and only CLs of many toys tells it (above).
    assert p_values["aux-profiled"] < 1e-5


def toys_of(group: ModelGroup, origins: ToyOrigins, hypothesis: Hypothesis, count: int) -> PointNumbers:
    """Numbers of the toys that `run` fits."""
    address = address_of((group.digests[0], group.background_digests[0]), hypothesis, 1.0, ToySettings())
    thrown = throw_toys(group, 0, address, *origins.generating(0, hypothesis), 0, count)
    return group.points.take(np.zeros(count, dtype=int))._replace(data=thrown.data, auxdata=thrown.auxdata)


class Refits(NamedTuple):
    """Toys of one hypothesis by hfscale, and the lowest minima of other minimisers; -2 ln L conditional and free."""

    block: ToyBlock
    ours: np.ndarray
    theirs: np.ndarray

    def q(self, minima: np.ndarray) -> np.ndarray:
        """Test statistics from minima."""
        return np.where(self.block.mu_hat > 1.0, 0.0, np.maximum(minima[0] - minima[1], 0.0))


@pytest.fixture(scope="module", params=["sb", "b"])
def refits(group: ModelGroup, request: pytest.FixtureRequest) -> Refits:
    """Fit toys again with iminuit and L-BFGS-B, from several starts."""
    settings, hypothesis = ToySettings(), request.param
    origins = toy_origins(group, np.array([0]), 1.0, settings)
    block, numbers = run(group, origins, hypothesis, N_REFITS, settings), toys_of(group, origins, hypothesis, N_REFITS)
    theta, poi = origins.generating(0, hypothesis)[0], group.structure.poi
    fits, minima = Fits(group), np.full((2, N_REFITS), np.inf)
    for toy in range(N_REFITS):
        for kind, fixed in enumerate((True, False)):
            one = numbers.take(np.array([toy]))
            one.fixed[0, poi] = fixed
            fit, start = fits.fit(one), theta.copy()
            start[poi] = 1.0 if fixed else theta[poi]
            found = [minuit_minimum(fit, s, strategy=0) for s in (start, *scattered_starts(fit, start, 1, seed=toy))]
            found += [lbfgsb_minimum(fit, s) for s in scattered_starts(fit, start, 2, seed=N_REFITS + toy)]
            minima[kind, toy] = 2.0 * min(fit.evaluate(place)[0] for place in found)
    return Refits(block, np.stack([block.twice_nll_conditional, block.twice_nll_free]), minima)


def test_iminuit_finds_the_same_statistic(refits: Refits) -> None:
    best = refits.q(np.minimum(refits.ours, refits.theirs))
    assert (np.abs(best - refits.block.q) < 1e-4).all()
    # Those of the others alone may come from higher minima.
    assert (np.abs(refits.q(refits.theirs) - refits.block.q) < 1e-4).mean() > 0.9
    assert (np.abs(refits.theirs - refits.ours) < 1e-4).mean() > 0.9


def test_hardly_a_minimum_is_above_those_of_others(refits: Refits) -> None:
    # One free fit of 400 is: another minimum is 0.2 widths of a parameter away. Its statistic is 0 either way.
    assert (refits.ours > refits.theirs + 1e-4).sum() <= 1
    assert (refits.ours < refits.theirs + 0.002).all()


def test_fits_end_where_rates_go_to_zero(shared_data: Path) -> None:
    """The signal of a light bottom squark brings every tenth fit to a rate of zero in a bin without events."""
    (group,) = build_models(load_inputs(shared_data / "sbottom-RegionA.tar.gz", points=["sbottom_400_205_60"]))
    origins = toy_origins(group, np.array([0]), 1.0, ToySettings())
    attempts: list[Attempt] = []
    block = run_toys(group, 0, origins, "sb", 1.0, 0, 320, ToySettings(), observe=attempts.append)
    assert not block.reasons
    kinds = {attempt.kind: len(attempt.fits) for attempt in attempts}
    assert kinds["barrier"] > 10
    assert "iminuit" not in kinds
