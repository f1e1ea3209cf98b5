"""CLs of blocks of points: shared fits, points without signal, points that fail, values that cannot be tested."""

import numpy as np
import pytest

from hfscale.fit.status import FitStatus
from hfscale.inference.asymptotics import TestStatistic
from hfscale.inference.cls import asymptotic_cls
from hfscale.inference.fits import fit_hypotheses
from hfscale.inference.results import CLsBlock, PointStatus
from hfscale.model.structure import ModelGroup
from tests.models import (
    Spec,
    cls_of,
    group_of,
    histosys,
    modifier,
    normfactor,
    normsys,
    one_channel,
    position,
    sample,
    shapesys_model,
)

STAT = modifier("staterror", "stat", [3.0, 2.0])
BACKGROUND = one_channel(
    [52, 27],
    sample("ttbar", [40.0, 20.0], normsys("JES", 1.15, 0.9), STAT),
    sample("Wjets", [12.0, 9.0], histosys("JES", [13.0, 8.5], [11.0, 9.5]), modifier("shapesys", "mc", [2.0, 3.0])),
)


def point(*signals: Spec, observed: tuple[float, float] = (52, 27)) -> Spec:
    return one_channel(observed, *BACKGROUND["channels"][0]["samples"], *signals)


def signal(name: str, *rates: float) -> Spec:
    return sample(name, rates, normfactor(), normsys("JES", 1.1, 0.95))


PLANE = [point(signal(f"m{k}", 3.0 * k, 20.0 - 3 * k)) for k in range(1, 6)]


@pytest.fixture(scope="module")
def plane() -> ModelGroup:
    return group_of(*PLANE, background=BACKGROUND)


def all_rows(group: ModelGroup) -> np.ndarray:
    return np.arange(len(group.members))


def assert_same_cls(found: CLsBlock, rows: list[int], expected: CLsBlock) -> None:
    np.testing.assert_allclose(found.CLs_obs[rows], expected.CLs_obs, rtol=1e-8)
    np.testing.assert_allclose(found.CLs_exp[rows], expected.CLs_exp, rtol=1e-8)


def test_background_fits_are_shared(plane: ModelGroup) -> None:
    fits = fit_hypotheses(plane, all_rows(plane), 1.0)
    assert fits.n_fits == 1 + 4 * len(PLANE)
    assert (fits.background.nll == fits.background.nll[0]).all()


def test_shared_fits_give_what_separate_fits_give(plane: ModelGroup) -> None:
    together = asymptotic_cls(plane, all_rows(plane), 1.0)
    for k, spec in enumerate(PLANE):
        assert_same_cls(together, [k], cls_of(spec, background=BACKGROUND))


def test_other_data_are_another_background_fit() -> None:
    specs = [PLANE[0], PLANE[1], point(signal("m9", 5.0, 5.0), observed=(40, 20))]
    group = group_of(*specs, background=BACKGROUND)
    assert fit_hypotheses(group, all_rows(group), 1.0).n_fits == 2 + 4 * 3


def test_a_signal_in_the_staterror_changes_the_background_model() -> None:
    joined = sample("m9", [5.0, 5.0], normfactor(), modifier("staterror", "stat", [1.0, 1.0]))
    group = group_of(PLANE[0], point(joined), background=BACKGROUND)
    fits = fit_hypotheses(group, all_rows(group), 1.0)
    assert fits.n_fits == 2 + 4 * 2
    assert_same_cls(asymptotic_cls(group, all_rows(group), 1.0), [1], cls_of(point(joined), background=BACKGROUND))


def test_a_subset_of_points_gives_the_same_numbers(plane: ModelGroup) -> None:
    everything = asymptotic_cls(plane, all_rows(plane), 1.0)
    part = asymptotic_cls(plane, np.array([3, 1]), 1.0)
    assert_same_cls(everything, [3, 1], part)


def test_asimov_parameters_are_the_free_minimum_on_asimov_data(plane: ModelGroup) -> None:
    fits = fit_hypotheses(plane, all_rows(plane), 1.0)
    assert fits.asimov_free.succeeded.all()
    assert (fits.asimov_free.edm < 1e-10).all()
    np.testing.assert_allclose(fits.asimov_free.theta, fits.background.theta, atol=1e-6)
    np.testing.assert_allclose(fits.asimov_free.rates, fits.background.rates, rtol=1e-7)


