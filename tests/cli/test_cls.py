"""The verb ``cls`` on good input."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from hfscale.store.files import done_folder
from tests.program import EXAMPLE, Search, copy_store, hfscale, make_search, signal_patch, small_workspace, write

REFERENCE = Path(__file__).parents[1] / "data" / "exclusion-reference-cls.json"


def test_example_has_the_CLs_of_the_reference(example_store: Path) -> None:
    reference = json.loads(REFERENCE.read_text())["points"]
    found = {point["name"]: point for point in hfscale("show", example_store, "--json").json()}
    assert len(found) == 88
    for name, point in reference.items():
        assert found[name]["CLs_obs"] == pytest.approx(point["CLs_obs"], rel=1e-5), name
        assert found[name]["CLs_exp"] == pytest.approx(point["CLs_exp"], rel=1e-5), name


def test_a_run_tells_how_far_it_is_and_how_it_ended(small: Search) -> None:
    ended = small.cls()
    assert ended.code == 0
    assert ended.out == ""
    assert re.search(r"^9/9 points, 0 failed", ended.err, re.MULTILINE)
    assert f"9 points ok, 0 without signal, 0 failed -> {small.store}" in ended.err


def test_the_choice_of_auto_is_told(small: Search) -> None:
    ended = hfscale("cls", small.workspace, small.patchset, "-o", small.store, "--points", "s_200_0")
    assert ended.code == 0
    assert "executor: local (1 tasks" in ended.err


def test_json_on_standard_output_is_that_of_show(small: Search) -> None:
    ended = small.cls("--json", "--points", "s_200_*")
    assert ended.json() == hfscale("show", small.store, "--json").json()
    assert [point["name"] for point in ended.json()] == ["s_200_0", "s_200_100", "s_200_150"]


def test_the_same_command_again_does_nothing(small_store: Path, tmp_path: Path) -> None:
    search = make_search(tmp_path)._replace(store=copy_store(small_store, tmp_path))
    before = {path: path.stat().st_mtime_ns for path in search.store.rglob("*") if path.is_file()}
    ended = search.cls()
    assert ended.code == 0
    assert "nothing to do: all 9 points" in ended.err
    after = {path: path.stat().st_mtime_ns for path in search.store.rglob("*") if path.is_file()}
    assert after | before == before | {path: when for path, when in after.items() if "lock" in path.name}


def test_a_store_that_is_not_finished_is_continued(small_store: Path, tmp_path: Path) -> None:
    search = make_search(tmp_path)._replace(store=copy_store(small_store, tmp_path))
    markers = sorted(done_folder(search.store).glob("*.json"))
    assert len(markers) == 3
    kept = {path.name: path.read_bytes() for path in (markers[0], markers[2])}
    markers[1].unlink()
    assert "5 of 9 done" in hfscale("status", search.store).out
    assert search.cls().code == 0
    assert {path.name: path.read_bytes() for path in (markers[0], markers[2])} == kept
    assert hfscale("show", search.store, "--json").json() == hfscale("show", small_store, "--json").json()


def test_a_dry_run_prints_the_plan_and_writes_nothing(small: Search) -> None:
    ended = small.cls("--dry-run", "--json", "--task-points", "2")
    plan = ended.json()
    assert ended.code == 0
    assert (plan["points"], plan["tasks"], plan["points_per_task"], plan["continues"]) == (9, 5, 2, False)
    assert (plan["parameters"], plan["structures"], plan["store"]) == (2, 1, str(small.store))
    assert re.search(r"^points per task +2$", small.cls("--dry-run", "--task-points", "2").out, re.MULTILINE)
    assert small.left() == []


def test_points_are_chosen_by_globs(small: Search) -> None:
    ended = small.cls("--points", "s_200_*", "--points", "*_150", "--dry-run", "--json")
    assert ended.json()["points"] == 5


def test_every_p_is_a_point_of_its_own(small: Search) -> None:
    first = write(small.folder / "patch.first.json", signal_patch([4.0, 5.0]))
    second = write(small.folder / "second.json", signal_patch([1.0, 2.0]))
    ended = hfscale(
        *("cls", small.workspace, "-p", first, "-p", second, "-o", small.store, "--executor", "local", "--json")
    )
    assert ended.code == 0
    assert [(point["name"], point["values"]) for point in ended.json()] == [("first", {}), ("second", {})]


def test_patches_joined_by_a_comma_are_one_point(small: Search) -> None:
    signal = write(small.folder / "signal.json", signal_patch([4.0, 5.0]))
    more = [{"op": "replace", "path": "/observations/0/data", "value": [60.0, 14.0]}]
    data = write(small.folder / "data.json", more)
    command = ("--executor", "local", "--json")
    both = hfscale("cls", small.workspace, "-p", f"{signal},{data}", "-o", small.folder / "both.zarr", *command).json()
    alone = hfscale("cls", small.workspace, "-p", signal, "-o", small.folder / "alone.zarr", *command).json()
    assert [point["name"] for point in both] == ["signal+data"]
    assert both[0]["mu_hat"] > alone[0]["mu_hat"]
    assert both[0]["CLs_exp"] != alone[0]["CLs_exp"]


def test_a_workspace_alone_is_one_point_named_after_its_measurement(tmp_path: Path) -> None:
    workspace = small_workspace()
    workspace["channels"][0]["samples"].append(signal_patch([4.0, 5.0])[0]["value"])
    (tmp_path / "alone").mkdir()
    file = write(tmp_path / "alone" / "full.json", workspace)
    ended = hfscale("cls", file, "-o", tmp_path / "alone.zarr", "--executor", "local", "--json")
    assert [point["name"] for point in ended.json()] == ["counting"]
    assert 0.0 < ended.json()[0]["CLs_obs"] < 1.0


def test_the_tested_value_is_that_of_test_poi(small: Search) -> None:
    point = small.cls("--test-poi", "0.5", "--points", "s_400_0", "--json").json()[0]
    assert point["poi"] == 0.5
    other = small._replace(store=small.folder / "one.zarr").cls("--points", "s_400_0", "--json").json()[0]
    assert point["CLs_obs"] > other["CLs_obs"]
    assert point["mu_hat"] == pytest.approx(other["mu_hat"], abs=1e-8)


def test_a_statistic_that_does_not_fit_the_bounds_of_the_poi_is_warned_of(small: Search) -> None:
    ended = small.cls("--test-stat", "q", "--points", "s_400_0", "--json")
    assert ended.code == 0
    assert "warning: the test statistic q was asked for, but the POI 'mu' is bounded at zero" in ended.err
    assert ended.json()[0]["test_stat"] == "q"
    assert "warning" not in small._replace(store=small.folder / "b.zarr").cls("--points", "s_400_0").err


def test_a_poi_that_may_be_negative_warns_of_qtilde(tmp_path: Path) -> None:
    workspace = small_workspace()
    parameters = workspace["measurements"][0]["config"]["parameters"]
    parameters.append({"name": "mu", "bounds": [[-5.0, 10.0]], "inits": [1.0]})
    search = make_search(tmp_path, workspace)
    asked = search.cls("--no-verify-digest", "--dry-run")
    assert "the test statistic qtilde was asked for, but the POI 'mu' may go below zero" in asked.err
    assert "warning" not in search.cls("--no-verify-digest", "--dry-run", "--test-stat", "q").err


def test_another_poi_and_measurement_can_be_chosen(tmp_path: Path) -> None:
    workspace = small_workspace()
    workspace["measurements"].append({"name": "background", "config": {"poi": "norm", "parameters": []}})
    scale = {"name": "norm", "type": "normfactor", "data": None}
    workspace["channels"][0]["samples"][0]["modifiers"].append(scale)
    search = make_search(tmp_path, workspace)
    by_name = hfscale("inspect", search.workspace, search.patchset, "--no-verify-digest", "--poi", "norm", "--json")
    assert (by_name.json()["measurement"], by_name.json()["poi"]) == ("counting", "norm")
    options = ("--no-verify-digest", "--measurement", "background", "--points", "s_400_0", "--json")
    point = search.cls(*options).json()[0]
    assert point["mu_hat"] == pytest.approx(1.0, abs=0.2)
    assert hfscale("status", search.store, "--json").json()["points_ok"] == 1


def test_a_patch_that_adds_no_signal_has_CLs_1(small: Search) -> None:
    write(small.folder / "real.json", signal_patch([4.0, 5.0]))
    write(small.folder / "none.json", [])
    ended = hfscale(
        *("cls", small.workspace, "-p", small.folder / "none.json", "-p", small.folder / "real.json"),
        *("-o", small.store, "--executor", "local", "--json"),
    )
    assert ended.code == 0, ended
    assert "1 points ok, 1 without signal, 0 failed" in ended.err
    none, real = ended.json()
    assert (none["status"], none["CLs_obs"], none["CLs_exp"]) == ("no_signal", 1.0, [1.0] * 5)
    assert real["status"] == "ok"
    assert "without signal  1" in hfscale("status", small.store).out


def test_a_verbose_run_tells_its_choices_and_a_quiet_one_nothing(small: Search) -> None:
    assert "executor: local" in small.cls("-v", "--points", "s_200_0").err
    quiet = small._replace(store=small.folder / "quiet.zarr").cls("-q", "--points", "s_200_0")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_a_log_in_json_has_one_document_per_line(small: Search) -> None:
    ended = small.cls("--log-format", "json", "-v", "--points", "s_200_0", "--test-stat", "q")
    events = [json.loads(line) for line in ended.err.splitlines()]
    assert {"warning", "message", "progress"} <= {event["event"] for event in events}
    assert events[-1]["message"].startswith("1 points ok")


def test_best_fit_parameters_and_minima_are_kept(small_store: Path) -> None:
    import xarray

    data = xarray.open_zarr(small_store, chunks=None)
    assert list(data["parameter"].values) == ["mu", "scale"] or set(data["parameter"].values) == {"mu", "scale"}
    free = data["parameters_free"].sel(parameter="mu").values
    np.testing.assert_array_equal(free.ravel(), data["mu_hat"].values.ravel())
    tested = data["parameters_conditional"].sel(parameter="mu").values
    np.testing.assert_array_equal(tested, np.ones_like(tested))
    assert (data["twice_nll_free"].values.ravel() <= data["twice_nll_conditional"].values.ravel() + 1e-9).all()


def test_archives_are_read_as_they_are_published(tmp_path: Path) -> None:
    import tarfile

    archive = tmp_path / "likelihoods.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("BkgOnly.json", "patchset.json"):
            tar.add(EXAMPLE / name, f"RegionA/{name}")
    ended = hfscale("cls", f"{archive}::RegionA/BkgOnly.json", "-o", tmp_path / "a.zarr", "--dry-run", "--json")
    assert ended.json()["points"] == 88
