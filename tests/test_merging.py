"""Pooling stores."""

from pathlib import Path

import numpy as np
import pytest
import xarray

import hfscale as package
from hfscale.errors import InputError, StoreError, StoreMismatchError
from hfscale.plan.cells import Cell
from hfscale.plan.pooling import Piece, pooled_pieces
from hfscale.results import Results
from hfscale.store.files import done_folder
from hfscale.store.open import open_store
from tests.program import Search, copy_store, hfscale, make_search, signal_patch, small_patchset, small_workspace, write


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    return make_search(tmp_path_factory.mktemp("merging"))


def toys_of(search: Search, name: str, points: str = "s_400_*", **options: int) -> Path:
    """Make a store of toys, unless there is one of that name."""
    store = search.folder / f"{name}.zarr"
    given = {"calctype": "toybased", "task_toys": 20, "points": [points], "executor": "local", **options}
    package.cls(search.workspace, search.patchset, store=store, **given)  # type: ignore[arg-type]
    return store


@pytest.fixture(scope="module")
def whole(search: Search) -> Path:
    return toys_of(search, "whole", ntoys=90)


@pytest.fixture(scope="module")
def halves(search: Search) -> tuple[Path, Path]:
    return toys_of(search, "first", ntoys=50), toys_of(search, "second", ntoys=40, first_toy=50, task_toys=9)


def assert_same(ours: Results, theirs: Results) -> None:
    """The same numbers to the last bit, of points and of toys."""
    first, second = (results.to_xarray().load().drop_attrs() for results in (ours, theirs))
    xarray.testing.assert_identical(first, second)
    xarray.testing.assert_identical(ours.toys(), theirs.toys())
    assert ours.to_list() == theirs.to_list()


def test_two_halves_are_one_run(search: Search, halves: tuple[Path, Path], whole: Path, tmp_path: Path) -> None:
    ended = hfscale("merge", *reversed(halves), "-o", tmp_path / "pool.zarr", "--json")
    assert ended.code == 0
    pool = package.open_results(tmp_path / "pool.zarr")
    assert_same(pool, package.open_results(whole))
    assert ended.json() == pool.to_list()
    assert pool.store.settings == open_store(whole).settings
    assert pool.store.attributes["provenance"]["merged"] == [str(half) for half in reversed(halves)]
    # The command that makes the whole continues the pool, and has nothing to do.
    command = (
        "cls",
        search.workspace,
        search.patchset,
        "-o",
        pool.path,
        "--points",
        "s_400_*",
        "--calctype",
        "toybased",
    )
    assert "nothing to do" in hfscale(*command, "--ntoys", 90).err


def test_what_overlaps_is_kept_once(halves: tuple[Path, Path], whole: Path, tmp_path: Path) -> None:
    pool = package.merge([halves[1], whole, halves[0]], tmp_path / "pool.zarr")
    assert_same(pool, package.open_results(whole))


def test_points_are_pooled(search: Search, whole: Path, tmp_path: Path) -> None:
    other = toys_of(search, "other", points="s_800_*", ntoys=30)
    pool = package.merge([whole, other], tmp_path / "pool.zarr")
    assert pool.store.names == [*open_store(whole).names, *open_store(other).names]
    counts = {point["name"]: point["toys"]["b"] for point in pool.to_list()}
    assert counts == {name: 90 if name.startswith("s_400") else 30 for name in pool.store.names}
    assert {point["status"] for point in pool.to_list()} == {"ok"}
    assert pool.to_list()[:3] == package.open_results(whole).to_list()


def test_seeds_are_pooled_and_told_apart(search: Search, whole: Path, tmp_path: Path) -> None:
    other = toys_of(search, "seed", ntoys=30, seed=5)
    toys = package.merge([whole, other], tmp_path / "pool.zarr").toys()
    assert toys.sizes["toy"] == 120
    mine = toys.isel(toy=toys["seed"] == 5)
    np.testing.assert_array_equal(mine["q"], package.open_results(other).toys()["q"])
    more = package.toys(tmp_path / "pool.zarr", 10, executor="local").store
    assert [(toys.seed, toys.first, toys.stop) for toys in more.rounds] == [(0, 0, 90), (5, 0, 30), (0, 90, 100)]


