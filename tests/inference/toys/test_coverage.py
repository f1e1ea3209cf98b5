"""Upper limits from toys of a counting experiment are above the true value as often as they should be."""

import numpy as np
import pytest

from hfscale.inference.results import LimitStatus
from hfscale.inference.toys.fits import run_toys
from hfscale.inference.toys.limits import ToyLimits, toy_limits
from hfscale.inference.toys.origins import toy_origins
from hfscale.inference.toys.p_values import PValueStatus, toy_p_values
from hfscale.inference.toys.results import ToyOrigins
from hfscale.inference.toys.settings import ToySettings
from hfscale.model.structure import ModelGroup
from tests.counting_toys import Counting
from tests.models import counting, group_of

SIGNAL, BACKGROUND, LEVEL = 10.0, 20.0, 0.05
GRID = np.geomspace(0.25, 5.0, 11)
EVENTS = np.arange(10, 53)
EXPERIMENTS = 1000
LEAST = 1.0 - LEVEL - 3.0 * np.sqrt(LEVEL * (1.0 - LEVEL) / EXPERIMENTS)


@pytest.fixture(scope="module")
def group() -> ModelGroup:
    """One experiment for each observed number of events."""
    return group_of(*(counting(SIGNAL, BACKGROUND, float(n)) for n in EVENTS))


def limits_of(group: ModelGroup, toys: int) -> list[ToyLimits]:
    """The limit for every observed number, from toys of its own."""
    rows = np.arange(len(EVENTS))
    origins = {mu: toy_origins(group, rows, mu, ToySettings()) for mu in GRID}
    return [_limit(group, int(row), origins, toys) for row in rows]


def _limit(group: ModelGroup, row: int, origins: dict[float, ToyOrigins], toys: int) -> ToyLimits:
    settings = ToySettings(seed=row)
    blocks = {
        hypothesis: [run_toys(group, row, origins[mu], hypothesis, mu, 0, toys, settings) for mu in GRID]
        for hypothesis in ("sb", "b")
    }
    q = {hypothesis: np.stack([block.q for block in of]) for hypothesis, of in blocks.items()}
    status = {hypothesis: np.stack([block.status for block in of]) for hypothesis, of in blocks.items()}
    q_obs = np.array([origins[mu].q_obs[row] for mu in GRID])
    return toy_limits(GRID, q_obs, q["sb"], status["sb"], q["b"], status["b"], LEVEL, resamples=50)


@pytest.mark.slow
def test_limits_of_a_grid_cover(group: ModelGroup) -> None:
    limits = limits_of(group, 700)
    values = np.array([found.upper_limit_obs for found in limits])
    statuses = np.array([found.upper_limit_obs_status for found in limits])
    values[statuses == LimitStatus.ABOVE_BOUND] = np.inf
    values[statuses == LimitStatus.BELOW_BOUND] = 0.0
    exact = np.array([_exact_limit(int(n)) for n in EVENTS])
    inside = np.isfinite(values) & (values > 0.0)
    assert inside.sum() > 30
    errors = np.array([np.diff(found.upper_limit_obs_interval)[0] / 2 for found in limits])
    inside &= np.isfinite(errors)
    assert (np.abs(values - exact)[inside] < 4.0 * errors[inside]).all()
    rng = np.random.default_rng(11)
    for true in (0.7, 1.0, 1.8):
        observed = np.clip(rng.poisson(BACKGROUND + true * SIGNAL, EXPERIMENTS), EVENTS[0], EVENTS[-1])
        covered = (values[observed - EVENTS[0]] >= true).mean()
        assert covered >= LEAST
        # CLs covers more often than the level says, but by no more than the exact limit does.
        assert covered <= (exact[observed - EVENTS[0]] >= 0.93 * true).mean() + 1e-9


def _exact_limit(observed: int) -> float:
    """Exact CLs is the level there."""
    return Counting.with_cls(LEVEL, BACKGROUND, observed).signal / SIGNAL


@pytest.mark.slow
def test_experiments_with_toys_of_their_own_cover(group: ModelGroup) -> None:
    true, toys = 1.0, 300
    origins = toy_origins(group, np.arange(len(EVENTS)), true, ToySettings())
    observed = np.random.default_rng(12).poisson(BACKGROUND + true * SIGNAL, EXPERIMENTS)
    rows = np.clip(observed, EVENTS[0], EVENTS[-1]) - EVENTS[0]
    covered = 0
    for experiment, row in enumerate(rows.tolist()):
        settings = ToySettings(seed=experiment)
        sb, b = (run_toys(group, row, origins, hypothesis, true, 0, toys, settings) for hypothesis in ("sb", "b"))
        p = toy_p_values(float(origins.q_obs[row]), sb.q, sb.status, b.q, b.status)
        covered += p.status != PValueStatus.OK or p.CLs_obs >= LEVEL
    assert covered / EXPERIMENTS >= LEAST
    # At the true value, 5 % of CLsb and not of CLs are below the level: CLs covers more often.
    excluded = sum(Counting(BACKGROUND, true * SIGNAL).cls(int(n)) < LEVEL for n in observed)
    assert abs(EXPERIMENTS - covered - excluded) < 20
