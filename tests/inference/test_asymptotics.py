"""Asymptotic p-values against pyhf, and where floating point is thin."""

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pyhf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhf.infer.calculators import AsymptoticTestStatDistribution

from hfscale.inference.asymptotics import TestStatistic, asymptotic_p_values
from hfscale.inference.test_statistics import upper_limit_statistic
from tests.models import PYHF_WARNING, cls_of, shapesys_model

pytestmark = pytest.mark.filterwarnings(PYHF_WARNING)

STATISTICS: list[TestStatistic] = ["q", "qtilde"]


def pyhf_cls(transformed: float, root_asimov: float) -> tuple[float, float, float]:
    """CLsb, CLb and CLs of a transformed statistic."""
    signal, background = AsymptoticTestStatDistribution(-root_asimov), AsymptoticTestStatDistribution(0.0)
    tails = float(signal.pvalue(transformed)), float(background.pvalue(transformed))
    return *tails, tails[0] / tails[1]


@pytest.mark.parametrize("statistic", STATISTICS)
@given(q=st.floats(0, 30), q_asimov=st.floats(0.5, 30))
def test_p_values_are_those_of_pyhf(statistic: TestStatistic, q: float, q_asimov: float) -> None:
    root, root_asimov = np.sqrt(q), np.sqrt(q_asimov)
    transformed = root - root_asimov
    if statistic == "qtilde" and root > root_asimov:
        transformed = (q - q_asimov) / (2 * root_asimov)
    found = asymptotic_p_values(np.array([q]), np.array([q_asimov]), statistic)
    observed = (found.CLsb[0], found.CLb[0], found.CLs_obs[0])
    np.testing.assert_allclose(observed, pyhf_cls(transformed, root_asimov), rtol=1e-9)
    expected = [pyhf_cls(n, root_asimov)[2] for n in (2, 1, 0, -1, -2)]
    np.testing.assert_allclose(found.CLs_exp[0], expected, rtol=1e-9)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_whole_calculation_is_that_of_pyhf(statistic: TestStatistic) -> None:
    spec = shapesys_model((12, 5), (50, 30), (3, 7), (55, 28))
    workspace = pyhf.Workspace(spec)
    model = workspace.model()
    options: dict[str, Any] = {"test_stat": statistic, "return_tail_probs": True, "return_expected_set": True}
    observed, tails, band = pyhf.infer.hypotest(1.0, workspace.data(model), model, **options)
    found = cls_of(spec, test_stat=statistic)
    assert found.CLs_obs[0] == pytest.approx(float(observed), rel=5e-5)
    np.testing.assert_allclose([found.CLsb[0], found.CLb[0]], [float(t) for t in tails], rtol=5e-5)
    np.testing.assert_allclose(found.CLs_exp[0], [float(b) for b in band], rtol=5e-5)


def test_a_statistic_above_that_of_asimov_tells_q_from_qtilde() -> None:
    above, below = (np.array([9.0]), np.array([4.0])), (np.array([4.0]), np.array([9.0]))
    q, qtilde = (asymptotic_p_values(*above, s).CLs_obs[0] for s in STATISTICS)
    assert qtilde < q
    q, qtilde = (asymptotic_p_values(*below, s).CLs_obs[0] for s in STATISTICS)
    assert qtilde == q


@pytest.mark.parametrize("statistic", STATISTICS)
def test_no_sensitivity_gives_one_and_no_division_by_zero(statistic: TestStatistic) -> None:
    found = asymptotic_p_values(np.array([0.0, 1e-14]), np.zeros(2), statistic)
    np.testing.assert_allclose(found.CLs_obs, 1.0, atol=1e-6)
    np.testing.assert_allclose(found.CLs_exp, 1.0, atol=1e-6)


TWO_PI = Decimal("6.28318530717958647692528676655900576839433879875021")


def upper_tail(x: float) -> Decimal:
    """1 - Phi(x) for large x, by the continued fraction of Mills' ratio in 50 digits."""
    with localcontext() as context:
        context.prec = 50
        point = Decimal(x)
        ratio = point
        for k in range(400, 0, -1):
            ratio = point + k / ratio
        return (-point * point / 2).exp() / TWO_PI.sqrt() / ratio


@pytest.mark.parametrize("root_asimov", [6.0, 15.0, 30.0])
def test_tiny_cls_keep_their_digits(root_asimov: float) -> None:
    q_asimov = np.array([root_asimov**2])
    found = asymptotic_p_values(np.array([(2 * root_asimov) ** 2]), q_asimov, "q")
    expected = float(upper_tail(2 * root_asimov) / upper_tail(root_asimov))
    assert found.CLs_obs[0] == pytest.approx(expected, rel=1e-10)
    median = float(upper_tail(root_asimov) * 2)
    assert found.CLs_exp[0, 2] == pytest.approx(median, rel=1e-10)


def test_cls_is_finite_where_its_ingredients_underflow() -> None:
    found = asymptotic_p_values(np.array([45.0**2]), np.array([4.0]), "q")
    assert found.CLsb[0] == found.CLb[0] == 0.0
    assert 0.0 < found.CLs_obs[0] < 1e-30


def test_expected_band_ascends() -> None:
    found = asymptotic_p_values(np.array([1.0]), np.array([4.0]), "qtilde")
    assert (np.diff(found.CLs_exp[0]) > 0).all()


def test_the_statistic_is_never_negative_and_zero_above_the_tested_value() -> None:
    conditional, free = np.array([5.0, 4.0 - 1e-12, 5.0]), np.array([4.0, 4.0, 4.0])
    statistic = upper_limit_statistic(conditional, free, np.array([0.5, 0.99, 1.5]), 1.0)
    np.testing.assert_allclose(statistic, [2.0, 0.0, 0.0])