def test_stores_without_toys_are_pooled_by_points(search: Search, tmp_path: Path) -> None:
    parts = []
    for points in ("s_200_*", "s_800_*"):
        parts.append(tmp_path / f"{points[2]}.zarr")
        package.cls(search.workspace, search.patchset, store=parts[-1], points=[points], executor="local")
    pool = package.merge(parts, tmp_path / "pool.zarr").to_list()
    assert pool == [point for part in parts for point in package.open_results(part).to_list()]


def test_unfinished_tasks_stay_to_be_done(
    search: Search, halves: tuple[Path, Path], whole: Path, tmp_path: Path
) -> None:
    second = copy_store(halves[1], tmp_path)
    next(done_folder(second).glob("toys-*")).unlink()
    pool = package.merge([halves[0], second], tmp_path / "pool.zarr")
    assert not pool.status().finished
    finished = package.cls(
        *(search.workspace, search.patchset),
        store=pool.path,
        points=["s_400_*"],
        calctype="toybased",
        ntoys=90,
        executor="local",
    )
    assert_same(finished, package.open_results(whole))


def scan_of(search: Search, name: str, grid: str, **options: object) -> Path:
    given = {"points": ["s_400_*"], "executor": "local", "store": search.folder / f"{name}.zarr", **options}
    return package.scan(search.workspace, search.patchset, poi_grid=grid, **given).path  # type: ignore[arg-type]


def test_poi_values_of_toys_are_pooled(search: Search, tmp_path: Path) -> None:
    given = {"calctype": "toybased", "ntoys": 30, "task_toys": 20}
    parts = [scan_of(search, f"grid_{k}", grid, **given) for k, grid in enumerate(("0.5:1.5:2", "1,3"))]
    together = package.open_results(scan_of(search, "grid", "0.5,1,1.5,3", **given))
    pool = package.merge(parts, tmp_path / "pool.zarr")
    assert pool.status().finished
    # Toys know nothing of the grid; fits of the data begin at the minima of the value before.
    xarray.testing.assert_identical(pool.toys(), together.toys())
    found, expected = pool.to_dataframe(), together.to_dataframe()
    assert found["poi"].tolist() == expected["poi"].tolist()
    assert found["CLs_obs"].to_numpy() == pytest.approx(expected["CLs_obs"].to_numpy(), rel=1e-12)


def test_poi_values_without_toys_are_pooled(search: Search, tmp_path: Path) -> None:
    parts = [scan_of(search, f"values_{k}", grid) for k, grid in enumerate(("0.5,2", "1,3"))]
    together = package.open_results(scan_of(search, "values", "0.5,1,2,3")).to_dataframe()
    pool = package.merge(parts, tmp_path / "pool.zarr").to_dataframe()
    assert pool["poi"].tolist() == together["poi"].tolist()
    assert pool["q"].to_numpy() == pytest.approx(together["q"].to_numpy(), abs=1e-7)


def test_a_point_waits_for_all_poi_values(search: Search, tmp_path: Path) -> None:
    one = scan_of(search, "one_point", "0.5,2", points=["s_400_100"])
    two = scan_of(search, "two_points", "1,3")
    pool = package.merge([two, one], tmp_path / "pool.zarr")
    status = pool.status()
    assert 0 < status.points_ok < status.points_total
    pool = package.open_results(scan_of(search, "pool", "0.5,1.0,2.0,3.0", store=pool.path))
    assert pool.status().points_ok == status.points_total


