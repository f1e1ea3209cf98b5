"""An adaptive number of toys, from the command line: who gets more, the same toys, the same rounds after a kill."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hfscale as package
from hfscale.errors import InputError
from hfscale.plan.settings import check_calculation
from hfscale.store.files import allocation_file, done_folder, toys_files
from hfscale.store.open import open_store
from tests.program import (
    Ended,
    Search,
    copy_store,
    hfscale,
    make_search,
    patchset_of,
    signal_patch,
    small_patchset,
    small_workspace,
)

RULE = ("--calctype", "toybased", "--adaptive", "--min-toys", 100, "--max-toys", 400, "--nsigma", 2)
SOME = ("--points", "strong", "--points", "weak", "--points", "s_400_*")


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """A small search with a finished adaptive store; not to be changed."""
    workspace = small_workspace()
    clear = {"strong": [60.0, 90.0], "weak": [0.4, 0.1]}
    patches = [
        {"metadata": {"name": name, "values": [1000 + k, 0]}, "patch": signal_patch(yields)}
        for k, (name, yields) in enumerate(clear.items())
    ]
    patches += small_patchset(workspace)["patches"]
    folder = tmp_path_factory.mktemp("adaptive")
    made = make_search(folder, workspace, patchset_of(workspace, patches, ["m_heavy", "m_light"]))
    assert made.cls(*RULE, *SOME).code == 0
    return made


@pytest.fixture
def copied(search: Search, tmp_path: Path) -> Search:
    """The same search with a store that a test may change."""
    return search._replace(store=copy_store(search.store, tmp_path))


def numbers_of_toys(store: Path) -> dict[str, int]:
    return {point["name"]: point["toys"]["sb"] for point in package.open_results(store).to_list()}


def plans(store: Path) -> list[bytes]:
    return [path.read_bytes() for path in toys_files(store)]


def test_undecided_points_get_more_toys_by_doubling(search: Search) -> None:
    counts = numbers_of_toys(search.store)
    assert set(counts.values()) <= {100, 200, 400}
    assert max(counts.values()) == 400
    assert counts["strong"] < 400
    rounds = open_store(search.store).rounds
    assert [(toys.first, toys.stop) for toys in rounds] == [(0, 100), (100, 200), (200, 400)]
    cells = [set(toys.by_cell) for toys in rounds]
    assert cells[0] >= cells[1] >= cells[2]
    assert cells[0] > cells[2]


def test_the_point_nearest_to_a_contour_comes_first(search: Search, tmp_path: Path) -> None:
    asymptotic = search._replace(store=tmp_path / "asymptotic.zarr")
    points = asymptotic.cls(*SOME, "--json").json()
    away = [
        min(abs(np.log(p["CLs_obs"] / 0.05)), *(abs(np.log(value / 0.05)) for value in p["CLs_exp"])) for p in points
    ]
    first = [task.cell.point for task in open_store(search.store).rounds[0].tasks]
    assert sorted(first) == list(range(len(points)))
    assert away[first[0]] < away[first[-1]]


def test_the_toys_are_those_of_a_fixed_number(search: Search, tmp_path: Path) -> None:
    fixed = search._replace(store=tmp_path / "fixed.zarr")
    assert fixed.cls("--calctype", "toybased", "--ntoys", 400, *SOME).code == 0
    adaptive, known = (package.open_results(store).toys() for store in (search.store, fixed.store))
    for name, count in numbers_of_toys(search.store).items():
        ours, theirs = (np.asarray(toys["q"])[list(toys["name"].values).index(name)] for toys in (adaptive, known))
        np.testing.assert_array_equal(ours[..., :count], theirs[..., :count])
        assert np.isnan(ours[..., count:]).all()


def forget(store: Path, rounds: Sequence[int], markers: int) -> None:
    """Take the store back to where some tasks of a round are not done, and later rounds are not planned."""
    tasks = sorted(done_folder(store).glob("toys-*.json"))
    for path in tasks[markers:]:
        path.unlink()
    for number in rounds:
        toys_files(store)[number].unlink()
    allocation_file(store).unlink()


@pytest.mark.parametrize(("rounds", "markers"), [([2, 1], 3), ([2], 7), ([2, 1, 0], 0)])
def test_a_killed_run_goes_on_to_the_same_rounds(
    copied: Search, search: Search, rounds: list[int], markers: int
) -> None:
    forget(copied.store, rounds, markers)
    assert not open_store(copied.store).status().finished
    assert copied.cls(*RULE, *SOME).code == 0
    assert plans(copied.store) == plans(search.store)
    assert package.open_results(copied.store).to_list() == package.open_results(search.store).to_list()


def test_a_finished_store_gets_nothing_more(copied: Search) -> None:
    before = {path: path.stat().st_mtime_ns for path in copied.store.rglob("*") if path.is_file()}
    assert copied.cls(*RULE, *SOME).code == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_before_the_first_toys_points_are_pending(copied: Search) -> None:
    forget(copied.store, [2, 1, 0], 0)
    shown = hfscale("show", copied.store, "--json")
    assert shown.code == 0
    assert {point["status"] for point in shown.json()} == {"pending"}
    assert hfscale("status", copied.store).code == 0


def test_a_used_up_budget_leaves_the_least_number(search: Search, tmp_path: Path) -> None:
    short = search._replace(store=tmp_path / "short.zarr")
    assert short.cls(*RULE, *SOME, "--budget", "0.001s").code == 0
    assert set(numbers_of_toys(short.store).values()) == {100}


def test_an_accuracy_ends_what_nsigma_would_go_on_with(search: Search, tmp_path: Path) -> None:
    rough = search._replace(store=tmp_path / "rough.zarr")
    assert rough.cls(*RULE, *SOME, "--accuracy", 0.9).code == 0
    assert sum(numbers_of_toys(rough.store).values()) < sum(numbers_of_toys(search.store).values())


def test_a_scan_spends_toys_where_the_limit_is(search: Search, tmp_path: Path) -> None:
    store = tmp_path / "scan.zarr"
    given = (search.workspace, search.patchset, "-o", store, "--points", "s_400_0", "--executor", "local")
    ended = hfscale("scan", *given, "--poi-grid", "0:4:3", *RULE, "--json")
    assert ended.code == 0
    points = ended.json()
    assert [point["poi"] for point in points] == [0.0, 2.0, 4.0]
    assert points[0]["CLs_obs"] == 1.0
    counts = [point["toys"]["sb"] for point in points]
    assert counts[0] < max(counts) == 400
    assert package.open_results(store).toys()["q"].shape == (1, 3, 2, max(counts))


def test_a_dry_run_bounds_the_number_of_toys(search: Search, tmp_path: Path) -> None:
    plan = search._replace(store=tmp_path / "none.zarr").cls(*RULE, *SOME, "--dry-run", "--json").json()
    assert (plan["toys_at_least"], plan["toys_at_most"]) == (5 * 2 * 100, 5 * 2 * 400)
    assert not (tmp_path / "none.zarr").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--min-toys", 50, "--max-toys", 40), "min_toys 50 is above max_toys 40"),
        (("--min-toys", 0), "min_toys is 0"),
        (("--nsigma", -1), "nsigma is -1"),
        (("--accuracy", 0), "accuracy is 0"),
        (("--budget", "soon"), "budget is 'soon'"),
        (("--level", 1.5), "level is 1.5"),
        (("--ntoys", 10), "ntoys with adaptive has no effect"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, options: tuple[Any, ...], said: str) -> None:
    search = make_search(tmp_path)
    ended: Ended = search.cls("--calctype", "toybased", "--adaptive", *options)
    assert (ended.code, search.left()) == (2, [])
    assert said in ended.err
    assert "remedy" in ended.err


@pytest.mark.parametrize(
    "fields",
    [
        {"calctype": "toybased", "min_toys": 5},
        {"adaptive": True},
        {"calctype": "toybased", "level": 0.1},
        {"calctype": "toybased", "adaptive": True, "kind": "significance"},
        {"kind": "limit", "calctype": "toybased"},
        {"kind": "limit", "calctype": "toybased", "poi_grid": "0:1:3", "rtol": 1e-3},
        {"kind": "limit", "poi_grid": "0:1:3"},
    ],
)
def test_settings_without_effect_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        check_calculation(fields)


def test_adaptive_settings_survive_their_document() -> None:
    calculation = check_calculation({"calctype": "toybased", "adaptive": True, "budget": "2h", "accuracy": 0.01})
    document = json.loads(json.dumps(calculation.document()))
    assert check_calculation(document) == calculation
    assert calculation.budget_seconds == 7200.0
    assert not {"ntoys", "first_toy"} & document.keys()
