"""Profile likelihoods: against closed forms, pyhf and iminuit, with several minima, and for points of all kinds."""

from pathlib import Path
from typing import Any

import numpy as np
import pyhf
import pytest

import hfscale
from hfscale.errors import InputError, SelectionError
from hfscale.fit.status import FitStatus
from hfscale.inference.profile_scans import ProfileBlock, scan_profiles
from hfscale.inference.results import PointStatus
from hfscale.model.structure import ModelGroup
from hfscale.work.models import build_models
from hfscale.workspace import load_inputs
from tests.models import PYHF_WARNING, Spec, counting, group_of, histosys, modifier, normfactor, normsys, one_channel
from tests.models import sample as sample_of


def two_bins(signal: float = 5.0, *own: Spec) -> Spec:
    return one_channel(
        [58, 31],
        sample_of("signal", [signal, 1.6 * signal], normfactor(), normsys("a", 1.1, 0.92), *own),
        sample_of(
            "bkg",
            [50.0, 24.0],
            normsys("a", 1.2, 0.85),
            histosys("b", [54.0, 25.0], [47.0, 22.5]),
            modifier("shapesys", "u", [5.0, 3.0]),
        ),
    )


def scan(group: ModelGroup, *parameters: str, grids: Any = (None, None)) -> ProfileBlock:
    return scan_profiles(group, np.arange(len(group.members)), parameters, grids)


def minuit_t(spec: Spec, held: dict[str, float]) -> float:
    """Height of a profile above the free minimum, by iminuit."""
    minima = []
    for values in (held, {}):
        minuit = hfscale.Likelihood.from_workspace(spec).cost().minuit()
        minuit.tol, minuit.strategy = 1e-6, 2
        for name, value in values.items():
            minuit.values[name], minuit.fixed[name] = value, True
        minima.append(minuit.migrad().fval)
    return float(minima[0] - minima[1])


def test_a_counting_experiment_in_closed_form() -> None:
    cases = [(5.0, 50.0, 58.0), (9.0, 20.0, 22.0), (4.0, 30.0, 25.0)]
    values = np.linspace(0.0, 4.0, 9)
    block = scan(group_of(*(counting(s, b, n) for s, b, n in cases)), "mu", grids=[values.tolist()])
    for (s, b, n), t in zip(cases, block.t, strict=True):
        best = max((n - b) / s, 0.0)
        nll = [2.0 * (s * mu + b - n * np.log(s * mu + b)) for mu in (*values, best)]
        assert t == pytest.approx(np.array(nll[:-1]) - nll[-1], abs=1e-9)
    assert block.best_fit[:, 0] == pytest.approx([1.6, 2.0 / 9.0, 0.0], abs=1e-5)
    assert block.error[0, 0] == pytest.approx(np.sqrt(58.0) / 5.0, rel=1e-5)
    assert block.status.tolist() == [PointStatus.OK] * 3


@pytest.mark.filterwarnings(PYHF_WARNING)
def test_one_parameter_against_pyhf() -> None:
    spec = two_bins()
    measured = pyhf.Workspace(spec)
    model, values = measured.model(), [-2.5, -1.0, 0.0, 1.3, 3.0]
    data, place = measured.data(model), model.config.par_names.index("b")
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-12))
    try:
        minima = []
        for value in values:
            init, fixed = model.config.suggested_init(), model.config.suggested_fixed()
            init[place], fixed[place] = value, True
            fitted = pyhf.infer.mle.fit(data, model, init, fixed_params=fixed, return_fitted_val=True)
            minima.append(float(fitted[1]))
        free = float(pyhf.infer.mle.fit(data, model, return_fitted_val=True)[1])
    finally:
        pyhf.set_backend("numpy")
    block = scan(group_of(spec), "b", grids=[values])
    assert block.t[0] == pytest.approx(np.array(minima) - free, abs=1e-5)
    assert block.twice_nll_free[0] == pytest.approx(free, abs=1e-5)


