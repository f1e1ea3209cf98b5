"""CLs from toys, from the command line to the numbers: stored, shown, continued, extended."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

import hfscale as package
from hfscale.errors import InputError, SelectionError, StoreError, StoreMismatchError
from hfscale.inference.toys.results import ToyBlock, ToyStatus
from hfscale.store.files import done_folder
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

NTOYS, TASK_TOYS = 200, 80
TOYS = ("--calctype", "toybased", "--task-toys", TASK_TOYS)


def search_in(folder: Path) -> Search:
    """Make the small search with a further point that has no signal."""
    workspace = small_workspace()
    empty = {"metadata": {"name": "empty", "values": [1600, 0]}, "patch": signal_patch([0.0, 0.0])}
    patches = [*small_patchset(workspace)["patches"], empty]
    return make_search(folder, workspace, patchset_of(workspace, patches, ["m_heavy", "m_light"]))


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """The search with a finished store; not to be changed."""
    made = search_in(tmp_path_factory.mktemp("toys"))
    assert made.cls(*TOYS, "--ntoys", NTOYS).code == 0
    return made


@pytest.fixture
def copied(search: Search, tmp_path: Path) -> Search:
    """The same search with a store that a test may change."""
    return search._replace(store=copy_store(search.store, tmp_path))


def again(search: Search, *options: object) -> Ended:
    return search.cls("--calctype", "toybased", "--ntoys", NTOYS, *options)


def toy_markers(store: Path, pattern: str = "*") -> list[Path]:
    return sorted(done_folder(store).glob(f"toys-{pattern}.json"))


def assert_same_toys(first: Path, second: Path) -> None:
    """The same toys to the last bit, in whatever rounds."""
    ours, theirs = (package.open_results(store).toys() for store in (first, second))
    xarray.testing.assert_identical(ours, theirs)


def test_p_values_are_shares_of_the_stored_toys(search: Search) -> None:
    (point,) = hfscale("show", search.store, "--point", "s_400_100", "--json").json()
    toys = package.open_results(search.store).toys("s_400_100")
    assert dict(toys.sizes) == {"point": 1, "mu": 1, "hypothesis": 2, "toy": NTOYS}
    above = (toys["q"] >= point["q"] - 1e-6).mean("toy").squeeze()
    assert point["CLsb"] == float(above.sel(hypothesis="sb"))
    assert point["CLb"] == float(above.sel(hypothesis="b"))
    assert point["CLs_obs"] == pytest.approx(point["CLsb"] / point["CLb"], rel=1e-12)
    assert 0.0 < point["CLs_obs"] < 1.0


def test_show_json_has_the_fields_of_the_contract(search: Search, tmp_path: Path) -> None:
    (point,) = hfscale("show", search.store, "--point", "s_400_0", "--json").json()
    assert (point["status"], point["calctype"], point["poi"], point["test_stat"]) == ("ok", "toybased", 1.0, "qtilde")
    assert set(point["twice_nll"]) == {"free", "conditional", "background"}
    toys = point["toys"]
    assert [toys[key] for key in ("sb", "b", "failed_sb", "failed_b")] == [NTOYS, NTOYS, 0, 0]
    low, high = toys["CLs_obs_interval"]
    assert low < point["CLs_obs"] < high
    assert toys["CLs_obs_bounds"] == pytest.approx([point["CLs_obs"]] * 2)
    assert point["CLs_exp"] == sorted(point["CLs_exp"])
    assert len(toys["CLs_exp_interval"]) == 5
    # Within its uncertainty, CLs is what the asymptotic formulas give for so many events.
    asymptotic = search._replace(store=tmp_path / "asymptotic.zarr").cls("--points", "s_400_0", "--json").json()[0]
    assert abs(point["CLs_obs"] - asymptotic["CLs_obs"]) < 4.0 * (high - low) / 2 + 0.02
    assert point["q"] == pytest.approx(asymptotic["q"], abs=1e-8)


def test_a_point_without_signal_gets_no_toys(search: Search) -> None:
    (point,) = hfscale("show", search.store, "--point", "empty", "--json").json()
    assert (point["status"], point["CLs_obs"], point["CLs_exp"]) == ("no_signal", 1.0, [1.0] * 5)
    assert (point["toys"]["sb"], point["toys"]["b"]) == (0, 0)


def test_status_counts_toys(search: Search) -> None:
    status = hfscale("status", search.store, "--json").json()
    assert status["finished"]
    assert (status["points_ok"], status["points_no_signal"], status["points_partial"]) == (9, 1, 0)
    assert {key: status["toys"][key] for key in ("total", "done", "failed", "failure_rates")} == {
        "total": 9 * 2 * NTOYS,
        "done": 9 * 2 * NTOYS,
        "failed": 0,
        "failure_rates": {},
    }
    assert "toys" in hfscale("status", search.store).out


def test_contours_are_drawn_from_toys(search: Search, tmp_path: Path) -> None:
    csv = tmp_path / "contour.csv"
    axes = ("-x", "m_heavy", "-y", "m_light", "--select", "m_heavy < 1000")
    assert hfscale("contour", search.store, *axes, "-o", tmp_path / "contour.png", "--csv", csv).code == 0
    assert "observed" in csv.read_text()


def test_a_data_frame_has_the_uncertainty_of_toys(search: Search) -> None:
    frame = package.open_results(search.store).to_dataframe()
    good = frame[frame["status"] == "ok"]
    assert ((good["CLs_obs_low"] <= good["CLs_obs"]) & (good["CLs_obs"] <= good["CLs_obs_high"])).all()
    assert set(good["toys_sb"]) == {NTOYS}


def test_the_same_command_does_nothing(copied: Search) -> None:
    before = {path: path.stat().st_mtime_ns for path in copied.store.rglob("*") if path.is_file()}
    ended = again(copied)
    assert ended.code == 0
    assert "nothing to do" in ended.err
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_toys_that_are_missing_make_points_partial_until_the_run_goes_on(copied: Search, search: Search) -> None:
    lost = toy_markers(copied.store, "*-000003-*")
    lost[1].unlink()
    for marker in toy_markers(copied.store, "*-000004-*"):
        marker.unlink()
    points = {point["name"]: point for point in hfscale("show", copied.store, "--json").json()}
    names = open_store(copied.store).names
    partial, pending = points[names[3]], points[names[4]]
    assert (partial["status"], partial["toys"]["sb"]) == ("partial", NTOYS - TASK_TOYS)
    assert (pending["status"], pending["toys"]["sb"], pending["CLs_obs"]) == ("pending", 0, None)
    assert pending["mu_hat"] is not None
    status = hfscale("status", copied.store, "--json").json()
    assert (status["finished"], status["points_ok"], status["points_partial"]) == (False, 7, 2)
    kept = {path: path.stat().st_mtime_ns for path in toy_markers(copied.store)}
    assert again(copied).code == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert_same_toys(copied.store, search.store)


def test_more_toys_are_those_of_a_larger_run(copied: Search, search: Search, tmp_path: Path) -> None:
    large = search._replace(store=tmp_path / "large.zarr")
    assert large.cls("--calctype", "toybased", "--ntoys", NTOYS + 50, "--task-toys", 250).code == 0
    ended = hfscale("toys", copied.store, "--more", 50, "--executor", "local", "--json")
    assert ended.code == 0
    assert_same_toys(copied.store, large.store)
    assert ended.json() == hfscale("show", large.store, "--json").json()
    assert "nothing to do" in again(copied).err


def test_an_interrupted_extension_is_continued_by_the_same_command(copied: Search) -> None:
    extend = ("toys", copied.store, "--more", 30, "--executor", "local")
    assert hfscale(*extend).code == 0
    toy_markers(copied.store, "0001-*")[2].unlink()
    assert hfscale(*extend).code == 0
    store = open_store(copied.store)
    assert [toys.count for toys in store.rounds] == [NTOYS, 30]
    assert store.status().finished
    assert hfscale(*extend).code == 0
    assert [(toys.first, toys.stop) for toys in open_store(copied.store).rounds[1:]] == [(200, 230), (230, 260)]


def test_the_first_toy_and_the_seed_choose_the_toys(search: Search, tmp_path: Path) -> None:
    options = {"calctype": "toybased", "ntoys": 20, "points": ["s_400_0"], "executor": "local"}
    files = search.workspace, search.patchset
    later = package.cls(*files, store=tmp_path / "later.zarr", first_toy=70, **options).toys()
    other = package.cls(*files, store=tmp_path / "other.zarr", seed=1, **options).toys()
    known = package.open_results(search.store).toys("s_400_0")
    np.testing.assert_array_equal(later["q"], known["q"].sel(toy=slice(70, 89)))
    assert later["toy"].values.tolist() == list(range(70, 90))
    assert not np.isin(other["twice_nll_free"], known["twice_nll_free"]).any()
    assert set(other["seed"].values.tolist()) == {1}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--ntoys", 300), "ntoys: 200 in the store, 300 asked"),
        (("--seed", 1), "seed: 0 in the store, 1 asked"),
        (("--ensemble", "aux-observed"), "ensemble: unconditional in the store, aux-observed asked"),
    ],
)
def test_other_toys_than_those_of_the_store_are_refused(search: Search, options: tuple[Any, ...], said: str) -> None:
    ended = again(search, *options)
    assert ended.code == 2
    assert said in ended.err
    assert "--more N" in ended.err


@pytest.mark.parametrize(
    "options", [("--ntoys", 0), ("--ntoys", -5), ("--seed", -1), ("--first-toy", -1), ("--test-poi", 11)]
)
def test_bad_numbers_are_refused_and_nothing_is_written(tmp_path: Path, options: tuple[Any, ...]) -> None:
    search = search_in(tmp_path)
    ended = search.cls(*TOYS, *options)
    assert ended.code == 2
    assert "remedy" in ended.err
    assert search.left() == []


def test_a_dry_run_counts_toys(tmp_path: Path) -> None:
    search = search_in(tmp_path)
    plan = search.cls(*TOYS, "--ntoys", 200, "--dry-run", "--json").json()
    assert (plan["toys"], plan["toy_tasks"], plan["toys_per_task"]) == (3600, 27, 80)
    assert search.left() == []


def test_a_store_cannot_be_extended_by_another_generator(copied: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfscale.driver.GENERATOR", "dice")
    with pytest.raises(StoreMismatchError, match=r"toy_generator: philox.* in the store, dice asked"):
        package.toys(copied.store, 10)
    assert len(open_store(copied.store).rounds) == 1


def test_what_cannot_be_extended_is_refused(small_store: Path, search: Search) -> None:
    with pytest.raises(StoreError, match="has no toys"):
        package.toys(small_store, 10)
    with pytest.raises(SelectionError, match="has no toys"):
        package.open_results(small_store).toys()
    with pytest.raises(InputError, match="-3 toys"):
        package.toys(search.store, -3)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make every tenth toy of the background hypothesis fail."""
    from hfscale.work import toys

    run_toys = toys.run_toys

    def run(
        group: Any, row: int, origins: Any, hypothesis: Any, mu: float, first: int, count: int, settings: Any
    ) -> Any:
        block = run_toys(group, row, origins, hypothesis, mu, first, count, settings)
        bad = (np.arange(first, first + count) % 10 == 3) & (hypothesis == "b")
        lost = {name: np.where(bad, np.nan, getattr(block, name)) for name in ("q", "mu_hat", "twice_nll_free")}
        status = np.where(bad, int(ToyStatus.FAILED), block.status)
        reasons = {first + int(k): "free fit: made to fail" for k in np.flatnonzero(bad)}
        return ToyBlock(**lost, twice_nll_conditional=block.twice_nll_conditional, status=status, reasons=reasons)

    return lambda: monkeypatch.setattr(toys, "run_toys", run)


