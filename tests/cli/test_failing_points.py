"""A point whose fit fails does not stop the others: it is listed with its reason, and the exit code is 1."""

from pathlib import Path

import pytest

from tests.program import Ended, Search, hfscale, make_search, patchset_of, signal_patch, small_workspace


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Search, Ended]:
    """Run three points, of which the second makes a bin with events and a negative rate."""
    workspace = small_workspace()
    impossible = {"op": "replace", "path": "/channels/0/samples/0/data/1", "value": -10.0}
    patches = [
        {"metadata": {"name": "first", "values": [1, 5]}, "patch": signal_patch([4.0, 5.0])},
        {"metadata": {"name": "second", "values": [2, 1]}, "patch": [impossible, *signal_patch([4.0, 0.0])]},
        {"metadata": {"name": "third", "values": [3, 3]}, "patch": signal_patch([1.0, 2.0])},
    ]
    patchset = patchset_of(workspace, patches, ["mass", "other"])
    search = make_search(tmp_path_factory.mktemp("failing"), workspace, patchset)
    return search, search.cls("--json")


def test_the_other_points_are_done(failing: tuple[Search, Ended]) -> None:
    _, ended = failing
    assert ended.code == 1
    assert [point["status"] for point in ended.json()] == ["ok", "failed", "ok"]
    assert "Traceback" not in ended.err


def test_the_failed_point_is_listed_with_its_reason(failing: tuple[Search, Ended]) -> None:
    _, ended = failing
    assert "failed: second: " in ended.err
    assert "2 points ok, 0 without signal, 1 failed" in ended.err
    failed = ended.json()[1]
    assert "fit: the likelihood is not finite" in failed["reason"]
    assert failed["CLs_obs"] is None
    assert failed["CLs_exp"] is None
    assert "reason" not in ended.json()[0]


def test_show_and_status_tell_the_reason(failing: tuple[Search, Ended]) -> None:
    search, ended = failing
    reason = ended.json()[1]["reason"]
    shown = hfscale("show", search.store)
    assert shown.code == 0
    assert f"failed: second: {reason}" in shown.err
    assert [line.split()[:3] for line in shown.out.splitlines()][2] == ["second", "failed", "-"]
    status = hfscale("status", search.store)
    assert status.code == 0
    assert f"failed: second: {reason}" in status.out
    document = hfscale("status", search.store, "--json").json()
    assert (document["points_failed"], document["failures"]) == (1, {"second": reason})


def test_the_same_command_again_repeats_nothing(failing: tuple[Search, Ended]) -> None:
    search, first = failing
    before = {path: path.stat().st_mtime_ns for path in search.store.rglob("*.json")}
    again = search.cls("--json")
    assert again.code == 1
    assert again.json() == first.json()
    assert "failed: second: " in again.err
    assert {path: path.stat().st_mtime_ns for path in search.store.rglob("*.json")} == before


def test_the_failed_point_is_no_part_of_the_contour(failing: tuple[Search, Ended], tmp_path: Path) -> None:
    search, _ = failing
    ended = hfscale("contour", search.store, "-x", "mass", "-y", "other", "-o", tmp_path / "c.png")
    assert ended.code == 2
    assert "error: " in ended.err
    assert "Traceback" not in ended.err
