"""Checking the workspace of every selected signal point, of each only what its patch touches."""

from collections.abc import Iterator, Mapping
from typing import Any

from hfscale.errors import HfscaleError, ModelError, PatchError
from hfscale.workspace.checks import model_problems, part_ids
from hfscale.workspace.extension import default_poi
from hfscale.workspace.inputs import Inputs
from hfscale.workspace.patches import patched_workspace
from hfscale.workspace.schema import ShapeMemo, violations


def check_points(inputs: Inputs) -> None:
    """Check that every selected point makes a valid workspace and a model.

    The background workspace itself has been checked by ``load_inputs``.

    Raises:
        PatchError: A patch does not apply, or what it makes is against the schema.
        ModelError: What a patch makes is no model.
    """
    for problem in _problems(inputs):
        raise problem


def find_problems(inputs: Inputs) -> list[HfscaleError]:
    """Return what ``check_points`` would raise, of all points; empty where everything is right."""
    return list(_problems(inputs))


def _problems(inputs: Inputs) -> Iterator[HfscaleError]:
    checked = part_ids(inputs.workspace)
    memo = ShapeMemo()
    for point in inputs.points:
        try:
            workspace = patched_workspace(inputs, point)
        except PatchError as error:
            yield error
            continue
        subject = f"{point.source}, point {point.name!r}"
        if memo.is_valid(_touched_parts(workspace, checked)):
            yield from model_problems(workspace, subject, checked)
            yield from _measurement_problems(workspace, inputs, subject)
            continue
        for violation in violations(workspace, "workspace"):
            yield PatchError(
                f"{subject}: the patched workspace is not valid: {violation.reason}",
                place=violation.place,
                remedy="correct the patch",
            )


def _touched_parts(workspace: Mapping[str, Any], checked: frozenset[int]) -> dict[str, Any]:
    """Return the workspace without the elements of lists that are known to be valid.

    One element stays in each list, so that the lists of a valid workspace do not become empty.
    The patched workspace may be anything, so nothing about it is taken for granted.
    """
    reduced = dict(workspace)
    for key in ("measurements", "observations", "channels"):
        if key in reduced:
            reduced[key] = _touched_elements(reduced[key], checked)
    if isinstance(reduced.get("channels"), list):
        reduced["channels"] = [
            {**channel, "samples": _touched_elements(channel["samples"], checked)}
            if isinstance(channel, dict) and "samples" in channel
            else channel
            for channel in reduced["channels"]
        ]
    return reduced


def _touched_elements(elements: Any, checked: frozenset[int]) -> Any:
    if not isinstance(elements, list):
        return elements
    return [element for element in elements if id(element) not in checked] or elements[:1]


def _measurement_problems(workspace: Mapping[str, Any], inputs: Inputs, subject: str) -> Iterator[HfscaleError]:
    """Yield a patch that takes the chosen measurement away or sets another POI than the one in use."""
    pois = _pois(workspace)
    if inputs.measurement not in pois:
        yield PatchError(
            f"{subject}: the patched workspace has no measurement {inputs.measurement!r}",
            place="measurements",
            remedy=f"choose another with --measurement: {', '.join(pois)}",
        )
    elif pois[inputs.measurement] not in (inputs.poi, _pois(inputs.workspace).get(inputs.measurement)):
        yield ModelError(
            f"{subject}: the patch sets the POI to {pois[inputs.measurement]!r}, the calculation uses {inputs.poi!r}",
            place=f"measurements[{inputs.measurement}]/config/poi",
            remedy=f"choose it for all points with --poi {pois[inputs.measurement]}",
        )


def _pois(workspace: Mapping[str, Any]) -> dict[str, str]:
    return {measurement["name"]: default_poi(measurement) for measurement in workspace["measurements"]}
