"""Impacts of a batch against single fits, cabinetry, and the sums that they have to make."""

from dataclasses import replace

import numpy as np
import pytest

from hfscale import Likelihood
from hfscale.inference.asimov import with_prefit_asimov
from hfscale.inference.measurement.best_fits import fit_points, rank_points
from hfscale.inference.measurement.grouping import group_component, group_impact
from hfscale.inference.measurement.overrides import FitOverrides
from hfscale.inference.measurement.results import SHIFTS, RankingBlock
from hfscale.inference.results import PointStatus
from hfscale.model.structure import ModelGroup
from tests.inference.measurement.models import measurement
from tests.models import PYHF_WARNING, group_of

ONE = np.array([0])


@pytest.fixture(scope="module")
def group() -> ModelGroup:
    return group_of(measurement(), background=measurement())


@pytest.fixture(scope="module")
def ranked(group: ModelGroup) -> RankingBlock:
    return rank_points(group, ONE)


def before(group: ModelGroup) -> dict[str, float]:
    """Uncertainties before the fit, from the numbers in the workspace."""
    return {
        "top": 0.0, "scale": 1.0, "jets": 1.0, "lumi": 0.02, "fakes[0]": 2.0 / 8.0, "fakes[1]": 1.5 / 6.0,
        "mc[0]": 2.5 / 50.0, "mc[1]": 2.0 / 30.0,
    }  # fmt: skip


def test_a_batch_is_what_single_fits_give(group: ModelGroup, ranked: RankingBlock) -> None:
    likelihood, names = Likelihood.from_workspace(measurement()), group.parameter_names
    assert likelihood.parameter_names == names
    poi, widths = names.index("mu"), before(group)
    assert set(names) == {"mu", *widths}
    for k, name in enumerate(names):
        if name == "mu":
            continue
        best, error = ranked.parameters_free[0, k], ranked.errors[0, k]
        shifts = (widths[name], -widths[name], error, -error)
        for impact, shift in zip(ranked.impact[0, :, k], shifts, strict=True):
            if shift == 0.0:
                assert impact == 0.0
                continue
            init, fixed = ranked.parameters_free[0].copy(), likelihood.suggested_fixed.copy()
            init[k], fixed[k] = best + shift, True
            single = likelihood.fit(init=init, fixed=fixed)
            assert impact == pytest.approx(single.parameters[poi] - ranked.parameters_free[0, poi], abs=1e-5)


