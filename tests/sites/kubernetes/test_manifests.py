"""Manifests for Kubernetes: valid to the last key, and as careful as clusters ask for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from hfscale.errors import InputError
from hfscale.sites.batch import ArrayRequest
from hfscale.sites.kubernetes.system import Kubernetes
from hfscale.sites.site import Site
from hfscale.store.places import store_place
from tests.sites.kubernetes.schemas import dask_schema, pods_of, ray_schema, validate, validate_core

Document = dict[str, Any]
NAME = "hfscale-1a2b3c4d-20260101t000000000000"


def site(mode: str = "array", **changes: Any) -> Site:
    options = {"claim": "results", "local": "/home/me/results", "secrets": ["keys"], "node_selector": {"disk": "ssd"}}
    document = {"kind": "kubernetes", "mode": mode, "image": "ghcr.io/me/hfscale:0.1", "kubernetes": options}
    resources = {"walltime": "2h", "memory": "3G", "cpus": 2, "gpus": 1}
    return Site.model_validate({**document, "resources": resources, **changes})


def manifests(wanted: Site, store: str = "/home/me/results/deep/r.zarr", workers: int = 50) -> list[Document]:
    folder = Path("/home/me/results/deep/r.zarr/jobs")
    (document,) = Kubernetes().render(ArrayRequest(NAME.upper(), store_place(store), workers, wanted, folder))
    assert document.name == "job.yaml"
    return list(yaml.safe_load_all(document.text))


def all_pods() -> Iterator[Document]:
    for mode in ("array", "dask", "ray"):
        yield from pods_of(manifests(site(mode)))


def test_an_array_is_a_valid_indexed_job_that_survives_disruptions() -> None:
    environment, job = manifests(site())
    validate_core(environment)
    validate_core(job)
    assert environment["data"]["NPROC"] == "1"
    wanted = job["spec"]
    assert (job["metadata"]["name"], wanted["completions"], wanted["parallelism"]) == (NAME, 50, 50)
    ignored = [rule for rule in wanted["podFailurePolicy"]["rules"] if rule["action"] == "Ignore"]
    assert ignored[0]["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]
    # What is interrupted in time ends with code 3, and goes on in another pod.
    assert ignored[1]["onExitCodes"]["values"] == [3]
    pod = wanted["template"]["spec"]
    assert (pod["terminationGracePeriodSeconds"], pod["activeDeadlineSeconds"]) == (60, 7200)
    (line,) = pod["containers"][0]["args"]
    assert line.startswith('exec hfscale worker /data/deep/r.zarr --shard "$JOB_COMPLETION_INDEX/50" --help-others')


def test_pods_have_no_root_no_writable_root_and_bounded_resources() -> None:
    found = list(all_pods())
    assert len(found) == 1 + 3 + 3
    for pod in found:
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 1000
        assert pod["automountServiceAccountToken"] is False
        validate_core({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": pod})
        for holder in pod["containers"]:
            assert holder["securityContext"]["readOnlyRootFilesystem"] is True
            assert holder["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert holder["resources"]["requests"] == {"cpu": "2", "memory": "3072Mi"}
            assert holder["resources"]["limits"] == {"cpu": "2", "memory": "3072Mi", "nvidia.com/gpu": "1"}
            assert {"name": "scratch", "mountPath": "/tmp"} in holder["volumeMounts"]
            sources = [{"configMapRef": {"name": NAME}}, {"secretRef": {"name": "keys"}}]
            assert holder["envFrom"] == sources


def test_a_dask_job_is_valid_adaptive_and_encrypted() -> None:
    environment, job, scaler = manifests(site("dask"))
    validate_core(environment)
    validate(job, dask_schema("daskjob"))
    validate(scaler, dask_schema("daskautoscaler"))
    assert scaler["spec"] == {"cluster": NAME, "minimum": 1, "maximum": 50}
    cluster = job["spec"]["cluster"]["spec"]
    validate_core({"apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": cluster["scheduler"]["service"]})
    worker = cluster["worker"]["spec"]["containers"][0]
    text = " ".join(worker["command"])
    assert text.startswith(f"dask worker tls://{NAME}-scheduler:8786 --protocol tls --name $(DASK_WORKER_NAME)")
    assert "--lifetime 5760s --lifetime-stagger 576s" in text and "--resources GPU=1" in text
    for pod in pods_of(job):
        assert {"name": "tls", "secret": {"secretName": "hfscale-dask-tls"}} in pod["volumes"]
        variables = {entry["name"]: entry["value"] for entry in pod["containers"][0]["env"]}
        assert variables["DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION"] == "True"
        assert variables["DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY"] == "/etc/hfscale/tls/tls.key"
    driver = job["spec"]["job"]["spec"]
    assert driver["restartPolicy"] == "OnFailure"
    assert "drive /data/deep/r.zarr --executor dask --scheduler tls://" in driver["containers"][0]["args"][0]


def test_a_ray_job_is_valid_wants_a_token_and_has_shared_memory() -> None:
    _, job = manifests(site("ray", setup=["export MODE='two words'"]))
    validate(job, ray_schema())
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert cluster["workerGroupSpecs"][0]["replicas"] == 50
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        (holder,) = group["template"]["spec"]["containers"]
        assert {"name": "shm", "mountPath": "/dev/shm"} in holder["volumeMounts"]
    assert "drive /data/deep/r.zarr --executor ray --ray-address auto" in job["spec"]["entrypoint"]


def test_the_checks_of_manifests_notice_misprints() -> None:
    _, job = manifests(site())
    job["spec"]["template"]["spec"]["containers"][0]["resourcez"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        validate_core(job)
    _, dask, _ = manifests(site("dask"))
    dask["spec"]["cluster"]["spec"]["worker"]["replicas"] = "two"
    with pytest.raises(jsonschema.ValidationError):
        validate(dask, dask_schema("daskjob"))
    _, ray = manifests(site("ray"))
    ray["spec"]["rayClusterSpec"]["workerGroupSpec"] = []
    with pytest.raises(jsonschema.ValidationError):
        validate(ray, ray_schema())


def test_stores_in_an_object_store_need_no_volume() -> None:
    _, job = manifests(site(kubernetes={"secrets": ["keys"]}), store="s3://bucket/r.zarr")
    validate_core(job)
    (pod,) = pods_of(job)
    assert [volume["name"] for volume in pod["volumes"]] == ["scratch"]
    assert "worker s3://bucket/r.zarr --shard" in pod["containers"][0]["args"][0]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"kubernetes": {}}, "kubernetes.claim"),
        ({"kubernetes": {"claim": "results", "local": "/elsewhere"}}, "kubernetes.local"),
        ({"image": None}, "image"),
        ({"resources": {"queue": "long"}}, "resources.partition"),
        ({"directives": ["--qos=normal"]}, "directives"),
        ({"shared_filesystem": False}, "shared_filesystem"),
    ],
)
def test_what_pods_cannot_do_is_refused(changes: Document, place: str) -> None:
    wanted = site(**changes)
    with pytest.raises(InputError) as raised:
        Kubernetes().check(wanted)
        manifests(wanted)
    assert raised.value.place == place
