"""Campaigns on a real SLURM, which the tests start and stop."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.program import Search, digests_of, hfscale
from tests.sites.slow_workers import write_command
from tests.sites.slurm_daemons import slurm

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

_PATIENCE = 240.0


class Cluster(NamedTuple):
    """A search, a site for it on the SLURM that runs, and that SLURM."""

    search: Search
    site: Path
    configuration: Path

    def submit(self, *arguments: object, workers: int = 2, seconds: float = 0.0) -> int:
        """Submit the campaign, with tasks that take so many seconds longer than they would."""
        write_command(self.search.folder / "worker.py", seconds)
        campaign = self.search.folder / "campaign.yaml"
        ended = hfscale("submit", campaign, "--site", self.site, "--workers", workers, *arguments)
        assert ended.code in (0, 2), ended
        return ended.code

    def slurm(self, *command: str) -> str:
        return slurm(self.configuration, *command)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = hfscale("status", self.search.store, "--json").json()
        return found

    def array(self) -> dict[str, Any]:
        """The last submission, as status tells of it."""
        found: dict[str, Any] = self.status()["jobs"][-1]
        return found

    def wait(self, condition: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the status is as it should be."""
        end = time.monotonic() + _PATIENCE
        while not condition(status := self.status()):
            if time.monotonic() > end:
                raise AssertionError(f"{status}\n{hfscale('logs', self.search.store).out}")
            time.sleep(0.5)
        return status

    def wait_for_the_end(self) -> dict[str, Any]:
        """Wait until no job is left, and return the last submission."""
        status = self.wait(lambda status: not _active(status))
        found: dict[str, Any] = status["jobs"][-1]
        return found


def _active(status: Mapping[str, Any]) -> int:
    active = ("queued", "held", "running")
    return sum(array["states"].get(state, 0) for array in status["jobs"] for state in active)


def _some_done(status: Mapping[str, Any]) -> bool:
    return 0 < status["tasks_done"] < status["tasks_total"]


@pytest.fixture
def cluster(small: Search, slurm_conf: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setenv("SLURM_CONF", str(slurm_conf))
    monkeypatch.setenv("PATH", f"/usr/bin:/bin:{os.environ['PATH']}")
    document = {"schema": 1, "workspace": "BkgOnly.json", "patchset": "patchset.json", "store": "results.zarr"}
    calculation = {"kind": "cls"}
    contours = [{"x": "m_heavy", "y": "m_light", "output": "contour.svg"}]
    campaign = {**document, "calculation": calculation, "run": {"task_points": 1}, "contours": contours}
    (small.folder / "campaign.yaml").write_text(yaml.safe_dump(campaign))
    site = small.folder / "site.yaml"
    resources = {"walltime": "00:30:00", "memory": "600M"}
    site.write_text(
        yaml.safe_dump({"kind": "slurm", "resources": resources, "command": str(small.folder / "worker.py")})
    )
    return Cluster(small, site, slurm_conf)


def finish(cluster: Cluster, small_store: Path) -> None:
    """Submit again, and see that the results are those of an undisturbed run."""
    assert cluster.submit(workers=2) == 0
    assert cluster.wait_for_the_end()["states"] == {"done": 2}
    assert cluster.status()["finished"]
    ours, theirs = digests_of(cluster.search.store), digests_of(small_store)
    assert ours == theirs


def test_a_campaign_is_submitted_finishes_and_gives_its_contour(cluster: Cluster, small_store: Path) -> None:
    finish(cluster, small_store)
    assert "shard 0/2" in hfscale("logs", cluster.search.store, "--worker", 0).out
    assert hfscale("run", cluster.search.folder / "campaign.yaml").code == 0
    assert (cluster.search.folder / "contour.svg").stat().st_size > 1000


def test_adaptive_toys_are_finished_by_one_submission(cluster: Cluster) -> None:
    toys = ("calctype=toybased", "adaptive=true", "min_toys=20", "max_toys=80", "nsigma=2.0")
    changes = [text for toy in toys for text in ("--set", f"calculation.{toy}")]
    small = ("--set", "points=[s_400_*]", "--set", "run.task_toys=10")
    assert cluster.submit(*changes, *small, "--set", "contours=[]") == 0
    cluster.wait_for_the_end()
    status = cluster.status()
    assert status["finished"]
    assert status["toys"]["total"] > 3 * 2 * 20


def test_a_cancelled_worker_ends_in_time_and_the_rest_is_done_later(cluster: Cluster, small_store: Path) -> None:
    assert cluster.submit(workers=1, seconds=5.0) == 0
    cluster.wait(_some_done)
    cluster.slurm("scancel", cluster.array()["job"])
    array = cluster.wait_for_the_end()
    assert array["states"] == {"cancelled": 1}
    assert "interrupted" in hfscale("logs", cluster.search.store).out
    finish(cluster, small_store)


def test_cancel_ends_jobs_that_run_and_those_that_wait(cluster: Cluster) -> None:
    # Two nodes of two CPUs each: the fifth job waits.
    assert cluster.submit(workers=5, seconds=20.0) == 0
    cluster.wait(lambda status: status["jobs"][-1]["states"].get("running", 0) > 0)
    assert cluster.submit() == 2
    assert "5 jobs were queued or running" in hfscale("cancel", cluster.search.store).err
    assert cluster.wait_for_the_end()["states"] == {"cancelled": 5}


def test_a_requeued_job_goes_on(cluster: Cluster, small_store: Path) -> None:
    assert cluster.submit(workers=1, seconds=5.0) == 0
    cluster.wait(_some_done)
    name = f"{cluster.array()['job']}_0"
    cluster.slurm("scontrol", "requeue", name)
    cluster.wait(lambda status: status["jobs"][-1]["states"] == {"queued": 1})
    # SLURM would wait for two minutes.
    cluster.slurm("scontrol", "update", f"JobId={name}", "StartTime=now")
    assert cluster.wait_for_the_end()["states"] == {"done": 1}
    assert cluster.status()["finished"]
    assert digests_of(cluster.search.store) == digests_of(small_store)


def test_a_worker_ends_before_the_walltime_does(cluster: Cluster, small_store: Path) -> None:
    # SLURM counts in minutes: the signal comes between 0 and 60 seconds after the beginning.
    assert cluster.submit("--set", "walltime=00:02:00", "--set", "grace=60", workers=1, seconds=12.0) == 0
    array = cluster.wait_for_the_end()
    assert array["states"] == {"failed": 1}
    assert array["jobs"][0]["reason"] == "FAILED, exit code 3: interrupted in time"
    assert not cluster.status()["finished"]
    finish(cluster, small_store)


def test_a_job_that_cannot_start_tells_the_reason_of_the_scheduler(cluster: Cluster) -> None:
    # The partition allows five minutes.
    assert cluster.submit("--set", "partition=short", workers=2) == 0
    status = cluster.wait(lambda status: all(job["reason"] for job in status["jobs"][-1]["jobs"]))
    assert status["jobs"][-1]["states"] == {"queued": 2}
    # SLURM says PartitionConfig at first, and PartitionTimeLimit when it has looked closer.
    assert "\n  2 queued: Partition" in hfscale("status", cluster.search.store).out
    hfscale("cancel", cluster.search.store)
    assert cluster.wait_for_the_end()["states"] == {"cancelled": 2}


def test_what_slurm_refuses_is_told_and_leaves_no_store(cluster: Cluster) -> None:
    assert cluster.submit("--set", "partition=nowhere") == 2
    assert not cluster.search.store.exists()
