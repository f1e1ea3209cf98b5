"""Likelihoods of pyhf's model objects."""

from typing import Any

import numpy as np
import pyhf
import pytest

import hfscale
from hfscale.errors import InputError, ModelError
from tests.likelihood.models import EVERYTHING, around
from tests.models import PYHF_WARNING, histosys, normfactor, one_channel, sample

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING)


def simple(**options: Any) -> tuple[Any, list[float]]:
    """A model that was never part of a workspace."""
    model = pyhf.simplemodels.uncorrelated_background([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], **options)
    return model, [51.0, 48.0, *model.config.auxdata]


def assert_same(likelihood: hfscale.Likelihood, model: Any, data: Any) -> None:
    assert list(likelihood.parameter_names) == model.config.par_names
    assert likelihood.poi_name == model.config.poi_name
    np.testing.assert_array_equal(likelihood.suggested_bounds, np.array(model.config.suggested_bounds(), dtype=float))
    np.testing.assert_array_equal(likelihood.data, data)
    for row in around(likelihood, 3):
        np.testing.assert_allclose(likelihood.expected_data(row), model.expected_data(row), rtol=1e-12)
        np.testing.assert_allclose(likelihood.logpdf(row), model.logpdf(row, data)[0], rtol=1e-10)


def test_a_simple_model() -> None:
    model, data = simple()
    assert_same(hfscale.from_pyhf(model, data), model, data)


def test_the_documented_minimum_of_hello_world() -> None:
    fit = hfscale.from_pyhf(*simple()).fit()
    assert fit.twice_nll == pytest.approx(24.98393521, abs=1e-7)
    np.testing.assert_allclose(fit.parameters, [0.0, 1.0030512, 0.96266961], atol=2e-5)


def test_correlated_background() -> None:
    model = pyhf.simplemodels.correlated_background([12.0, 11.0], [50.0, 52.0], [45.0, 57.0], [55.0, 47.0])
    data = [51.0, 48.0, *model.config.auxdata]
    assert_same(hfscale.from_pyhf(model, data), model, data)


@pytest.mark.parametrize(("normsys", "histosys"), [("code1", "code0"), ("code4", "code2"), ("code1", "code4p")])
def test_interpolation_codes_are_those_of_the_model(normsys: str, histosys: str) -> None:
    settings = {"normsys": {"interpcode": normsys}, "histosys": {"interpcode": histosys}}
    measured = pyhf.Workspace(EVERYTHING)
    model = measured.model(modifier_settings=settings)
    data = measured.data(model)
    assert_same(hfscale.from_pyhf(model, data), model, data)


def test_settings_without_codes_mean_what_they_mean_in_pyhf() -> None:
    measured = pyhf.Workspace(EVERYTHING)
    model = measured.model(modifier_settings={"histosys": {"interpcode": "code4p"}})
    data = measured.data(model)
    assert_same(hfscale.from_pyhf(model, data), model, data)


def test_a_model_without_poi() -> None:
    measured = pyhf.Workspace(EVERYTHING)
    model = measured.model(poi_name=None)
    data = measured.data(model)
    likelihood = hfscale.from_pyhf(model, data)
    assert_same(likelihood, model, data)
    assert likelihood.fit().status.succeeded


def test_data_with_other_auxiliary_data() -> None:
    model, _ = simple()
    data = np.asarray(model.expected_data([1.0, 1.1, 0.9]))
    likelihood = hfscale.from_pyhf(model, data)
    assert_same(likelihood, model, data)
    np.testing.assert_allclose(likelihood.fit().parameters, [1.0, 1.1, 0.9], atol=1e-5)


def test_arrays_and_tuples_in_a_specification() -> None:
    spec = {"channels": [{"name": "SR", "samples": [
        {"name": "s", "data": np.array([5.0, 6.0]), "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]},
        {"name": "b", "data": (50.0, 60.0), "modifiers": [{"name": "u", "type": "shapesys", "data": (5.0, 6.0)}]},
    ]}]}  # fmt: skip
    model = pyhf.Model(spec, poi_name="mu", validate=False)
    data = [55.0, 66.0, *model.config.auxdata]
    assert_same(hfscale.from_pyhf(model, data), model, data)


def test_a_batched_model() -> None:
    model, data = simple(batch_size=2)
    reference, _ = simple()
    assert_same(hfscale.from_pyhf(model, data), reference, data)


def test_data_of_the_wrong_length() -> None:
    model, data = simple()
    with pytest.raises(InputError, match="2 data are given, the model has 4: 2 of the bins and 2 auxiliary ones"):
        hfscale.from_pyhf(model, data[:2])


@pytest.mark.parametrize("clip", [{"clip_sample_data": 0.0}, {"clip_bin_data": 51.0}, {"clip_sample_data": 11.5}])
def test_clipping_is_that_of_the_model(clip: dict[str, float]) -> None:
    background = sample("bkg", [50.0, 52.0], histosys("b", [70, 40], [-30, 51]))
    spec = one_channel([58, 62], sample("signal", [12.0, 11.0], normfactor()), background)
    measured = pyhf.Workspace(spec)
    model = measured.model(**clip)
    data = measured.data(model)
    likelihood = hfscale.from_pyhf(model, data)
    assert_same(likelihood, model, data)
    clipped, plain = np.array([-0.9, 0.4]), np.array([0.5, 1.4])
    for row in (clipped, plain):
        np.testing.assert_allclose(likelihood.expected_data(row), model.expected_data(row), rtol=1e-12)
    free = measured.model()
    assert not np.allclose(model.expected_data(clipped), free.expected_data(clipped))


def test_clipping_that_adds_samples_is_refused() -> None:
    measured = pyhf.Workspace(EVERYTHING)
    model = measured.model(clip_sample_data=1e-3)
    with pytest.raises(ModelError, match="which adds top to the channel 'SR'"):
        hfscale.from_pyhf(model, measured.data(model))
    hfscale.from_pyhf(measured.model(clip_sample_data=0.0), measured.data(model))
