"""Upper limits: CLs there is the level, pyhf finds the same, and what lies outside the bounds of the POI is said to."""

import re
from typing import Any

import numpy as np
import pyhf
import pytest
from pyhf.infer.intervals.upper_limits import toms748_scan

from hfscale.inference.asymptotics import TestStatistic
from hfscale.inference.cls import asymptotic_cls
from hfscale.inference.limits import upper_limits
from hfscale.inference.results import LimitBlock, LimitStatus, PointStatus
from hfscale.model.structure import ModelGroup
from tests.conformance.textbook import COUPLED, EARLY_CODES, HELLO_WORLD, ONE_BIN
from tests.models import PYHF_WARNING, Spec, counting, group_of, normfactor, normsys, one_channel, sample

BACKGROUND = one_channel([52, 27], sample("ttbar", [40.0, 20.0], normsys("JES", 1.15, 0.9)), sample("W", [12.0, 9.0]))


def point(*rates: float) -> Spec:
    signal = sample("signal", rates, normfactor(), normsys("JES", 1.1, 0.95))
    return one_channel([52, 27], *BACKGROUND["channels"][0]["samples"], signal)


SCALES = (0.02, 0.3, 1.0, 4.0, 500.0)


@pytest.fixture(scope="module")
def plane() -> ModelGroup:
    return group_of(*(point(8.0 * scale, 5.0 * scale) for scale in SCALES), point(0.0, 0.0), background=BACKGROUND)


@pytest.fixture(scope="module")
def limits(plane: ModelGroup) -> LimitBlock:
    return upper_limits(plane, np.arange(len(SCALES) + 1))


@pytest.mark.parametrize("level", [0.01, 0.05, 0.32, 0.9])
@pytest.mark.parametrize("statistic", ["qtilde", "q"])
def test_cls_at_a_limit_is_the_level(plane: ModelGroup, level: float, statistic: TestStatistic) -> None:
    rows = np.array([2, 3])
    found = upper_limits(plane, rows, level, 1e-5, statistic)
    for k, row in enumerate(rows):
        for column, mu in enumerate([found.upper_limit_obs[k], *found.upper_limit_exp[k]]):
            block = asymptotic_cls(plane, np.array([row]), float(mu), statistic)
            reached = block.CLs_obs[0] if column == 0 else block.CLs_exp[0, column - 1]
            assert reached == pytest.approx(level, rel=1e-4)


def test_limits_of_scaled_signals_scale(limits: LimitBlock) -> None:
    unit = limits.upper_limit_exp[2]
    np.testing.assert_allclose(limits.upper_limit_exp[3] * 4.0, unit, rtol=1e-4)
    np.testing.assert_allclose(limits.upper_limit_exp[4] * 500.0, unit, rtol=1e-4)
    np.testing.assert_allclose(limits.upper_limit_obs[[3, 4]] * [4.0, 500.0], limits.upper_limit_obs[2], rtol=1e-4)
    assert (np.diff(limits.upper_limit_exp[2:5]) > 0).all()


def test_limits_above_the_bound_are_not_extrapolated(limits: LimitBlock) -> None:
    assert limits.status[:2].tolist() == [PointStatus.OK] * 2
    assert limits.upper_limit_obs_status[0] == LimitStatus.ABOVE_BOUND
    assert (limits.upper_limit_exp_status[0] == LimitStatus.ABOVE_BOUND).all()
    assert np.isnan(limits.upper_limit_exp[0]).all()
    # Of the weak signal, the lower limits lie within the bounds and the upper ones outside.
    expected = limits.upper_limit_exp[2] / 0.3
    np.testing.assert_array_equal(limits.upper_limit_exp_status[1] == LimitStatus.OK, expected < 10.0)
    assert 0 < (expected < 10.0).sum() < 5
    np.testing.assert_allclose(limits.upper_limit_exp[1], np.where(expected < 10.0, expected, np.nan), rtol=1e-4)


