"""The mode ``ray``: a RayJob of KubeRay, whose head has no tasks and runs the driver.

Ray keeps objects in shared memory, of which a container has 64 MB unless a volume in memory is mounted there. KubeRay
makes the token of the cluster, and its Secret, itself.
"""

import shlex

from hfscale.sites.batch import ArrayRequest
from hfscale.sites.kubernetes.pods import Manifest, add_volume, container, labels, metadata, pod, quoted_store

_OBJECT_STORE_BYTES = 200 * 2**20
_SHARED_MEMORY = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}}
_KEPT_SECONDS = 3600


def ray_job(request: ArrayRequest) -> list[Manifest]:
    """Return the RayJob."""
    site = request.site
    lines = [
        *site.setup,
        f"exec {site.command or 'hfscale'} drive {quoted_store(request)} --executor ray --ray-address auto"
        f"{request.driver_options}",
    ]
    cpus = {"num-cpus": str(site.resources.cpus)}
    gpus = {"num-gpus": str(site.resources.gpus)} if site.resources.gpus else {}
    workers = {
        "groupName": "workers",
        "replicas": request.workers,
        "minReplicas": 0,
        "maxReplicas": request.workers,
        "rayStartParams": {**_start_parameters(), **cpus, **gpus},
        "template": _template(request, "ray-worker"),
    }
    head = {
        "rayStartParams": {**_start_parameters(), "num-cpus": "0", "dashboard-host": "0.0.0.0"},
        "template": _template(request, "ray-head"),
    }
    specification = {
        "entrypoint": f"bash -c {shlex.quote(chr(10).join(lines))}" if site.setup else lines[0].removeprefix("exec "),
        "submissionMode": "K8sJobMode",
        "submitterPodTemplate": _submitter(request),
        # A driver that was interrupted continues the store on a cluster of its own.
        "backoffLimit": site.kubernetes.retries,
        "shutdownAfterJobFinishes": True,
        "ttlSecondsAfterFinished": _KEPT_SECONDS,
        "rayClusterSpec": {
            "rayVersion": site.kubernetes.ray_version,
            "authOptions": {"mode": "token"},
            "enableInTreeAutoscaling": False,
            "headGroupSpec": head,
            "workerGroupSpecs": [workers],
        },
    }
    return [{"apiVersion": "ray.io/v1", "kind": "RayJob", "metadata": metadata(request), "spec": specification}]


def _start_parameters() -> dict[str, str]:
    return {"object-store-memory": str(_OBJECT_STORE_BYTES), "disable-usage-stats": "true"}


def _template(request: ArrayRequest, name: str) -> Manifest:
    specification = pod(request, [container(request, name)])
    add_volume(specification, _SHARED_MEMORY, "/dev/shm")
    return {"metadata": {"labels": labels(request)}, "spec": specification}


def _submitter(request: ArrayRequest) -> Manifest:
    """The pod that hands the entry point to the head; KubeRay gives it its command."""
    specification = pod(request, [container(request, "ray-job-submitter")])
    return {"metadata": {"labels": labels(request)}, "spec": {**specification, "restartPolicy": "Never"}}
