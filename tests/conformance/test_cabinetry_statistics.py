"""Limits, significances and goodness of fit against cabinetry's published numbers.

They are those of its tests/fit/test_fit.py (commit 036c3cc of scikit-hep/cabinetry). Its limits come from a root finder
that stops at 1 % of the parameter of interest; all else is as accurate as MINUIT's minima, 5e-5 in p-values.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.models import Spec, modifier, normfactor, sample, workspace
from tests.program import hfscale, write

POI = "Signal strength"


def with_background(signal: float = 50.0, observed: float = 160.0) -> Spec:
    def one(name: str, yields: float, uncertainty: float, *more: Spec) -> Spec:
        return sample(name, [yields], modifier("staterror", "staterror_Signal-Region", [uncertainty]), *more)

    channels = {"Signal Region": [one("Signal", signal, 5.0, normfactor(POI)), one("Background", 150.0, 7.0)]}
    bounds = {"name": POI, "bounds": [[0, 8]], "inits": [1.0]}
    return workspace(channels, {"Signal Region": [observed]}, [bounds], poi=POI)


def several_bins() -> Spec:
    def signal(channel: str, yields: list[float], uncertainties: list[float]) -> Spec:
        return sample("Signal", yields, modifier("staterror", f"staterror_{channel}", uncertainties), normfactor(POI))

    channels = {
        "region_1": [signal("region_1", [25.0, 5.0], [5.0, 2.0])],
        "region_2": [signal("region_2", [8.0], [1.0])],
    }
    return workspace(channels, {"region_1": [35.0, 8.0], "region_2": [10.0]}, poi=POI)


def run(verb: str, spec: Spec, folder: Path, *options: object) -> Any:
    file = write(folder / "workspace.json", spec)
    ended = hfscale(verb, file, "-o", folder / f"{verb}.zarr", "--executor", "local", "--json", *options)
    assert ended.code == 0, ended.err
    (point,) = ended.json()
    return point


EXPECTED_LIMITS = [0.303, 0.411, 0.581, 0.833, 1.160]


def test_upper_limits(tmp_path: Path) -> None:
    point = run("limit", with_background(), tmp_path)
    assert point["upper_limit_obs"] == pytest.approx(0.749, rel=1e-2)
    assert point["upper_limit_exp"] == pytest.approx(EXPECTED_LIMITS, rel=1e-2)


def test_upper_limits_with_data_that_are_background(tmp_path: Path) -> None:
    point = run("limit", with_background(), tmp_path, "--asimov", 0)
    assert point["upper_limit_obs"] == pytest.approx(0.586, rel=2e-2)
    assert point["upper_limit_exp"] == pytest.approx(EXPECTED_LIMITS, rel=2e-2)


def test_cls_below_the_limit(tmp_path: Path) -> None:
    point = run("cls", with_background(), tmp_path, "--test-poi", 0.1)
    assert point["CLs_obs"] == pytest.approx(0.780874, abs=5e-5)
    assert point["CLs_exp"] == pytest.approx([0.402421, 0.548538, 0.719383, 0.878530, 0.971678], abs=5e-5)


def test_significance(tmp_path: Path) -> None:
    point = run("significance", with_background(observed=196.0), tmp_path)
    assert point["p0"] == pytest.approx(0.00080517, rel=1e-4)
    assert point["Z"] == pytest.approx(3.15402672, rel=1e-5)
    assert point["p0_exp"][2] == pytest.approx(0.00033333, rel=1e-4)
    assert point["Z_exp"][2] == pytest.approx(3.40293444, rel=1e-5)


def test_significance_of_asimov_data(tmp_path: Path) -> None:
    point = run("significance", with_background(signal=30.0), tmp_path, "--asimov", 1)
    assert (point["p0"], point["p0_exp"][2]) == pytest.approx((0.02062714, 0.02062714), rel=1e-5)
    assert (point["Z"], point["Z_exp"][2]) == pytest.approx((2.04096523, 2.04096523), rel=1e-5)


def test_goodness_of_fit(tmp_path: Path) -> None:
    point = run("gof", several_bins(), tmp_path)
    assert point["n_dof"] == 2
    assert point["chi2"] == pytest.approx(2 * 0.084185, abs=4e-6)
    assert point["p_value"] == pytest.approx(0.91926079, abs=2e-6)
