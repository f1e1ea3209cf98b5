"""Campaigns on a real HTCondor, in a folder with a system of its own that README.md tells how to make."""

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.program import Ended, digests_of, make_search
from tests.sites.slow_workers import write_command

pytestmark = [pytest.mark.htcondor, pytest.mark.slow]

_PATIENCE = 300.0


class Pool(NamedTuple):
    """The system in which HTCondor runs, the user's folder there, and the same seen from here."""

    system: Path
    inside: Path

    @property
    def folder(self) -> Path:
        return self.system / self.inside.relative_to("/")

    @property
    def store(self) -> Path:
        return self.folder / "results.zarr"

    def run(self, *command: object) -> Ended:
        """Run a command there, as the user, for HTCondor runs no jobs of root."""
        plain = {"HOME": str(self.inside), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
        # As in the jobqueue.yaml of a user.
        plain["DASK_JOBQUEUE__HTCONDOR__INTERFACE"] = "lo"
        words = ["chroot", "--userspec=tester:tester", str(self.system), "sh", "-c", 'cd "$0" && exec "$@"']
        given = [*words, str(self.inside), *map(str, command)]
        done = subprocess.run(given, capture_output=True, text=True, env=plain, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    def hfscale(self, *arguments: object) -> Ended:
        return self.run(self.inside / "hfscale.py", *arguments)

    def submit(self, *arguments: object, workers: int = 2, seconds: float = 0.0) -> None:
        """Submit the campaign, with tasks that take so many seconds longer than they would."""
        write_command(self.folder / "hfscale.py")
        write_command(self.folder / "worker.py", seconds)
        sizes = ("--set", f"command={self.inside / 'worker.py'}", "--set", "memory=600M")
        ended = self.hfscale("submit", "campaign.yaml", "--site", "htcondor", "--workers", workers, *sizes, *arguments)
        assert ended.code == 0, ended

    def queue(self) -> dict[str, str]:
        """The jobs that are queued or run: number and name of their clusters."""
        answer = self.run("condor_q", "-allusers", "-autoformat", "ClusterId", "JobBatchName")
        return dict(line.split() for line in answer.out.splitlines())

    def wait(self, condition: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the status is as it should be."""
        end = time.monotonic() + _PATIENCE
        while not condition(status := self.hfscale("status", "results.zarr", "--json").json()):
            if time.monotonic() > end:
                raise AssertionError(f"{status}\n{self.hfscale('logs', 'results.zarr').out}")
            time.sleep(1.0)
        found: dict[str, Any] = status
        return found


def _states(status: Mapping[str, Any]) -> dict[str, int]:
    states: dict[str, int] = status["jobs"][-1]["states"]
    return states


def _worker_jobs(pool: Pool) -> list[str]:
    """Numbers of the jobs of Dask workers that are queued or run."""
    return [number for number, name in pool.queue().items() if name.endswith("-workers")]


def _some_done(status: Mapping[str, Any]) -> bool:
    return 0 < status["tasks_done"] < status["tasks_total"]


@pytest.fixture
def pool() -> Iterator[Pool]:
    """A search in a folder of the user's."""
    if "HFSCALE_TEST_CONDOR" not in os.environ:
        pytest.skip("no HTCondor: HFSCALE_TEST_CONDOR names the system that one runs in, see README.md")
    pool = Pool(Path(os.environ["HFSCALE_TEST_CONDOR"]), Path("/home/tester") / uuid.uuid4().hex)
    pool.folder.mkdir()
    make_search(pool.folder)
    document = {"schema": 1, "workspace": "BkgOnly.json", "patchset": "patchset.json", "store": "results.zarr"}
    (pool.folder / "campaign.yaml").write_text(yaml.safe_dump({**document, "run": {"task_points": 1}}))
    subprocess.run(["chroot", str(pool.system), "chown", "-R", "tester:tester", str(pool.inside)], check=True)
    try:
        yield pool
    finally:
        pool.run("condor_rm", "-all")
        shutil.rmtree(pool.folder)


def test_a_campaign_is_submitted_and_finishes(pool: Pool, small_store: Path) -> None:
    pool.submit()
    status = pool.wait(lambda status: _states(status) == {"done": 2})
    assert status["finished"]
    assert digests_of(pool.store) == digests_of(small_store)


def test_an_evicted_worker_goes_on(pool: Pool, small_store: Path) -> None:
    pool.submit(workers=1, seconds=4.0)
    status = pool.wait(_some_done)
    pool.run("condor_vacate_job", status["jobs"][-1]["job"])
    assert pool.wait(lambda status: _states(status) == {"done": 1})["finished"]
    assert digests_of(pool.store) == digests_of(small_store)


def test_a_job_beyond_its_walltime_tells_why_it_is_held_and_is_cancelled(pool: Pool) -> None:
    pool.submit("--set", "walltime=20s", "--set", "grace=5", workers=1, seconds=10.0)
    status = pool.wait(lambda status: _states(status) == {"held": 1})
    assert "exceeded allowed job duration" in status["jobs"][-1]["jobs"][0]["reason"]
    assert "1 jobs were queued or running" in pool.hfscale("cancel", "results.zarr").err
    pool.wait(lambda status: _states(status) == {"cancelled": 1})


def test_stores_are_carried_where_there_is_no_shared_file_system(pool: Pool, small_store: Path) -> None:
    pool.submit("--set", "shared_filesystem=false")
    pool.wait(lambda status: _states(status) == {"done": 2})
    assert pool.hfscale("collect", "results.zarr", "--json").json() == {"archives": 2, "tasks": 9}
    assert digests_of(pool.store) == digests_of(small_store)


def test_what_an_evicted_worker_did_elsewhere_is_not_lost(pool: Pool, small_store: Path) -> None:
    pool.submit("--set", "shared_filesystem=false", workers=1, seconds=4.0)
    pool.wait(lambda status: _states(status) == {"running": 1})
    time.sleep(30.0)
    pool.run("condor_vacate_job", "-all")
    pool.wait(lambda status: _states(status) == {"done": 1})
    log = (next(pool.store.rglob("0.err"))).read_text()
    assert "shard 0/1: 9 tasks, 0 of them" not in log
    assert pool.hfscale("collect", "results.zarr", "--json").json() == {"archives": 1, "tasks": 9}
    assert digests_of(pool.store) == digests_of(small_store)


def test_a_driver_beside_the_queue_submits_dask_workers_and_finishes_the_campaign(
    pool: Pool, small_store: Path
) -> None:
    pool.submit("--mode", "dask")
    status = pool.wait(lambda status: not _states(status).keys() & {"queued", "held", "running"})
    assert _states(status) == {"done": 1}, pool.hfscale("logs", "results.zarr").out
    assert digests_of(pool.store) == digests_of(small_store)
    folder = next(pool.store.rglob("submission.json")).parent
    assert (folder / "keys").stat().st_mode & 0o777 == 0o700
    assert any("tls://127.0.0.1" in log.read_text() for log in (folder / "workers").iterdir())
    # The workers end with the driver.
    end = time.monotonic() + 60
    while pool.queue() and time.monotonic() < end:
        time.sleep(1.0)
    assert not pool.queue()


def test_a_dask_worker_that_is_removed_is_replaced(pool: Pool, small_store: Path) -> None:
    pool.submit("--mode", "dask", seconds=6.0)
    pool.wait(_some_done)
    first, *_ = before = _worker_jobs(pool)
    pool.run("condor_rm", first)
    end = time.monotonic() + _PATIENCE
    while not set(_worker_jobs(pool)) - set(before):
        assert time.monotonic() < end, pool.hfscale("logs", "results.zarr").out
        time.sleep(0.5)
    assert pool.wait(lambda status: _states(status) == {"done": 1})["finished"]
    assert digests_of(pool.store) == digests_of(small_store)


def test_a_driver_that_is_cancelled_takes_its_dask_workers_along(pool: Pool) -> None:
    pool.submit("--mode", "dask", seconds=20.0)
    pool.wait(lambda status: bool(_states(status).get("running")) and bool(_worker_jobs(pool)))
    assert "1 jobs were queued or running" in pool.hfscale("cancel", "results.zarr").err
    pool.wait(lambda status: _states(status) == {"cancelled": 1})
    end = time.monotonic() + 60
    while pool.queue() and time.monotonic() < end:
        time.sleep(1.0)
    assert not pool.queue()
