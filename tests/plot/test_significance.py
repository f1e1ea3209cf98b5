import numpy as np
import pytest
from scipy.stats import norm

from hfscale.plot.significance import significance, significance_of_level


def test_is_the_quantile_of_the_complement() -> None:
    CLs = np.array([0.9, 0.5, 0.05, 1e-3, 4e-7])
    np.testing.assert_allclose(significance(CLs), norm.isf(CLs), rtol=1e-12, atol=1e-15)


def test_95_percent_is_at_1_645() -> None:
    assert significance_of_level(0.05) == pytest.approx(1.64485362695, abs=1e-11)


def test_caps() -> None:
    Z = significance(np.array([1.0, 0.0, 1e-300, 1e-8]))
    assert Z[0] == pytest.approx(norm.isf(0.9999999999))
    assert list(Z[1:]) == [5.0, 5.0, 5.0]


def test_missing_stays_missing() -> None:
    assert np.isnan(significance(np.array([np.nan, 0.5]))).tolist() == [True, False]


def test_tiny_numbers_are_told_apart_where_nothing_is_clipped() -> None:
    """1 - CLs is 1 for all of these."""
    CLs = np.array([1e-17, 1e-50, 1e-300])
    np.testing.assert_allclose(significance(CLs, largest=40.0), norm.isf(CLs), rtol=1e-12)
    assert significance(np.array([0.0]), largest=8.0)[0] == 8.0
