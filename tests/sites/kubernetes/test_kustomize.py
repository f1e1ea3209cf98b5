"""The manifests for `kubectl apply -k`."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.program import ROOT
from tests.sites.kubernetes.schemas import pods_of, validate_core

FOLDER = ROOT / "cluster" / "kubernetes"
_CONFIGURATION = "kustomization.yaml"


def documents(folder: Path) -> list[dict[str, Any]]:
    names = yaml.safe_load((folder / _CONFIGURATION).read_text())["resources"]
    return [yaml.safe_load((folder / name).read_text()) for name in names]


def test_the_base_is_valid_and_its_pods_are_closed() -> None:
    found = documents(FOLDER / "base")
    assert [document["kind"] for document in found] == ["PersistentVolumeClaim", "NetworkPolicy", "Job", "Job"]
    for document in found:
        validate_core(document)
    pods = list(pods_of(found))
    assert len(pods) == 2
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
        (holder,) = pod["containers"]
        assert holder["securityContext"]["readOnlyRootFilesystem"]
        assert set(holder["resources"]) == {"requests", "limits"}


@pytest.mark.parametrize(("overlay", "workers"), [("cpu", 10), ("gpu", 2)])
def test_overlays_are_put_over_the_base_by_kubectl(overlay: str, workers: int) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl, which puts overlays over the base without a cluster")
    command = ["kubectl", "kustomize", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = list(yaml.safe_load_all(done.stdout))
    for document in found:
        validate_core(document)
    (job,) = [document for document in found if document["metadata"]["name"] == "hfscale-workers"]
    (holder,) = job["spec"]["template"]["spec"]["containers"]
    variables = {entry["name"]: entry["value"] for entry in holder["env"]}
    assert (job["spec"]["completions"], job["spec"]["parallelism"], variables["WORKERS"]) == (
        workers,
        workers,
        str(workers),
    )
    assert holder["image"].startswith("ghcr.io/example/hfscale:0.1")
    assert ("nvidia.com/gpu" in holder["resources"]["limits"]) == (overlay == "gpu")
    assert holder["securityContext"]["readOnlyRootFilesystem"]
