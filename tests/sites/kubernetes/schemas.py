"""Strict validation of manifests: a key that a schema does not have is an error, as it is a misprint."""

import gzip
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

Document = dict[str, Any]
_VERSION = "1.33"


def validate_core(manifest: Document) -> None:
    """Check a manifest of Kubernetes itself."""
    kubernetes_validate.validate(manifest, _VERSION, strict=True)


def dask_schema(name: str) -> Document:
    """Return the schema of a resource of the Dask operator; skip where the package that has it is not installed."""
    found = importlib.util.find_spec("dask_kubernetes")
    if found is None or found.origin is None:
        pytest.skip("no dask-kubernetes, whose schemas manifests are checked against")
    folder = Path(found.origin).parent / "operator/deployment/helm/dask-kubernetes-operator/crds"
    return _closed(yaml.safe_load((folder / f"{name}.yaml").read_text()))


def ray_schema() -> Document:
    """Return the schema of KubeRay's RayJob; skip where it is absent."""
    file = Path(__file__).parents[4] / "shared" / "testbeds" / "ray.io_rayjobs.crd.yaml.gz"
    if not file.is_file():
        pytest.skip(f"no resource definition of RayJob in {file.parent}")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return _closed(yaml.load(gzip.decompress(file.read_bytes()), loader))


def validate(manifest: Document, schema: Document) -> None:
    """Check a manifest against a closed schema."""
    jsonschema.validate(manifest, schema)


def pods_of(document: Any) -> Iterator[Document]:
    """Find all specifications of pods in a manifest."""
    if isinstance(document, dict):
        if "containers" in document:
            yield document
        for value in document.values():
            yield from pods_of(value)
    elif isinstance(document, list):
        for value in document:
            yield from pods_of(value)


def _closed(definition: Document) -> Document:
    """The schema of the newest version, in which objects with known keys have no others."""
    (version, *_) = [version for version in definition["spec"]["versions"] if version["storage"]]
    schema: Document = _close(version["schema"]["openAPIV3Schema"])
    # What all resources have is not in all schemas.
    schema["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}
    return schema


def _close(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_close(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _close(value) for key, value in schema.items()}
    is_object = isinstance(schema.get("properties"), dict) and "type" in schema
    if is_object and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        closed.pop("type", None)
    return closed