@pytest.mark.filterwarnings(PYHF_WARNING, "ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_a_ranking_is_that_of_cabinetry(group: ModelGroup, ranked: RankingBlock) -> None:
    cabinetry = pytest.importorskip("cabinetry")
    model, data = cabinetry.model_utils.model_and_data(measurement())
    fitted = cabinetry.fit.fit(model, data, strategy=2, tolerance=1e-5)
    theirs = cabinetry.fit.ranking(model, data, fit_results=fitted, strategy=2, tolerance=1e-5)
    place = [group.parameter_names.index(name) for name in fitted.labels]
    np.testing.assert_allclose(ranked.parameters_free[0, place], fitted.bestfit, atol=1e-4)
    # MINUIT inverts the Hessian in variables that keep limits, which makes its errors up to 1 % smaller.
    np.testing.assert_allclose(ranked.errors[0, place], fitted.uncertainty, rtol=1e-2)
    np.testing.assert_allclose(ranked.correlation[0][np.ix_(place, place)], fitted.corr_mat, atol=5e-3)
    assert ranked.twice_nll_free[0] == pytest.approx(fitted.best_twice_nll, abs=1e-5)
    place = [group.parameter_names.index(name) for name in theirs.labels]
    for impact, name in zip(ranked.impact[0], SHIFTS, strict=True):
        np.testing.assert_allclose(impact[place], getattr(theirs, name), rtol=1e-2, atol=1e-3)


def test_impacts_stay_inside_bounds(group: ModelGroup, ranked: RankingBlock) -> None:
    k = group.parameter_names.index("jets")
    best = float(ranked.parameters_free[0, k])
    narrow = rank_points(group, ONE, FitOverrides(bounds={"jets": (best - 0.1, best + 5.0)}))
    shifted = fit_points(group, ONE, FitOverrides(fix={"jets": best - 0.1}))
    poi = group.parameter_names.index("mu")
    moved = shifted.parameters_free[0, poi] - narrow.parameters_free[0, poi]
    assert narrow.impact[0, 1, k] == pytest.approx(moved, abs=1e-5)
    assert narrow.impact[0, 3, k] == pytest.approx(moved, abs=1e-5)


def test_components_make_up_the_uncertainty_on_expected_data(group: ModelGroup) -> None:
    ranked = rank_points(with_prefit_asimov(group, 1.0), ONE)
    poi = group.parameter_names.index("mu")
    parts = np.append(ranked.component[0][~np.isnan(ranked.component[0])], ranked.component_data[0])
    assert np.sqrt((parts**2).sum()) == pytest.approx(ranked.errors[0, poi], rel=1e-7)
    # Parameters without auxiliary data have no component of their own: they are part of that of the data.
    without = [group.parameter_names[k] for k in np.flatnonzero(np.isnan(ranked.component[0]))]
    assert set(without) == {"mu", "top"}


@pytest.mark.parametrize("name", ["jets", "fakes[0]", "mc[1]", "lumi"])
def test_a_component_is_what_the_poi_moves_by_when_the_auxiliary_datum_does(group: ModelGroup, name: str) -> None:
    group = with_prefit_asimov(group, 1.0)
    ranked = rank_points(group, ONE)
    poi, k = group.parameter_names.index("mu"), group.parameter_names.index(name)
    column = int(np.argsort(group.order)[k])
    step, width = 0.02, before(group)[name]
    moved = []
    for sign in (1.0, -1.0):
        auxdata = group.points.auxdata.copy()
        # The auxiliary datum of a Poisson constraint is its factor tau = 1/width^2 times the parameter.
        auxdata[0, column] += sign * step * (1.0 / width if name.startswith("fakes") else width)
        shifted = replace(group, points=group.points._replace(auxdata=auxdata))
        moved.append(fit_points(shifted, ONE).parameters_free[0, poi])
    assert (moved[0] - moved[1]) / (2.0 * step) == pytest.approx(ranked.component[0, k], rel=1e-2, abs=1e-4)


def test_the_impact_of_a_group_is_what_freezing_it_takes_away(group: ModelGroup, ranked: RankingBlock) -> None:
    names, poi = group.parameter_names, group.parameter_names.index("mu")
    members = np.isin(names, ["jets", "mc[0]", "mc[1]"])
    best = {names[k]: float(ranked.parameters_free[0, k]) for k in np.flatnonzero(members)}
    frozen = fit_points(group, ONE, FitOverrides(fix=best)).errors[0, poi]
    expected = np.sqrt(ranked.errors[0, poi] ** 2 - frozen**2)
    assert group_impact(ranked.errors[0], ranked.correlation[0], poi, members) == pytest.approx(expected, rel=1e-5)
    assert group_component(ranked.component[0], members) == pytest.approx(
        np.sqrt((ranked.component[0, members] ** 2).sum())
    )


def test_freezing_everything_but_the_poi_leaves_nothing_of_a_perfect_correlation() -> None:
    errors, correlation = np.array([2.0, 1.0]), np.array([[1.0, 1.0], [1.0, 1.0]])
    assert group_impact(errors, correlation, 0, np.array([False, True])) == pytest.approx(2.0)
    assert group_impact(errors, np.eye(2), 0, np.array([False, True])) == 0.0
    assert np.isnan(group_impact(np.array([np.inf, 1.0]), correlation, 0, np.array([False, True])))


def test_points_without_signal_have_a_best_fit_and_no_impacts(group: ModelGroup) -> None:
    ranked = rank_points(replace(group, has_signal=np.array([False])), ONE)
    assert ranked.status[0] == PointStatus.NO_SIGNAL
    assert np.isnan(ranked.impact).all()
    assert np.isfinite(ranked.parameters_free).all()
