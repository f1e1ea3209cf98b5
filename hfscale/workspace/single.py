"""Reading one workspace by itself, with at most one patch, for those who have a single model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hfscale.errors import PatchError, SchemaError, SelectionError
from hfscale.workspace.checks import model_problems
from hfscale.workspace.inputs import SignalPoint
from hfscale.workspace.kinds import require_workspace
from hfscale.workspace.loading import IN_MEMORY
from hfscale.workspace.patches import apply_patch
from hfscale.workspace.points import points_of_arguments, points_of_patch_files
from hfscale.workspace.regions import locate_background
from hfscale.workspace.schema import violations
from hfscale.workspace.sources import Document, read_documents

WorkspaceSource = str | Path | Mapping[str, Any]
"""A file, ``ARCHIVE::MEMBER``, a folder or archive that holds ``BkgOnly.json``, or the document itself."""
PatchSource = str | Path | Sequence[Mapping[str, Any]] | SignalPoint
"""A file with a JSON patch, its operations, or a signal point of ``load_inputs``."""


def read_workspace(workspace: WorkspaceSource, patch: PatchSource | None = None) -> Document:
    """Read a workspace, apply a patch where one is given, and check the result in full.

    Raises:
        SourceError: A file cannot be found or read, or is not JSON.
        SchemaError: A document is of another kind or against pyhf's schema.
        PatchError: The patch does not apply, or what it makes is against the schema.
        ModelError: The result is no model.
        SelectionError: The patch stands for several signal points.
    """
    background = _read(workspace)
    document = require_workspace(background.content, background.source)
    if patch is None:
        for violation in violations(document, "workspace"):
            raise SchemaError(
                f"{background.source} is not a valid workspace: {violation.reason}",
                place=violation.place,
                remedy=violation.remedy,
            )
        result = Document(document, background.source)
    else:
        result = _patched(document, patch)
    for problem in model_problems(result.content, result.source):
        raise problem
    return result


def _read(source: WorkspaceSource) -> Document:
    if isinstance(source, Mapping):
        return Document(dict(source), f"workspace ({IN_MEMORY})")
    return read_documents([locate_background(source)])[0]


def _patched(workspace: Mapping[str, Any], patch: PatchSource) -> Document:
    point = _signal_point(patch)
    document = apply_patch(workspace, point)
    subject = f"{point.source}, point {point.name!r}"
    for violation in violations(document, "workspace"):
        raise PatchError(
            f"{subject}: the patched workspace is not valid: {violation.reason}",
            place=violation.place,
            remedy="correct the patch, or the workspace",
        )
    return Document(document, subject)


def _signal_point(patch: PatchSource) -> SignalPoint:
    if isinstance(patch, SignalPoint):
        return patch
    if not isinstance(patch, str | Path):
        return points_of_patch_files([Document(list(patch), f"patch ({IN_MEMORY})")])[0]
    points = points_of_arguments([str(patch)])
    if len(points) != 1:
        raise SelectionError(
            f"{patch} holds {len(points)} signal points, one model has one", remedy="give the file of one of them"
        )
    return points[0]
