"""Submitting to Kubernetes, with a made-up kubectl."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from hfscale.sites.batch import Job, JobState
from hfscale.sites.kubernetes.states import job_of_resource, jobs_of_indexed
from tests.program import Ended, Search, hfscale

_KUBECTL = """\
#!/bin/sh
FAKE='{folder}'
echo "$@" >> "$FAKE/asked"
case "$1" in
    apply) if [ -f "$FAKE/refusal" ]; then cat "$FAKE/refusal" >&2; exit 1; fi; cp "$3" "$FAKE/applied" ;;
    get) case "$2" in
        pods) cat "$FAKE/pods" ;;
        *) if [ ! -f "$FAKE/$2" ]; then echo "Error from server (NotFound): not found" >&2; exit 1; fi
           cat "$FAKE/$2" ;;
    esac ;;
    logs) echo "what $2 wrote" ;;
esac
"""


class FakeKubectl(NamedTuple):
    """The folder of what kubectl answers and keeps."""

    folder: Path

    def lay_down(self, name: str, document: Any) -> None:
        (self.folder / name).write_text(document if isinstance(document, str) else json.dumps(document))

    @property
    def asked(self) -> list[str]:
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def kubectl(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> FakeKubectl:
    folder = tmp_path_factory.mktemp("kubectl")
    program = folder / "kubectl"
    program.write_text(_KUBECTL.format(folder=folder))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return FakeKubectl(folder)


def submit(campaign: Path, *arguments: object) -> Ended:
    keys = ("image=ghcr.io/me/hfscale:0.1", "kubernetes.claim=results", f"kubernetes.local={campaign.parent}")
    changes = [text for key in keys for text in ("--set", key)]
    return hfscale("submit", campaign, "--site", "kubernetes", "--workers", 3, *changes, *arguments)


def pod(index: int, phase: str, created: str = "1", **status: Any) -> dict[str, Any]:
    annotations = {"batch.kubernetes.io/job-completion-index": str(index)}
    metadata = {"name": f"pod-{index}", "annotations": annotations, "creationTimestamp": created}
    return {"metadata": metadata, "status": {"phase": phase, **status}}


def waits(reason: str, message: str = "") -> dict[str, Any]:
    return {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}}]}


def ended(code: int, reason: str = "Error") -> dict[str, Any]:
    return {"containerStatuses": [{"state": {"terminated": {"exitCode": code, "reason": reason}}}]}


JOB = {"spec": {"completions": 3}, "status": {"active": 2, "completedIndexes": "0"}}


def test_a_campaign_is_applied_looked_after_and_deleted(
    small: Search, campaign: Path, kubectl: FakeKubectl, refused: Callable[..., None]
) -> None:
    printed = submit(campaign, "--dry-run")
    assert (printed.code, small.left(), kubectl.asked) == (0, ["campaign.yaml"], [])
    assert [document["kind"] for document in yaml.safe_load_all(printed.out)] == ["ConfigMap", "Job"]
    assert submit(campaign).code == 0
    applied = list(yaml.safe_load_all((kubectl.folder / "applied").read_text()))
    name = applied[1]["metadata"]["name"]
    line = applied[1]["spec"]["template"]["spec"]["containers"][0]["args"][0]
    assert line == 'exec hfscale worker /data/results.zarr --shard "$JOB_COMPLETION_INDEX/3" --help-others'

    kubectl.lay_down("job", JOB)
    kubectl.lay_down(
        "pods", {"items": [pod(1, "Running"), pod(2, "Pending", **waits("ErrImagePull", "no such image"))]}
    )
    (array,) = hfscale("status", small.store, "--json").json()["jobs"]
    assert (array["job"], array["states"]) == (f"job/{name}", {"done": 1, "running": 1, "queued": 1})
    assert "1 queued: ErrImagePull: no such image" in hfscale("status", small.store).out
    refused(submit(campaign), f"2 of kubernetes job job/{name}", "--more")
    assert "what pod-1 wrote" in hfscale("logs", small.store, "--worker", 1).out
    assert "2 jobs were queued or running" in hfscale("cancel", small.store).err
    assert kubectl.asked[-1] == f"delete job,configmap -l app.kubernetes.io/instance={name} --wait=false"


def test_what_kubernetes_refuses_leaves_nothing(
    small: Search, campaign: Path, kubectl: FakeKubectl, refused: Callable[..., None]
) -> None:
    words = "jobs.batch is forbidden: exceeded quota: pods=10"
    kubectl.lay_down("refusal", words)
    refused(submit(campaign), words)
    assert small.left() == ["campaign.yaml"]
    assert any(line.startswith("delete --ignore-not-found -f") for line in kubectl.asked)


def test_without_kubectl_or_an_image_nothing_is_written(
    small: Search, campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., None]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "no commands"))
    refused(submit(campaign), "the command kubectl of kubernetes is not on this machine")
    refused(hfscale("submit", campaign, "--site", "kubernetes", "--workers", 3), "pods need a container image")
    refused(submit(campaign, "--set", "kubernetes.clam=x"), "unknown key 'clam'", "did you mean 'claim'?")
    assert small.left() == ["campaign.yaml"]


def test_states_of_pods() -> None:
    job = {"spec": {"completions": 7}, "status": {"completedIndexes": "0,2-3", "failedIndexes": "4"}}
    unschedulable = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "Insufficient cpu",
    }
    pods = [
        pod(1, "Failed", "1", **ended(3)),
        pod(1, "Running", "2"),
        pod(4, "Failed", **ended(137, "OOMKilled")),
        pod(5, "Pending", conditions=[unschedulable]),
        pod(6, "Failed", reason="Preempting", message="preempted"),
    ]
    assert jobs_of_indexed(job, pods) == [
        Job(0, JobState.DONE),
        Job(1, JobState.RUNNING),
        Job(2, JobState.DONE),
        Job(3, JobState.DONE),
        Job(4, JobState.FAILED, "OOMKilled, exit code 137"),
        Job(5, JobState.QUEUED, "Unschedulable: Insufficient cpu"),
        Job(6, JobState.QUEUED, "again, after Preempting: preempted"),
    ]


def test_states_of_operators() -> None:
    assert job_of_resource({}) == [Job(0, JobState.QUEUED)]
    assert job_of_resource({"status": {"jobStatus": "ClusterCreated"}}) == [Job(0, JobState.QUEUED)]
    assert job_of_resource({"status": {"jobStatus": "Successful"}}) == [Job(0, JobState.DONE)]
    status = {"jobDeploymentStatus": "Failed", "jobStatus": "", "message": "Job entrypoint command failed"}
    assert job_of_resource({"status": status}) == [Job(0, JobState.FAILED, "Job entrypoint command failed")]
