"""Telling what kind of document the user gave, so that a mistaken one gets the remedy it needs."""

from typing import Any

from hfscale.errors import SchemaError

VERSION = "1.0.0"
_WORKSPACE_KEYS = {"channels", "measurements", "observations"}
_PATCHSET_KEYS = {"patches", "metadata"}


def require_workspace(document: Any, source: str) -> dict[str, Any]:
    """Return the document if it has the outline of a workspace of the known version.

    Raises:
        SchemaError: It is something else.
    """
    if isinstance(document, dict) and document.keys() >= _WORKSPACE_KEYS:
        _require_version(document, source)
        return document
    if is_patch(document):
        raise SchemaError(f"{source} is a JSON patch, not a workspace", remedy="give it with -p, after the workspace")
    if isinstance(document, dict) and document.keys() >= _PATCHSET_KEYS:
        raise SchemaError(
            f"{source} is a patchset, not a workspace",
            remedy="give it as the second argument, after the background workspace",
        )
    raise SchemaError(
        f"{source} is not a workspace: {_describe(document)}", remedy="give a pyhf workspace (JSON 1.0.0)"
    )


def require_patchset(document: Any, source: str) -> dict[str, Any]:
    """Return the document if it has the outline of a patchset of the known version.

    Raises:
        SchemaError: It is something else.
    """
    if isinstance(document, dict) and document.keys() >= _PATCHSET_KEYS:
        _require_version(document, source)
        return document
    if is_patch(document):
        raise SchemaError(f"{source} is a single JSON patch, not a patchset", remedy="give it with -p")
    if isinstance(document, dict) and document.keys() >= _WORKSPACE_KEYS:
        raise SchemaError(
            f"{source} is a workspace, not a patchset",
            remedy="give the background workspace first and the patchset second",
        )
    raise SchemaError(f"{source} is not a patchset: {_describe(document)}", remedy="give a pyhf patchset (JSON 1.0.0)")


def require_patch(document: Any, source: str) -> list[dict[str, Any]]:
    """Return the document if it is a JSON patch: a list of operations, possibly empty.

    Raises:
        SchemaError: It is something else.
    """
    if isinstance(document, list) and (is_patch(document) or not document):
        return document
    if isinstance(document, dict) and document.keys() >= _PATCHSET_KEYS:
        raise SchemaError(
            f"{source} is a patchset, not a JSON patch", remedy="give it as the second argument, without -p"
        )
    raise SchemaError(
        f"{source} is not a JSON patch: {_describe(document)}", remedy="give a list of JSON patch operations (RFC 6902)"
    )


def is_patch(document: Any) -> bool:
    """Tell whether the document is a list of JSON patch operations with at least one element."""
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(operation, dict) and {"op", "path"} <= operation.keys() for operation in document)
    )


def _require_version(document: dict[str, Any], source: str) -> None:
    version = document.get("version")
    if version != VERSION:
        found = "has no version" if version is None else f"has version {version!r}"
        raise SchemaError(f"{source} {found}, {VERSION!r} is needed", place="version", remedy="convert it with pyhf")


def _describe(document: Any) -> str:
    """Say what a document is instead."""
    if isinstance(document, list):
        if document and isinstance(document[0], dict) and "CLs" in document[0]:
            return "it is a harvest list, which holds results of fits, not a model"
        return "it is a list"
    if not isinstance(document, dict):
        return f"it is a single {type(document).__name__}"
    if "distributions" in document and "metadata" in document:
        return "it is HS3 JSON, which is not read"
    if "channels" in document:
        missing = ", ".join(sorted(_WORKSPACE_KEYS - document.keys()))
        return f"it has channels but lacks {missing}, as a model specification does"
    return f"its keys are {', '.join(map(str, list(document)[:8])) or 'none'}"
