"""Joining independent workspaces point by point, before any fit.

The likelihoods of independent channels multiply. Parameters of equal name are one parameter of the joined likelihood,
with one constraint term: uncertainties that the workspaces name alike are fully correlated, and all others are not.
Measurements are joined by the rules of `pyhf.Workspace.combine`.
"""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, Literal

from hfscale.errors import ModelError, PatchError, SelectionError
from hfscale.workspace.combining.joined_patches import joined_patch
from hfscale.workspace.extension import KEY
from hfscale.workspace.inputs import Inputs, SignalPoint
from hfscale.workspace.loading import load_inputs
from hfscale.workspace.patches import patched_workspace
from hfscale.workspace.validation import check_points

Source = str | Path | tuple[str | Path | Mapping[str, Any], str | Path | Mapping[str, Any]]
"""A folder, an archive or ``ARCHIVE::MEMBER`` with a patchset beside its workspace, or both as a pair."""
Join = Literal["none", "outer", "left outer", "right outer"]
Unmatched = Literal["drop", "no-signal"]

_Document = Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Combination:
    """A joined workspace with its signal points; both are documents that `hfscale.cls` and the others take.

    Attributes:
        workspace: The joined background workspace.
        patchset: The patchset of the joint signal points.
        points: Their names.
        unmatched: Names of the points that not all workspaces have.
        shared_parameters: Names of the parameters that at least two of the workspaces have, and that are one each.
    """

    workspace: dict[str, Any]
    patchset: dict[str, Any]
    points: tuple[str, ...]
    unmatched: tuple[str, ...]
    shared_parameters: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"<hfscale.Combination: {len(self.workspace['channels'])} channels, {len(self.points)} points,"
            f" {len(self.unmatched)} unmatched, {len(self.shared_parameters)} shared parameters>"
        )


def combine(
    sources: Sequence[Source],
    *,
    join: Join = "outer",
    unmatched: Unmatched = "drop",
    points: Sequence[str] = (),
    verify_digest: bool = True,
) -> Combination:
    """Join independent workspaces and, by their names, the signal points of their patchsets.

    Args:
        sources: At least two workspaces with their patchsets. Their channels have different names, the measurements
            that are used, the first ones, equal names and parameters of interest.
        join: How measurements are joined, as `pyhf.Workspace.combine` has it. ``outer`` merges those of equal name, and
            refuses parameters with different settings; ``left outer`` and ``right outer`` take the measurement of one
            side alone.
        unmatched: What becomes of points that not all patchsets have: they are left out, or they add no signal to the
            workspaces that do not know them.
        points: Patterns of the names of the points to keep; all without.
        verify_digest: Whether the patchsets' digests must be those of the workspaces.

    Raises:
        InputError: A source cannot be read, is not sound, has no patchset, or does not fit the others.
    """
    if len(sources) < 2:
        raise SelectionError("a combination needs at least two workspaces", remedy="name another one")
    inputs = [_read(source, verify_digest) for source in sources]
    _require_independent(inputs)
    backgrounds = [each.workspace for each in inputs]
    workspace = _joined_background(backgrounds, join)
    names, left_over = _joint_names(inputs, unmatched)
    # Where no name matches, all stay, and the error below names some of them.
    chosen = [name for name in names if any(fnmatchcase(name, glob) for glob in points)] or names
    patches = [_joint_patch(name, inputs, backgrounds, join) for name in chosen]
    patchset = _patchset(workspace, inputs, patches)
    joined = load_inputs(workspace, patchset, points=points)
    check_points(joined)
    return Combination(workspace, patchset, tuple(point.name for point in joined.points), left_over, _shared(inputs))


def _read(source: Source, verify_digest: bool) -> Inputs:
    workspace, patchset = source if isinstance(source, tuple) else (source, None)
    # No patch of a point needs to have a POI: its signal may be in the other workspaces alone.
    inputs = load_inputs(workspace, patchset, verify_digest=verify_digest, needs_poi=False)
    if not inputs.metadata:
        raise SelectionError(
            f"{inputs.workspace_source} comes without a patchset, which tells the points that are the same",
            remedy="name a folder or an archive that holds both, or WORKSPACE,PATCHSET",
        )
    for measurement in inputs.workspace["measurements"]:
        if KEY in measurement["config"]:
            raise ModelError(
                f"{inputs.workspace_source} has the key {KEY!r} in its measurement {measurement['name']!r}, and"
                " such keys cannot be joined",
                remedy="combine the workspaces without that key, and add it to the result",
            )
    return inputs


def _require_independent(inputs: Sequence[Inputs]) -> None:
    """Refuse channels in common, which would be counted twice, and measurements that are of different things."""
    owners: dict[str, Inputs] = {}
    for each in inputs:
        for channel in {channel["name"] for point in each.points for channel in _channels(each, point)}:
            other = owners.setdefault(channel, each)
            if other is not each:
                raise ModelError(
                    f"both {other.workspace_source} and {each.workspace_source} have the channel {channel!r}",
                    place="channels",
                    remedy="combine workspaces without common data, or rename the channel in one of them (pyhf rename)",
                )
    first = inputs[0]
    for each in inputs[1:]:
        for what, mine, others in (
            ("measurement", first.measurement, each.measurement),
            ("parameter of interest", first.poi, each.poi),
            ("labels", ", ".join(sorted(first.labels)), ", ".join(sorted(each.labels))),
        ):
            if mine != others:
                raise SelectionError(
                    f"the {what} of {first.workspace_source}: {mine}; of {each.workspace_source}: {others}",
                    remedy="rename one of them (pyhf rename), so that the same thing has one name",
                )


