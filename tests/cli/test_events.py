"""What a run tells beside its results: journals, logs in JSON, metrics; and `status` while others write."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from hfscale.runtime.journal import read_journals
from hfscale.store.files import events_folder
from tests.program import Search, arrays_of, hfscale, start_hfscale


def test_the_journal_tells_every_task_and_json_logs_say_the_same(small: Search) -> None:
    metrics = small.folder / "hfscale.prom"
    ended = small.cls("--task-points", 4, "--log-format", "json", "--metrics", metrics)
    assert ended.code == 0, ended
    documents = list(read_journals(events_folder(small.store)))
    assert [document["event"] for document in documents] == ["begun", "finished", "finished", "finished", "ended"]
    assert documents[-1]["how"] == "finished"
    assert all(document["fits"] > 0 and ":" in document["worker"] for document in documents[1:-1])
    assert 0.0 <= documents[1]["compile_seconds"] <= documents[1]["seconds"]
    logged = [json.loads(line) for line in ended.err.splitlines()]
    assert [document for document in logged if "driver" in document] == documents
    assert 'hfscale_tasks_total{store="results.zarr",event="finished"} 3' in metrics.read_text().splitlines()
    # A run with nothing to do leaves no trace.
    assert small.cls().code == 0
    assert len(list(events_folder(small.store).iterdir())) == 1


def test_metrics_that_cannot_be_written_are_refused_before_anything_is_made(small: Search) -> None:
    ended = small.cls("--metrics", small.folder / "no" / "hfscale.prom")
    assert ended.code == 2
    assert "metrics cannot be written to" in ended.err
    assert not small.store.exists()


def test_status_shows_workers_retries_and_quarantined_tasks(small: Search) -> None:
    assert small.cls("--task-points", 4).code == 0
    (journal,) = events_folder(small.store).iterdir()
    with journal.open("a") as file:
        for kind in ("retried", "failed"):
            file.write(json.dumps({"event": kind, "task": "000000-0", "reason": "it kills"}) + "\n")
        file.write('{"event": "fini')
    status = hfscale("status", small.store, "--json").json()["activity"]
    assert (status["runs"], status["retried"], status["quarantined"]) == (1, 1, {"000000-0": "it kills"})
    (worker,) = status["workers"].values()
    assert worker["tasks"] == 3
    assert worker["fits_per_second"] == pytest.approx(worker["fits"] / (worker["seconds"] - worker["compile_seconds"]))
    text = hfscale("status", small.store).out
    (name,) = status["workers"]
    assert f"worker {name}: 3 tasks" in text
    assert "fits/s" in text
    assert "quarantined: 000000-0: it kills" in text


@pytest.mark.slow
def test_status_works_while_workers_write_and_a_killed_driver_leaves_its_journal(small: Search) -> None:
    options = ("--executor", "processes", "--workers", 2, "--task-points", 1, "--calctype", "toybased", "--ntoys", 40)
    given = ("cls", small.workspace, small.patchset, "-o", small.store, *options, "--task-toys", 1)
    process = start_hfscale(*given)
    seen: list[Any] = []
    while not (seen and seen[-1]["toys"] and seen[-1]["toys"]["done"] > 20):
        assert process.poll() is None, process.communicate()
        if small.store.exists():
            ended = hfscale("status", small.store, "--json")
            assert (ended.code, ended.err) == (0, "")
            seen.append(ended.json())
        time.sleep(0.05)
    process.kill()
    process.communicate()
    done = [status["points_ok"] + (status["toys"]["done"] if status["toys"] else 0) for status in seen]
    assert done == sorted(done)
    events = [document["event"] for document in read_journals(events_folder(small.store))]
    assert events.count("finished") > 20
    assert "ended" not in events
    killed = hfscale("status", small.store, "--json").json()
    assert killed["activity"]["runs"] == 1
    assert (killed["finished"], len(killed["activity"]["workers"])) == (False, 2)


@pytest.mark.slow
def test_shards_write_journals_of_their_own(small: Search, tmp_path: Path, small_store: Path) -> None:
    campaign = small.folder / "campaign.yaml"
    campaign.write_text(
        "schema: 1\nworkspace: BkgOnly.json\npatchset: patchset.json\nstore: results.zarr\nrun: {task_points: 4}\n"
    )
    assert hfscale("plan", campaign).code == 0
    shards = [start_hfscale("worker", small.store, "--shard", f"{i}/2") for i in range(2)]
    assert [shard.wait(300) for shard in shards] == [0, 0]
    for shard in shards:
        shard.communicate()
    assert len(list(events_folder(small.store).iterdir())) == 2
    workers = hfscale("status", small.store, "--json").json()["activity"]["workers"]
    # Programs that earlier tests compiled are read, which counts too.
    assert all(0.0 < worker["compile_seconds"] < worker["seconds"] for worker in workers.values())
    assert sum(worker["tasks"] for worker in workers.values()) == 3
    expected, found = arrays_of(small_store), arrays_of(small.store)
    assert all(found[name].tobytes() == expected[name].tobytes() for name in expected)
