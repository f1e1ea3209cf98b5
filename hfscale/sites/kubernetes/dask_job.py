"""The mode ``dask``: a DaskJob of the Dask operator, whose driver, scheduler and workers are pods.

The operator asks the scheduler over HTTP how many workers it wants, and so needs one more route of it; connections that
carry code are encrypted, with the keys of a Secret.
"""

import json

from hfscale.sites.batch import ArrayRequest
from hfscale.sites.kubernetes.pods import (
    Manifest,
    add_dask_tls,
    container,
    hfscale_container,
    labels,
    metadata,
    pod,
    quoted_store,
    resource_name,
)

_COMM_PORT, _HTTP_PORT = 8786, 8787
_ROUTES = (
    "distributed.http.scheduler.prometheus",
    "distributed.http.scheduler.json",
    "distributed.http.health",
    "distributed.http.scheduler.api",
)
_LIFETIME_SHARE = 0.8


def dask_job(request: ArrayRequest) -> list[Manifest]:
    """Return the DaskJob and the DaskAutoscaler of its cluster."""
    cluster = {"scheduler": _scheduler(request), "worker": _workers(request)}
    job = {"metadata": {"labels": labels(request)}, "spec": _driver(request)}
    kind = {"apiVersion": "kubernetes.dask.org/v1"}
    name = resource_name(request.name)
    scaler = {"cluster": name, "minimum": 1, "maximum": request.workers}
    return [
        {**kind, "kind": "DaskJob", "metadata": metadata(request), "spec": {"job": job, "cluster": {"spec": cluster}}},
        {**kind, "kind": "DaskAutoscaler", "metadata": metadata(request), "spec": scaler},
    ]


def _driver(request: ArrayRequest) -> Manifest:
    # A driver that was interrupted, or lost its scheduler, continues the store when it is started again.
    arguments = f"drive {quoted_store(request)} --executor dask --scheduler {_address(request)}"
    arguments += request.driver_options
    specification = pod(request, [hfscale_container(request, "driver", arguments)])
    add_dask_tls(specification, request.site.kubernetes.dask_tls)
    return {**specification, "restartPolicy": "OnFailure"}


def _scheduler(request: ArrayRequest) -> Manifest:
    holder = {
        **container(request, "scheduler"),
        "command": ["dask", "scheduler", "--protocol", "tls", "--port", str(_COMM_PORT)],
        "args": ["--dashboard-address", f":{_HTTP_PORT}"],
        "env": [{"name": "DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES", "value": json.dumps(_ROUTES)}],
        "ports": [
            {"name": "tcp-comm", "containerPort": _COMM_PORT, "protocol": "TCP"},
            {"name": "http-dashboard", "containerPort": _HTTP_PORT, "protocol": "TCP"},
        ],
        "readinessProbe": {"httpGet": {"port": "http-dashboard", "path": "/health"}, "periodSeconds": 10},
    }
    specification = pod(request, [holder])
    add_dask_tls(specification, request.site.kubernetes.dask_tls)
    selector = {"dask.org/cluster-name": resource_name(request.name), "dask.org/component": "scheduler"}
    ports = [
        {"name": "tcp-comm", "protocol": "TCP", "port": _COMM_PORT, "targetPort": "tcp-comm"},
        {"name": "http-dashboard", "protocol": "TCP", "port": _HTTP_PORT, "targetPort": "http-dashboard"},
    ]
    return {"spec": specification, "service": {"type": "ClusterIP", "selector": selector, "ports": ports}}


def _workers(request: ArrayRequest) -> Manifest:
    # Workers leave one after the other before the walltime, handing back what they have.
    lifetime = int(request.site.resources.walltime * _LIFETIME_SHARE)
    command = ["dask", "worker", _address(request), "--protocol", "tls", "--name", "$(DASK_WORKER_NAME)"]
    command += ["--nthreads", "1"]  # one process: the operator retires workers by the names of their pods
    command += ["--lifetime", f"{lifetime}s", "--lifetime-stagger", f"{lifetime // 10}s", "--lifetime-restart"]
    command += ["--dashboard-address", "127.0.0.1:0", "--death-timeout", "300"]
    if request.site.resources.gpus:
        command += ["--resources", "GPU=1"]
    specification = pod(request, [{**container(request, "worker"), "command": command}])
    add_dask_tls(specification, request.site.kubernetes.dask_tls)
    return {"replicas": request.workers, "spec": specification}


def _address(request: ArrayRequest) -> str:
    """The service that the operator makes for the scheduler, in the same namespace."""
    return f"tls://{resource_name(request.name)}-scheduler:{_COMM_PORT}"
