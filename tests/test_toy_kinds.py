"""Toys for scans, limits and significances, and without observed data, from the command line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

import hfscale as package
from tests.program import Search, hfscale, make_search, patchset_of, signal_patch, small_workspace, write

TOYS = ("--calctype", "toybased", "--executor", "local", "--json")


def counting(folder: Path, background: float, observed: int) -> Search:
    """One bin with a known background and a signal of ten events."""
    workspace = small_workspace()
    sample = {"name": "background", "data": [background], "modifiers": []}
    workspace["channels"][0]["samples"] = [sample]
    workspace["observations"][0]["data"] = [observed]
    patch = {"metadata": {"name": "signal", "values": [1]}, "patch": signal_patch([10.0])}
    return make_search(folder, workspace, patchset_of(workspace, [patch], ["m"]))


def perform(verb: str, search: Search, *options: object) -> list[dict[str, Any]]:
    ended = hfscale(verb, search.workspace, search.patchset, "-o", search.store, *TOYS, *options)
    assert ended.code == 0, ended.err
    return list(ended.json())


def test_p0_is_the_poisson_probability(tmp_path: Path) -> None:
    search = counting(tmp_path, 4.0, 9)
    (point,) = perform("significance", search, "--ntoys", 4000)
    exact = float(stats.poisson.sf(8, 4.0))
    low, high = point["toys"]["p0_interval"]
    assert low < point["p0"] < high
    assert abs(point["p0"] - exact) < 4 * (high - low) / 2
    assert point["Z"] == pytest.approx(float(stats.norm.isf(point["p0"])))
    # Expected: the median of Poisson(14) events is 14, the 16 % quantile of p-values belongs to 18.
    assert point["p0_exp"][2] == pytest.approx(float(stats.poisson.sf(13, 4.0)), abs=1.5e-3)
    assert point["p0_exp"] == sorted(point["p0_exp"])
    assert (point["test_stat"], point["calctype"]) == ("q0", "toybased")
    toys = package.open_results(search.store).toys()
    assert toys["mu"].values.tolist() == [0.0]
    assert hfscale("show", search.store).code == 0


def test_a_scan_has_the_toys_of_each_value(tmp_path: Path) -> None:
    search = counting(tmp_path, 5.0, 6)
    points = perform("scan", search, "--poi-grid", "0.5:1:2", "--ntoys", 60)
    single = search._replace(store=tmp_path / "single.zarr")
    (alone,) = perform("cls", single, "--ntoys", 60)
    assert [point["poi"] for point in points] == [0.5, 1.0]
    assert points[1] == alone
    scanned, known = (package.open_results(s.store).toys() for s in (search, single))
    np.testing.assert_array_equal(scanned["q"].sel(mu=[1.0]), known["q"])
    # Background toys are the same pseudo-data at every tested value.
    np.testing.assert_allclose(*(scanned["mu_hat"].sel(mu=mu, hypothesis="b") for mu in (0.5, 1.0)), atol=1e-5)


def test_without_observed_data_toys_give_expected_results_alone(tmp_path: Path) -> None:
    found = []
    for name, observed in (("few", 1), ("many", 30)):
        (tmp_path / name).mkdir()
        search = counting(tmp_path / name, 5.0, observed)
        found.append(perform("cls", search, "--ntoys", 500, "--expected-only", "--no-verify-digest"))
    assert found[0] == found[1]
    (point,) = found[0]
    assert (point["status"], point["CLs_obs"], point["q"], point["mu_hat"]) == ("ok", None, None, None)
    assert point["toys"]["CLs_obs_interval"] == [None, None]
    n_median = stats.poisson.median(5.0)
    exact = stats.poisson.cdf(n_median, 15.0) / stats.poisson.cdf(n_median, 5.0)
    low, high = point["toys"]["CLs_exp_interval"][2]
    assert abs(point["CLs_exp"][2] - exact) < 4 * (high - low) / 2


def test_other_data_make_other_toys(tmp_path: Path) -> None:
    search = make_search(tmp_path)
    data = write(tmp_path / "data.json", json.dumps({"observations": [{"name": "SR", "data": [40.0, 20.0]}]}))
    options = ("--points", "s_400_0", "--ntoys", 20)
    (observed,) = perform("cls", search, *options)
    (other,) = perform("cls", search._replace(store=tmp_path / "other.zarr"), *options, "--data", data)
    assert observed["q"] != other["q"]
    assert observed["CLs_exp"] != other["CLs_exp"]


def test_limits_from_toys_are_those_of_poisson_sums(tmp_path: Path) -> None:
    search = counting(tmp_path, 5.0, 4)
    options = ("--poi-grid", "0.2:1.6:8", "--ntoys", 1500)
    (point,) = perform("limit", search, *options)
    exact = float(optimize.brentq(lambda mu: cls_of_counts(4, 5.0, 10.0 * mu) - 0.05, 0.1, 3.0))
    low, high = point["toys"]["upper_limit_obs_interval"]
    assert low < point["upper_limit_obs"] < high
    assert abs(point["upper_limit_obs"] - exact) < 4 * (high - low) / 2
    assert point["upper_limit_status"] == "ok"
    assert point["upper_limit_exp"] == sorted(point["upper_limit_exp"])
    assert (point["toys"]["sb"], point["toys"]["b"]) == (8 * 1500, 8 * 1500)
    assert (point["status"], point["level"]) == ("ok", 0.05)
    frame = package.open_results(search.store).to_dataframe()
    assert frame.loc["signal", "upper_limit_obs"] == point["upper_limit_obs"]
    assert point["toys"]["upper_limit_obs_bounds"] == [point["upper_limit_obs"]] * 2
    shown = hfscale("show", search.store)
    assert (shown.code, f"{point['upper_limit_obs']:.4g}" in shown.out, "[" in shown.out) == (0, True, False)
    again = hfscale("limit", search.workspace, search.patchset, "-o", search.store, *TOYS, *options)
    assert again.json() == [point]


def cls_of_counts(n: int, background: float, signal: float) -> float:
    """CLs of a counting experiment, of which q-tilde is a falling function of the count."""
    return float(stats.poisson.cdf(n, background + signal) / stats.poisson.cdf(n, background))


def test_a_limit_outside_the_grid_is_not_extrapolated(tmp_path: Path) -> None:
    search = counting(tmp_path, 5.0, 4)
    (point,) = perform("limit", search, "--poi-grid", "0.05:0.2:3", "--ntoys", 200)
    assert (point["upper_limit_obs"], point["upper_limit_status"]) == (None, "above_bound")
    assert point["status"] == "ok"


def test_points_of_another_background_model_are_not_compared(tmp_path: Path) -> None:
    """Patches that change the background too; a merged store knows of it as well."""
    workspace = small_workspace()
    workspace["channels"][0]["samples"] = [{"name": "background", "data": [4.0, 6.0], "modifiers": []}]
    workspace["observations"][0]["data"] = [9.0, 6.0]
    more = {"op": "replace", "path": "/channels/0/samples/0/data", "value": [4.0, 7.0]}
    patches = [
        {"metadata": {"name": name, "values": [k]}, "patch": signal_patch(yields) + ([more] if "other" in name else [])}
        for k, (name, yields) in enumerate(
            {"left": [10.0, 0.0], "right": [0.0, 10.0], "other": [0.0, 5.0], "another": [1.0, 9.0]}.items()
        )
    ]
    search = make_search(tmp_path, workspace, patchset_of(workspace, patches, ["m"]))
    points = perform("significance", search, "--ntoys", 300)
    found = points[0]["search"]
    assert (found["points"], found["toys"]) == (2, 300)
    assert found["reason"].startswith("2 of 4 points have another background model")
    alone = search._replace(store=tmp_path / "alone.zarr")
    both = perform("significance", alone, "--ntoys", 300, "--points", "left", "--points", "right")
    expected = dict(found)
    del expected["reason"]
    assert both[0]["search"] == expected
    others = search._replace(store=tmp_path / "others.zarr")
    perform("significance", others, "--ntoys", 300, "--points", "*other")
    merged = hfscale("merge", alone.store, others.store, "-o", tmp_path / "merged.zarr", "--json").json()
    assert [point.get("search") for point in merged] == [found, None, None, None]


def test_the_most_significant_point_has_a_global_p_value(tmp_path: Path) -> None:
    workspace = small_workspace()
    workspace["channels"][0]["samples"] = [{"name": "background", "data": [4.0, 6.0], "modifiers": []}]
    workspace["observations"][0]["data"] = [9.0, 6.0]
    patches = [
        {"metadata": {"name": name, "values": [k]}, "patch": signal_patch(yields)}
        for k, (name, yields) in enumerate({"left": [10.0, 0.0], "right": [0.0, 10.0]}.items())
    ]
    search = make_search(tmp_path, workspace, patchset_of(workspace, patches, ["m"]))
    left, right = perform("significance", search, "--ntoys", 3000)
    local = float(stats.poisson.sf(8, 4.0))
    # The bins are independent; the other one has a p-value as small from 11 events on.
    other = float(stats.poisson.sf(11, 6.0))
    assert "search" not in right
    found = left["search"]
    low, high = found["global_p0_interval"]
    assert abs(found["global_p0"] - (1.0 - (1.0 - local) * (1.0 - other))) < 4 * (high - low) / 2
    assert (found["points"], found["toys"], "reason" in found) == (2, 3000, False)
    assert found["global_p0"] > left["p0"]