def test_failed_toys_are_counted_and_bound_cls(tmp_path: Path, failing: Callable[[], None]) -> None:
    search = search_in(tmp_path)
    failing()
    ended = search.cls(*TOYS, "--ntoys", 100, "--points", "s_400_0", "--json")
    (point,) = ended.json()
    assert ended.code == 1
    assert "200 toys, 10 with failed fits" in ended.err
    assert (point["status"], point["toys"]["b"], point["toys"]["failed_b"]) == ("ok", 90, 10)
    low, high = point["toys"]["CLs_obs_bounds"]
    assert low < point["CLs_obs"] < high
    status = hfscale("status", search.store, "--json").json()
    assert status["toys"]["failure_rates"] == {"s_400_0": {"sb": 0.0, "b": 0.1}}
    assert "failed toys: s_400_0: 0 % of sb, 10 % of b" in hfscale("status", search.store).out
    assert "made to fail" in "".join(path.read_text() for path in toy_markers(search.store))


def test_failed_toys_bound_limits(tmp_path: Path, failing: Callable[[], None]) -> None:
    search = search_in(tmp_path)
    failing()
    options = (*TOYS, "--ntoys", 100, "--points", "s_400_0", "--poi-grid", "0.5:5:4", "--executor", "local", "--json")
    ended = hfscale("limit", search.workspace, search.patchset, "-o", search.store, *options)
    (point,) = ended.json()
    assert (point["toys"]["b"], point["toys"]["failed_b"]) == (4 * 90, 4 * 10)
    low, high = point["toys"]["upper_limit_obs_bounds"]
    assert low < point["upper_limit_obs"] < high
    for (least, largest), limit in zip(point["toys"]["upper_limit_exp_bounds"], point["upper_limit_exp"], strict=True):
        assert (least is None or least <= limit) and (largest is None or limit <= largest)
    assert point["toys"]["S95_obs_bounds"] == pytest.approx([low * point["signal_yield"], high * point["signal_yield"]])
    assert f"{point['upper_limit_obs']:.4g} [{low:.4g}, {high:.4g}]" in hfscale("show", search.store).out


