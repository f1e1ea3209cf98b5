"""Fits and rankings against cabinetry: its published numbers, and the program itself beside ours on a real search.

Published numbers are those of cabinetry's own tests (tests/fit/test_fit.py), made with MINUIT. Values are good to 1e-5,
errors to 2e-3, because MINUIT inverts the Hessian in variables of its own: the relative error of one Poisson count of
51.8 is one over its root to all digits, of which the published one is 2.5e-4 short.
"""

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hfscale import Likelihood
from hfscale.inference.measurement.best_fits import fit_points, rank_points
from hfscale.inference.measurement.overrides import FitOverrides
from hfscale.inference.measurement.results import FitBlock, MinosStatus, ParameterStatus
from hfscale.likelihood import CostFunction
from hfscale.model.structure import ModelGroup
from hfscale.work.models import build_models
from hfscale.workspace import load_inputs
from hfscale.workspace.patches import patched_workspace
from tests.models import PYHF_WARNING, Spec, group_of, modifier, normfactor, sample, workspace

ONE = np.array([0])
FREE_POI = FitOverrides(bounds={"mu_SIG": (-5.0, 10.0)})


def signal(channel: str, yields: list[float], uncertainties: list[float]) -> Spec:
    name = f"staterror_{channel}"
    return sample("Signal", yields, modifier("staterror", name, uncertainties), normfactor("Signal strength"))


def one_bin(observed: float) -> Spec:
    held = {"name": "staterror_Signal-Region", "fixed": True, "inits": [1.1]}
    channels = {"Signal Region": [signal("Signal-Region", [51.8], [2.6])]}
    return workspace(channels, {"Signal Region": [observed]}, [held], poi="Signal strength")


def several_bins() -> Spec:
    channels = {
        "region_1": [signal("region_1", [25.0, 5.0], [5.0, 2.0])],
        "region_2": [signal("region_2", [8.0], [1.0])],
    }
    return workspace(channels, {"region_1": [35.0, 8.0], "region_2": [10.0]}, poi="Signal strength")


def fit(spec: Spec, **overrides: Any) -> tuple[FitBlock, list[int]]:
    """The fit, and the positions of its parameters in cabinetry's order."""
    group = group_of(spec, background=spec)
    labels = sorted(group.parameter_names)
    return fit_points(group, ONE, FitOverrides(**overrides)), [group.parameter_names.index(name) for name in labels]


@pytest.mark.parametrize(
    ("observed", "value", "error", "twice_nll"),
    [(475.0, 8.33624084, 0.38182003, 7.82495235), (51.8, 0.90917877, 0.12628017, 5.61189476)],
)
def test_one_bin_with_a_held_factor(observed: float, value: float, error: float, twice_nll: float) -> None:
    block, order = fit(one_bin(observed))
    assert block.parameters_free[0, order] == pytest.approx([value, 1.1], rel=1e-4)
    assert block.errors[0, order] == pytest.approx([error, 0.0], rel=2e-3)
    assert block.twice_nll_free[0] == pytest.approx(twice_nll, rel=1e-6)
    assert block.correlation[0][np.ix_(order, order)].tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_several_bins_with_held_components() -> None:
    block, order = fit(several_bins(), fix={"staterror_region_1[0]": 0.9, "staterror_region_1[1]": 1.1})
    assert block.parameters_free[0, order] == pytest.approx([1.48041923, 0.9, 1.1, 0.97511112], rel=1e-4)
    assert block.errors[0, order] == pytest.approx([0.20694409, 0.0, 0.0, 0.11792805], rel=1e-3, abs=1e-12)
    assert block.twice_nll_free[0] == pytest.approx(10.4531891, rel=1e-6)


def test_several_bins_with_all_parameters_free() -> None:
    block, _ = fit(several_bins())
    assert block.twice_nll_free[0] == pytest.approx(9.964913, abs=1e-5)


def test_a_poi_that_its_bounds_stop() -> None:
    block, order = fit(one_bin(475.0), bounds={"Signal strength": (0.0, 5.0)})
    assert block.parameters_free[0, order].tolist() == [5.0, 1.1]
    assert block.parameter_status[0, order[0]] == ParameterStatus.AT_UPPER_BOUND


@pytest.fixture(scope="module")
def region(shared_data: Path) -> tuple[Spec, ModelGroup]:
    """A point of RegionA: its workspace and its model, in which the signal may be negative."""
    inputs = load_inputs(shared_data / "sbottom-RegionA.tar.gz", points=["sbottom_1300_205_60"])
    spec = patched_workspace(inputs, inputs.points[0])
    (group,) = build_models(load_inputs(spec))
    return spec, group


