"""Limits on events and cross-sections from the command line, from Python, in campaign files and of old stores."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import hfscale
from hfscale.results import open_results
from tests.program import Ended, Search, copy_store, write
from tests.program import hfscale as program

POINTS = ("--points", "s_200_*")
YIELDS = {"s_200_0": 6.0 + 12.0, "s_200_100": 6.0 + 11.25, "s_200_150": 6.0 + 10.875}
CROSS_SECTIONS = {"s_200_0": 30.0, "s_200_100": 3.0, "s_200_150": 0.3, "other": 1.0}


def limit(search: Search, store: Path, *arguments: object) -> Ended:
    inputs = (search.workspace, search.patchset, "-o", store, "--executor", "local")
    return program("limit", *inputs, *POINTS, *arguments)


def times(factor: float, values: list[float]) -> Any:
    return pytest.approx([factor * value for value in values], rel=1e-12)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Search, list[dict[str, Any]]]:
    from tests.program import make_search

    search = make_search(tmp_path_factory.mktemp("events"))
    file = write(search.folder / "xsec.json", CROSS_SECTIONS)
    ended = limit(search, search.store, "--luminosity", "140", "--cross-section", file, "--json")
    assert ended.code == 0, ended.err
    return search, ended.json()


def test_limits_are_given_in_events_and_cross_sections(finished: tuple[Search, list[dict[str, Any]]]) -> None:
    for point in finished[1]:
        events, mu = YIELDS[point["name"]], point["upper_limit_obs"]
        assert point["signal_yield"] == pytest.approx(events, rel=1e-12)
        assert point["S95_obs"] == pytest.approx(mu * events, rel=1e-12)
        assert point["S95_exp"] == times(events, point["upper_limit_exp"])
        assert point["visible_xsec_obs"] == pytest.approx(mu * events / 140.0, rel=1e-12)
        assert point["visible_xsec_exp"] == times(events / 140.0, point["upper_limit_exp"])
        assert point["xsec_limit_obs"] == pytest.approx(mu * CROSS_SECTIONS[point["name"]], rel=1e-12)
        assert point["xsec_limit_exp"] == times(CROSS_SECTIONS[point["name"]], point["upper_limit_exp"])


def test_a_store_keeps_them_without_the_file(finished: tuple[Search, list[dict[str, Any]]], tmp_path: Path) -> None:
    search, points = finished
    store = copy_store(search.store, tmp_path)
    assert program("show", store, "--json").json() == points
    frame = open_results(store).to_dataframe()
    assert frame.loc["s_200_100", "xsec_limit_obs"] == points[1]["xsec_limit_obs"]
    assert frame.loc["s_200_100", "S95_exp_p2"] == points[1]["S95_exp"][4]


def test_without_luminosity_and_cross_sections_there_are_events(small: Search) -> None:
    (point,) = limit(small, small.store, "--points", "s_200_0", "--json").json()[:1]
    assert point["S95_obs"] == pytest.approx(18.0 * point["upper_limit_obs"], rel=1e-12)
    assert not [key for key in point if "xsec" in key]


def test_python_and_campaign_files_give_the_same(finished: tuple[Search, list[dict[str, Any]]], tmp_path: Path) -> None:
    search, points = finished
    common = {"points": ["s_200_*"], "luminosity": 140.0, "executor": "local"}
    results = hfscale.limit(
        search.workspace, search.patchset, store=tmp_path / "a.zarr", cross_section=CROSS_SECTIONS, **common
    )
    assert results.to_list() == points
    write(tmp_path / "xsec.csv", "point,fb\n" + "".join(f"{name},{value}\n" for name, value in CROSS_SECTIONS.items()))
    for path in (search.workspace, search.patchset):
        shutil.copy(path, tmp_path)
    campaign = {
        "schema": 1,
        "workspace": "BkgOnly.json",
        "patchset": "patchset.json",
        "calculation": {"kind": "limit", "luminosity": 140.0, "cross_section": "xsec.csv"},
        "points": ["s_200_*"],
        "store": "b.zarr",
        "run": {"executor": "local"},
    }
    file = write(tmp_path / "campaign.yaml", json.dumps(campaign))
    assert hfscale.run(file).to_list() == points


def test_intervals_of_toys_are_converted(small: Search) -> None:
    toys = ("--calctype", "toybased", "--poi-grid", "0.3:1.5:4", "--ntoys", "200", "--points", "s_200_0")
    ended = program(
        "limit", small.workspace, small.patchset, "-o", small.store, *toys, "--cross-section", "2", "--json",
        "--executor", "local",
    )  # fmt: skip
    (point,) = ended.json()
    assert point["S95_obs"] == pytest.approx(18.0 * point["upper_limit_obs"], rel=1e-12)
    assert point["xsec_limit_exp"][2] == pytest.approx(2.0 * point["upper_limit_exp"][2], rel=1e-12)
    low, high = point["toys"]["upper_limit_obs_interval"]
    assert point["toys"]["xsec_limit_obs_interval"] == [2.0 * low, 2.0 * high]


def test_stores_without_yields_are_shown(finished: tuple[Search, list[dict[str, Any]]], tmp_path: Path) -> None:
    """As they were made before there were yields."""
    search, points = finished
    store = copy_store(search.store, tmp_path)
    shutil.rmtree(store / "signal_yield")
    root = json.loads((store / "zarr.json").read_text())
    del root["consolidated_metadata"]["metadata"]["signal_yield"]
    write(store / "zarr.json", root)
    shown = program("show", store, "--json").json()
    kept = [key for key in points[0] if not key.startswith(("S95", "visible", "signal_yield"))]
    assert [list(point) for point in shown] == [kept] * 3
    assert [point["xsec_limit_obs"] for point in shown] == [point["xsec_limit_obs"] for point in points]
    assert program("show", store).code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--luminosity", "0"], "luminosity is 0"),
        (["--luminosity", "inf"], "luminosity is inf"),
        (["--cross-section", "-2"], "cross-section -2"),
        (["--cross-section", "nowhere.json"], "nowhere.json cannot be read"),
        (["--cross-section", "BkgOnly.json"], "no cross-section of 3 of 3 signal points"),
    ],
)
def test_bad_input_is_refused_and_nothing_written(
    small: Search, options: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small.folder)
    ended = limit(small, small.store, *options)
    assert ended.code == 2
    assert message in ended.err
    assert small.left() == []
