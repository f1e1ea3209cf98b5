"""The verbs ``plan`` and ``worker``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from hfscale.store.open import open_store
from tests.program import Search, arrays_of, hfscale

Refused = Callable[..., None]
ADAPTIVE = {"calctype": "toybased", "adaptive": True, "min_toys": 20, "max_toys": 80, "nsigma": 2.0}


def write_campaign(search: Search, run: dict[str, Any], calculation: dict[str, Any] | None = None) -> Path:
    document: dict[str, Any] = {
        "schema": 1,
        "workspace": "BkgOnly.json",
        "patchset": "patchset.json",
        "store": "results.zarr",
        "calculation": calculation or {},
        "run": run,
    }
    file = search.folder / "campaign.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def assert_equal_stores(found: Path, expected: Path) -> None:
    ours, theirs = arrays_of(found), arrays_of(expected)
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        np.testing.assert_array_equal(ours[name], values, err_msg=name)


def test_a_plan_makes_the_store_and_runs_nothing(small: Search) -> None:
    campaign = write_campaign(small, {"task_points": 2})
    ended = hfscale("plan", campaign, "--json")
    assert ended.code == 0, ended
    plan = ended.json()
    assert (plan["points"], plan["tasks"], plan["fits"], plan["continues"]) == (9, 5, 36, False)
    assert plan["cpu_hours"] == pytest.approx(plan["seconds_on_one_process"] / 3600.0, rel=0.05)
    assert 1 <= plan["mb_on_disk_at_most"] < 10
    assert 300 < plan["mb_of_memory_per_process"] < 600
    assert "hfscale worker" in ended.err
    assert len(open_store(small.store).pending()) == 5
    again = hfscale("plan", campaign, "--json").json()
    assert again == {**plan, "continues": True}


def test_the_store_of_a_plan_can_be_another_one(small: Search) -> None:
    campaign = write_campaign(small, {})
    assert hfscale("plan", campaign, "-o", small.folder / "other.zarr", "--set", "run.task_points=3").code == 0
    assert small.left() == ["campaign.yaml", "other.zarr"]
    assert open_store(small.folder / "other.zarr").plan.task_points == 3


def test_shards_one_after_the_other_do_everything_once(small: Search, small_store: Path) -> None:
    hfscale("plan", write_campaign(small, {"task_points": 2}))
    first = hfscale("worker", small.store, "--shard", "0/2")
    assert first.code == 0, first
    assert "shard 0/2: 3 tasks, 0 of them done before; 2 left elsewhere" in first.err
    assert hfscale("status", small.store, "--json").json()["tasks_done"] == 3
    second = hfscale("worker", small.store, "--shard", "2/3")
    assert "shard 2/3: 1 tasks, 1 of them done before; 2 left elsewhere" in second.err
    third = hfscale("worker", small.store)
    assert "shard 0/1: 5 tasks, 3 of them done before; 0 left elsewhere" in third.err
    assert_equal_stores(small.store, small_store)


def test_adaptive_toys_come_round_by_round(small: Search, tmp_path: Path) -> None:
    campaign = write_campaign(small, {"task_toys": 10, "executor": "local"}, ADAPTIVE)
    points = ("--set", "points=[s_400_*]")
    hfscale("plan", campaign, *points)
    rounds = []
    for _ in range(20):
        ended = [hfscale("worker", small.store, "--shard", f"{index}/2") for index in (1, 0)]
        assert [shard.code for shard in ended] == [0, 0], ended
        rounds.append(len(open_store(small.store).rounds))
        if "further rounds" not in ended[-1].err:
            break
    assert rounds[-1] > 1
    assert rounds == sorted(rounds)
    assert open_store(small.store).status().finished
    assert {toys.task_toys for toys in open_store(small.store).rounds} == {10}
    local = tmp_path / "local.zarr"
    assert hfscale("run", campaign, *points, "--set", f"store={local}").code == 0
    assert_equal_stores(small.store, local)


def test_a_shard_whose_points_failed_says_so_and_ends_with_one(small: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    from hfscale import sharding
    from hfscale.phases import do_task

    hfscale("plan", write_campaign(small, {"task_points": 5}))

    def fail(store: str, task_id: str) -> Any:
        if task_id.startswith("000000"):
            raise MemoryError("no room")
        return do_task(store, task_id)

    monkeypatch.setattr(sharding, "do_task", fail)
    ended = hfscale("worker", small.store, "--shard", "0/2")
    assert ended.code == 1
    assert ended.err.count("failed: s_") == 5
    assert "MemoryError: no room" in ended.err
    assert hfscale("worker", small.store, "--shard", "1/2").code == 0


def test_mistakes_are_told(small: Search, refused: Refused) -> None:
    refused(hfscale("worker", small.store), "does not exist", "remedy")
    hfscale("plan", write_campaign(small, {}))
    refused(hfscale("worker", small.store, "--shard", "2/2"), "'2/2' is no shard", "0 to N-1")
    other = write_campaign(small, {}, {"test_poi": 0.5})
    refused(hfscale("plan", other), "holds other results", "remedy")
    refused(hfscale("plan", small.folder / "no.yaml"), "cannot be read")
