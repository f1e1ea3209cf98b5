"""Workspaces with other data, main and auxiliary, that pyhf alone can read."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hfscale.errors import HfscaleWarning, ModelError
from hfscale.model.interpolation import DEFAULT_CODES, InterpolationCodes
from hfscale.model.pruning import Pruner, PruningRule
from hfscale.workspace.extension import KEY, Extension, extension_of
from hfscale.workspace.loading import choose_measurement

_PLAIN = Extension()
_NOT_IN_PYHF = ("parameters", "staterror", "expressions", "modifiers", "clip")
"""Parts of the key ``hfscale`` that change a likelihood in a way that pyhf's schema has no place for."""


def plain_workspace(
    workspace: Mapping[str, Any],
    measurement: str,
    poi: str,
    codes: InterpolationCodes = DEFAULT_CODES,
    *,
    observations: Mapping[str, Sequence[float]],
    auxdata: Mapping[str, Sequence[float]],
) -> dict[str, Any]:
    """A workspace of one measurement with the given data, of which pyhf makes the same model.

    Auxiliary data go to the configuration of their parameters, where pyhf takes them from; the widths of constraints do
    not follow them. Modifiers that the workspace asks to prune are left out.

    Args:
        workspace: A checked workspace, with the signal in it.
        measurement: Name of the measurement.
        poi: Name of the parameter of interest.
        codes: Interpolation codes, which no workspace can hold: a warning names those that are not pyhf's.
        observations: Counts of every channel.
        auxdata: Auxiliary data of constrained parameters; others keep theirs.

    Raises:
        ModelError: The measurement's key ``hfscale`` says something about the likelihood that pyhf's schema cannot.
    """
    chosen = choose_measurement(workspace, measurement, "the workspace")
    rule = extension_of(chosen).prune
    if rule is not None:
        workspace, _ = Pruner(poi).prune(workspace, PruningRule(**rule.model_dump()))
        chosen = choose_measurement(workspace, measurement, "the workspace")
    _refuse_extensions(chosen)
    if codes != DEFAULT_CODES:
        warnings.warn(
            "a workspace does not hold interpolation codes; in pyhf, give model() the argument modifier_settings="
            f"{_settings(codes)}",
            HfscaleWarning,
            stacklevel=2,
        )
    config = {"poi": poi, "parameters": _with_auxdata(chosen["config"]["parameters"], auxdata)}
    return {
        "channels": workspace["channels"],
        "measurements": [{"name": measurement, "config": config}],
        "observations": [{"name": name, "data": list(counts)} for name, counts in observations.items()],
        "version": workspace["version"],
    }


def _settings(codes: InterpolationCodes) -> dict[str, dict[str, str]]:
    return {kind: {"interpcode": code} for kind, code in asdict(codes).items()}


def _refuse_extensions(measurement: Mapping[str, Any]) -> None:
    extension = extension_of(measurement)
    used = [part for part in _NOT_IN_PYHF if getattr(extension, part) != getattr(_PLAIN, part)]
    if used:
        raise ModelError(
            f"measurement {measurement['name']!r} uses {', '.join(used)} of the key '{KEY}', which pyhf does not know:"
            " no workspace of pyhf has the same likelihood",
            place=f"measurements[{measurement['name']}]/config/{KEY}",
            remedy="take the data without a workspace, as hfscale reads them with --data",
        )


def _with_auxdata(
    parameters: Sequence[Mapping[str, Any]], auxdata: Mapping[str, Sequence[float]]
) -> list[dict[str, Any]]:  # fmt: skip
    """Configurations of parameters with these auxiliary data, those that had none behind the others."""
    configs = {str(config["name"]): dict(config) for config in parameters}
    for name, values in auxdata.items():
        configs.setdefault(name, {"name": name})["auxdata"] = list(values)
    return list(configs.values())
