"""Making signal points out of a patchset or of bare patch files, and selecting some of them by name."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from hfscale.errors import DigestError, PatchError, SchemaError, SelectionError
from hfscale.workspace.checks import non_finite
from hfscale.workspace.inputs import SignalPoint
from hfscale.workspace.kinds import require_patch, require_patchset
from hfscale.workspace.regions import point_files
from hfscale.workspace.schema import violations
from hfscale.workspace.sources import Document, read_documents


def points_of_patchset(patchset: Document) -> tuple[SignalPoint, ...]:
    """Return the signal points of a patchset in its order.

    Raises:
        SchemaError: The document is no valid patchset.
        PatchError: Two patches have one name or equal values, or names and number of labels do not fit.
    """
    document = require_patchset(patchset.content, patchset.source)
    for violation in violations(document, "patchset"):
        raise SchemaError(
            f"{patchset.source} is not a valid patchset: {violation.reason}",
            place=violation.place,
            remedy="correct it there",
        )
    labels = document["metadata"]["labels"]
    if len(set(labels)) != len(labels):
        raise PatchError(
            f"{patchset.source}: a label occurs twice in {', '.join(labels)}",
            place="metadata/labels",
            remedy="rename one of them",
        )
    points = [_patchset_point(index, labels, patchset) for index in range(len(document["patches"]))]
    _require_unique(points)
    return tuple(points)


def points_of_patch_files(documents: Iterable[Document]) -> tuple[SignalPoint, ...]:
    """Return one signal point per document, each a bare JSON patch, named after its file.

    Raises:
        SchemaError: A document is no JSON patch.
        PatchError: Two points have one name.
    """
    points = [_point([document]) for document in documents]
    _require_unique(points)
    return tuple(points)


def points_of_arguments(arguments: Sequence[str]) -> tuple[SignalPoint, ...]:
    """Return the signal points that the ``-p`` options stand for.

    Each argument is one point: a file, or several joined with commas, which are applied in that order.
    A folder or an archive is one point per patch file in it.

    Raises:
        SourceError: A file cannot be read or is not JSON.
        SchemaError: A document is no JSON patch.
        PatchError: Two points have one name.
    """
    points = []
    for argument in arguments:
        if "," in argument and not Path(argument).exists():
            locations = [place for name in argument.split(",") for place in point_files(name.strip())]
            points.append(_point(read_documents(locations)))
        else:
            points += [_point([document]) for document in read_documents(point_files(argument))]
    _require_unique(points)
    return tuple(points)


def select_points(points: tuple[SignalPoint, ...], globs: Sequence[str]) -> tuple[SignalPoint, ...]:
    """Return the points whose name matches one of the globs (case matters), in their order; all without globs.

    Raises:
        SelectionError: A glob matches no point.
    """
    names = [point.name for point in points]
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in names):
            near = get_close_matches(glob, names, n=3, cutoff=0.4) or names[:3]
            raise SelectionError(
                f"no signal point matches {glob!r}; there are {len(names)}, such as {', '.join(near)}",
                remedy="give a name or a glob such as 'sbottom_*'",
            )
    return tuple(point for point in points if not globs or any(fnmatchcase(point.name, glob) for glob in globs))


def verify_digests(
    workspace: Mapping[str, Any], workspace_source: str, digests: Mapping[str, str], patchset_source: str
) -> None:
    """Compare every digest of a patchset, by algorithm, with that of the background workspace.

    Raises:
        DigestError: They differ: the patchset was made for another workspace.
    """
    import pyhf.utils

    for algorithm, expected in digests.items():
        found = pyhf.utils.digest(workspace, algorithm=algorithm)
        if found != expected.lower():
            raise DigestError(
                f"{patchset_source} was made for another workspace than {workspace_source}: "
                f"its {algorithm} digest is {expected}, that of the workspace is {found}",
                place=f"metadata/digests/{algorithm}",
                remedy="give the matching background workspace, or --no-verify-digest if it is the right one",
            )


def _patchset_point(index: int, labels: Sequence[str], patchset: Document) -> SignalPoint:
    entry = patchset.content["patches"][index]
    name, values = entry["metadata"]["name"], entry["metadata"]["values"]
    if len(values) != len(labels):
        raise PatchError(
            f"{patchset.source}: patch {name!r} has {len(values)} values, the labels are {', '.join(labels)}",
            place=f"patches[{index}]/metadata/values",
            remedy="give one value per label",
        )
    if any(True for _ in non_finite(values)):
        raise PatchError(
            f"{patchset.source}: patch {name!r} has a value that is not finite",
            place=f"patches[{index}]/metadata/values",
            remedy="give a finite number",
        )
    return SignalPoint(name, dict(zip(labels, values)), tuple(entry["patch"]), patchset.source)


def _point(documents: Sequence[Document]) -> SignalPoint:
    """Return the point whose patch is that of all documents, one after the other."""
    operations: list[Mapping[str, Any]] = []
    for document in documents:
        patch = require_patch(document.content, document.source)
        for violation in violations(patch, "jsonpatch"):
            raise SchemaError(
                f"{document.source} is not a valid JSON patch: {violation.reason}",
                place=violation.place,
                remedy="correct it there",
            )
        operations += patch
    sources = [document.source for document in documents]
    return SignalPoint("+".join(map(_point_name, sources)), {}, tuple(operations), ",".join(sources))


def _point_name(source: str) -> str:
    """Return the name of a point from that of its file: ``x/patch.sbottom_1.json`` gives ``sbottom_1``."""
    name = source.replace("::", "/").rpartition("/")[2]
    for suffix in (".gz", ".json"):
        name = name.removesuffix(suffix)
    return name.removeprefix("patch.") or name


def _require_unique(points: Sequence[SignalPoint]) -> None:
    """Refuse two points of one name or of equal values."""
    names: dict[str, int] = {}
    values: dict[tuple[Any, ...], str] = {}
    for index, point in enumerate(points):
        first = names.setdefault(point.name, index)
        if first != index:
            raise PatchError(
                f"{point.source}: patches {first} and {index} are both named {point.name!r}"
                + (f" (the first is from {points[first].source})" if points[first].source != point.source else ""),
                place=f"patches[{index}]",
                remedy="rename or remove one of them",
            )
        other = values.setdefault(tuple(point.values.values()), point.name) if point.values else point.name
        if other != point.name:
            raise PatchError(
                f"{point.source}: patches {other!r} and {point.name!r} have the same values "
                f"{', '.join(f'{label}={value}' for label, value in point.values.items())}",
                place=f"patches[{index}]/metadata/values",
                remedy="correct the values or remove one of them",
            )
