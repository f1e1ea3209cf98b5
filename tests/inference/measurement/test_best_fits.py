"""Best fits against closed forms and iminuit."""

import numpy as np
import pytest

from hfscale import Likelihood
from hfscale.fit.status import FitStatus
from hfscale.inference.measurement.best_fits import fit_points
from hfscale.inference.measurement.minima import free_minima, with_covariance
from hfscale.inference.measurement.minos import minos_errors
from hfscale.inference.measurement.overrides import FitOverrides, columns_of, overridden
from hfscale.inference.measurement.ranking import impacts
from hfscale.inference.measurement.results import FitBlock, MinosStatus, ParameterStatus
from hfscale.inference.results import PointStatus
from hfscale.model.structure import ModelGroup
from tests.inference.measurement.models import measurement
from tests.models import Spec, group_of, modifier, normfactor, normsys, one_channel, sample

ONE = np.array([0])


@pytest.fixture(scope="module")
def group() -> ModelGroup:
    return group_of(measurement(), background=measurement())


@pytest.fixture(scope="module")
def fitted(group: ModelGroup) -> FitBlock:
    return fit_points(group, ONE, minos=["all"])


def alone(spec: Spec) -> ModelGroup:
    return group_of(spec, background=spec)


def fit(spec: Spec, minos: tuple[str, ...] = (), **overrides: object) -> tuple[FitBlock, dict[str, int]]:
    group = alone(spec)
    block = fit_points(group, ONE, FitOverrides(**overrides), minos)  # type: ignore[arg-type]
    return block, {name: k for k, name in enumerate(group.parameter_names)}


def test_a_counting_experiment_has_the_poisson_error() -> None:
    block, place = fit(one_channel([65.0], sample("signal", [60.0], normfactor())), minos=("mu",))
    k = place["mu"]
    assert block.parameters_free[0, k] == pytest.approx(65.0 / 60.0, rel=1e-7)
    assert block.errors[0, k] == pytest.approx(np.sqrt(65.0) / 60.0, rel=1e-6)
    for side in (0, 1):
        rate = 65.0 + 60.0 * block.minos[0, side, k]
        assert 2.0 * (rate - 65.0 - 65.0 * np.log(rate / 65.0)) == pytest.approx(1.0, abs=1e-6)


def test_values_errors_correlations_and_minos_are_those_of_iminuit(group: ModelGroup, fitted: FitBlock) -> None:
    minuit = Likelihood.from_workspace(measurement()).cost().minuit()
    minuit.strategy, minuit.tol = 2, 1e-4
    minuit.migrad()
    minuit.minos()
    names = group.parameter_names
    assert minuit.parameters == names
    ends = np.array([[minuit.merrors[name].lower, minuit.merrors[name].upper] for name in names]).T
    # With limits, MINUIT inverts the Hessian in variables of its own: its errors of parameters with width 1 and limits
    # at 5 are 0.7 % smaller than those from the Hessian in the parameters themselves.
    minuit.limits = [(-np.inf, np.inf)] * len(names)
    minuit.hesse()
    errors = np.array(minuit.errors)
    np.testing.assert_allclose(fitted.errors[0], errors, rtol=1e-3)
    assert (np.abs(fitted.parameters_free[0] - np.array(minuit.values)) < 1e-4 * errors).all()
    np.testing.assert_allclose(fitted.correlation[0], minuit.covariance.correlation(), atol=1e-3)
    assert (np.abs(fitted.minos[0] - ends) / errors).max() < 1e-4
    assert (fitted.minos_status[0] == MinosStatus.OK).all()
    assert fitted.twice_nll_free[0] == pytest.approx(minuit.fval, abs=1e-6)
    assert fitted.parameter_status[0].tolist() == [ParameterStatus.FREE] * len(names)


def test_held_parameters_have_no_error_and_others_the_conditional_one(group: ModelGroup, fitted: FitBlock) -> None:
    names = group.parameter_names
    k, poi = names.index("jets"), names.index("mu")
    held = fit_points(group, ONE, FitOverrides(fix={"jets": float(fitted.parameters_free[0, k])}))
    assert held.parameter_status[0, k] == ParameterStatus.FIXED
    assert held.errors[0, k] == 0.0
    np.testing.assert_allclose(held.parameters_free, fitted.parameters_free, atol=1e-5)
    conditional = fitted.errors[0, poi] * np.sqrt(1.0 - fitted.correlation[0, poi, k] ** 2)
    assert held.errors[0, poi] == pytest.approx(conditional, rel=1e-5)


def test_the_name_of_a_parameter_stands_for_all_its_components(group: ModelGroup) -> None:
    held = fit_points(group, ONE, FitOverrides(fix={"mc": 1.02}))
    both = [group.parameter_names.index(f"mc[{i}]") for i in (0, 1)]
    assert held.parameters_free[0, both].tolist() == [1.02, 1.02]


