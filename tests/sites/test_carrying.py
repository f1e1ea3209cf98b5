"""Stores on nodes that do not see them: archives to and fro, and the script that works on the copy."""

import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hfscale.sites.batch import ArrayRequest
from hfscale.sites.htcondor import HTCondor
from hfscale.sites.site import Site
from hfscale.store.open import open_store
from tests.program import Search, digests_of, hfscale

ANSWERS = {"condor_submit": "12.0 - 12.1", "condor_q": "", "condor_history": "", "condor_rm": ""}


@pytest.fixture
def condor(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTCondor's commands, made up: every job is taken, and nothing is known of it afterwards."""
    folder = tmp_path_factory.mktemp("condor")
    for name, answer in ANSWERS.items():
        (folder / name).write_text(f"#!/bin/sh\necho '{answer}'\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def submit(campaign: Path, *arguments: object) -> Path:
    """Submit two workers for nodes without a shared file system, and return the folder of their files."""
    site = ("--site", "htcondor", "--set", "shared_filesystem=false")
    ended = hfscale("submit", campaign, *site, "--workers", 2, *arguments)
    assert ended.code == 0, ended
    (folder,) = (campaign.parent / "results.zarr").rglob("hfscale-*")
    return folder


def work(folder: Path, node: Path, shard: int) -> None:
    """Do what the job of a shard does on its node."""
    node.mkdir()
    with tarfile.open(folder / "store.tar.gz") as sent:
        sent.extractall(node, filter="data")
    assert hfscale("worker", node / "store", "--shard", f"{shard}/2").code == 0
    with tarfile.open(folder / f"shard-{shard}.tar.gz", "w:gz") as returned:
        returned.add(node / "store", arcname="store")


@pytest.mark.usefixtures("condor")
def test_what_jobs_computed_elsewhere_is_collected(
    small: Search, campaign: Path, tmp_path: Path, small_store: Path
) -> None:
    folder = submit(campaign, "--set", "run.task_points=4")
    work(folder, tmp_path / "node 0", 0)
    assert hfscale("collect", small.store, "--json").json() == {"archives": 1, "tasks": 2}
    assert not open_store(small.store).status().finished
    work(folder, tmp_path / "node 1", 1)
    assert "1 tasks from the archives of 2 jobs" in hfscale("collect", small.store).err
    assert hfscale("collect", small.store, "--json").json() == {"archives": 2, "tasks": 0}
    assert hfscale("verify", small.store).code == 0
    assert digests_of(small.store) == digests_of(small_store)


@pytest.mark.usefixtures("condor")
def test_archives_that_are_damaged_or_of_others_are_refused(
    small: Search, campaign: Path, tmp_path: Path, refused: Callable[..., None]
) -> None:
    folder = submit(campaign)
    archive = folder / "shard-0.tar.gz"
    archive.write_bytes((folder / "store.tar.gz").read_bytes()[:500])
    refused(hfscale("collect", small.store), str(archive), "damaged")
    other = tmp_path / "other.zarr"
    hfscale("plan", campaign, "-o", other, "--set", "calculation.test_poi=0.5")
    with tarfile.open(archive, "w:gz") as returned:
        returned.add(other, arcname="store")
    refused(hfscale("collect", small.store), str(archive), "test_poi")


WORKER = """\
#!/bin/bash
trap 'echo interrupted > store/report; exit 3' TERM
echo "$@" > store/arguments
touch store/begun
for _ in $(seq 300); do [ -f store/end ] && exit 0; sleep 0.1; done
"""
"""Stands in for hfscale."""


def start_job(node: Path, worker: Path) -> "subprocess.Popen[str]":
    """Run the script of a job in a folder to which the archive of a store was transferred."""
    worker.write_text(WORKER)
    worker.chmod(0o755)
    site = Site(kind="htcondor", shared_filesystem=False, command=str(worker))
    request = ArrayRequest("search-1", Path("/data/results.zarr"), 4, site, Path("/data/jobs"))
    _, script = HTCondor().render(request)
    (node / "job.sh").write_text(script.text)
    (node / "store").mkdir()
    with tarfile.open(node / "store.tar.gz", "w:gz") as sent:
        sent.add(node / "store", arcname="store")
    shutil.rmtree(node / "store")
    job = subprocess.Popen(["bash", "job.sh", "2"], cwd=node, text=True)
    while not (node / "store" / "begun").exists():
        assert job.poll() is None
        time.sleep(0.05)
    return job


@pytest.mark.parametrize(("interrupted", "code"), [(True, 3), (False, 0)])
def test_the_script_sends_back_what_was_done_also_when_it_is_interrupted(
    tmp_path: Path, interrupted: bool, code: int
) -> None:
    node = tmp_path / "node"
    node.mkdir()
    job = start_job(node, tmp_path / "worker.sh")
    # Whenever the job ends, there is something to send back.
    assert (node / "shard.tar.gz").exists()
    if interrupted:
        job.send_signal(signal.SIGTERM)
    else:
        (node / "store" / "end").touch()
    assert job.wait(timeout=60) == code
    with tarfile.open(node / "shard.tar.gz") as returned:
        names = {name.removeprefix("store/") for name in returned.getnames()}
    assert ("report" in names) == interrupted
    assert (node / "store" / "arguments").read_text() == "worker store --shard 2/4\n"


def test_the_description_transfers_the_archives() -> None:
    site = Site(kind="htcondor", shared_filesystem=False)
    request = ArrayRequest("search-1", Path("/data/results.zarr"), 4, site, Path("/data/jobs"))
    description, _ = HTCondor().render(request)
    assert (
        "executable = /data/jobs/job.sh\narguments = $(Process)\nshould_transfer_files = YES\n"
        "when_to_transfer_output = ON_EXIT_OR_EVICT\ntransfer_input_files = store.tar.gz\n"
        "transfer_output_files = shard.tar.gz\n"
        'transfer_output_remaps = "shard.tar.gz = shard-$(Process).tar.gz"\n'
    ) in description.text