def test_different_numbers_at_an_address_are_refused(whole: Path, tmp_path: Path) -> None:
    copy = copy_store(whole, tmp_path)
    group = open_store(copy).path / "toys" / "0000"
    import zarr

    array = zarr.open_array(zarr.storage.LocalStore(group / "q"), mode="r+")
    array[1, 0, 0, 33] = np.nextafter(float(array[1, 0, 0, 33]), 10.0)
    with pytest.raises(StoreMismatchError, match=r"toys 0 to 89 of the signal point 's_400_100': q"):
        package.merge([whole, copy], tmp_path / "pool.zarr")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.zarr"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"test_poi": 2.0}, "test_poi: 1.0 there, 2.0 here"),
        ({"ensemble": "aux-observed"}, "ensemble: unconditional there, aux-observed here"),
    ],
)
def test_other_settings_are_refused(
    search: Search, whole: Path, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    options = {"calctype": "toybased", "ntoys": 1, "points": ["s_400_0"], "executor": "local", **changes}
    other = tmp_path / "other.zarr"
    package.cls(search.workspace, search.patchset, store=other, **options)  # type: ignore[arg-type]
    ended = hfscale("merge", whole, other, "-o", tmp_path / "pool.zarr")
    assert ended.code == 2
    assert said in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.zarr"]


def test_other_models_are_refused(search: Search, whole: Path, tmp_path: Path) -> None:
    workspace = small_workspace()
    workspace["observations"][0]["data"][0] += 1.0
    other = make_search(tmp_path, workspace, small_patchset(workspace))
    store = toys_of(other, "other", ntoys=1)
    with pytest.raises(StoreMismatchError, match=r"inputs\.workspace"):
        package.merge([whole, store], tmp_path / "pool.zarr")


def test_a_point_of_another_patch_is_refused(search: Search, tmp_path: Path) -> None:
    parts = []
    for folder, yields in (("a", [4.0, 5.0]), ("b", [4.0, 6.0])):
        (tmp_path / folder).mkdir()
        patch = write(tmp_path / folder / "point.json", signal_patch(yields))
        parts.append(tmp_path / f"{folder}.zarr")
        package.cls(search.workspace, store=parts[-1], patches=[str(patch)], executor="local")
    with pytest.raises(StoreMismatchError, match="does not belong"):
        package.merge(parts, tmp_path / "pool.zarr")


def test_an_existing_store_and_a_single_one_are_refused(halves: tuple[Path, Path], whole: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="exists already"):
        package.merge(halves, whole)
    with pytest.raises(InputError, match="two stores or more"):
        package.merge([whole], tmp_path / "pool.zarr")
    with pytest.raises(StoreError, match="does not exist"):
        package.merge([whole, tmp_path / "none.zarr"], tmp_path / "pool.zarr")
    assert not list(tmp_path.iterdir())


def piece(first: int, stop: int, *points: int, seed: int = 0) -> Piece:
    return Piece(seed, first, stop, frozenset(Cell(point) for point in points))


@pytest.mark.parametrize(
    ("given", "pooled"),
    [
        ([], []),
        ([piece(5, 9, 1), piece(0, 5, 1)], [piece(0, 9, 1)]),
        ([piece(0, 6, 1), piece(4, 9, 1)], [piece(0, 9, 1)]),
        ([piece(0, 6, 1), piece(8, 9, 1)], [piece(0, 6, 1), piece(8, 9, 1)]),
        ([piece(0, 9, 1), piece(0, 9, 2)], [piece(0, 9, 1, 2)]),
        ([piece(0, 9, 1), piece(4, 6, 2)], [piece(0, 4, 1), piece(4, 6, 1, 2), piece(6, 9, 1)]),
        ([piece(0, 9, 1, seed=3), piece(0, 9, 1)], [piece(0, 9, 1), piece(0, 9, 1, seed=3)]),
    ],
)
def test_pieces_become_disjoint_and_as_few_as_possible(given: list[Piece], pooled: list[Piece]) -> None:
    assert pooled_pieces(given) == pooled