def test_two_parameters_against_iminuit() -> None:
    spec, first, second = two_bins(), [0.2, 1.0, 2.5], [-1.0, 0.5]
    block = scan(group_of(spec), "mu", "a", grids=[first, second])
    expected = [[minuit_t(spec, {"mu": mu, "a": a}) for a in second] for mu in first]
    assert block.t[0] == pytest.approx(np.array(expected), abs=1e-5)
    assert [axis.tolist() for axis in block.values] == [[first], [second]]


@pytest.mark.parametrize("name", ["mu", "b", "u[1]"])
def test_the_default_grid_covers_three_uncertainties(name: str) -> None:
    spec = two_bins()
    block = scan(group_of(spec), name)
    likelihood = hfscale.Likelihood.from_workspace(spec)
    place, fit = likelihood.parameter_names.index(name), likelihood.fit()
    best, error = fit.parameters[place], fit.errors[place]
    assert block.best_fit[0, 0] == pytest.approx(best, abs=1e-4)
    assert block.error[0, 0] == pytest.approx(error, rel=1e-3)
    (values,) = block.values
    assert values.shape == (1, 31)
    lower, upper = likelihood.suggested_bounds[place]
    ends = [max(best - 3.0 * block.error[0, 0], lower), min(best + 3.0 * block.error[0, 0], upper)]
    assert values[0, [0, -1]] == pytest.approx(ends, abs=1e-3)
    assert block.t[0].min() < 0.05
    inside = [k for k in (0, 30) if lower < values[0, k] < upper]
    assert all(4.0 < block.t[0, k] < 20.0 for k in inside)


def test_two_default_grids() -> None:
    block = scan(group_of(two_bins(), two_bins(6.0)), "a", "b")
    assert block.t.shape == (2, 21, 21)
    assert (block.t >= 0.0).all()
    assert block.t.min(axis=(1, 2)) == pytest.approx([0.0, 0.0], abs=1e-6)
    alone = scan(group_of(two_bins(6.0)), "a", "b")
    assert block.t[1] == pytest.approx(alone.t[0], abs=1e-6)


def test_the_lowest_of_several_minima_is_found() -> None:
    shifts = histosys("up", [80.0, 75.0], [70.0, 95.0])
    spec = one_channel(
        [75.0, 95.0], sample_of("signal", [6.0, 12.0], normfactor()), sample_of("bkg", [40.0, 55.0], shifts)
    )
    values = np.linspace(0.0, 5.0, 26)
    block = scan(group_of(spec), "mu", grids=[values.tolist()])
    likelihood = hfscale.Likelihood.from_workspace(spec)
    places = np.stack(np.meshgrid(values, np.linspace(-5.0, 5.0, 4001), indexing="ij"), axis=-1)
    order = [likelihood.parameter_names.index(name) for name in ("mu", "up")]
    heights = -2.0 * likelihood.logpdf(places[..., np.argsort(order)])
    lowest = heights.min(axis=1)
    # On both sides of 0 there is a minimum, each the lower one at some values.
    sides = np.sign(places[0, heights.argmin(axis=1), 1])
    assert {-1.0, 1.0} == set(sides)
    assert block.t[0] + block.twice_nll_free[0] == pytest.approx(lowest, abs=1e-3)


def test_points_of_all_kinds() -> None:
    background = one_channel([0.0, 0.0], two_bins()["channels"][0]["samples"][1])
    specs = [two_bins(), two_bins(0.0), two_bins(5.0, normsys("own", 1.1, 0.9))]
    group = group_of(*specs, background=background)
    block = scan(group, "mu", grids=[[0.5, 1.0]])
    assert block.status.tolist() == [PointStatus.OK, PointStatus.NO_SIGNAL, PointStatus.OK]
    assert np.isnan(block.t).all(axis=1).tolist() == [False, True, False]
    own = scan(group, "own", grids=[[0.5, 1.0]])
    assert own.status.tolist() == [PointStatus.FAILED, PointStatus.FAILED, PointStatus.OK]
    assert own.reasons == ("the point has no parameter 'own'", "the point has no parameter 'own'", "")
    assert (own.fit_status[0] == FitStatus.NOT_RUN).all()
    shared = scan(group, "a", grids=[[0.5, 1.0]])
    assert shared.status.tolist() == [PointStatus.OK] * 3
    assert shared.t[1] == pytest.approx([minuit_t(specs[1], {"a": a}) for a in (0.5, 1.0)], abs=1e-5)
    assert np.isnan(shared.parameters_free[0, group.parameter_names.index("own")])


