"""Kubernetes as a batch system: kubectl applies the manifests of a submission, and tells what became of them.

The name of a job is ``KIND/NAME``. The namespace is that of kubectl's context.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from hfscale.errors import BatchSystemError, InputError
from hfscale.sites.batch import ArrayRequest, Document, Job, Log, numbered_logs
from hfscale.sites.commands import Answer, ask, demand
from hfscale.sites.kubernetes.dask_job import dask_job
from hfscale.sites.kubernetes.indexed_job import indexed_job
from hfscale.sites.kubernetes.pods import INSTANCE, environment, resource_name
from hfscale.sites.kubernetes.ray_job import ray_job
from hfscale.sites.kubernetes.states import job_of_resource, jobs_of_indexed
from hfscale.sites.site import Site

_RESOURCES = MappingProxyType({"array": indexed_job, "dask": dask_job, "ray": ray_job})
_KINDS = MappingProxyType({"array": "job", "dask": "daskjob", "ray": "rayjob"})
_MANIFEST = "job.yaml"
_NOT_THERE = ("NotFound", "not found", "doesn't have a resource type")


class Kubernetes:
    """Pods, by kubectl."""

    commands = ("kubectl",)

    def check(self, site: Site) -> None:
        """Refuse sites without an image, and keys that only batch systems with queues know."""
        if site.image is None:
            raise InputError(
                "pods need a container image",
                place="image",
                remedy="name one in the site file, or with --set image=REGISTRY/NAME:TAG; cluster/image has its recipe",
            )
        for key in ("partition", "account"):
            if getattr(site.resources, key) is not None:
                raise InputError(
                    f"Kubernetes has no {key}",
                    place=f"resources.{key}",
                    remedy="remove the key; kubernetes.node_selector and kubernetes.priority_class choose nodes",
                )
        if site.directives:
            raise InputError("manifests have no directives", place="directives", remedy="remove the key")
        if not site.shared_filesystem:
            raise InputError(
                "pods work on the store itself",
                place="shared_filesystem",
                remedy="name the claim that holds the store in kubernetes.claim, or keep the store in an object store",
            )

    def render(self, request: ArrayRequest) -> tuple[Document, ...]:
        """Return the manifests, one YAML document each.

        Raises:
            InputError: Pods cannot see the store.
        """
        manifests = [environment(request), *_RESOURCES[request.site.mode](request)]
        return (Document(_MANIFEST, yaml.safe_dump_all(manifests, sort_keys=False)),)

    def submit(self, request: ArrayRequest) -> str:
        """Have kubectl apply the manifests; what it took of them before one was refused is removed again."""
        try:
            demand(["kubectl", "apply", "-f", str(request.folder / _MANIFEST)])
        except BatchSystemError:
            ask(["kubectl", "delete", "--ignore-not-found", "-f", str(request.folder / _MANIFEST)])
            raise
        return f"{_KINDS[request.site.mode]}/{resource_name(request.name)}"

    def find(self, name: str) -> str | None:
        """Return the job of that name."""
        for kind in _KINDS.values():
            if self._get(f"{kind}/{resource_name(name)}") is not None:
                return f"{kind}/{resource_name(name)}"
        return None

    def query(self, job: str) -> list[Job]:
        """Return the jobs of an Indexed Job, or the driver of a DaskJob or RayJob."""
        resource = self._get(job)
        if resource is None:
            return []
        if not job.startswith("job/"):
            return job_of_resource(resource)
        pods = demand(["kubectl", "get", "pods", "-o", "json", "-l", f"{INSTANCE}={job.partition('/')[2]}"])
        return jobs_of_indexed(resource, json.loads(pods)["items"])

    def cancel(self, job: str) -> None:
        """Have kubectl delete everything of a submission; pods get their time of grace."""
        kind, _, name = job.partition("/")
        kinds = f"{kind},configmap" + (",daskautoscaler" if kind == "daskjob" else "")
        demand(["kubectl", "delete", kinds, "-l", f"{INSTANCE}={name}", "--wait=false"])

    def logs(self, folder: Path) -> Iterator[Log]:
        """Ask for what the pods of a submission wrote, as long as there are any, and return it with what was kept."""
        if folder.is_dir():
            self._keep_logs(folder)
        return numbered_logs(folder)

    def _keep_logs(self, folder: Path) -> None:
        listing = ask(["kubectl", "get", "pods", "-o", "json", "-l", f"{INSTANCE}={resource_name(folder.name)}"])
        if listing.code != 0:
            return
        for number, pod in enumerate(json.loads(listing.out)["items"]):
            annotations = pod["metadata"].get("annotations", {})
            index = annotations.get("batch.kubernetes.io/job-completion-index", str(number))
            answer = ask(["kubectl", "logs", pod["metadata"]["name"]])
            if answer.code == 0 and index.isdecimal():
                (folder / f"{index}.log").write_text(answer.out)

    def _get(self, job: str) -> dict[str, Any] | None:
        answer = ask(["kubectl", "get", *job.split("/"), "-o", "json"])
        if answer.code == 0:
            found: dict[str, Any] = json.loads(answer.out)
            return found
        if _is_missing(answer):
            return None
        raise BatchSystemError(f"kubectl failed: {answer.complaint}", remedy="try again later")


def _is_missing(answer: Answer) -> bool:
    return any(words in answer.err for words in _NOT_THERE)
