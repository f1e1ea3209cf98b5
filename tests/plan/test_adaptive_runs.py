"""Adaptive runs of a closed-form model from look to look: rarely wrong, hardly biased, and with few toys.

`tests/benchmarks/bench_adaptive.py` measures the same with more replicas.
"""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binom

from hfscale.plan.adaptive import Allocation, looks
from tests.counting_toys import Counting, Runs, cell_run, observed_runs

ALLOCATION = Allocation(max_toys=8000)
EARLY_LOOKS = len(looks(ALLOCATION)) - 1
BACKGROUND, OBSERVED = 50.0, 47
REPLICAS = 600


def error(CLs: float) -> float:
    """Standard deviation of CLs from the most toys."""
    p_sb, p_b = Counting.with_cls(CLs, BACKGROUND, OBSERVED).p_values(OBSERVED)
    return float(CLs * np.sqrt(((1.0 - p_sb) / p_sb + (1.0 - p_b) / p_b) / ALLOCATION.max_toys))


def runs_at(CLs: float) -> Runs:
    model = Counting.with_cls(CLs, BACKGROUND, OBSERVED)
    return observed_runs(model, OBSERVED, ALLOCATION, REPLICAS, np.random.default_rng(21))


def allowed(probability: float) -> float:
    """Number among the replicas that is exceeded once in ten thousand tests."""
    return float(binom.isf(1e-4, REPLICAS, probability))


def test_at_the_level_itself_few_runs_end_early() -> None:
    runs = runs_at(ALLOCATION.level)
    early = runs.toys < ALLOCATION.max_toys
    for side in (runs.CLs < ALLOCATION.level, runs.CLs > ALLOCATION.level):
        assert (early & side).sum() <= allowed(EARLY_LOOKS * ndtr(-ALLOCATION.nsigma))


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_runs_near_the_level_are_as_rarely_wrong_as_all_toys(sign: float) -> None:
    distance = 3.0
    CLs = ALLOCATION.level + sign * distance * error(ALLOCATION.level)
    runs = runs_at(CLs)
    wrong = (runs.CLs < ALLOCATION.level) != (CLs < ALLOCATION.level)
    assert wrong.sum() <= allowed(EARLY_LOOKS * ndtr(-ALLOCATION.nsigma) + ndtr(-distance))
    bias = (runs.CLs.mean() - CLs) / runs.CLs.std()
    assert abs(bias) < 0.6
    # Where the run stops, CLs is a little too far from the level; that of a fixed number of toys is not.
    assert bias * sign > 0.0
    assert runs.fixed.mean() == pytest.approx(CLs, abs=4.0 * error(CLs) / np.sqrt(REPLICAS))


@pytest.mark.parametrize("CLs", [0.02, 0.1])
def test_runs_far_from_the_level_need_few_toys(CLs: float) -> None:
    runs = runs_at(CLs)
    assert ((runs.CLs < ALLOCATION.level) == (CLs < ALLOCATION.level)).all()
    assert runs.toys.mean() < ALLOCATION.max_toys / 4
    assert abs(runs.CLs.mean() - CLs) < 0.6 * runs.CLs.std()


def test_a_cell_is_decided_with_all_its_curves() -> None:
    model, rng = Counting(BACKGROUND, 20.0), np.random.default_rng(22)
    excluded = np.array([model.cls(OBSERVED), *model.band()]) < ALLOCATION.level
    assert excluded.tolist() == [True, True, True, True, False, False]
    runs = [cell_run(model, OBSERVED, ALLOCATION, rng) for _ in range(20)]
    for run in runs:
        assert (np.array([run.end.CLs_obs, *run.end.CLs_exp]) < ALLOCATION.level).tolist() == excluded.tolist()
    assert np.mean([run.toys for run in runs]) < ALLOCATION.max_toys / 2
