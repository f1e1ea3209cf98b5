"""Which tasks belong to a shard."""

from pathlib import Path

import pytest

from hfscale.errors import InputError
from hfscale.plan.toys import AnyTask
from hfscale.runtime.journal import read_journals
from hfscale.sharding import Shard, run_shard
from hfscale.store.files import journal_folder
from hfscale.store.open import open_store
from hfscale.store.store import ResultStore
from tests.program import Search, copy_store, hfscale, make_search


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """A store of 9 points in 3 tasks, with 2 tasks of toys for each point, of which nothing was run."""
    search = make_search(tmp_path_factory.mktemp("planned"))
    campaign = search.folder / "campaign.yaml"
    campaign.write_text(
        "{schema: 1, workspace: BkgOnly.json, patchset: patchset.json, store: results.zarr,"
        " calculation: {calctype: toybased, ntoys: 10}, run: {task_points: 3, task_toys: 5}}"
    )
    ended = hfscale("plan", campaign)
    assert ended.code == 0, ended
    return search


def tasks_of(shard: Shard, store: ResultStore) -> list[AnyTask]:
    return [*shard.points_of(store), *shard.toys_of(store)]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 21, 40])
def test_every_task_belongs_to_one_shard(planned: Search, count: int) -> None:
    store = open_store(planned.store)
    shards = [Shard(index, count) for index in range(count)]
    tasks = [task.id for shard in shards for task in tasks_of(shard, store)]
    expected: list[AnyTask] = [*store.plan.tasks, *store.rounds[0].tasks]
    assert len(expected) == 3 + 18
    assert sorted(tasks) == sorted(task.id for task in expected)
    sizes = [len(shard.points_of(store)) + len(shard.toys_of(store)) for shard in shards]
    assert max(sizes) - min(sizes) <= 1


def test_the_tasks_of_a_shard_follow_each_other_at_its_distance(planned: Search) -> None:
    store = open_store(planned.store)
    everything: list[AnyTask] = [*store.plan.tasks, *store.rounds[0].tasks]
    assert tasks_of(Shard(1, 4), store) == everything[1::4]


def test_no_shard_has_the_same_points_all_the_time(planned: Search) -> None:
    store = open_store(planned.store)
    # Nine points and two tasks of toys for each: without a shift, a third of them would be those of one shard.
    points = [{task.cell.point for task in Shard(index, 3).toys_of(store)} for index in range(3)]
    assert [len(found) for found in points] == [6, 6, 6]


@pytest.mark.parametrize("text", ["", "1", "1/", "/2", "2/2", "-1/2", "0/0", "a/b", "1/2/3", "0.5/2"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="i/N"):
        Shard.parse(text)


def test_a_shard_is_read() -> None:
    assert Shard.parse("3/16") == Shard(3, 16)


def test_a_task_that_another_process_does_meanwhile_is_not_done_again(
    planned: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hfscale import sharding

    path = copy_store(planned.store, tmp_path)
    calls = []

    def do(store: str, task_id: str) -> None:
        """Do nothing but play the other process, which has done everything meanwhile."""
        calls.append(task_id)
        opened = open_store(store)
        for task in tasks_of(Shard(0, 1), opened):
            (path / "_hfscale" / "ledger" / "done" / f"{task.id}.json").write_text('{"failed": {}, "reasons": {}}')
        raise OSError("lost")

    monkeypatch.setattr(sharding, "do_task", do)
    monkeypatch.setattr(sharding, "do_toy_task", do)
    summary = run_shard(path, Shard(0, 1))
    assert calls == [open_store(path).plan.tasks[0].id]
    assert (summary.tasks, summary.elsewhere, summary.failures) == (21, 0, {})


def test_a_shard_that_helps_others_leaves_nothing_to_do(planned: Search, tmp_path: Path) -> None:
    copy = copy_store(planned.store, tmp_path)
    summary = run_shard(copy, Shard(1, 3), help_others=True)
    assert (summary.tasks, summary.elsewhere) == (7, 0)
    store = open_store(copy)
    assert store.status().finished
    order = [document["task"] for document in read_journals(journal_folder(copy)) if document["event"] == "finished"]
    # First its own tasks, then those of shards 2 and 0, each from the end.
    own = [task.id for task in Shard(1, 3).points_of(store)] + [task.id for task in Shard(1, 3).toys_of(store)]
    points = [task.id for index in (2, 0) for task in reversed(Shard(index, 3).points_of(store))]
    toys = [task.id for index in (2, 0) for task in reversed(Shard(index, 3).toys_of(store))]
    assert order == [*own, *points, *toys]
