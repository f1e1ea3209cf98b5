"""One patch for the joined workspace out of the patches of the workspaces that were joined.

Joining puts the channels of all workspaces, and their observations, one after the other. A patch that works inside
these lists, as those of published patchsets do, works on the joined lists at shifted positions. Whatever else a patch
does is done by replacing what it makes of ``channels``, ``observations`` or ``measurements`` as a whole.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Document = Mapping[str, Any]
Operation = Mapping[str, Any]

_LISTS = ("channels", "observations")


def joined_patch(
    backgrounds: Sequence[Document],
    patches: Sequence[Sequence[Operation]],
    patched: Sequence[Document],
    join_measurements: Callable[[Sequence[Document]], list[Any]],
) -> list[Operation]:
    """Return the patch that makes of the joined background workspaces what joining the patched ones makes.

    Args:
        backgrounds: The background workspaces, in the order in which they were joined.
        patches: One patch for each of them, empty where it stays as it is.
        patched: What the patches make of them.
        join_measurements: Joins the measurements of workspaces.
    """
    roots = {_root(operation[key]) for patch in patches for operation in patch for key in _pointers(operation)}
    whole = bool(roots & {"", *_LISTS})
    operations: list[Operation] = []
    # From the last to the first, so that no list is shorter or longer than it was where positions are counted from.
    for k in reversed(range(len(patches))):
        shifts = {name: sum(len(background[name]) for background in backgrounds[:k]) for name in _LISTS}
        lengths = {name: len(backgrounds[k][name]) for name in _LISTS}
        for operation in patches[k]:
            roots_here = {_root(operation[key]).rstrip("/") for key in _pointers(operation)}
            if whole or not roots_here <= set(_LISTS):
                continue
            operations.append(_shifted(operation, shifts, lengths))
    joined: dict[str, Any] = {}
    if whole:
        joined = {name: [part for document in patched for part in document[name]] for name in _LISTS}
    if whole or roots & {"measurements", "measurements/"}:
        joined["measurements"] = join_measurements(patched)
    operations += [{"op": "replace", "path": f"/{name}", "value": value} for name, value in joined.items()]
    return operations


def _pointers(operation: Operation) -> tuple[str, ...]:
    return ("path", "from") if "from" in operation else ("path",)


def _root(pointer: str) -> str:
    """The member of the workspace that a pointer leads to; with a stroke behind it where it leads inside."""
    first, stroke, _ = pointer.removeprefix("/").partition("/")
    return first + stroke


def _shifted(operation: Operation, shifts: Mapping[str, int], lengths: dict[str, int]) -> Operation:
    """An operation inside ``channels`` or ``observations``, at the position that the element has when joined.

    ``lengths`` follows the number of elements, for those that are added at the end.
    """
    result = dict(operation)
    for key in _pointers(operation):
        _, name, position, *rest = operation[key].split("/")
        index = lengths[name] if position == "-" else int(position)
        result[key] = "/".join(["", name, str(shifts[name] + index), *rest])
        if not rest:
            taken = operation["op"] == "remove" or (operation["op"] == "move" and key == "from")
            added = operation["op"] in ("add", "copy", "move") and key == "path"
            lengths[name] += int(added) - int(taken)
    return result
