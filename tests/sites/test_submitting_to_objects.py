"""Submitting a campaign whose store lies in an object store: jobs, their status, and what other machines return."""

from collections.abc import Callable
from pathlib import Path

from hfscale.sites.carrying import pack, returned_name
from hfscale.store.objects import ObjectPlace
from hfscale.store.places import store_place
from tests.objects import download
from tests.program import Ended, Search, digests_of, hfscale
from tests.sites.fake_slurm import FakeSlurm

Refused = Callable[..., None]
RUNNING = "0|RUNNING|None|0|\n1|PENDING|Resources|0|\n"
ENDED = "0|COMPLETED|None|0|\n1|COMPLETED|None|0|\n"


def submit(campaign: Path, object_store: ObjectPlace, *options: object) -> Ended:
    return hfscale("submit", campaign, "--site", "slurm", "--workers", 2, "--set", f"store={object_store}", *options)


def status_of(object_store: ObjectPlace) -> dict[str, object]:
    found: dict[str, object] = hfscale("status", object_store, "--json").json()
    return found


def test_an_array_computes_into_an_object_store(
    small: Search, campaign: Path, object_store: ObjectPlace, fake_slurm: FakeSlurm, refused: Refused, tmp_path: Path
) -> None:
    # There is no folder for scripts and logs, unless one is named.
    refused(submit(campaign, object_store), "cannot hold the logs of jobs", "--set logs=FOLDER")
    assert list(object_store.files()) == []
    logs = ("--set", f"logs={tmp_path / 'logs'}")
    assert submit(campaign, object_store, *logs).code == 0
    (script,) = fake_slurm.scripts
    assert f'worker {object_store} --shard "$SLURM_ARRAY_TASK_ID/2"' in script
    fake_slurm.lay_down("queue", RUNNING)
    refused(submit(campaign, object_store, *logs), "jobs of this store are queued or running", "--more")
    assert hfscale("worker", object_store, "--shard", "0/2").code == 0
    found = status_of(object_store)
    assert (found["tasks_done"], found["tasks_total"]) == (3, 5)
    assert [jobs["states"] for jobs in found["jobs"]] == [{"running": 1, "queued": 1}]  # type: ignore[attr-defined]
    assert hfscale("worker", object_store, "--shard", "1/2").code == 0
    fake_slurm.lay_down("queue", ENDED)
    assert status_of(object_store)["points_ok"] == 9
    assert hfscale("verify", object_store).code == 0
    assert small.cls("--task-points", 2).code == 0
    assert digests_of(download(object_store, tmp_path / "copy.zarr")) == digests_of(small.store)


def test_what_machines_returned_is_collected_into_an_object_store(
    small: Search, campaign: Path, object_store: ObjectPlace, fake_slurm: FakeSlurm, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    assert submit(campaign, object_store, "--set", f"logs={logs}").code == 0
    (folder,) = logs.iterdir()
    # As a machine does that sees no store: a copy of it, of which a shard was done.
    assert hfscale("plan", campaign).code == 0
    assert hfscale("worker", small.store, "--shard", "1/2").code == 0
    pack(store_place(small.store), folder / returned_name("1"))
    ended = hfscale("collect", object_store, "--json")
    assert (ended.code, ended.json()["tasks"]) == (0, 2)
    assert status_of(object_store)["tasks_done"] == 2
    # Once more is harmless, and the rest is computed in place.
    assert hfscale("collect", object_store, "--json").json()["tasks"] == 0
    assert hfscale("worker", object_store, "--shard", "0/1").code == 0
    assert (status_of(object_store)["points_ok"], hfscale("verify", object_store).code) == (9, 0)