def _channels(inputs: Inputs, point: SignalPoint) -> Iterator[_Document]:
    yield from inputs.workspace["channels"]
    for operation in point.patch:
        value = operation.get("value")
        if operation["path"].count("/") == 2 and isinstance(value, dict) and "samples" in value:
            yield value


def _joined_background(backgrounds: Sequence[_Document], join: Join) -> dict[str, Any]:
    channels, observations = (
        [part for each in backgrounds for part in each[name]] for name in ("channels", "observations")
    )
    return {
        "channels": channels,
        "measurements": _joined_measurements(backgrounds, join),
        "observations": observations,
        "version": backgrounds[0]["version"],
    }


def _joined_measurements(workspaces: Sequence[_Document], join: Join) -> list[Any]:
    """Measurements joined by pyhf, on workspaces that have nothing else, which would take it long to check."""
    import pyhf

    stubs = [_stub(document, f"channel_{k}") for k, document in enumerate(workspaces)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            joined = pyhf.Workspace(stubs[0])
            for stub in stubs[1:]:
                joined = pyhf.Workspace.combine(joined, pyhf.Workspace(stub), join=join)
    except pyhf.exceptions.InvalidWorkspaceOperation as error:
        raise ModelError(
            f"the measurements cannot be joined: {error}",
            place="measurements",
            remedy="make the settings of parameters equal, or take those of the first workspace alone with --join"
            " 'left outer'",
        ) from error
    measurements: list[Any] = joined["measurements"]
    return measurements


def _stub(document: _Document, channel: str) -> dict[str, Any]:
    sample = {"name": "sample", "data": [1.0], "modifiers": []}
    return {
        "channels": [{"name": channel, "samples": [sample]}],
        "observations": [{"name": channel, "data": [1.0]}],
        "measurements": document["measurements"],
        "version": document["version"],
    }


def _joint_names(inputs: Sequence[Inputs], unmatched: Unmatched) -> tuple[list[str], tuple[str, ...]]:
    """Names of the joint points in the order in which they first occur, and of those that not all workspaces have."""
    counts = Counter(point.name for each in inputs for point in each.points)
    left_over = tuple(name for name, count in counts.items() if count < len(inputs))
    chosen = [name for name, count in counts.items() if count == len(inputs) or unmatched == "no-signal"]
    if not chosen:
        raise SelectionError(
            "the patchsets have no signal point in common",
            place=", ".join([each.points[0].name for each in inputs]),
            remedy="points are the same where their names are; rename some, or take all with --unmatched no-signal",
        )
    return chosen, left_over


def _joint_patch(
    name: str, inputs: Sequence[Inputs], backgrounds: Sequence[_Document], join: Join
) -> dict[str, Any]:  # fmt: skip
    found = [next((point for point in each.points if point.name == name), None) for each in inputs]
    patched = [
        each.workspace if point is None else patched_workspace(each, point)
        for each, point in zip(inputs, found, strict=True)
    ]
    patches = [() if point is None else point.patch for point in found]
    operations = joined_patch(backgrounds, patches, patched, partial(_joined_measurements, join=join))
    values = _joint_values(name, [point for point in found if point is not None])
    return {
        "metadata": {"name": name, "values": [values[label] for label in inputs[0].labels]},
        "patch": [dict(operation) for operation in operations],
    }


def _joint_values(name: str, points: Sequence[SignalPoint]) -> Mapping[str, Any]:
    first = points[0]
    for point in points[1:]:
        if dict(point.values) != dict(first.values):
            raise PatchError(
                f"signal point {name!r} has other values in {point.source} than in {first.source}:"
                f" {dict(point.values)} and {dict(first.values)}",
                remedy="give points that differ different names",
            )
    return first.values


def _patchset(workspace: _Document, inputs: Sequence[Inputs], patches: list[dict[str, Any]]) -> dict[str, Any]:
    import pyhf.utils

    references: dict[str, Any] = {}
    for each in inputs:
        references |= {key: value for key, value in each.metadata["references"].items() if key not in references}
    return {
        "metadata": {
            "references": references,
            "description": "; ".join(dict.fromkeys(str(each.metadata["description"]) for each in inputs)),
            "digests": {"sha256": pyhf.utils.digest(workspace)},
            "labels": list(inputs[0].labels),
        },
        "patches": patches,
        "version": "1.0.0",
    }


def _shared(inputs: Sequence[Inputs]) -> tuple[str, ...]:
    counts = Counter(name for each in inputs for name in _parameters(each))
    return tuple(sorted(name for name, count in counts.items() if count > 1))


def _parameters(inputs: Inputs) -> set[str]:
    """Names of the parameters of all signal points."""
    samples: dict[int, _Document] = {}
    for point in inputs.points:
        for channel in patched_workspace(inputs, point)["channels"]:
            samples |= {id(sample): sample for sample in channel["samples"]}
    return {modifier["name"] for sample in samples.values() for modifier in sample["modifiers"]}
