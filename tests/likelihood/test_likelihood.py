"""Parameters, data and values of a single likelihood, against pyhf."""

import numpy as np
import pytest

import hfscale
from hfscale.errors import InputError, SelectionError
from hfscale.likelihood.programs import MANY_LANES
from hfscale.workspace import load_inputs
from tests.likelihood.models import EVERYTHING, HELLO_WORLD, POINT, Case, around, case_of, example_case
from tests.models import EXAMPLE, PYHF_WARNING, one_channel, sample, workspace

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING)


@pytest.fixture(params=["hello world", "everything", "example"])
def case(request: pytest.FixtureRequest) -> Case:
    if request.param == "example":
        return example_case()
    return case_of({"hello world": HELLO_WORLD, "everything": EVERYTHING}[request.param])


def test_parameters_and_data_are_those_of_pyhf(case: Case) -> None:
    likelihood, config = case.likelihood, case.model.config
    assert list(likelihood.parameter_names) == config.par_names
    assert likelihood.poi_name == config.poi_name
    np.testing.assert_array_equal(likelihood.suggested_init, config.suggested_init())
    np.testing.assert_array_equal(likelihood.suggested_bounds, np.array(config.suggested_bounds(), dtype=float))
    assert likelihood.suggested_fixed.tolist() == config.suggested_fixed()
    np.testing.assert_allclose(likelihood.auxdata, config.auxdata, rtol=1e-14)
    np.testing.assert_allclose(likelihood.data, case.data, rtol=1e-14)
    assert [channel for channel, _ in likelihood.bin_names] == [
        channel for channel in config.channels for _ in range(config.channel_nbins[channel])
    ]


def test_values_are_those_of_pyhf(case: Case) -> None:
    likelihood, model = case.likelihood, case.model
    batch = around(likelihood, 5)
    expected = np.array([model.expected_data(row) for row in batch])
    n = len(likelihood.observations)
    np.testing.assert_allclose(likelihood.expected_data(batch), expected, rtol=1e-12)
    np.testing.assert_allclose(likelihood.expected_data(batch, include_auxdata=False), expected[:, :n], rtol=1e-12)
    logpdf = [model.logpdf(row, case.data)[0] for row in batch]
    np.testing.assert_allclose(likelihood.logpdf(batch), logpdf, rtol=1e-10)
    assert likelihood.logpdf(batch[0]) == pytest.approx(logpdf[0], rel=1e-10)


def test_data_of_other_experiments(case: Case) -> None:
    likelihood, model = case.likelihood, case.model
    parameters = around(likelihood, 1)[0]
    data = np.stack([likelihood.expected_data(row) for row in around(likelihood, 3, seed=1)])
    logpdf = [model.logpdf(parameters, row)[0] for row in data]
    np.testing.assert_allclose(likelihood.logpdf(parameters, data), logpdf, rtol=1e-10)
    assert likelihood.with_data(data[1]).logpdf(parameters) == pytest.approx(logpdf[1], rel=1e-10)
    np.testing.assert_array_equal(likelihood.with_data(data[2]).data, data[2])


def test_batches_keep_their_shape() -> None:
    likelihood = case_of(HELLO_WORLD).likelihood
    batch = around(likelihood, 6).reshape(2, 3, 3)
    assert likelihood.logpdf(batch).shape == (2, 3)
    assert likelihood.gradient(batch).shape == (2, 3, 3)
    assert likelihood.hessian(batch).shape == (2, 3, 3, 3)
    assert likelihood.expected_data(batch).shape == (2, 3, 4)
    assert likelihood.logpdf(batch[0, 0]).shape == ()
    data = np.tile(likelihood.data, (2, 1, 1))
    np.testing.assert_array_equal(likelihood.logpdf(batch, data), likelihood.logpdf(batch))


def test_long_batches_are_cut_without_a_trace() -> None:
    likelihood = case_of(HELLO_WORLD).likelihood
    batch = around(likelihood, 2 * MANY_LANES + 3)
    single = [likelihood.logpdf(row) for row in batch[::29]]
    np.testing.assert_allclose(likelihood.logpdf(batch)[::29], single, rtol=1e-13)
    np.testing.assert_allclose(likelihood.hessian(batch)[-1], likelihood.hessian(batch[-1]), rtol=1e-12)


def test_derivatives_are_those_of_finite_differences() -> None:
    likelihood = case_of(EVERYTHING).likelihood
    at = around(likelihood, 1)[0]
    steps = 1e-5 * np.eye(len(at))
    gradient = (likelihood.logpdf(at + steps) - likelihood.logpdf(at - steps)) / 2e-5
    np.testing.assert_allclose(likelihood.gradient(at), gradient, rtol=1e-6, atol=1e-6)
    hessian = (likelihood.gradient(at + steps) - likelihood.gradient(at - steps)) / 2e-5
    np.testing.assert_allclose(likelihood.hessian(at), hessian, rtol=1e-6, atol=1e-5)


