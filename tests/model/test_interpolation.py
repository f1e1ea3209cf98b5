"""Interpolation of normsys and histosys against their definitions."""

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscale.model.interpolation import DEFAULT_CODES, InterpolationCodes, code4_coefficients
from tests.evaluation import value_of
from tests.models import Spec, group_of, histosys, normfactor, normsys, one_channel, position, sample

FACTORS = st.floats(0.2, 3.0)


@given(hi=FACTORS, lo=FACTORS)
def test_code4_is_twice_continuous_at_one_sigma(hi: float, lo: float) -> None:
    a = np.concatenate([[1.0], code4_coefficients(np.array([hi]), np.array([lo]))[0]])
    polynomial = np.polynomial.Polynomial(a)
    for order in range(3):
        derivative = polynomial.deriv(order) if order else polynomial
        assert derivative(1.0) == pytest.approx(hi * np.log(hi) ** order, abs=1e-9)
        assert derivative(-1.0) == pytest.approx(lo * (-np.log(lo)) ** order, abs=1e-9)


def rate_at(modifier: Spec, alpha: float, codes: InterpolationCodes = DEFAULT_CODES) -> float:
    spec = one_channel([5], sample("signal", [0.0], normfactor()), sample("bkg", [10.0], modifier))
    group = group_of(spec, codes=codes)
    theta = group.inits.copy()
    theta[0, position(group, "a")] = alpha
    return float(value_of(group, theta)[0][0, 0])


@pytest.mark.parametrize(("alpha", "factor"), [(-2.0, 0.8**2), (-1.0, 0.8), (0.0, 1.0), (1.0, 1.5), (2.0, 1.5**2)])
def test_normsys_is_exponential_outside_and_exact_at_the_nodes(alpha: float, factor: float) -> None:
    assert rate_at(normsys("a", 1.5, 0.8), alpha) == pytest.approx(10 * factor, rel=1e-13)


@pytest.mark.parametrize(
    ("alpha", "rate"), [(-2.0, 6.0), (-1.0, 8.0), (0.0, 10.0), (0.5, 11.4482421875), (1.0, 13.0), (2.0, 16.0)]
)
def test_histosys_is_linear_outside_and_exact_at_the_nodes(alpha: float, rate: float) -> None:
    # At 0.5: 10 + 0.5 * 2.5 + (1 / 16) * 0.25 * (15 + 0.25 * (0.75 - 10)).
    assert rate_at(histosys("a", [13.0], [8.0]), alpha) == pytest.approx(rate, abs=1e-12)


OTHER_CODES = InterpolationCodes(normsys="code1", histosys="code0")


@pytest.mark.parametrize("alpha", [-1.7, -0.4, 0.0, 0.6, 2.1])
def test_code1_is_exponential_and_code0_linear_everywhere(alpha: float) -> None:
    factor = 1.5**alpha if alpha > 0 else 0.8**-alpha
    assert rate_at(normsys("a", 1.5, 0.8), alpha, OTHER_CODES) == pytest.approx(10 * factor, rel=1e-13)
    shift = 3 * alpha if alpha > 0 else 2 * alpha
    assert rate_at(histosys("a", [13.0], [8.0]), alpha, OTHER_CODES) == pytest.approx(10 + shift, rel=1e-13)


@pytest.mark.parametrize(("alpha", "rate"), [(-2.0, 7.5), (-1.0, 5.0), (0.0, 10.0), (1.0, 20.0), (2.0, 22.5)])
def test_code2_goes_on_as_newer_definitions_say(alpha: float, rate: float) -> None:
    # pyhf 0.7.6 has 5 at -2, from (b - 2a) alpha instead of (b - 2a) (alpha + 1).
    codes = InterpolationCodes(histosys="code2")
    assert rate_at(histosys("a", [20.0], [5.0]), alpha, codes) == pytest.approx(rate, abs=1e-12)


@pytest.mark.parametrize(("alpha", "rate"), [(-1.0, 0.0), (-0.5, None), (0.0, 10.0), (1.0, 20.0)])
def test_a_normsys_of_100_percent_is_finite(alpha: float, rate: float | None) -> None:
    found = rate_at(normsys("a", 2.0, 0.0), alpha)
    assert np.isfinite(found)
    assert rate is None or found == pytest.approx(rate, abs=1e-12)


def test_nothing_is_evaluated_in_single_precision() -> None:
    group = group_of(one_channel([5], sample("signal", [1.0], normfactor())))
    rates, nll = value_of(group, group.inits)
    assert rates.dtype == nll.dtype == np.float64
    assert not jax.config.jax_enable_x64
