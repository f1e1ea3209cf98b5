"""One signal point: its samples, data and parameters, taken from a patched workspace."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float

from hfscale.errors import ModelError
from hfscale.model import parameters as par
from hfscale.model.custom import CustomModifier
from hfscale.model.overrides import extend, with_constraint
from hfscale.model.parameters import MODIFIER_TYPES, ParameterSet
from hfscale.model.pruning import PruningReport, PruningRule
from hfscale.model.quantities import Quantity, Sources, dependent, derive
from hfscale.model.samples import SampleData, SampleReader
from hfscale.model.structure import NO_CLIPPING, Clipping
from hfscale.workspace.extension import KEY, Extension, StaterrorExtension, extension_of


@dataclass(frozen=True)
class PointModel:
    """HistFactory model and data of one point, not yet laid out as arrays.

    Attributes:
        bins: Channel -> number of bins, sorted by channel.
        samples: (channel, sample) -> numbers, in sorted order.
        observations: Channel -> observed counts.
        parameters: Name -> parameter set, in pyhf's order.
        clip: Least expected rates.
        quantities, data, unused: Factors that are functions of parameters, as in `hfscale.model.quantities`.
        pruned: What became of modifiers of small effect, None where nothing was to be pruned.
    """

    bins: Mapping[str, int]
    samples: Mapping[tuple[str, str], SampleData]
    observations: Mapping[str, Float[np.ndarray, " bins"]]
    parameters: Mapping[str, ParameterSet]
    clip: Clipping = NO_CLIPPING
    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    data: Mapping[str, Float[np.ndarray, " datum"]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    pruned: PruningReport | None = None


def read_point(
    workspace: Mapping[str, Any],
    measurement: str,
    reader: SampleReader,
    modifiers: Mapping[str, CustomModifier] = MappingProxyType({}),
) -> PointModel:
    """Read a patched, valid workspace.

    Args:
        workspace: The document.
        measurement: Name of the measurement whose parameter configuration counts.
        reader: Shared by the points of a patchset, so that common samples are read once.
        modifiers: Type -> function of the custom modifiers.

    Raises:
        ModelError: The document defines no valid HistFactory model.
        SchemaError: The measurement's key ``hfscale`` is not what it should be.
    """
    chosen = next(m for m in workspace["measurements"] if m["name"] == measurement)
    extension = extension_of(chosen)
    pruned = None
    if extension.prune is not None:
        rule = PruningRule(**extension.prune.model_dump())
        workspace, pruned = reader.pruner.prune(workspace, rule)
        chosen = next(m for m in workspace["measurements"] if m["name"] == measurement)
        extension = extension_of(chosen)
    place = f"measurements[{measurement}]/config/{KEY}"
    channels = sorted(workspace["channels"], key=lambda c: c["name"])
    samples = {
        (channel["name"], sample["name"]): reader.read(sample, channel["name"])
        for channel in channels
        for sample in sorted(channel["samples"], key=lambda s: s["name"])
    }
    bins = {channel["name"]: len(channel["samples"][0]["data"]) for channel in channels}
    data = {o["name"]: np.asarray(o["data"], dtype=np.float64) for o in workspace["observations"]}
    config = _parameter_configs(chosen)
    sets = _parameter_sets(bins, samples, config, extension.staterror)
    derivation = derive(samples, sets, bins, Sources(extension, place, config, modifiers))
    return PointModel(
        bins=bins,
        samples=derivation.samples,
        observations={name: data[name] for name in bins},
        parameters=_extended(derivation.parameters, extension, place),
        clip=Clipping(extension.clip.samples, extension.clip.bins),
        quantities=derivation.quantities,
        data=derivation.data,
        unused=derivation.unused,
        pruned=pruned,
    )


def _parameter_configs(measurement: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    config: dict[str, Mapping[str, Any]] = {}
    for parameter in measurement["config"]["parameters"]:
        if parameter["name"] in config:
            raise ModelError(f"measurement '{measurement['name']}' configures parameter '{parameter['name']}' twice")
        config[parameter["name"]] = parameter
    return config


def _parameter_sets(
    bins: Mapping[str, int],
    samples: Mapping[tuple[str, str], SampleData],
    config: Mapping[str, Mapping[str, Any]],
    staterror: StaterrorExtension,
) -> dict[str, ParameterSet]:
    by_type: dict[str, dict[str, ParameterSet]] = {kind: {} for kind in MODIFIER_TYPES}
    for (channel, sample), data in samples.items():
        _add_new(by_type["histosys"], data.histosys, par.alpha_set)
        _add_new(by_type["normsys"], data.normsys, par.alpha_set)
        for kind, name in data.factors:
            _add_factor(by_type[kind], kind, name, data, (channel, sample), bins[channel])
    by_type["staterror"] = {
        name: _staterror(name, bins, samples, staterror.threshold) for name in sorted(by_type["staterror"])
    }
    sets: dict[str, ParameterSet] = {}
    for kind in MODIFIER_TYPES:
        for name, parameter in by_type[kind].items():
            if name in sets:
                _check_same_requirements(sets[name], parameter)
            else:
                sets[name] = parameter
    overridden = {name: par.override(p, config[name]) for name, p in sets.items() if name in config}
    for name, parameter in sets.items():
        # Plain nuisance parameters come complete, and there are many of them.
        if name in overridden or parameter is not par.alpha_set(name):
            par.check_complete(overridden.get(name, parameter))
    if staterror.constraint != "normal":
        overridden |= {
            name: with_constraint(overridden.get(name, parameter), staterror.constraint)
            for name, parameter in by_type["staterror"].items()
        }
    return {**sets, **overridden}


def _extended(sets: Mapping[str, ParameterSet], extension: Extension, place: str) -> dict[str, ParameterSet]:
    """Apply what the ``hfscale`` key says of single parameters; a name that this point lacks has no effect in it."""
    changed = dict(sets)
    for settings in extension.parameters:
        if settings.name in sets:
            changed[settings.name] = extend(sets[settings.name], settings, f"{place}/parameters[{settings.name}]")
            par.check_complete(changed[settings.name])
    return changed


def _add_new(sets: dict[str, ParameterSet], names: Iterable[str], make: Callable[[str], ParameterSet]) -> None:
    for name in names:
        if name not in sets:
            sets[name] = make(name)


def _add_factor(
    sets: dict[str, ParameterSet], kind: str, name: str, data: SampleData, where: tuple[str, str], n: int
) -> None:
    if kind == "shapesys":
        if name in sets:
            raise ModelError(
                f"shapesys '{name}' of sample '{where[1]}' in channel '{where[0]}' stands in another place too:"
                " a shapesys cannot be shared",
                remedy="rename one of them, or use a shapefactor or staterror",
            )
        sets[name] = par.shapesys_set(name, data.nominal, data.uncertainties[kind, name])
    elif kind == "shapefactor":
        if sets.setdefault(name, par.shapefactor_set(name, n)).size != n:
            raise ModelError(f"shapefactor '{name}' is shared by channels with different numbers of bins")
    else:  # a staterror is made when all participating samples are known: here only its name counts
        _add_new(sets, [name], par.lumi_set if kind == "lumi" else par.normfactor_set)


def _staterror(
    name: str, bins: Mapping[str, int], samples: Mapping[tuple[str, str], SampleData], threshold: float
) -> ParameterSet:
    """Relative uncertainty of the sum of the participating samples, added in quadrature (as pyhf)."""
    key = ("staterror", name)
    masks = {
        sample: tuple(c for c in bins if (c, sample) in samples and key in samples[c, sample].uncertainties)
        for sample in dict.fromkeys(s for (_, s), data in samples.items() if key in data.uncertainties)
    }
    if len(set(masks.values())) > 1:
        raise ModelError(
            f"staterror '{name}' covers different channels in different samples: {sorted(masks)}",
            remedy="use one staterror name per channel",
        )
    channels = next(iter(masks.values()))
    relative = []
    for channel in channels:
        involved = [samples[channel, sample] for sample in masks]
        total = np.sum([data.nominal for data in involved], axis=0)
        squares = np.sum([data.uncertainties[key] ** 2 for data in involved], axis=0)
        positive = total > 0
        relative.append(np.where(positive, np.sqrt(squares) / np.where(positive, total, 1.0), 0.0))
    layout = tuple((channel, i) for channel in channels for i in range(bins[channel]))
    return par.staterror_set(name, np.concatenate(relative), layout, threshold)


def _check_same_requirements(first: ParameterSet, second: ParameterSet) -> None:
    if first is second:
        return
    if (first.constraint, first.size, first.scalar) != (second.constraint, second.size, second.scalar) or not (
        np.array_equal(first.lower, second.lower, equal_nan=True)
        and np.array_equal(first.inits, second.inits, equal_nan=True)
        and np.array_equal(first.width, second.width, equal_nan=True)
    ):
        raise ModelError(
            f"the name '{first.name}' is used for modifiers that need different parameters",
            remedy="give the modifiers different names",
        )


def poi_scales_something(point: PointModel, poi: str) -> bool:
    """Whether any expected rate of the point depends on the POI."""
    scaling = {poi} | dependent(point.quantities, poi)
    for data in point.samples.values():
        if poi in data.normsys and data.nominal.any():
            return True
        if poi in data.histosys and any((shifted != data.nominal).any() for shifted in data.histosys[poi]):
            return True
        scaled = any(name in scaling for _, name in data.factors)
        if scaled and (data.nominal.any() or any((s != data.nominal).any() for h in data.histosys.values() for s in h)):
            return True
    return False
