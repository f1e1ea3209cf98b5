"""What the commands of batch systems say of jobs, in our words."""

import json
from pathlib import Path

import pytest

from hfscale.errors import BatchSystemError
from hfscale.sites.batch import Job, JobState
from hfscale.sites.htcondor import HTCondor
from hfscale.sites.slurm import Slurm
from tests.sites.fake_slurm import FakeSlurm

QUEUE = """\
0|RUNNING|None|0|
1|PENDING|AssocGrpCpuLimit|0|
2|PENDING|JobHeldUser|0|
3|COMPLETED|None|0|
4|FAILED|NonZeroExitCode|768|
5|FAILED|NonZeroExitCode|32512|
6|CANCELLED|None|768|
7|OUT_OF_MEMORY|OutOfMemory|9|
8|COMPLETING|None|0|
"""


def test_states_of_slurm(fake_slurm: FakeSlurm) -> None:
    fake_slurm.lay_down("queue", QUEUE)
    jobs = Slurm().query("4711")
    assert jobs == [
        Job(0, JobState.RUNNING),
        Job(1, JobState.QUEUED, "AssocGrpCpuLimit"),
        Job(2, JobState.HELD, "JobHeldUser"),
        Job(3, JobState.DONE),
        Job(4, JobState.FAILED, "FAILED, exit code 3: interrupted in time"),
        Job(5, JobState.FAILED, jobs[5].reason),
        Job(6, JobState.CANCELLED),
        Job(7, JobState.FAILED, "OUT_OF_MEMORY, OutOfMemory, ended by signal 9"),
        Job(8, JobState.RUNNING),
    ]
    assert "exit code 127: the command was not found" in jobs[5].reason
    assert [job.shard for job in jobs if job.state.active] == [0, 1, 2, 8]


def test_what_slurm_has_forgotten_is_in_its_accounts(fake_slurm: FakeSlurm) -> None:
    fake_slurm.lay_down("forgotten", "")
    assert Slurm().query("4711") == []
    fake_slurm.lay_down("accounts", "4711_0|COMPLETED|0:0|None\n4711_1|CANCELLED by 1000|0:15|None\n")
    assert Slurm().query("4711") == [Job(0, JobState.DONE), Job(1, JobState.CANCELLED)]


def test_a_slurm_that_does_not_answer_is_told_of(fake_slurm: FakeSlurm) -> None:
    (fake_slurm.commands / "squeue").write_text("#!/bin/sh\necho 'Unable to contact slurm controller' >&2\nexit 1\n")
    with pytest.raises(BatchSystemError, match="Unable to contact slurm controller"):
        Slurm().query("4711")


def test_states_of_htcondor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = [
        {"ProcId": 3, "JobStatus": 5, "HoldReason": "Failed to initialize\nuser log"},
        {"ProcId": 2, "JobStatus": 2},
        {"ProcId": 4, "JobStatus": 1, "LastRejMatchReason": "no match found"},
    ]
    history = [
        {"ProcId": 0, "JobStatus": 4, "ExitCode": 0, "ExitBySignal": False},
        {"ProcId": 1, "JobStatus": 4, "ExitBySignal": True, "ExitSignal": 9},
        {"ProcId": 5, "JobStatus": 3},
    ]
    for command, ads in (("condor_q", queue), ("condor_history", history)):
        path = tmp_path / command
        path.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(ads)}\nEND\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert HTCondor().query("12") == [
        Job(0, JobState.DONE),
        Job(1, JobState.FAILED, "ended by signal 9"),
        Job(2, JobState.RUNNING),
        Job(3, JobState.HELD, "Failed to initialize user log"),
        Job(4, JobState.QUEUED, "no match found"),
        Job(5, JobState.CANCELLED),
    ]
