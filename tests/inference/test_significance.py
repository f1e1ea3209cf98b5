"""Significances: closed forms, pyhf's numbers, deficits, and points without signal."""

from typing import Any

import numpy as np
import pyhf
import pytest
from scipy.stats import norm

from hfscale.inference.results import PointStatus
from hfscale.inference.significance import significance
from tests.conformance.textbook import HELLO_WORLD, ONE_BIN
from tests.models import PYHF_WARNING, Spec, counting, group_of, normsys, shapesys_model

EXCESS = shapesys_model((12, 11), (50, 52), (3, 7), (66, 65))
WIDE = [{"name": "mu", "bounds": [[-10.0, 10.0]]}]


@pytest.mark.parametrize(("s", "b", "n"), [(5.0, 20.0, 30.0), (3.0, 1.0, 6.0), (10.0, 100.0, 104.0)])
def test_a_known_background_has_a_closed_form(s: float, b: float, n: float) -> None:
    block = significance(group_of(counting(s, b, n)), np.arange(1))
    # arXiv:1007.1727 eq. 96 and 97.
    assert block.Z[0] == pytest.approx(np.sqrt(2 * (n * np.log(n / b) - (n - b))), rel=1e-6)
    assert block.Z_exp[0, 2] == pytest.approx(np.sqrt(2 * ((s + b) * np.log(1 + s / b) - s)), rel=1e-6)
    assert block.p0[0] == pytest.approx(norm.sf(block.Z[0]), rel=1e-9)
    np.testing.assert_allclose(block.Z_exp[0], block.Z_exp[0, 2] + np.array([2, 1, 0, -1, -2]))
    np.testing.assert_allclose(block.p0_exp[0], norm.sf(block.Z_exp[0]), rtol=1e-9)


MODELS: dict[str, Spec] = {
    "two bins": EXCESS,
    "deficit": HELLO_WORLD,
    "one bin": ONE_BIN,
    "deficit, POI below zero": counting(5, 20, 12, normsys("scale", 1.2, 0.9), parameters=WIDE),
}


@pytest.mark.filterwarnings(PYHF_WARNING, "ignore:qmu_tilde test statistic used", "ignore:q0 test statistic")
@pytest.mark.parametrize("name", MODELS)
def test_pyhf_finds_the_same_p_values(name: str) -> None:
    measured = pyhf.Workspace(MODELS[name])
    model = measured.model()
    options: dict[str, Any] = {"test_stat": "q0", "return_expected_set": True}
    observed, expected = pyhf.infer.hypotest(0.0, measured.data(model), model, **options)
    block = significance(group_of(MODELS[name]), np.arange(1))
    # Below the minimum of a deficit pyhf's q0 is the noise of its minimiser, and p0 depends on its square root.
    assert block.p0[0] == pytest.approx(float(observed), abs=2e-4)
    np.testing.assert_allclose(block.p0_exp[0], np.array(expected, dtype=float), rtol=1e-4)


def test_a_deficit_is_no_evidence_for_a_signal() -> None:
    block = significance(group_of(counting(5, 20, 12, parameters=WIDE)), np.arange(1))
    assert block.mu_hat[0] < 0
    assert (block.q0[0], block.Z[0], block.p0[0]) == (0.0, 0.0, 0.5)


def test_points_without_signal_and_points_that_fail() -> None:
    block = significance(group_of(counting(0, 20, 30), counting(5, 20, 30), counting(5, 0, 0)), np.arange(3))
    assert block.status[:2].tolist() == [PointStatus.NO_SIGNAL, PointStatus.OK]
    assert (block.Z[0], block.p0[0], block.Z_exp[0, 2]) == (0.0, 0.5, 0.0)
    assert block.Z[1] > 2