def test_a_fixed_parameter_is_no_direction() -> None:
    spec = two_bins()
    spec["measurements"][0]["config"]["parameters"].append({"name": "b", "fixed": True})
    block = scan(group_of(spec), "b")
    assert block.status.tolist() == [PointStatus.FAILED]
    assert block.reasons == ("the measurement fixes the parameter 'b'",)
    assert block.n_fits == 0


@pytest.mark.parametrize(
    ("parameters", "grids", "told"),
    [
        (("c",), (None,), "'c' is no parameter"),
        (("a", "a"), (None, None), "of a, a cannot"),
        ((), (), "of no parameter cannot"),
        (("a", "b", "mu"), (None,) * 3, "of a, b, mu cannot"),
        (("mu",), ([1.0, 12.0],), r"'mu' has no values, or some outside its bounds \[0, 10\]"),
        (("mu",), ([],), "'mu' has no values"),
    ],
)
def test_what_cannot_be_scanned(parameters: tuple[str, ...], grids: tuple[Any, ...], told: str) -> None:
    with pytest.raises((SelectionError, InputError), match=told):
        scan(group_of(two_bins()), *parameters, grids=grids)


@pytest.mark.data
@pytest.mark.slow
def test_published_points_against_iminuit(shared_data: Path) -> None:
    inputs = load_inputs(shared_data / "sbottom-RegionA.tar.gz", points=["sbottom_1300_205_60", "sbottom_900_*_60"])
    (group,) = build_models(inputs)
    block = scan(group, "mu_ttbar")
    assert (block.status == PointStatus.OK).all()
    assert (block.fit_status != FitStatus.NOT_CONVERGED).all()
    likelihood = hfscale.Likelihood.from_workspace(inputs.workspace, patch=inputs.points[0])
    minuit = likelihood.cost().minuit(block.parameters_free[0])
    minuit.tol, minuit.strategy = 1e-4, 0
    minuit.fixed["mu_ttbar"] = True
    for place in (0, 8, 15, 22, 30):
        minuit.values = block.parameters_free[0]
        minuit.values["mu_ttbar"] = block.values[0][0, place]
        found = minuit.migrad().fval - block.twice_nll_free[0]
        # iminuit may end in a higher minimum; hfscale's may not be higher.
        assert block.t[0, place] < found + 1e-4
        assert block.t[0, place] == pytest.approx(found, abs=0.1)


def test_places_without_a_minimum_do_not_cost_the_others_theirs() -> None:
    # Rates are negative below -2.5, where there is no likelihood.
    background = sample_of("bkg", [10.0], normsys("a", 1.02, 0.98))
    spec = one_channel([11.0], sample_of("signal", [4.0], normfactor()), background)
    spec["measurements"][0]["config"]["parameters"] = [{"name": "mu", "bounds": [[-10.0, 10.0]]}]
    values = np.linspace(-8.0, 6.0, 29)
    for tolerance in (None, 0.01):
        block = scan_profiles(group_of(spec), np.array([0]), ("mu",), [values.tolist()], tolerance)
        fitted = block.fit_status[0] != FitStatus.NOT_RUN
        known = np.isfinite(block.t[0])
        assert not known[values < -3.0].any()
        assert known[fitted & (values > -2.0)].all()
        assert known.sum() > 8
