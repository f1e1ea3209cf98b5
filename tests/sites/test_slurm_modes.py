"""Campaigns whose driver is a job of a real SLURM, which the tests start and stop."""

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import pytest
import yaml

from tests.program import Ended, Search, digests_of, hfscale
from tests.sites.slurm_daemons import slurm

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

_PATIENCE = 300.0
_RAY = """\
#!/bin/bash
# The end of symmetric-run is the end of all Ray processes that it sees.
ray={python}
main='from ray.scripts.scripts import main; main()'
[ "$1" = symmetric-run ] || exec "$ray" -c "$main" "$@"
exec unshare --pid --fork --mount-proc "$ray" -c "$main" "$@"
"""


@pytest.fixture
def submit(campaign: Path, slurm_conf: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Submit the campaign with keys of a site, on the loopback interface alone."""
    monkeypatch.setenv("SLURM_CONF", str(slurm_conf))
    monkeypatch.setenv("PATH", f"/usr/bin:/bin:{os.environ['PATH']}")
    # As in the jobqueue.yaml of a user.
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__INTERFACE", "lo")
    file = campaign.parent / "site.yaml"

    def submitted(mode: str, workers: int, *, dry_run: bool = False, **keys: Any) -> Ended:
        resources = {"walltime": "00:30:00", "memory": "900M"}
        command = str(Path(sys.executable).with_name("hfscale"))
        document = {"kind": "slurm", "mode": mode, "resources": resources, "command": command, **keys}
        file.write_text(yaml.safe_dump(document))
        words = ("--site", file, "--workers", workers, "--set", "run.task_points=1")
        ended = hfscale("submit", campaign, *words, *(["--dry-run"] if dry_run else []))
        assert ended.code == 0, ended
        return ended

    return submitted


def wait_for(store: Path, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until the last submission is as it should be."""
    end = time.monotonic() + _PATIENCE
    while True:
        status = hfscale("status", store, "--json").json()
        if condition(status):
            return dict(status["jobs"][-1])
        assert time.monotonic() < end, f"{status}\n{hfscale('logs', store).out}"
        time.sleep(1.0)


def has_ended(status: dict[str, Any]) -> bool:
    return not set(status["jobs"][-1]["states"]) & {"queued", "held", "running"}


def names(configuration: Path) -> list[str]:
    """Names of the jobs that are queued or run."""
    return slurm(configuration, "squeue", "--noheader", "--format=%j").split()


def _check_script(printed: str, configuration: Path) -> None:
    """See that the first job of a Dask worker has the script that was printed, but for what nobody knew then."""
    end = time.monotonic() + _PATIENCE
    while True:
        jobs = slurm(configuration, "squeue", "--noheader", "--format=%i %j").splitlines()
        found = [job.split()[0] for job in jobs if job.endswith("-workers")]
        if found:
            break
        assert time.monotonic() < end, "no job of a worker is queued"
        time.sleep(0.5)
    script = slurm(configuration, "scontrol", "write", "batch_script", found[0], "-")
    for known_later, stand_in in (
        (r"hfscale-[0-9a-f]+-\w+", "NAME"),
        (r"tls://[\d.:]+", "tls://SCHEDULER:PORT"),
        (r"--name \S+", "--name WORKER"),
        (r" --tls-[a-z-]+ \S+", ""),
    ):
        script, printed = re.sub(known_later, stand_in, script), re.sub(known_later, stand_in, printed)
    assert script.strip() == printed.partition("\n")[2].strip()


def test_a_driver_job_submits_dask_workers_and_finishes_the_campaign(
    submit: Callable[..., Ended], small: Search, small_store: Path, slurm_conf: Path
) -> None:
    # As when Dask was imported with the user's variable in its place.
    with dask.config.set({"jobqueue.slurm.interface": "lo"}):
        printed = submit("dask", 2, dry_run=True).out.split("# Each job of the workers")[1]
    submit("dask", 2)
    _check_script(printed, slurm_conf)
    array = wait_for(small.store, has_ended)
    assert array["states"] == {"done": 1}, hfscale("logs", small.store).out
    assert digests_of(small.store) == digests_of(small_store)
    folder = next(small.store.rglob("submission.json")).parent
    assert (folder / "keys").stat().st_mode & 0o777 == 0o700
    logs = list((folder / "workers").iterdir())
    assert any("tls://127.0.0.1" in log.read_text() for log in logs)
    # The workers end with the driver.
    end = time.monotonic() + 60
    while names(slurm_conf) and time.monotonic() < end:
        time.sleep(1.0)
    assert names(slurm_conf) == []


def test_ray_runs_in_one_allocation(submit: Callable[..., Ended], small: Search, small_store: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give Ray a process namespace of its own")
    pytest.importorskip("ray")
    program = small.folder / "bin" / "ray"
    program.parent.mkdir()
    program.write_text(_RAY.format(python=sys.executable))
    program.chmod(0o755)
    # The virtual nodes have names that only SLURM knows; Ray listens on the loopback interface alone.
    setup = ["scontrol() { echo 127.0.0.1; }", f"export PATH={program.parent}:{Path(sys.executable).parent}:$PATH"]
    setup.append("export RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0")
    submit("ray", 1, setup=setup)
    array = wait_for(small.store, has_ended)
    assert array["states"] == {"done": 1}, hfscale("logs", small.store).out
    assert digests_of(small.store) == digests_of(small_store)
    folder = next(small.store.rglob("submission.json")).parent
    assert (folder / "ray.token").stat().st_mode & 0o777 == 0o600
