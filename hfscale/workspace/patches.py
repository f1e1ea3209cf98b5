"""Applying a JSON patch (RFC 6902) to the background workspace without copying what it does not touch."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfscale.errors import PatchError
from hfscale.workspace.inputs import Inputs, SignalPoint

# Which pointers of an operation lead to a container that it changes; where not listed, only "path" does.
_CHANGES = {"test": (), "move": ("from", "path")}


def patched_workspace(inputs: Inputs, point: SignalPoint) -> dict[str, Any]:
    """Return the workspace of one signal point; see ``apply_patch``."""
    return apply_patch(inputs.workspace, point)


def apply_patch(workspace: Mapping[str, Any], point: SignalPoint) -> dict[str, Any]:
    """Return the workspace that the patch of a signal point makes of a background workspace.

    Channels, samples and everything else that the patch does not touch are the same objects as in
    ``workspace``, so that work done on them can be reused by identity. Treat the result as read-only:
    neither the background workspace nor the patch is changed here, and both may share parts with the result.

    Raises:
        PatchError: An operation does not apply, or replaces the workspace by something that is no object.
    """
    document: Any = dict(workspace)
    for index, operation in enumerate(point.patch):
        document = _apply(document, operation, index, point)
    if not isinstance(document, dict):
        raise PatchError(
            f"{point.source}: the patch of point {point.name!r} replaces the workspace by a {type(document).__name__}",
            remedy="correct the patch",
        )
    return document


def _apply(document: Any, operation: Mapping[str, Any], index: int, point: SignalPoint) -> Any:
    """Apply one operation to fresh copies of the containers along its paths."""
    import jsonpatch
    from jsonpointer import JsonPointerException

    if isinstance(operation.get("value"), dict):
        operation = {**operation, "value": _Shared(operation["value"])}
    try:
        patch = jsonpatch.JsonPatch([operation])
        for key in _CHANGES.get(operation["op"], ("path",)):
            document = _copy_along(document, operation[key])
        return patch.apply(document, in_place=True)
    except (jsonpatch.JsonPatchException, JsonPointerException, LookupError, TypeError, ValueError) as error:
        name, path = operation.get("op"), operation.get("path")
        raise PatchError(
            f"{point.source}: operation {index} ({name} {path}) of point {point.name!r} does not apply: {error}",
            place=f"patch[{index}]",
            remedy="check that the patch was made for this background workspace",
        ) from error


class _Shared(dict[str, Any]):
    """A value of a patch that jsonpatch need not copy deeply: whatever changes it later copies along its path first."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Shared":
        return self


def _copy_along(document: Any, pointer: str) -> Any:
    """Return the document with every container that the pointer passes through replaced by a shallow copy.

    It stops where the pointer leads nowhere: the operation itself reports that.
    """
    from jsonpointer import JsonPointer

    if not isinstance(document, dict | list):
        return document
    document = document.copy()
    container = document
    for token in JsonPointer(pointer).parts[:-1]:
        key = _key(container, token)
        if key is None or not isinstance(container[key], dict | list):
            break
        container[key] = container[key].copy()
        container = container[key]
    return document


def _key(container: dict[str, Any] | Sequence[Any], token: str) -> str | int | None:
    """Return the key or index of an existing element, None without one."""
    if isinstance(container, dict):
        return token if token in container else None
    return int(token) if token.isascii() and token.isdigit() and int(token) < len(container) else None