def test_a_toy_task_that_raises_fails_its_point_alone(copied: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    from hfscale import phases

    lost = toy_markers(copied.store, "*-000002-*")[0]
    lost.unlink()

    def fail(store: str, task_id: str) -> Any:
        raise MemoryError("no room")

    monkeypatch.setattr(phases, "do_toy_task", fail)
    ended = again(copied)
    assert ended.code == 1
    name = open_store(copied.store).names[2]
    assert f"failed: {name}: MemoryError: no room" in ended.err
    assert package.open_results(copied.store).failures() == {name: "MemoryError: no room"}
    (point,) = hfscale("show", copied.store, "--point", name, "--json").json()
    assert point["status"] == "partial"
    monkeypatch.undo()
    assert again(copied).code == 0


def test_a_campaign_file_declares_toys(search: Search, tmp_path: Path) -> None:
    text = f"""
schema: 1
workspace: {search.workspace}
patchset: {search.patchset}
points: [s_400_0]
calculation: {{kind: cls, calctype: toybased, ntoys: 20, seed: 0, first_toy: 5, ensemble: unconditional}}
store: campaign.zarr
run: {{executor: local, task_toys: 7}}
"""
    file = tmp_path / "campaign.yaml"
    file.write_text(text)
    assert hfscale("run", file).code == 0
    toys = package.open_results(tmp_path / "campaign.zarr").toys()
    known = package.open_results(search.store).toys("s_400_0")
    np.testing.assert_array_equal(toys["q"], known["q"].sel(toy=slice(5, 24)))
    assert hfscale("run", file, "--set", "calculation.ntoys=-1").code == 2
