"""One signal point cut into tasks: rankings and MINOS errors by parameters, goodness of fit by toys."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

import hfscale
from hfscale.inference.measurement.minos import MinosErrors
from hfscale.inference.measurement.parts import all_found_in, arrays_of, found_in, join_parameters
from hfscale.inference.measurement.ranking import Impacts
from hfscale.phases import do_part
from hfscale.plan.parts import PartTask
from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.local import LocalExecutor
from hfscale.sites.carrying import pack
from hfscale.store.files import parts_folder
from hfscale.store.parts import parts_of, pending_parts, read_parts
from hfscale.store.store import ResultStore
from hfscale.work.gathering import GatheringExecutor, compute_order
from tests.inference.measurement.models import measurement
from tests.models import normsys
from tests.program import digests_of, patchset_of, signal_patch, small_workspace, write
from tests.program import hfscale as run

# Nine parameters, in three parts; 90 toys, in four, of which the last has fewer.
KINDS = {
    "ranking": ((), ("--task-parameters", 3), 3),
    "fit": (("--minos", "all"), ("--task-parameters", 3), 3),
    "gof": (("--calctype", "toybased", "--ntoys", 90), ("--task-toys", 26), 4),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The measurement; not to be changed."""
    return write(tmp_path_factory.mktemp("parts") / "workspace.json", measurement())


@pytest.fixture(scope="module", params=KINDS)
def whole(request: pytest.FixtureRequest, workspace: Path) -> tuple[str, Path]:
    """A kind of calculation, and its store with the point in one piece; not to be changed."""
    kind, store = request.param, workspace.with_name(f"{request.param}.zarr")
    assert run(kind, workspace, "-o", store, "--executor", "local", *KINDS[kind][0]).code == 0
    return kind, store


def in_parts(kind: str, workspace: Path, store: Path, *more: object) -> list[str]:
    """Compute in parts, in this process, and return the identities of the tasks."""
    own, size, _ = KINDS[kind]
    ended = run(kind, workspace, "-o", store, "--executor", "local", *own, *size, *more)
    assert ended.code == 0, ended.err
    return tasks_of(store)


def tasks_of(store: Path) -> list[str]:
    """Identities of the tasks that the journals of a store tell as finished."""
    journals = sorted((parts_folder(store).parent / "events").glob("*.jsonl"))
    events = [json.loads(line) for journal in journals for line in journal.read_text().splitlines()]
    return [event["task"] for event in events if event["event"] == "finished"]


def unfinished(kind: str, workspace: Path, store: Path) -> ResultStore:
    """An empty store of a point in parts."""
    from hfscale.driver import create, prepare
    from hfscale.plan.settings import check_calculation
    from hfscale.workspace import load_inputs

    fields = {"ranking": {}, "fit": {"minos": ("all",)}, "gof": {"calctype": "toybased", "ntoys": 90}}[kind]
    calculation = check_calculation({"kind": kind, **fields})
    inputs = load_inputs(workspace, needs_poi=calculation.needs_poi)
    return create(prepare(inputs, calculation, store, task_parameters=3, task_toys=26))