def test_a_point_without_signal_has_no_limit(limits: LimitBlock) -> None:
    assert limits.status[-1] == PointStatus.NO_SIGNAL
    assert np.isnan(limits.upper_limit_obs[-1])
    assert limits.upper_limit_obs_status[-1] == LimitStatus.ABOVE_BOUND


def test_few_fits_are_needed(plane: ModelGroup, limits: LimitBlock) -> None:
    assert limits.n_fits < 36 * len(SCALES)
    # The common fits: one of the background, and two per point.
    assert limits.n_fits > 1 + 2 * len(SCALES)


def test_batches_give_what_single_points_give(plane: ModelGroup, limits: LimitBlock) -> None:
    alone = upper_limits(plane, np.array([3]))
    assert alone.upper_limit_obs[0] == pytest.approx(limits.upper_limit_obs[3], rel=1e-7)
    np.testing.assert_allclose(alone.upper_limit_exp[0], limits.upper_limit_exp[3], rtol=1e-7)


def test_expected_limits_alone(plane: ModelGroup, limits: LimitBlock) -> None:
    expected = upper_limits(plane, np.array([3]), observed=False)
    assert np.isnan(expected.upper_limit_obs[0])
    assert expected.upper_limit_obs_status.tolist() == [LimitStatus.NOT_RUN]
    np.testing.assert_allclose(expected.upper_limit_exp[0], limits.upper_limit_exp[3], rtol=1e-6)


def test_a_point_that_fails_says_why_and_disturbs_no_other() -> None:
    good = one_channel([52, 3], sample("bkg", [50.0, 2.0]), sample("signal", [5.0, 1.0], normfactor()))
    impossible = one_channel([52, 3], sample("bkg", [50.0, 0.0]), sample("signal", [5.0, 0.0], normfactor()))
    block = upper_limits(group_of(good, impossible), np.arange(2))
    assert block.status.tolist() == [PointStatus.OK, PointStatus.FAILED]
    assert re.match("background fit: ", block.reasons[1])
    assert np.isnan(block.upper_limit_exp[1]).all()
    assert (block.upper_limit_exp_status[1] == LimitStatus.NOT_RUN).all()
    assert np.isfinite(block.upper_limit_exp[0]).all()


WIDE = [{"name": "mu", "bounds": [[-2.0, 10.0]]}]
MODELS: dict[str, tuple[Spec, TestStatistic]] = {
    "two bins": (HELLO_WORLD, "qtilde"),
    "one bin": (ONE_BIN, "qtilde"),
    "excess": (counting(5, 20, 35, normsys("scale", 1.2, 0.9)), "qtilde"),
    "deficit": (counting(5, 20, 12, normsys("scale", 1.2, 0.9)), "qtilde"),
    "deficit, POI below zero": (counting(5, 20, 12, normsys("scale", 1.2, 0.9), parameters=WIDE), "q"),
    "coupled": (COUPLED, "qtilde"),
}


@pytest.mark.filterwarnings(PYHF_WARNING)
@pytest.mark.parametrize("name", MODELS)
def test_pyhf_finds_the_same_limits(name: str) -> None:
    spec, statistic = MODELS[name]
    codes: dict[str, Any] = {"normsys": {"interpcode": "code1" if name == "coupled" else "code4"}}
    measured = pyhf.Workspace(spec)
    model = measured.model(modifier_settings={"histosys": {"interpcode": "code4p"}, **codes})
    observed, expected = toms748_scan(measured.data(model), model, 0.1, 9.9, rtol=1e-6, test_stat=statistic)
    group = group_of(spec) if name != "coupled" else group_of(spec, codes=EARLY_CODES)
    block = upper_limits(group, np.arange(1), test_stat=statistic)
    # pyhf's minimiser is good to about 1e-5 in the parameters.
    assert block.upper_limit_obs[0] == pytest.approx(float(observed), rel=2e-4)
    np.testing.assert_allclose(block.upper_limit_exp[0], np.asarray(expected, dtype=float), rtol=2e-4)