def test_a_patch_may_be_operations_or_a_signal_point() -> None:
    point = load_inputs(EXAMPLE / "BkgOnly.json", EXAMPLE / "patchset.json").points[POINT]
    likelihood = hfscale.Likelihood.from_workspace(EXAMPLE / "BkgOnly.json", patch=point)
    init = likelihood.suggested_init
    assert likelihood.logpdf(init) == example_case().likelihood.logpdf(init)


def test_a_model_may_lack_a_poi() -> None:
    spec = workspace(
        {"SR": [sample("bkg", [50.0, 40.0], *EVERYTHING["channels"][0]["samples"][1]["modifiers"])]},
        {"SR": [58, 49]},
        EVERYTHING["measurements"][0]["config"]["parameters"][:1],
        poi="",
    )
    case = case_of(spec)
    likelihood = case.likelihood
    assert likelihood.poi_name is None
    assert list(likelihood.parameter_names) == case.model.config.par_names
    batch = around(likelihood, 3)
    np.testing.assert_allclose(
        likelihood.logpdf(batch), [case.model.logpdf(row, case.data)[0] for row in batch], rtol=1e-10
    )
    assert likelihood.hessian(batch).shape == (3, 4, 4)
    fit = likelihood.fit()
    assert fit.status.succeeded
    assert len(fit.parameters) == 4
    with pytest.raises(InputError, match="no POI"):
        likelihood.fit(poi=1.0)


def test_the_poi_is_checked() -> None:
    assert hfscale.Likelihood.from_workspace(HELLO_WORLD, poi="").poi_name is None
    with pytest.raises(SelectionError, match="'signal' is no parameter of the model") as caught:
        hfscale.Likelihood.from_workspace(HELLO_WORLD, poi="signal")
    assert "mu" in str(caught.value.remedy)
    with pytest.raises(SelectionError, match="'uncorrelated' has 2 components"):
        hfscale.Likelihood.from_workspace(HELLO_WORLD, poi="uncorrelated")
    assert hfscale.Likelihood.from_workspace(EVERYTHING, poi="k_top").poi_name == "k_top"


def test_interpolation_codes() -> None:
    settings = {"normsys": {"interpcode": "code1"}, "histosys": {"interpcode": "code0"}}
    case = case_of(EVERYTHING, modifier_settings=settings)
    codes = {"normsys": "code1", "histosys": "code0"}
    likelihood = hfscale.Likelihood.from_workspace(EVERYTHING, interpcode=codes)
    at = around(likelihood, 1)[0]
    np.testing.assert_allclose(likelihood.expected_data(at), case.model.expected_data(at), rtol=1e-12)
    for wrong in ({"normsys": "code4p"}, {"lumi": "code1"}):
        with pytest.raises(InputError, match="has no interpolation code"):
            hfscale.Likelihood.from_workspace(EVERYTHING, interpcode=wrong)


def test_wrong_lengths_are_named() -> None:
    likelihood = case_of(HELLO_WORLD).likelihood
    init = likelihood.suggested_init
    with pytest.raises(InputError, match="2 parameters are given, the model has 3"):
        likelihood.logpdf(init[:2])
    with pytest.raises(InputError, match="2 data are given, the model has 4: 2 of the bins and 2 auxiliary"):
        likelihood.logpdf(init, likelihood.observations)
    with pytest.raises(InputError, match=r"batches of parameters \(3,\) and of data \(2,\)"):
        likelihood.logpdf(np.tile(init, (3, 1)), np.tile(likelihood.data, (2, 1)))
    with pytest.raises(InputError, match="not finite"):
        likelihood.logpdf(init, [1.0, 2.0, float("nan"), 3.0])
    with pytest.raises(InputError, match="no array of numbers"):
        likelihood.logpdf(["a", "b", "c"])
    with pytest.raises(InputError, match="empty"):
        likelihood.logpdf(np.zeros((0, 3)))


def test_a_negative_rate_is_nan_and_an_empty_bin_is_not() -> None:
    spec = one_channel([0, 3], sample("bkg", [0.0, 3.0], {"type": "normfactor", "name": "mu", "data": None}))
    likelihood = hfscale.Likelihood.from_workspace(spec)
    assert np.isfinite(likelihood.logpdf([1.0]))
    assert np.isnan(likelihood.logpdf([-1.0]))


def test_the_users_arrays_are_left_alone() -> None:
    likelihood = case_of(HELLO_WORLD).likelihood
    data = likelihood.data
    other = likelihood.with_data(data)
    before = other.logpdf(other.suggested_init)
    data[:] = 7.0
    other.suggested_init[:] = 0.0
    other.observations[:] = 0.0
    assert other.logpdf(other.suggested_init) == before


@pytest.mark.data
def test_a_published_point(region_a: Case) -> None:
    likelihood, model = region_a.likelihood, region_a.model
    assert list(likelihood.parameter_names) == model.config.par_names
    batch = around(likelihood, 4)
    np.testing.assert_allclose(likelihood.expected_data(batch), [model.expected_data(r) for r in batch], rtol=1e-12)
    logpdf = [model.logpdf(row, region_a.data)[0] for row in batch]
    np.testing.assert_allclose(likelihood.logpdf(batch), logpdf, rtol=1e-10)