def test_bounds_that_stop_a_parameter_leave_the_others_as_if_it_were_fixed(group: ModelGroup) -> None:
    poi = group.parameter_names.index("mu")
    stopped = fit_points(group, ONE, FitOverrides(bounds={"mu": (-5.0, 0.1)}), ["mu"])
    fixed = fit_points(group, ONE, FitOverrides(fix={"mu": 0.1}))
    assert stopped.parameters_free[0, poi] == 0.1
    assert stopped.parameter_status[0, poi] == ParameterStatus.AT_UPPER_BOUND
    assert stopped.fit_status_free[0] == FitStatus.AT_BOUND
    np.testing.assert_allclose(stopped.errors, fixed.errors, atol=1e-7)
    assert stopped.minos_status[0, :, poi].tolist() == [MinosStatus.OK, MinosStatus.AT_BOUND]
    assert stopped.minos[0, 1, poi] == 0.0
    assert stopped.minos[0, 0, poi] < 0.0


def test_a_minos_error_ends_at_a_bound() -> None:
    block, place = fit(one_channel([65.0], sample("s", [60.0], normfactor())), ("mu",), bounds={"mu": (1.0, 10.0)})
    k = place["mu"]
    assert block.minos_status[0, :, k].tolist() == [MinosStatus.AT_BOUND, MinosStatus.OK]
    assert block.minos[0, 0, k] == pytest.approx(1.0 - 65.0 / 60.0, abs=1e-6)


def test_directions_in_which_nothing_changes_are_named_and_harm_no_others() -> None:
    both = (normfactor("a"), normfactor("b"))
    spec = one_channel([30.0, 20.0], sample("s", [5.0, 0.0], normfactor()), sample("b", [20.0, 20.0], *both))
    block, place = fit(spec)
    status = block.parameter_status[0]
    assert [status[place[name]] for name in ("a", "b")] == [ParameterStatus.FLAT] * 2
    assert status[place["mu"]] == ParameterStatus.FREE
    assert np.isinf(block.errors[0, [place["a"], place["b"]]]).all()
    held, place = fit(spec, fix={"a": 1.0})
    assert block.errors[0, place["mu"]] == pytest.approx(held.errors[0, place["mu"]], rel=1e-4)


def test_samples_with_negative_yields_are_named() -> None:
    shrinking = modifier("histosys", "shift", {"hi_data": [-4.0, 9.0], "lo_data": [10.0, 11.0]})
    spec = one_channel(
        [4.0, 8.0], sample("signal", [1.0, 1.0], normfactor()), sample("thin", [3.0, 10.0], shrinking),
        sample("thick", [12.0, 1.0], normsys("norm", 1.01, 0.99)),
    )  # fmt: skip
    block, _ = fit(spec)
    (text,) = block.remarks[0]
    assert "thin in bin 0 (-" in text
    assert "SR" in text
    assert "thick" not in text


def test_a_signal_below_zero_is_no_negative_yield(fitted: FitBlock) -> None:
    assert not fitted.remarks
    block, place = fit(one_channel([5.0], sample("s", [4.0], normfactor()), sample("b", [9.0])), bounds={"mu": (-5, 5)})
    assert block.parameters_free[0, place["mu"]] == pytest.approx(-1.0)
    assert not block.remarks


def test_the_lowest_of_several_minima_is_found() -> None:
    # Shifts up and down both raise the rate, a little more on one side: the fit starts between two minima.
    spec = one_channel(
        [80.0, 55.0], sample("signal", [0.5, 0.5], normfactor()),
        sample("b", [50.0, 50.0], modifier("histosys", "odd", {"hi_data": [62.0, 50.5], "lo_data": [62.0, 51.5]})),
        parameters=[{"name": "mu", "bounds": [[0.0, 0.1]], "inits": [0.0]}],
    )  # fmt: skip
    likelihood = Likelihood.from_workspace(spec)
    values = np.stack(np.meshgrid([0.0, 0.1], np.linspace(-5, 5, 2001), indexing="ij"), axis=-1)
    place = [likelihood.parameter_names.index(name) for name in ("mu", "odd")]
    lowest = -2.0 * likelihood.logpdf(values[..., np.argsort(place)].reshape(-1, 2)).max()
    block, _ = fit(spec)
    assert block.twice_nll_free[0] <= lowest + 1e-6


def test_a_fit_that_fails_is_a_status() -> None:
    block, _ = fit(one_channel([5.0], sample("signal", [1.0], normfactor()), sample("b", [-40.0])))
    assert block.status[0] == PointStatus.FAILED
    assert np.isnan(block.errors).all()
    assert "negative" in block.reasons[0]


def test_a_minimum_that_turns_out_not_to_be_the_lowest_is_replaced(group: ModelGroup) -> None:
    held = overridden(group, FitOverrides(fix={"mu": 3.0}))
    minima = with_covariance(group, ONE, free_minima(held, ONE))
    lowest = free_minima(group, ONE).nll
    assert (minima.free.nll > lowest + 1.0).all()
    columns = columns_of(group, ["jets"])
    for found in (minos_errors(group, minima, columns), impacts(group, minima)):
        assert found.lowered
        np.testing.assert_allclose(found.free.nll, lowest, atol=1e-7)
    proper = with_covariance(group, ONE, free_minima(group, ONE))
    assert not minos_errors(group, proper, columns).lowered