def test_a_point_without_signal_is_not_excluded(plane: ModelGroup) -> None:
    block = cls_of(PLANE[0], point(), point(signal("m9", 0.0, 0.0)), background=BACKGROUND)
    assert block.status.tolist() == [PointStatus.OK, PointStatus.NO_SIGNAL, PointStatus.NO_SIGNAL]
    assert block.CLs_obs[1:].tolist() == [1.0, 1.0]
    assert (block.CLs_exp[1:] == 1.0).all()
    assert block.reasons == ("", "", "")
    assert_same_cls(block, [0], asymptotic_cls(plane, np.array([0]), 1.0))


def test_a_block_may_have_no_signal_at_all() -> None:
    block = cls_of(point(), background=BACKGROUND)
    assert block.status.tolist() == [PointStatus.NO_SIGNAL]
    assert block.CLs_obs.tolist() == [1.0]
    assert block.n_fits == 0


def impossible() -> Spec:
    """Three events in a bin where neither the background nor the signal expects any."""
    return one_channel([52, 3], sample("bkg", [50.0, 0.0], normsys("JES", 1.1, 0.9)), signal("m7", 5.0, 0.0))


def test_a_point_that_fails_says_why_and_disturbs_no_other() -> None:
    good = one_channel([52, 3], sample("bkg", [50.0, 2.0], normsys("JES", 1.1, 0.9)), signal("m8", 5.0, 1.0))
    block = cls_of(good, impossible(), good)
    assert block.status.tolist() == [PointStatus.OK, PointStatus.FAILED, PointStatus.OK]
    assert FitStatus.NOT_FINITE.advice in block.reasons[1]
    assert block.reasons[1].startswith("background fit: ")
    assert block.reasons[0] == block.reasons[2] == ""
    assert np.isnan(block.CLs_obs[1])
    assert np.isnan(block.CLs_exp[1]).all()
    assert block.fit_status_background.tolist()[1] == FitStatus.NOT_FINITE
    assert_same_cls(block, [0], cls_of(good))
    assert_same_cls(block, [2], cls_of(good))


def test_only_failing_points_give_only_reasons() -> None:
    block = cls_of(impossible())
    assert block.status.tolist() == [PointStatus.FAILED]
    assert block.reasons[0]


@pytest.mark.parametrize("statistic", ["q", "qtilde"])
def test_a_mu_hat_above_the_tested_value_is_no_evidence_against_it(statistic: TestStatistic) -> None:
    block = cls_of(shapesys_model((10,), (50,), (3,), (75,)), test_stat=statistic)
    assert block.mu_hat[0] > 1.0
    assert block.q[0] == 0.0
    assert block.CLs_obs[0] > 0.5


def test_cls_falls_with_the_tested_value(plane: ModelGroup) -> None:
    values = [asymptotic_cls(plane, np.array([2]), mu).CLs_obs[0] for mu in (0.25, 0.5, 1.0, 2.0, 4.0)]
    assert (np.diff(values) < 0).all()


def test_minima_are_ordered_and_parameters_are_named(plane: ModelGroup) -> None:
    block = asymptotic_cls(plane, all_rows(plane), 1.0)
    assert (block.twice_nll_free <= block.twice_nll_conditional + 1e-9).all()
    assert (block.twice_nll_free <= block.twice_nll_background + 1e-9).all()
    assert (block.twice_nll_asimov_free <= block.twice_nll_asimov + 1e-9).all()
    np.testing.assert_allclose(block.q_asimov, block.twice_nll_asimov - block.twice_nll_asimov_free, atol=1e-9)
    mu = plane.parameter_names.index("mu")
    assert (block.parameters_background[:, mu] == 0.0).all()
    assert (block.parameters_conditional[:, mu] == 1.0).all()
    assert (block.parameters_asimov[:, mu] == 1.0).all()
    np.testing.assert_array_equal(block.parameters_free[:, mu], block.mu_hat)
    assert (block.mu_hat_error > 0).all()


def test_parameters_that_a_point_lacks_are_not_a_number() -> None:
    own = sample("m9", [5.0, 5.0], normfactor(), normsys("JES", 1.1, 0.95), normsys("ISR", 1.2, 0.9))
    group = group_of(PLANE[0], point(own), background=BACKGROUND)
    block = asymptotic_cls(group, all_rows(group), 1.0)
    column = group.parameter_names.index("ISR")
    assert np.isnan(block.parameters_free[0, column])
    assert np.isfinite(block.parameters_free[1]).all()
    assert group.present[0, position(group, "JES")]
