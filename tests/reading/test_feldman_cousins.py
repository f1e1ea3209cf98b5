"""Feldman-Cousins intervals from the toys of a scan, on the command line and in Python."""

from pathlib import Path

import pytest

import hfscale as package
from tests.program import Search, hfscale, make_search, patchset_of, signal_patch, small_workspace

GRID = "0,0.05,0.25,1,1.2"


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """Toys of 8 events on a background of 3, with ten events of signal at 1; not to be changed."""
    workspace = small_workspace()
    workspace["channels"][0]["samples"] = [{"name": "background", "data": [3.0], "modifiers": []}]
    workspace["observations"][0]["data"] = [8]
    patch = {"metadata": {"name": "signal", "values": [1]}, "patch": signal_patch([10.0])}
    search = make_search(tmp_path_factory.mktemp("scanned"), workspace, patchset_of(workspace, [patch], ["m"]))
    given = (search.workspace, search.patchset, "-o", search.store, "--executor", "local")
    ended = hfscale("scan", *given, "--calctype", "toybased", "--poi-grid", GRID, "--ntoys", 200)
    assert ended.code == 0, ended.err
    return search


def test_a_scan_gives_the_published_interval(scanned: Search) -> None:
    (point,) = hfscale("feldman-cousins", scanned.store, "--probability", 0.9, "--json").json()
    assert (point["name"], point["status"]) == ("signal", "ok")
    assert point["toys"] == [200] * len(point["poi"])
    (one,) = point["intervals"]
    # Feldman and Cousins, table IV: 1.51 to 10.99 events.
    for end, published, (low, high) in zip(
        one["interval"], (0.151, 1.099), (one["lower_interval"], one["upper_interval"]), strict=True
    ):
        assert low <= end <= high
        assert end == pytest.approx(published, abs=0.1)
    header, row, *_ = hfscale("feldman-cousins", scanned.store, "--probability", 0.9).out.splitlines()
    assert header.split()[:4] == ["name", "status", "probability", "lower"]
    assert row.split()[:4] == ["signal", "ok", "0.9", f"{one['interval'][0]:.4g}"]
    (found,) = package.open_results(scanned.store).feldman_cousins(0.9)
    assert [found.found.intervals[0].lower, found.found.intervals[0].upper] == one["interval"]


def test_an_interval_reaches_down_to_the_bound(scanned: Search) -> None:
    # At 99.5 % no signal is allowed too, and the upper end is above all tested values.
    (point,) = hfscale("feldman-cousins", scanned.store, "--probability", 0.995, "--json").json()
    assert point["intervals"][0]["interval"] == [0.0, None]


def test_stores_without_such_toys_are_refused(scanned: Search, tmp_path: Path) -> None:
    given = (scanned.workspace, scanned.patchset, "-o", tmp_path / "cls.zarr", "--executor", "local")
    assert hfscale("cls", *given).code == 0
    ended = hfscale("feldman-cousins", tmp_path / "cls.zarr")
    assert ended.code == 2
    assert "--calctype toybased --poi-grid" in ended.err
    unknown = hfscale("feldman-cousins", scanned.store, "--point", "nothing*")
    assert (unknown.code, "names look like signal" in unknown.err) == (2, True)
