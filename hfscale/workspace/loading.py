"""Reading everything a calculation needs and checking what is common to all signal points."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from hfscale.errors import PatchError, SchemaError, SelectionError
from hfscale.workspace.checks import model_problems
from hfscale.workspace.extension import KEY, default_poi, extension_of
from hfscale.workspace.inputs import Inputs, SignalPoint
from hfscale.workspace.kinds import require_workspace
from hfscale.workspace.observed import read_data
from hfscale.workspace.patches import patched_workspace
from hfscale.workspace.points import (
    points_of_arguments,
    points_of_patch_files,
    points_of_patchset,
    select_points,
    verify_digests,
)
from hfscale.workspace.regions import locate_background, locate_patches, locate_patches_beside
from hfscale.workspace.schema import violations
from hfscale.workspace.sources import Document, Location, parse_source, read_documents

IN_MEMORY = "given in memory"


class _Signals(NamedTuple):
    """All signal points of a source, before selection."""

    points: tuple[SignalPoint, ...]
    source: str | None
    digest: str | None
    labels: tuple[str, ...]
    metadata: Mapping[str, Any]


def load_inputs(
    workspace: str | Path | Mapping[str, Any],
    patchset: str | Path | Mapping[str, Any] | None = None,
    *,
    patches: Sequence[str] = (),
    points: Sequence[str] = (),
    measurement: str | None = None,
    poi: str | None = None,
    verify_digest: bool = True,
    data: str | Path | Mapping[str, Any] | None = None,
    needs_poi: bool = True,
) -> Inputs:
    """Read a background workspace and its signal points, and check both.

    The background workspace is validated in full. Of the patches only the patchset's own rules are checked;
    ``check_points`` checks the workspaces that they make.

    Args:
        workspace: A JSON file, ``.json.gz``, ``ARCHIVE::MEMBER``, a folder or archive that holds ``BkgOnly.json``,
            or the parsed document. Where it is a folder, an archive, or a ``BkgOnly.json`` in an archive, and nothing
            else is given, the patchset or the ``patch*.json`` files beside ``BkgOnly.json`` are the signal points.
            A plain file is taken alone: then the workspace itself is the one point, named after its measurement.
        patchset: The same kinds of source; a folder or archive may hold a patchset or ``patch*.json`` files.
        patches: Bare JSON patches, one signal point per entry. A folder is one point per file; files joined with
            commas are applied in order and are one point.
        points: Globs of names of the points to keep; all without.
        measurement: Name of the measurement; the first without.
        poi: Name of the parameter of interest; that of the measurement without.
        verify_digest: Whether to compare the digests in the patchset with that of the workspace.
        data: Data in place of the observed ones, see `hfscale.workspace.observed.read_data`.
        needs_poi: Whether the measurement's POI must be a parameter of some signal point; one that is named must be.

    Raises:
        SourceError: A file cannot be found or read, or is not JSON.
        SchemaError: A document is of another kind or against pyhf's schema.
        ModelError: The background workspace is no model.
        PatchError: Names or values of points are not unique or not complete.
        DigestError: The patchset was made for another workspace.
        SelectionError: A measurement, POI or point does not exist, or both a patchset and patches are given.
    """
    import pyhf.utils

    background, beside = _read_background(workspace)
    document = _checked_background(background)
    chosen = choose_measurement(document, measurement, background.source)
    signals = _read_signals(patchset, patches, beside)
    if signals is None:
        point = SignalPoint(chosen["name"], {}, (), background.source)
        signals = _Signals((point,), None, None, (), {})
    elif verify_digest and signals.metadata:
        patchset_source = signals.source or IN_MEMORY
        verify_digests(document, background.source, signals.metadata["digests"], patchset_source)
    inputs = Inputs(
        workspace=document,
        measurement=chosen["name"],
        poi=default_poi(chosen) if poi is None else poi,
        labels=signals.labels,
        points=signals.points,
        workspace_source=background.source,
        patchset_source=signals.source,
        workspace_digest=pyhf.utils.digest(document),
        patchset_digest=signals.digest,
        metadata=signals.metadata,
        data=None if data is None else read_data(data),
    )
    _require_parameters(inputs, chosen, needs_poi or bool(poi))
    return replace(inputs, points=select_points(signals.points, points), patterns=tuple(points))


def _read_background(source: str | Path | Mapping[str, Any]) -> tuple[Document, tuple[Location, ...]]:
    """Return the workspace document and where patches lie beside it."""
    if isinstance(source, Mapping):
        return Document(dict(source), f"workspace ({IN_MEMORY})"), ()
    location = locate_background(source)
    return read_documents([location])[0], locate_patches_beside(location)


def _checked_background(background: Document) -> dict[str, Any]:
    document = require_workspace(background.content, background.source)
    for violation in violations(document, "workspace"):
        raise SchemaError(
            f"{background.source} is not a valid workspace: {violation.reason}",
            place=violation.place,
            remedy=violation.remedy,
        )
    for problem in model_problems(document, background.source):
        raise problem
    return document


def choose_measurement(workspace: Mapping[str, Any], name: str | None, source: str) -> dict[str, Any]:
    """Return the measurement of that name, the first without a name.

    Raises:
        SelectionError: There is no such measurement.
    """
    measurements: dict[str, dict[str, Any]] = {element["name"]: element for element in workspace["measurements"]}
    if name is None:
        return next(iter(measurements.values()))
    if name not in measurements:
        raise SelectionError(
            f"{source} has no measurement {name!r}", remedy=f"choose one of: {', '.join(measurements)}"
        )
    return measurements[name]


def _read_signals(
    patchset: str | Path | Mapping[str, Any] | None, patches: Sequence[str], beside: tuple[Location, ...]
) -> _Signals | None:
    """Return the points that the user gave, or else those beside the workspace, or None."""
    if patchset is not None and patches:
        raise SelectionError("both a patchset and patches are given", remedy="give either PATCHSET or -p")
    if patches:
        return _bare(points_of_arguments(patches))
    if isinstance(patchset, Mapping):
        return _from_patchset(Document(dict(patchset), f"patchset ({IN_MEMORY})"))
    locations = beside if patchset is None else locate_patches(patchset)
    if not locations:
        return None
    documents = read_documents(locations)
    named_directly = patchset is not None and locations == (parse_source(patchset),)
    if named_directly or any(isinstance(document.content, dict) for document in documents):
        return _from_patchset(documents[0])
    return _bare(points_of_patch_files(documents))


def _from_patchset(document: Document) -> _Signals:
    import pyhf.utils

    points = points_of_patchset(document)
    metadata = document.content["metadata"]
    digest = pyhf.utils.digest(document.content)
    return _Signals(points, document.source, digest, tuple(metadata["labels"]), metadata)


def _bare(points: tuple[SignalPoint, ...]) -> _Signals:
    import pyhf.utils

    digest = pyhf.utils.digest({point.name: list(point.patch) for point in points})
    source = points[0].source if len(points) == 1 else f"{points[0].source} and {len(points) - 1} more"
    return _Signals(points, source, digest, (), {})


def _require_parameters(inputs: Inputs, measurement: Mapping[str, Any], needs_poi: bool) -> None:
    """Refuse a POI, and names in the measurement's ``hfscale`` key, that are no parameter of any point.

    All points count, selected or not: a selected one may have no signal. Patches that do not apply are left to
    ``check_points``.
    """
    extension = extension_of(measurement)
    if extension.modifiers:
        return  # the parameters of custom modifiers are known to those who have the functions
    place = f"measurements[{inputs.measurement}]/config/"
    wanted = {parameter.name: f"{place}{KEY}/parameters" for parameter in extension.parameters}
    wanted |= dict.fromkeys(extension.poi_names, f"{place}{KEY}/poi_names")
    if needs_poi:
        wanted.setdefault(inputs.poi, f"{place}poi")
    # A function of parameters may use some that are no modifier anywhere.
    known = {parameter["name"] for parameter in measurement["config"]["parameters"] if extension.expressions}
    for point in inputs.points:
        if wanted.keys() <= known:
            return
        try:
            known |= _modifier_names(patched_workspace(inputs, point))
        except PatchError:
            return
    for name, where in wanted.items():
        if name not in known:
            raise _unknown_parameter(inputs, name, where, known)


def _unknown_parameter(inputs: Inputs, name: str, place: str, known: Collection[str]) -> SelectionError:
    near = get_close_matches(name, sorted(known), n=5) or sorted(known)[:10]
    what, choose = (f"the POI {name!r}", "another with --poi") if name == inputs.poi else (repr(name), "another")
    return SelectionError(
        f"{inputs.workspace_source}: {what} is no modifier of any signal point",
        place=place,
        remedy=f"choose {choose}, such as {', '.join(near)}" if near else "add a modifier of that name",
    )


def _modifier_names(workspace: Mapping[str, Any]) -> set[str]:
    """Return the names of all modifiers of a patched workspace, which need not be valid."""
    names: set[str] = set()
    for channel in _elements(workspace, "channels"):
        for sample in _elements(channel, "samples"):
            names.update(str(modifier.get("name")) for modifier in _elements(sample, "modifiers"))
    return names


def _elements(parent: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    children = parent.get(key)
    return [child for child in children if isinstance(child, dict)] if isinstance(children, list) else []
