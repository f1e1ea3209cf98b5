"""Values of the likelihood where it is special: empty bins, negative rates, continuous counts."""

import numpy as np
import pytest
from scipy import stats

from tests.evaluation import value_of
from tests.models import counting, group_of, histosys, normsys, position


def nll_at(group_name: str, value: float, *, s: float = 5.0, b: float = 50.0, n: float = 52.0) -> float:
    group = group_of(counting(s, b, n))
    theta = group.inits.copy()
    theta[0, position(group, group_name)] = value
    return float(value_of(group, theta)[1][0])


def test_a_single_bin_is_a_poisson_term() -> None:
    assert nll_at("mu", 2.0) == pytest.approx(-stats.poisson.logpmf(52, 60.0), rel=1e-12)


def test_nothing_expected_and_nothing_seen_is_certain() -> None:
    assert nll_at("mu", 0.0, b=0.0, n=0.0) == 0.0


def test_seen_events_where_nothing_is_expected_are_impossible() -> None:
    assert nll_at("mu", 0.0, b=0.0, n=3.0) == np.inf


def test_a_negative_rate_has_no_likelihood() -> None:
    group = group_of(counting(5, 10, 3, histosys("a", [16.0], [4.0])))
    theta = group.inits.copy()
    theta[0, position(group, "a")], theta[0, position(group, "mu")] = -4.0, 0.0
    assert np.isnan(value_of(group, theta)[1][0])


def test_a_constrained_parameter_adds_a_normal_term() -> None:
    plain, pulled = group_of(counting(5, 50, 52)), group_of(counting(5, 50, 52, normsys("a", 1.0, 1.0)))
    theta = pulled.inits.copy()
    theta[0, position(pulled, "a")] = 1.7
    added = value_of(pulled, theta)[1][0] - value_of(plain, plain.inits)[1][0]
    assert added == pytest.approx(-stats.norm.logpdf(1.7), rel=1e-12)


def test_counts_need_not_be_whole() -> None:
    lower, middle, upper = (nll_at("mu", 1.0, n=n) for n in (52.0, 52.5, 53.0))
    assert min(lower, upper) - 0.01 < middle < max(lower, upper)