@pytest.mark.parametrize("more", [(), ("--gather",)])
def test_parts_give_the_same_to_the_last_bit(
    whole: tuple[str, Path], workspace: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    kind, expected = whole
    tasks = in_parts(kind, workspace, tmp_path / "parts.zarr", *more)
    n_parts = KINDS[kind][2]
    assert [task.startswith("part-") for task in tasks] == [True] * n_parts + [False]
    assert digests_of(tmp_path / "parts.zarr") == digests_of(expected)
    # Nothing is left of them.
    assert not parts_folder(tmp_path / "parts.zarr").exists()
    assert run("verify", tmp_path / "parts.zarr").code == 0


def test_what_parts_have_found_is_used_and_finished_parts_are_not_repeated(
    whole: tuple[str, Path], workspace: Path, tmp_path: Path
) -> None:
    kind, expected = whole
    store = unfinished(kind, workspace, tmp_path / "parts.zarr")
    first, *others = pending_parts(store)
    do_part(str(store.path), first.id)
    assert pending_parts(store) == tuple(others)
    assert read_parts(store, store.plan.tasks[0]) == {}
    assert run("verify", store.path).code == 0
    tasks = in_parts(kind, workspace, tmp_path / "parts.zarr")
    assert first.id not in tasks
    assert len(tasks) == len(others) + 1
    assert digests_of(tmp_path / "parts.zarr") == digests_of(expected)


def test_the_task_of_the_point_makes_no_fits_again(workspace: Path, tmp_path: Path) -> None:
    from hfscale.work.task import run_task

    store = unfinished("ranking", workspace, tmp_path / "parts.zarr")
    fits = [do_part(str(store.path), part.id).fits for part in pending_parts(store)]
    report = run_task(str(store.path), store.plan.tasks[0].id)
    assert min(fits) > 4
    assert report.fits == 0


@pytest.mark.parametrize("damage", ["torn", "altered", "gone", "of another version"])
def test_a_damaged_part_is_made_up_for(whole: tuple[str, Path], workspace: Path, tmp_path: Path, damage: str) -> None:
    from hfscale.work.task import run_task

    kind, expected = whole
    store = unfinished(kind, workspace, tmp_path / "parts.zarr")
    for part in pending_parts(store):
        do_part(str(store.path), part.id)
    file = parts_folder(tmp_path / "parts.zarr") / f"{parts_of(store, store.plan.tasks)[1].id}.npz"
    data = file.read_bytes()
    middle = len(data) // 2
    if damage == "gone":
        file.unlink()
    elif damage == "of another version":
        with np.load(file) as found:
            arrays = {name.replace("free_nll", "free_cost"): found[name] for name in found.files}
        np.savez(file, **arrays)
    else:
        changed = bytes([data[middle] ^ 255])
        file.write_bytes(data[:middle] if damage == "torn" else data[:middle] + changed + data[middle + 1 :])
    run_task(str(store.path), store.plan.tasks[0].id)
    assert digests_of(tmp_path / "parts.zarr") == digests_of(expected)


def test_points_with_other_parameters_are_cut_alike(tmp_path: Path) -> None:
    plain, shifted = signal_patch([6.0, 4.0]), signal_patch([3.0, 8.0], normsys("theory", 1.2, 0.8))
    patches = [
        {"metadata": {"name": name, "values": [k]}, "patch": patch}
        for k, (name, patch) in enumerate((("plain", plain), ("shifted", shifted)))
    ]
    patchset = patchset_of(small_workspace(), patches, ["mass"])
    stores = [tmp_path / "whole.zarr", tmp_path / "parts.zarr"]
    for store, options in zip(stores, ({}, {"task_parameters": 1}), strict=True):
        options = {"bounds": {"mu": (-5.0, 10.0)}, "executor": "local", "task_points": 2, **options}
        hfscale.ranking(small_workspace(), patchset, store=store, **options)
    # Three parameters of two points, and both points as one task.
    assert len(tasks_of(stores[1])) == 7
    assert digests_of(stores[0]) == digests_of(stores[1])


def test_a_plan_tells_of_parts(workspace: Path, tmp_path: Path) -> None:
    given = ("ranking", workspace, "-o", tmp_path / "plan.zarr", "--dry-run", "--json")
    assert run(*given, "--task-parameters", 2).json()["parts_of_points"] == 5
    assert "parts_of_points" not in run(*given).json()
    scan = ("scan", *given[1:], "--parameter", "mu", "--grid", "0:2:7")
    assert run(*scan, "--task-parameters", 3).json()["parts_of_points"] == 3


@pytest.mark.parametrize("whole", ["ranking"], indirect=True)
def test_campaigns_and_python_cut_too(whole: tuple[str, Path], workspace: Path, tmp_path: Path) -> None:
    _, expected = whole
    text = f"schema: 1\nworkspace: {workspace}\ncalculation: {{kind: ranking}}\nstore: campaign.zarr\n"
    campaign = write(tmp_path / "campaign.yaml", text + "run: {executor: local, task_parameters: 3}\n")
    assert run("run", campaign).code == 0
    hfscale.ranking(workspace, store=tmp_path / "python.zarr", executor="local", task_parameters=3)
    for name in ("campaign", "python"):
        assert len(tasks_of(tmp_path / f"{name}.zarr")) == 4
        assert digests_of(tmp_path / f"{name}.zarr") == digests_of(expected)


@pytest.mark.parametrize("option", [("--task-parameters", 0), ("--task-parameters", "x")])
def test_parts_without_parameters_are_refused(workspace: Path, tmp_path: Path, option: tuple[object, ...]) -> None:
    ended = run("ranking", workspace, "-o", tmp_path / "none.zarr", *option)
    assert ended.code == 2
    assert "--task-parameters" in ended.err
    assert not (tmp_path / "none.zarr").exists()


@pytest.mark.parametrize("whole", ["ranking"], indirect=True)
def test_a_part_that_was_given_up_is_no_trouble_of_a_point_that_is_done(
    whole: tuple[str, Path], workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hfscale import phases

    unlucky = pending_parts(unfinished("ranking", workspace, tmp_path / "parts.zarr"))[1].id

    def do(store: str, task_id: str) -> TaskReport:
        if task_id == unlucky:
            raise OSError("lost")
        return do_part(store, task_id)

    monkeypatch.setattr(phases, "do_part", do)
    tasks = in_parts("ranking", workspace, tmp_path / "parts.zarr")
    assert (unlucky in tasks, len(tasks)) == (False, 3)
    status = run("status", tmp_path / "parts.zarr", "--json").json()
    assert status["activity"]["retried"] > 0
    assert status["activity"]["quarantined"] == {}
    assert "quarantined" not in run("status", tmp_path / "parts.zarr").out
    assert digests_of(tmp_path / "parts.zarr") == digests_of(whole[1])


def test_gathering_hands_over_the_parts_that_are_there_when_a_task_is_submitted(
    workspace: Path, tmp_path: Path
) -> None:
    store = unfinished("ranking", workspace, tmp_path / "parts.zarr")
    with LocalExecutor() as engine:
        gathering = GatheringExecutor(engine, store, store.pending())
        for part in pending_parts(store):
            do_part(str(store.path), part.id)
        handle = gathering.submit(compute_order, store.plan.tasks[0].id)
        report = gathering.wait([handle], None)[handle].value
    assert report.fits == 0
    assert store.pending() == ()


@pytest.mark.parametrize("whole", ["ranking"], indirect=True)
def test_a_shard_that_finishes_a_store_leaves_no_parts_and_archives_have_none(
    whole: tuple[str, Path], workspace: Path, tmp_path: Path
) -> None:
    store = unfinished("ranking", workspace, tmp_path / "parts.zarr")
    do_part(str(store.path), pending_parts(store)[0].id)
    pack(store.path, tmp_path / "store.tar.gz")
    with tarfile.open(tmp_path / "store.tar.gz") as packed:
        names = packed.getnames()
    assert any(name.endswith("zarr.json") for name in names)
    assert not any("/parts" in name for name in names)
    # The store has one task: this shard has nothing to do, and others still may use the part.
    assert run("worker", store.path, "--shard", "1/2").code == 0
    assert parts_folder(tmp_path / "parts.zarr").exists()
    assert run("worker", store.path, "--shard", "0/2").code == 0
    assert not parts_folder(tmp_path / "parts.zarr").exists()
    assert digests_of(tmp_path / "parts.zarr") == digests_of(whole[1])


@pytest.fixture(scope="module")
def halves(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[PartTask, Impacts]]:
    """What the parts of a ranking have found."""
    store = unfinished("ranking", workspace, tmp_path_factory.mktemp("halves") / "parts.zarr")
    for part in pending_parts(store):
        do_part(str(store.path), part.id)
    (parts,) = read_parts(store, store.plan.tasks[0]).values()
    found = all_found_in(Impacts, [part.arrays for part in parts])
    assert found is not None
    return list(zip([part.task for part in parts], found, strict=True))


def test_a_lower_minimum_of_any_part_is_the_best_fit_of_the_whole(halves: list[tuple[PartTask, Impacts]]) -> None:
    parts = [found for _, found in halves]
    columns = [np.arange(task.first, task.stop) for task, _ in halves]
    free = parts[1].free
    for depth, k in ((1.0, 1), (2.0, 2)):
        parts[k] = parts[k]._replace(free=free._replace(nll=free.nll - depth), lowered=True)
    joined = join_parameters(parts, columns)
    assert joined is not None
    assert joined.lowered
    assert joined.free.nll == free.nll - 2.0


def test_parts_around_different_best_fits_do_not_belong_together(halves: list[tuple[PartTask, Impacts]]) -> None:
    parts = [found for _, found in halves]
    columns = [np.arange(task.first, task.stop) for task, _ in halves]
    other = parts[0].free._replace(nll=parts[0].free.nll + 1e-3)
    parts[0] = parts[0]._replace(free=other)
    assert join_parameters(parts, columns) is None


def test_arrays_of_a_part_are_read_as_what_they_were(halves: list[tuple[PartTask, Impacts]]) -> None:
    _, found = halves[0]
    again = found_in(Impacts, arrays_of(found))
    assert again is not None
    assert (again.lowered, again.n_fits) == (found.lowered, found.n_fits)
    np.testing.assert_array_equal(again.impact, found.impact)
    np.testing.assert_array_equal(again.free.theta, found.free.theta)
    errors = MinosErrors(np.zeros((1, 2, 3)), np.ones((1, 2, 3), dtype=np.int64), 7, found.free, lowered=True)
    read = found_in(MinosErrors, arrays_of(errors))
    assert read is not None
    assert read.lowered is True
    # Those of another kind, or of another version.
    assert found_in(Impacts, arrays_of(errors)) is None
    assert found_in(MinosErrors, {**arrays_of(errors), "new": np.zeros(1)}) is None