@pytest.mark.data
@pytest.mark.slow
def test_minos_errors_of_20_parameters_of_a_search_are_those_of_iminuit(region: tuple[Spec, ModelGroup]) -> None:
    spec, group = region
    names, ranked = group.parameter_names, rank_points(group, ONE, FREE_POI)
    largest = np.argsort(-np.abs(ranked.impact[0, 2:]).max(axis=0))[:20]
    chosen = [names[k] for k in largest]
    ours = fit_points(group, ONE, FREE_POI, chosen)
    cost = Likelihood.from_workspace(spec).cost()
    minuit = _minimised(cost, {})
    assert ours.twice_nll_free[0] == pytest.approx(minuit.fval, abs=1e-6)
    minuit.minos(*chosen)
    assert all(minuit.merrors[name].is_valid for name in chosen)
    ends = {name: (minuit.merrors[name].lower, minuit.merrors[name].upper) for name in chosen}
    for name, theirs in ends.items():
        k = names.index(name)
        assert ours.minos_status[0, :, k].tolist() == [MinosStatus.OK] * 2
        for end, other in zip(ours.minos[0, :, k], theirs, strict=True):
            if abs(end - other) > 1e-4 * ours.errors[0, k]:
                # MINUIT stops where the rise is 1 to about 1e-3. Its own minimum with the parameter held tells.
                best = ours.parameters_free[0, k]
                held = [_minimised(cost, {name: best + place}, np.array(minuit.values)) for place in (end, other)]
                rises = [one.fval - minuit.fval for one in held]
                assert abs(np.sqrt(rises[0]) - 1.0) < 1e-4
                assert abs(np.sqrt(rises[0]) - 1.0) < abs(np.sqrt(rises[1]) - 1.0)


def _minimised(cost: CostFunction, held: dict[str, float], init: Any = None) -> Any:
    """MINUIT's minimum, with a negative signal allowed and some parameters held."""
    minuit = cost.minuit(init)
    minuit.limits["mu_SIG"] = (-5.0, 10.0)
    for name, value in held.items():
        minuit.values[name], minuit.fixed[name] = value, True
    minuit.strategy, minuit.tol = 2, 1e-6
    minuit.migrad()
    return minuit


@pytest.mark.data
@pytest.mark.peer
@pytest.mark.filterwarnings(PYHF_WARNING, "ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_a_search_is_ranked_as_by_cabinetry(region: tuple[Spec, ModelGroup]) -> None:
    """Within the accuracy of MINUIT with numerical derivatives: 1 % of an uncertainty."""
    cabinetry = pytest.importorskip("cabinetry")
    spec, group = region
    names, ranked = group.parameter_names, rank_points(group, ONE, FREE_POI)
    model, data = cabinetry.model_utils.model_and_data(spec)
    bounds = model.config.suggested_bounds()
    bounds[model.config.poi_index] = (-5.0, 10.0)
    with contextlib.redirect_stderr(io.StringIO()):
        fitted = cabinetry.fit.fit(model, data, par_bounds=bounds)
    place = [names.index(name) for name in fitted.labels]
    errors = ranked.errors[0, place]
    assert ranked.twice_nll_free[0] <= fitted.best_twice_nll + 1e-6
    assert ranked.twice_nll_free[0] == pytest.approx(fitted.best_twice_nll, abs=1e-3)
    assert (np.abs(ranked.parameters_free[0, place] - fitted.bestfit)[errors > 0] < 1e-2 * errors[errors > 0]).all()
    # MINUIT inverts the Hessian in variables that keep limits.
    np.testing.assert_allclose(errors, fitted.uncertainty, rtol=2e-2)
    np.testing.assert_allclose(ranked.correlation[0][np.ix_(place, place)], fitted.corr_mat, atol=5e-3)
    poi, largest = names.index("mu_SIG"), int(np.argmax(np.abs(ranked.impact[0, 2:]).max(axis=0)))
    k = fitted.labels.index(names[largest])
    for shift, impact in zip((1, -1, errors[k], -errors[k]), ranked.impact[0, :, largest], strict=True):
        init, fixed = list(fitted.bestfit), model.config.suggested_fixed()
        init[k], fixed[k] = fitted.bestfit[k] + shift, True
        moved = cabinetry.fit.fit(model, data, init_pars=init, fix_pars=fixed, par_bounds=bounds)
        value = moved.bestfit[model.config.poi_index] - fitted.bestfit[model.config.poi_index]
        assert impact == pytest.approx(value, abs=1e-2 * ranked.errors[0, poi])
