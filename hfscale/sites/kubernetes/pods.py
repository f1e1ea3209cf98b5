"""What all pods have in common: no root, no writable root file system, bounded resources, one thread per worker."""

import shlex
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from hfscale.errors import InputError
from hfscale.sites.batch import ArrayRequest
from hfscale.sites.site import Site
from hfscale.store.objects import ObjectPlace
from hfscale.store.places import Place, local

Manifest = dict[str, Any]

INSTANCE = "app.kubernetes.io/instance"
"""The label with the name of a submission, by which everything of it is found."""
_SCRATCH = "/tmp"  # an emptyDir of the pod's own
_TLS_FOLDER = "/etc/hfscale/tls"


def resource_name(name: str) -> str:
    """Return the name of a submission as Kubernetes takes it, RFC 1123."""
    return name.lower()


def metadata(request: ArrayRequest, suffix: str = "") -> Manifest:
    """Return name and labels of a resource of a submission."""
    return {"name": resource_name(request.name) + suffix, "labels": labels(request)}


def labels(request: ArrayRequest) -> dict[str, str]:
    """Return the labels of everything that belongs to a submission."""
    return {"app.kubernetes.io/name": "hfscale", INSTANCE: resource_name(request.name)}


def environment(request: ArrayRequest) -> Manifest:
    """Return the ConfigMap with the environment of all pods: one thread each, and scratch space in the pod."""
    threads = dict.fromkeys(("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    # A pod compiles once: programs that are kept would die with it.
    scratch = {"HOME": f"{_SCRATCH}/home", "TMPDIR": _SCRATCH, "HFSCALE_CACHE": "off"}
    data = {**threads, **scratch, "MPLCONFIGDIR": f"{_SCRATCH}/matplotlib"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(request), "data": data}


def store_in_pod(store: Place, site: Site) -> str:
    """Return where pods find the store.

    Raises:
        InputError: Pods cannot see it.
    """
    if isinstance(store, ObjectPlace):
        return str(store)
    options = site.kubernetes
    if options.claim is None:
        raise InputError(
            f"pods cannot see the store {store}: no volume is named",
            place="kubernetes.claim",
            remedy="name the PersistentVolumeClaim that holds it in kubernetes.claim, or keep the store in an object"
            " store, as store: s3://BUCKET/results.zarr",
        )
    seen = Path(options.local or options.mount).expanduser().absolute()
    path = local(store).absolute()
    if not path.is_relative_to(seen):
        raise InputError(
            f"the store {store} is not below {seen}, where the files of the claim {options.claim} are seen here",
            place="kubernetes.local",
            remedy="keep the store there, or name the folder where this machine sees the claim's files",
        )
    return str(PurePosixPath(options.mount) / path.relative_to(seen).as_posix())


def hfscale_container(request: ArrayRequest, name: str, arguments: str) -> Manifest:
    """Return a container that runs hfscale in the place of its shell, so that the signals of Kubernetes reach it.

    Args:
        request: The submission.
        name: Name of the container.
        arguments: What follows the name of the command, as a shell takes it.
    """
    lines = [*request.site.setup, f"exec {request.site.command or 'hfscale'} {arguments}"]
    return {**container(request, name), "command": ["/bin/bash", "-c"], "args": ["\n".join(lines)]}


def container(request: ArrayRequest, name: str) -> Manifest:
    """Return a container without a command."""
    site = request.site
    asked = site.resources
    need: dict[str, str] = {"cpu": str(asked.cpus), "memory": f"{asked.memory}Mi"}
    gpus = {"nvidia.com/gpu": str(asked.gpus)} if asked.gpus else {}
    sources: list[Manifest] = [{"configMapRef": {"name": resource_name(request.name)}}]
    sources += [{"secretRef": {"name": secret}} for secret in site.kubernetes.secrets]
    mounts = [{"name": "scratch", "mountPath": _SCRATCH}]
    if site.kubernetes.claim is not None:
        mounts.append({"name": "data", "mountPath": site.kubernetes.mount})
    return {
        "name": name,
        "image": (site.image or "").removeprefix("docker://"),
        "envFrom": sources,
        "resources": {"requests": need, "limits": {**need, **gpus}},
        "volumeMounts": mounts,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def pod(request: ArrayRequest, containers: Sequence[Manifest], *, deadline: bool = False) -> Manifest:
    """Return the specification of a pod.

    Args:
        request: The submission.
        containers: Its containers.
        deadline: Whether it ends when the walltime is over.
    """
    site, options = request.site, request.site.kubernetes
    volumes: list[Manifest] = [{"name": "scratch", "emptyDir": {"sizeLimit": f"{max(1024, site.resources.memory)}Mi"}}]
    if options.claim is not None:
        volumes.append({"name": "data", "persistentVolumeClaim": {"claimName": options.claim}})
    user = options.user
    specification: Manifest = {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user,
            "runAsGroup": user,
            "fsGroup": user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": site.grace,
        "containers": list(containers),
        "volumes": volumes,
    }
    if deadline:
        specification["activeDeadlineSeconds"] = site.resources.walltime
    if options.service_account:
        specification["serviceAccountName"] = options.service_account
    if options.node_selector:
        specification["nodeSelector"] = dict(options.node_selector)
    if options.priority_class:
        specification["priorityClassName"] = options.priority_class
    if site.resources.gpus:
        specification["tolerations"] = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    return specification


def add_volume(specification: Manifest, volume: Manifest, path: str, *, read_only: bool = False) -> None:
    """Give all containers of a pod a further volume at a path."""
    specification["volumes"].append(volume)
    mount: Manifest = {"name": volume["name"], "mountPath": path}
    if read_only:
        mount["readOnly"] = True
    for holder in specification["containers"]:
        holder["volumeMounts"].append(mount)


def add_dask_tls(specification: Manifest, secret: str) -> None:
    """Give all containers of a pod the keys of Dask's encrypted connections, and have Dask refuse others."""
    add_volume(specification, {"name": "tls", "secret": {"secretName": secret}}, _TLS_FOLDER, read_only=True)
    values = {"CA_FILE": f"{_TLS_FOLDER}/ca.crt"}
    for role in ("CLIENT", "SCHEDULER", "WORKER"):
        values |= {f"{role}__CERT": f"{_TLS_FOLDER}/tls.crt", f"{role}__KEY": f"{_TLS_FOLDER}/tls.key"}
    variables = [{"name": "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION", "value": "True"}]
    variables += [{"name": f"DASK_DISTRIBUTED__COMM__TLS__{key}", "value": value} for key, value in values.items()]
    for holder in specification["containers"]:
        holder["env"] = [*holder.get("env", ()), *variables]


def quoted_store(request: ArrayRequest) -> str:
    """Return where pods find the store, as a shell takes it."""
    return shlex.quote(store_in_pod(request.store, request.site))
