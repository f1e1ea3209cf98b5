"""Pre-fit Asimov data: they are the model's expectation, and whatever was observed makes no difference."""

from dataclasses import replace

import numpy as np
import pytest

from hfscale.inference.asimov import with_prefit_asimov
from hfscale.inference.cls import asymptotic_cls
from hfscale.inference.limits import upper_limits
from hfscale.inference.scans import scan_cls
from hfscale.inference.significance import significance
from hfscale.model.structure import ModelGroup
from tests.models import Spec, group_of, modifier, normfactor, normsys, one_channel, position, sample

LUMI = [{"name": "lumi", "auxdata": [1.0], "sigmas": [0.02], "inits": [1.0], "bounds": [[0.5, 1.5]]}]


def model(*observed: float, signal: float = 6.0) -> Spec:
    return one_channel(
        observed,
        sample("signal", [signal, 2.0], normfactor(), modifier("lumi", "lumi")),
        sample("bkg", [50.0, 10.0], normsys("JES", 1.1, 0.9), modifier("shapesys", "mc", [4.0, 2.0])),
        parameters=LUMI,
    )


@pytest.fixture(scope="module")
def group() -> ModelGroup:
    return group_of(*(model(61, 7, signal=signal) for signal in (6.0, 3.0)))


def poisoned(group: ModelGroup) -> ModelGroup:
    """The group with observed data that spoil every fit that sees them."""
    nothing = np.full_like(group.points.data, np.nan)
    return replace(
        group, points=group.points._replace(data=nothing, auxdata=np.full_like(group.points.auxdata, np.nan))
    )


def test_the_data_are_what_the_model_expects(group: ModelGroup) -> None:
    asimov = with_prefit_asimov(group, 0.5).points
    np.testing.assert_allclose(asimov.data, [[53.0, 11.0], [51.5, 11.0]])
    row = np.zeros(2, dtype=int)
    assert asimov.auxdata[row, position(group, "lumi")] == pytest.approx(1.0)
    assert asimov.auxdata[row, position(group, "JES")] == pytest.approx(0.0)
    assert asimov.auxdata[row, position(group, "mc[0]")] == pytest.approx((50.0 / 4.0) ** 2)


def test_fits_find_the_pre_fit_parameters(group: ModelGroup) -> None:
    block = asymptotic_cls(with_prefit_asimov(group, 0.0), np.arange(2), 1.0)
    np.testing.assert_allclose(block.parameters_background, block.parameters_free, atol=1e-5)
    np.testing.assert_allclose(block.mu_hat, 0.0, atol=1e-5)
    np.testing.assert_allclose(block.CLs_obs, block.CLs_exp[:, 2], rtol=1e-4)
    injected = asymptotic_cls(with_prefit_asimov(group, 0.7), np.arange(2), 1.0)
    np.testing.assert_allclose(injected.mu_hat, 0.7, rtol=1e-5)


@pytest.mark.parametrize("mu", [0.0, 1.0])
def test_observed_data_reach_no_fit(group: ModelGroup, mu: float) -> None:
    rows = np.arange(2)
    clean, spoilt = with_prefit_asimov(group, mu), with_prefit_asimov(poisoned(group), mu)
    np.testing.assert_array_equal(asymptotic_cls(spoilt, rows, 1.0).CLs_exp, asymptotic_cls(clean, rows, 1.0).CLs_exp)
    np.testing.assert_array_equal(upper_limits(spoilt, rows).upper_limit_exp, upper_limits(clean, rows).upper_limit_exp)
    np.testing.assert_array_equal(significance(spoilt, rows).Z_exp, significance(clean, rows).Z_exp)
    (first,), (second,) = scan_cls(spoilt, rows, [2.0]), scan_cls(clean, rows, [2.0])
    np.testing.assert_array_equal(first.CLs_exp, second.CLs_exp)
