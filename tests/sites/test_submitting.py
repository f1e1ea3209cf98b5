"""The verbs ``submit``, ``status``, ``logs`` and ``cancel``, with made-up commands of SLURM."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hfscale.store.open import open_store
from tests.program import Ended, Search, hfscale
from tests.sites.fake_slurm import FakeSlurm

Refused = Callable[..., None]
RUNNING = "0|RUNNING|None|0|\n1|PENDING|QOSMaxJobsPerUserLimit|0|\n"
ENDED = "0|COMPLETED|None|0|\n1|FAILED|NonZeroExitCode|768|\n"


def submit(campaign: Path, *arguments: object, workers: int = 2) -> Ended:
    return hfscale("submit", campaign, "--site", "slurm", "--workers", workers, *arguments)


def test_a_dry_run_prints_the_script_and_writes_nothing(
    small: Search, campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "no commands"))
    ended = submit(campaign, "--dry-run", "--set", "walltime=02:30:00", "--set", "run.task_points=1", workers=200)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("#!/bin/bash\n#SBATCH --job-name=hfscale-")
    # Nine points in as many tasks: more workers would have nothing to do.
    assert "#SBATCH --array=0-8\n#SBATCH --time=02:30:00\n" in ended.out
    assert ended.out.endswith(f'worker {small.store} --shard "$SLURM_ARRAY_TASK_ID/9" --help-others\n')
    assert small.left() == ["campaign.yaml"]


@pytest.mark.parametrize(
    ("kind", "prefix"), [("slurm", "#SBATCH -t 02:30:00\n"), ("htcondor", "allowed_job_duration = 9000\n")]
)
def test_a_dry_run_prints_the_script_of_dask_workers_too_and_writes_nothing(
    small: Search, campaign: Path, kind: str, prefix: str
) -> None:
    words = ("--site", kind, "--mode", "dask", "--workers", 3, "--set", "walltime=02:30:00", "--dry-run")
    ended = hfscale("submit", campaign, *words)
    assert (ended.code, ended.err) == (0, "")
    driver, worker = ended.out.split("# Each job of the workers, which the driver submits;")
    assert f"drive {small.store} --worker-jobs " in driver
    assert prefix in worker
    assert "-m distributed.cli.dask_worker tls://SCHEDULER:PORT --name WORKER" in worker
    assert f"{small.store}/_hfscale/ledger/jobs/hfscale-" in worker
    assert small.left() == ["campaign.yaml"]


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("slurm", "dask"), ("slurm", "ray"), ("kubernetes", "dask"), ("kubernetes", "ray"), ("gateway", "dask")],
)
def test_drivers_wait_as_long_as_the_campaign_says(campaign: Path, kind: str, mode: str) -> None:
    pods = ("image=registry.example/hfscale:1", "kubernetes.claim=results", f"kubernetes.mount={campaign.parent}")
    keys = [word for key in pods for word in ("--set", key)] if kind == "kubernetes" else []
    words = (campaign, "--site", kind, "--mode", mode, "--workers", 3, "--dry-run", *keys)
    for key, option in (("task_limit=2h", "--task-limit 2h"), ("wait_workers=45m", "--wait-workers 45m")):
        ended = hfscale("submit", *words, "--set", f"run.{key}")
        assert ended.code == 0, ended.err
        # YAML breaks long lines.
        assert option in " ".join(ended.out.split())
    # Without a word of the campaign, they wait without end, and find out themselves how long a task may take.
    ended = hfscale("submit", *words)
    assert "--task-limit" not in ended.out
    assert "--wait-workers" not in ended.out


def test_drivers_get_workers_for_parts_of_a_long_point(campaign: Path) -> None:
    words = ("--workers", 3, "--dry-run", "--set", "calculation.kind=ranking", "--set", "points=[s_200_0]")
    words += ("--set", "run.task_parameters=1")
    script = hfscale("submit", campaign, "--site", "slurm", "--mode", "ray", *words).out
    assert "#SBATCH --nodes=3\n" in script
    # Shards compute whole points.
    assert "#SBATCH --array=0-0\n" in hfscale("submit", campaign, "--site", "slurm", *words).out


def test_without_dask_jobqueue_a_dry_run_says_what_it_cannot_show(
    campaign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hfscale.sites.driving.can_describe_jobs", lambda: False)
    ended = submit(campaign, "--mode", "dask", "--dry-run")
    assert ended.code == 0
    assert "dask_worker" not in ended.out
    assert "cannot be shown: dask-jobqueue" in ended.err


def test_what_was_submitted_is_what_a_dry_run_prints_and_is_kept(
    small: Search, campaign: Path, fake_slurm: FakeSlurm
) -> None:
    printed = submit(campaign, "--dry-run").out
    ended = submit(campaign, "--json")
    assert ended.json() == {"system": "slurm", "job": "4711", "workers": 2}
    (script,) = fake_slurm.scripts
    assert _without_names(script) == _without_names(printed)
    fake_slurm.lay_down("queue", RUNNING)
    (array,) = hfscale("status", small.store, "--json").json()["jobs"]
    assert (array["job"], array["workers"], array["states"]) == ("4711", 2, {"running": 1, "queued": 1})
    text = hfscale("status", small.store).out
    assert "slurm job 4711: 1 running, 1 queued\n  1 queued: QOSMaxJobsPerUserLimit\n" in text
    assert hfscale("verify", small.store).code == 0


def _without_names(script: str) -> list[str]:
    return [line for line in script.splitlines() if "--job-name" not in line and "--output" not in line]


def test_nothing_is_submitted_twice_unless_asked_for(
    small: Search, campaign: Path, fake_slurm: FakeSlurm, refused: Refused
) -> None:
    assert submit(campaign).code == 0
    fake_slurm.lay_down("queue", RUNNING)
    refused(submit(campaign), "2 of slurm job 4711", "--more")
    assert len(fake_slurm.scripts) == 1
    assert submit(campaign, "--more").code == 0
    assert len(fake_slurm.scripts) == 2
    fake_slurm.lay_down("queue", ENDED)
    assert submit(campaign).code == 0
    assert "1 failed: FAILED, exit code 3: interrupted in time" in hfscale("status", small.store).out


def test_it_is_not_submitted_again_while_nobody_knows_what_runs(
    campaign: Path, fake_slurm: FakeSlurm, refused: Refused
) -> None:
    assert submit(campaign).code == 0
    (fake_slurm.commands / "squeue").write_text("#!/bin/sh\necho 'Socket timed out' >&2\nexit 1\n")
    refused(submit(campaign), "Socket timed out")
    assert len(fake_slurm.scripts) == 1


def test_a_refusal_of_the_scheduler_is_shown_and_leaves_nothing(
    small: Search, campaign: Path, fake_slurm: FakeSlurm, refused: Refused
) -> None:
    words = "sbatch: error: AssocMaxSubmitJobLimit: Job violates accounting/QOS policy"
    fake_slurm.lay_down("refusal", words)
    refused(submit(campaign), words, "remedy")
    assert small.left() == ["campaign.yaml"]
    hfscale("plan", campaign)
    refused(submit(campaign), words)
    assert hfscale("status", small.store, "--json").json()["jobs"] == []


def test_an_answer_that_got_lost_is_found_by_the_name_of_the_job(
    small: Search, campaign: Path, fake_slurm: FakeSlurm, refused: Refused
) -> None:
    fake_slurm.lay_down("refusal", "Batch job submission failed: Socket timed out on send/recv operation")
    fake_slurm.lay_down("named", "815\n815\n")
    assert submit(campaign).code == 0
    fake_slurm.lay_down("queue", RUNNING)
    refused(submit(campaign), "2 of slurm job 815")
    assert open_store(small.store).plan.n_points == 9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--set", "image=none.sif"), ("none.sif does not exist", "at image")),
        (("--set", "walltime=61s"), ("shorter than the longest task", "--set walltime=HH:MM:SS")),
        (("--set", "wltime=1h"), ("no key 'wltime'", "did you mean 'walltime'?")),
        (("--set", "calculation.tset_poi=1"), ("tset_poi",)),
        (("--mode", "ray", "--set", "kind=htcondor"), ("no mode 'ray'",)),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(
    small: Search, campaign: Path, fake_slurm: FakeSlurm, refused: Refused, arguments: tuple[str, ...], said: tuple[str]
) -> None:
    refused(submit(campaign, "--set", "grace=60", "--set", "run.task_points=9", *arguments), *said)
    assert small.left() == ["campaign.yaml"]
    assert fake_slurm.scripts == []


def test_without_the_commands_nothing_is_written(
    small: Search, campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "no commands"))
    refused(submit(campaign), "the command sbatch of slurm is not on this machine", "--dry-run")
    assert small.left() == ["campaign.yaml"]


def test_logs_and_cancel(small: Search, campaign: Path, fake_slurm: FakeSlurm, refused: Refused) -> None:
    assert submit(campaign).code == 0
    refused(hfscale("logs", small.store), "no logs")
    fake_slurm.lay_down("queue", RUNNING)
    (folder,) = small.store.rglob("hfscale-*")
    (folder / "1.log").write_text("".join(f"line {k}\n" for k in range(100)))
    ended = hfscale("logs", small.store, "--worker", 1, "--lines", 2)
    assert ended.out == f"== {folder / '1.log'}\nline 98\nline 99\n"
    assert hfscale("logs", small.store, "--json", "--lines", 1).json()[0]["lines"] == ["line 99"]
    assert "2 jobs were queued or running" in hfscale("cancel", small.store).err
    assert fake_slurm.cancelled == "4711\n"
    fake_slurm.lay_down("queue", ENDED)
    assert hfscale("cancel", small.store, "--json").json() == []


def test_a_finished_store_needs_no_jobs(
    small: Search, campaign: Path, fake_slurm: FakeSlurm, small_store: Path
) -> None:
    ended = submit(campaign, "--set", f"store={small_store}", "--set", "run.task_points=4")
    assert (ended.code, fake_slurm.scripts) == (0, [])
    assert "nothing to do" in ended.err
