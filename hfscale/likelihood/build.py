"""From one checked workspace to a group of one point, with any number of POIs."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, NamedTuple, get_args

from hfscale.errors import InputError, SelectionError
from hfscale.model.build import build_groups
from hfscale.model.custom import CustomModifier
from hfscale.model.interpolation import HistosysCode, InterpolationCodes, NormsysCode
from hfscale.model.parameters import ParameterSet
from hfscale.model.point import read_point
from hfscale.model.pruning import PruningReport
from hfscale.model.samples import SampleReader
from hfscale.model.structure import ModelGroup
from hfscale.workspace.extension import KEY, extension_of, poi_names

_NO_POI = ""
"""The engine keeps a place for a POI; this name stands for it in a model without one, as in pyhf's workspaces."""
_CODES: Mapping[str, tuple[str, ...]] = {"normsys": get_args(NormsysCode), "histosys": get_args(HistosysCode)}


class Single(NamedTuple):
    """The model of one workspace.

    Attributes:
        group: The model as arrays.
        poi_names: Names of its POIs, the chosen one first; none for a model without.
        pruned: What became of modifiers of small effect, None where nothing was to be pruned.
    """

    group: ModelGroup
    poi_names: tuple[str, ...]
    pruned: PruningReport | None


def build_single(
    workspace: Mapping[str, Any],
    measurement: Mapping[str, Any],
    poi: str | None,
    codes: InterpolationCodes,
    modifiers: Mapping[str, CustomModifier] = MappingProxyType({}),
) -> Single:
    """Lay out the model of a workspace as arrays.

    Args:
        workspace: A checked workspace.
        measurement: The chosen one of its measurements.
        poi: Name of the POI; the first of the measurement by default, none where it is empty.
        codes: Interpolation codes.
        modifiers: Type -> function of the custom modifiers.

    Raises:
        ModelError: The workspace defines no valid HistFactory model.
        SelectionError: A POI is no parameter of the model, or has several components, or the measurement has settings
            of a parameter that does not exist.
    """
    names = poi_names(measurement)
    if poi is not None:
        names = tuple(dict.fromkeys([poi, *names])) if poi else ()
    point = read_point(workspace, measurement["name"], SampleReader(poi or ""), modifiers)
    for name in names:
        _require_scalar(name, point.parameters, measurement["name"])
    _require_extended(measurement, {*point.parameters, *(point.pruned.vanished if point.pruned else ())})
    common = {
        channel["name"]: frozenset(sample["name"] for sample in channel["samples"]) for channel in workspace["channels"]
    }
    (group,) = build_groups([point], names[0] if names else _NO_POI, common, codes)
    return Single(group, names, point.pruned)


def _require_scalar(poi: str, parameters: Mapping[str, ParameterSet], measurement: str) -> None:
    scalars = sorted(name for name, parameter in parameters.items() if parameter.size == 1)
    if poi in scalars:
        return
    known = f"has {parameters[poi].size} components" if poi in parameters else "is no parameter of the model"
    near = get_close_matches(poi, scalars, n=5) or scalars[:10]
    raise SelectionError(
        f"the POI {poi!r} {known}",
        place=f"measurements[{measurement}]/config/poi",
        remedy=f"choose another, such as {', '.join(near)}, or an empty name for a model without POI",
    )


def _require_extended(measurement: Mapping[str, Any], parameters: Collection[str]) -> None:
    """Refuse settings under the key ``hfscale`` of parameters that the model does not have."""
    for settings in extension_of(measurement).parameters:
        if settings.name not in parameters:
            near = get_close_matches(settings.name, parameters, n=5) or sorted(parameters)[:10]
            raise SelectionError(
                f"{settings.name!r} is no parameter of the model",
                place=f"measurements[{measurement['name']}]/config/{KEY}/parameters[{settings.name}]",
                remedy=f"choose another, such as {', '.join(near)}",
            )


def interpolation_codes(interpcode: Mapping[str, str]) -> InterpolationCodes:
    """Check interpolation codes per modifier type; a type that is not named keeps its default.

    Raises:
        InputError: There is no such modifier type, or no such code for it.
    """
    for kind, code in interpcode.items():
        if code not in _CODES.get(kind, ()):
            known = "; ".join(f"{name}: {', '.join(codes)}" for name, codes in _CODES.items())
            raise InputError(
                f"the modifier type {kind!r} has no interpolation code {code!r}",
                place=f"interpcode/{kind}",
                remedy=f"choose among {known}",
            )
    return InterpolationCodes(**interpcode)  # type: ignore[arg-type]  # checked above
