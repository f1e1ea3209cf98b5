"""Derived quantities of one signal point: formulas in place of normfactors, and the user's own modifiers.

What the key ``hfscale`` of a measurement says under ``expressions`` and ``modifiers`` changes three things of a point:
some parameters become functions of others, parameters that only functions use are added, and samples get factors.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from hfscale.errors import ModelError
from hfscale.model import parameters as par
from hfscale.model.custom import CustomModifier, CustomTerm, ParameterSettings, pack_data
from hfscale.model.formulas import Formula, needed_formulas, parameters_of, read_formulas, unknown_name
from hfscale.model.overrides import extend
from hfscale.model.parameters import ParameterSet
from hfscale.model.samples import SampleData
from hfscale.workspace.extension import CustomModifierUse, Extension, ParameterExtension

Quantity = Formula | CustomTerm
Samples = Mapping[tuple[str, str], SampleData]


@dataclass(frozen=True)
class Derivation:
    """Samples and parameters of a point, and what is derived from the parameters.

    Attributes:
        samples, parameters: As in `hfscale.model.point.PointModel`.
        quantities: Name -> quantity, each after those that it uses. Factors of samples have these names.
        data: Name of a use of a custom modifier -> the numbers that its function gets.
        unused: Places in the document whose entries change nothing in this point.
    """

    samples: Samples
    parameters: Mapping[str, ParameterSet]
    quantities: Mapping[str, Quantity]
    data: Mapping[str, Float[np.ndarray, " datum"]]
    unused: tuple[str, ...]


class Sources(NamedTuple):
    """Where derived quantities of a point come from.

    Attributes:
        extension: The key ``hfscale`` of the measurement.
        place: Where it stands, for messages.
        config: Name -> the measurement's configuration of a parameter.
        modifiers: Type -> the user's function.
    """

    extension: Extension
    place: str
    config: Mapping[str, Mapping[str, Any]]
    modifiers: Mapping[str, CustomModifier]


def derive(samples: Samples, sets: Mapping[str, ParameterSet], bins: Mapping[str, int], sources: Sources) -> Derivation:
    """Apply expressions and custom modifiers to a point.

    Args:
        samples, sets: Samples and parameters as pyhf's part of the workspace defines them.
        bins: Channel -> number of bins.
        sources: What to apply.

    Raises:
        ModelError: An expression or a use of a modifier makes no sense for this model.
    """
    formulas = read_formulas(sources.extension.expressions, f"{sources.place}/expressions")
    _refuse_other_uses(formulas, samples, sources)
    normfactors = {name for data in samples.values() for kind, name in data.factors if kind == "normfactor"}
    needed = needed_formulas(formulas, normfactors)
    parameters = {name: parameter for name, parameter in sets.items() if name not in formulas}
    quantities: dict[str, Quantity] = dict(needed)
    numbers: dict[str, Float[np.ndarray, " datum"]] = {}
    unused = [f"{sources.place}/expressions/{name}" for name in formulas if name not in needed]
    applied: list[tuple[CustomModifierUse, CustomTerm]] = []
    for use in _unique(sources):
        found = list(_terms(use, samples, bins, sources))
        if not found:
            unused.append(f"{sources.place}/modifiers[{use.name}]")
        for term, data in found:
            applied.append((use, term))
            quantities[term.name], numbers[term.name] = term, data
            _add_parameters(term.modifier, use.type, parameters, sources)
    # What is added to a sample gets all factors of the sample, whatever the order in the workspace.
    for use, term in sorted(applied, key=lambda item: item[1].modifier.operation == "add"):
        samples = _with_term(samples, use, term, bins)
    for name in parameters_of(needed):
        _require_parameter(name, needed, parameters, sources)
    return Derivation(samples, parameters, quantities, numbers, tuple(unused))


def _refuse_other_uses(formulas: Mapping[str, Formula], samples: Samples, sources: Sources) -> None:
    """An expression can stand for a normfactor only, and has neither start value nor bounds."""
    for (channel, sample), data in samples.items():
        others = {*data.histosys, *data.normsys, *(name for kind, name in data.factors if kind != "normfactor")}
        for name in formulas.keys() & others:
            raise ModelError(
                f"the expression {name!r} has the name of a modifier of sample {sample!r} in channel {channel!r}"
                " that is no normfactor",
                place=f"{sources.place}/expressions/{name}",
                remedy="give the expression the name of a normfactor",
            )
    settings = {parameter.name for parameter in sources.extension.parameters}
    for name in formulas:
        if name in sources.config or name in settings:
            raise ModelError(
                f"{name!r} is an expression and no parameter, but the measurement configures it",
                place=f"{sources.place}/expressions/{name}",
                remedy=f"remove {name!r} from the configured parameters, or the expression",
            )


def _unique(sources: Sources) -> Iterator[CustomModifierUse]:
    names: set[str] = set()
    for use in sources.extension.modifiers:
        if use.name in names:
            raise ModelError(
                f"two custom modifiers are named {use.name!r}",
                place=f"{sources.place}/modifiers",
                remedy="rename one of them",
            )
        names.add(use.name)
        yield use


def _terms(
    use: CustomModifierUse, samples: Samples, bins: Mapping[str, int], sources: Sources
) -> Iterator[tuple[CustomTerm, Float[np.ndarray, " datum"]]]:
    """The terms of one use of a modifier, one for each number of bins that its channels have in this point."""
    place = f"{sources.place}/modifiers[{use.name}]"
    modifier = sources.modifiers.get(use.type)
    if modifier is None:
        given = f"; given are {', '.join(sources.modifiers)}" if sources.modifiers else ""
        raise ModelError(
            f"no function is given for the modifier type {use.type!r}{given}",
            place=place,
            remedy=f"pass modifiers={{{use.type!r}: ...}} in Python, or --modifier {use.type}=package.module:attribute",
        )
    if modifier.operation == "add" and sources.extension.clip.samples is not None:
        raise ModelError(
            f"the custom modifier {use.name!r} adds to samples whose rates are clipped, which is not supported",
            place=place,
            remedy="clip bins instead of samples, or multiply",
        )
    layout, data = pack_data(use.data, place)
    sizes = {bins[channel] for channel, sample in samples if channel in use.channels and sample in use.samples}
    for size in sorted(sizes):
        name = f"modifiers[{use.name}]" if len(sizes) == 1 else f"modifiers[{use.name}]/{size} bins"
        yield CustomTerm(name, use.type, modifier, size, layout), data


def _with_term(samples: Samples, use: CustomModifierUse, term: CustomTerm, bins: Mapping[str, int]) -> Samples:
    """Samples with the term as a factor; what is added is a sample of its own with the other factors of the sample."""
    changed: dict[tuple[str, str], SampleData] = {}
    for (channel, sample), data in samples.items():
        changed[channel, sample] = data
        if channel not in use.channels or sample not in use.samples or bins[channel] != term.bins:
            continue
        factors = (*data.factors, (term.type, term.name))
        if term.modifier.operation == "multiply":
            changed[channel, sample] = replace(data, factors=factors)
        else:
            ones = np.ones(term.bins)
            changed[channel, f"{sample}+{term.name}"] = SampleData(ones, {}, data.normsys, factors, {})
    return changed


def _add_parameters(
    modifier: CustomModifier, kind: str, parameters: dict[str, ParameterSet], sources: Sources
) -> None:  # fmt: skip
    for name, settings in modifier.parameters.items():
        known = parameters.get(name)
        if settings is None and (known is None or known.size != 1):
            raise ModelError(
                f"modifiers of the type {kind!r} use {name!r}, which is no scalar parameter of the model",
                place=f"{sources.place}/modifiers",
                remedy="give it ParameterSettings, or add a modifier of that name to the workspace",
            )
        if settings is None:
            continue
        place = f"{sources.place}/modifiers, parameter {name!r} of the type {kind!r}"
        own = par.override(_parameter_set(name, settings, place), sources.config.get(name, {}))
        if known is not None and known.constraint != own.constraint:
            raise ModelError(
                f"the parameter {name!r} of modifiers of the type {kind!r} is a parameter of the workspace too, with"
                f" a {known.constraint} constraint instead of a {own.constraint} one",
                place=place,
                remedy="rename it, or give None in place of its settings to use that of the workspace",
            )
        par.check_complete(own)
        parameters.setdefault(name, own)


def _parameter_set(name: str, settings: ParameterSettings, place: str) -> ParameterSet:
    value = settings.init if settings.auxdata is None else settings.auxdata
    free = _free(name, value, settings.bounds)
    if settings.constraint != "none":
        wanted = ParameterExtension(name=name, constraint=settings.constraint, sigmas=(settings.sigma,))
        free = extend(free, wanted, place)
    return replace(free, inits=np.array([settings.init], dtype=np.float64))


def _free(name: str, init: float, bounds: tuple[float, float]) -> ParameterSet:
    return replace(
        par.normfactor_set(name),
        inits=np.array([init], dtype=np.float64),
        lower=np.array([bounds[0]], dtype=np.float64),
        upper=np.array([bounds[1]], dtype=np.float64),
    )


def _require_parameter(
    name: str, formulas: Mapping[str, Formula], parameters: dict[str, ParameterSet], sources: Sources
) -> None:
    """See to it that a name that formulas use is a scalar parameter, of modifiers or of the configuration alone."""
    user = next(formula for formula in formulas.values() if name in formula.uses)
    place = f"{sources.place}/expressions"
    config = sources.config.get(name, {})
    if name not in parameters and "inits" in config and "bounds" in config:
        free = par.override(par.normfactor_set(name), config)
        par.check_complete(free)
        parameters[name] = free
    if name not in parameters or parameters[name].size != 1:
        raise unknown_name(user, name, [n for n, p in parameters.items() if p.size == 1], place)


def dependent(quantities: Mapping[str, Quantity], parameter: str) -> frozenset[str]:
    """Names of the quantities that depend on a parameter, directly or through others."""
    found = {parameter}
    for name, quantity in quantities.items():
        if found.intersection(quantity.uses):
            found.add(name)
    return frozenset(found - {parameter})
