"""Changing workspaces with pyhf: leaving parts out, renaming, joining, sorting.

What pyhf's schema has no place for, the key ``hfscale`` of measurements, is put aside and back again. Every result is
checked as a model before it is returned.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import pyhf

from hfscale.errors import InputError, ModelError, SelectionError
from hfscale.workspace.extension import KEY
from hfscale.workspace.single import WorkspaceSource, read_workspace

Document = dict[str, Any]
_NO_NAMES: Mapping[str, str] = MappingProxyType({})


class Parts(NamedTuple):
    """Names of parts of a workspace that are to be left out."""

    modifiers: Sequence[str] = ()
    modifier_types: Sequence[str] = ()
    samples: Sequence[str] = ()
    channels: Sequence[str] = ()
    measurements: Sequence[str] = ()


class NewNames(NamedTuple):
    """Old name -> new name, of each kind of part."""

    modifiers: Mapping[str, str] = _NO_NAMES
    samples: Mapping[str, str] = _NO_NAMES
    channels: Mapping[str, str] = _NO_NAMES
    measurements: Mapping[str, str] = _NO_NAMES


def without_parts(workspace: WorkspaceSource, parts: Parts) -> Document:
    """The workspace without modifiers, types of modifiers, samples, channels and measurements, as ``pyhf prune``.

    Raises:
        InputError: The workspace cannot be read, a name does not exist, or nothing that is a model is left.
    """
    document = read_workspace(workspace).content
    return _edited(document, lambda spec: pyhf.Workspace(spec).prune(**parts._asdict()))


def without_modifiers_in(
    workspace: WorkspaceSource, modifiers: Sequence[str], channels: Sequence[str] = (), samples: Sequence[str] = ()
) -> Document:
    """The workspace without modifiers in some channels or samples alone (pyhf#2374); they stay elsewhere.

    Args:
        workspace: The workspace.
        modifiers: Names of the modifiers.
        channels, samples: Where they go; in all of them where none is named.

    Raises:
        SelectionError: There is no such channel or sample, or a modifier is not there.
        InputError: The workspace cannot be read, or what is left is no model.
    """
    document = read_workspace(workspace).content
    _require("channel", channels, [channel["name"] for channel in document["channels"]])
    _require("sample", samples, [sample["name"] for channel in document["channels"] for sample in channel["samples"]])
    gone: set[str] = set()
    edited = []
    for channel in document["channels"]:
        here = not channels or channel["name"] in channels
        kept = []
        for sample in channel["samples"]:
            chosen = modifiers if here and (not samples or sample["name"] in samples) else ()
            gone |= {modifier["name"] for modifier in sample["modifiers"] if modifier["name"] in chosen}
            kept.append({**sample, "modifiers": [m for m in sample["modifiers"] if m["name"] not in chosen]})
        edited.append({**channel, "samples": kept})
    for name in modifiers:
        if name not in gone:
            where = ", ".join([*channels, *samples]) or "the workspace"
            raise SelectionError(f"there is no modifier {name!r} in {where}", remedy="look with hfscale inspect")
    left = {modifier["name"] for channel in edited for sample in channel["samples"] for modifier in sample["modifiers"]}
    vanished = set(modifiers) - left
    return _checked({**document, "channels": edited, "measurements": _without(document["measurements"], vanished)})


def _without(measurements: Sequence[Mapping[str, Any]], parameters: set[str]) -> list[Document]:
    """Measurements without settings of parameters that no modifier has any more."""
    found = []
    for measurement in measurements:
        config = measurement["config"]
        kept = [parameter for parameter in config["parameters"] if parameter["name"] not in parameters]
        found.append({**measurement, "config": {**config, "parameters": kept}})
    return found


def renamed(workspace: WorkspaceSource, names: NewNames) -> Document:
    """The workspace with other names, as ``pyhf rename``.

    Raises:
        InputError: The workspace cannot be read, a name does not exist, two parts would have one name, or a modifier
            is renamed in a workspace whose measurements have the key ``hfscale``.
    """
    document = read_workspace(workspace).content
    if names.modifiers and any(KEY in measurement["config"] for measurement in document["measurements"]):
        raise ModelError(
            f"modifiers of a workspace with the key {KEY!r} are not renamed: its settings name parameters too",
            remedy="rename them in the file",
        )
    for kind, taken in _names(document).items():
        for old, new in getattr(names, kind).items():
            if new in taken and new not in getattr(names, kind):
                raise SelectionError(
                    f"{old!r} cannot become {new!r}: there are {kind} of that name", remedy="choose another name"
                )
    return _edited(document, lambda spec: pyhf.Workspace(spec).rename(**names._asdict()), names.measurements)


def _names(document: Mapping[str, Any]) -> dict[str, set[str]]:
    samples = [sample for channel in document["channels"] for sample in channel["samples"]]
    return {
        "modifiers": {str(modifier["name"]) for sample in samples for modifier in sample["modifiers"]},
        "samples": {str(sample["name"]) for sample in samples},
        "channels": {str(channel["name"]) for channel in document["channels"]},
        "measurements": {str(measurement["name"]) for measurement in document["measurements"]},
    }


def joined(left: WorkspaceSource, right: WorkspaceSource, join: str = "none", merge_channels: bool = False) -> Document:
    """Two workspaces as one, as ``pyhf combine``; `hfscale.combine` joins patchsets too.

    Args:
        left, right: The workspaces.
        join: ``none``, ``outer``, ``left outer`` or ``right outer``: what becomes of parts of equal name.
        merge_channels: Whether the samples of channels of equal name are joined.

    Raises:
        InputError: A workspace cannot be read, or they have parts in common that the join does not allow.
    """
    documents = [read_workspace(source).content for source in (left, right)]
    if any(KEY in measurement["config"] for document in documents for measurement in document["measurements"]):
        raise ModelError(
            f"measurements with the key {KEY!r} are not joined by pyhf", remedy="join them with hfscale combine"
        )
    first, second = documents
    return _edited(
        first,
        lambda spec: pyhf.Workspace.combine(
            pyhf.Workspace(spec), pyhf.Workspace(second), join=join, merge_channels=merge_channels
        ),
    )


def sorted_workspace(workspace: WorkspaceSource) -> Document:
    """The workspace with all parts sorted by their names, as ``pyhf sort``."""
    return _edited(read_workspace(workspace).content, lambda spec: pyhf.Workspace.sorted(pyhf.Workspace(spec)))


def digest_of(workspace: WorkspaceSource, algorithm: str = "sha256") -> str:
    """The digest that ``pyhf digest`` gives, which patchsets name.

    Raises:
        InputError: The workspace cannot be read, or there is no such algorithm.
    """
    try:
        return str(pyhf.utils.digest(dict(read_workspace(workspace).content), algorithm=algorithm))
    except ValueError as error:
        raise InputError(f"there is no algorithm {algorithm!r}", remedy="choose sha256 or md5") from error


def _edited(
    document: Mapping[str, Any], edit: Callable[[Document], Any], measurements: Mapping[str, str] = _NO_NAMES
) -> Document:
    """Let pyhf change a workspace without the key ``hfscale``, which is put back by names of measurements."""
    aside = {
        measurements.get(measurement["name"], measurement["name"]): measurement["config"][KEY]
        for measurement in document["measurements"]
        if KEY in measurement["config"]
    }
    plain = {**document, "measurements": [_plain(measurement) for measurement in document["measurements"]]}
    try:
        result = dict(edit(plain))
    except (pyhf.exceptions.InvalidWorkspaceOperation, pyhf.exceptions.InvalidSpecification) as error:
        raise InputError(f"pyhf refuses this: {error}", remedy="look with hfscale inspect what there is") from error
    kept = []
    for measurement in result["measurements"]:
        extension = {KEY: aside[measurement["name"]]} if measurement["name"] in aside else {}
        kept.append({**measurement, "config": {**measurement["config"], **extension}})
    return _checked({**result, "measurements": kept})


def _plain(measurement: Mapping[str, Any]) -> Document:
    config = {key: value for key, value in measurement["config"].items() if key != KEY}
    return {**measurement, "config": config}


def _checked(document: Document) -> Document:
    """The document, if it is a model."""
    read_workspace(document)
    return document


def _require(kind: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise SelectionError(
                f"there is no {kind} {name!r}", remedy=f"choose one of {', '.join(dict.fromkeys(known))}"
            )
