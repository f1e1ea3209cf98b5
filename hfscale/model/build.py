"""From patched workspaces to groups of points that share one structure.

Samples of different points are matched into roles: a sample of the background workspace by its name, a sample that
only patches bring by its position among such samples of the channel (signal samples are named after their points).
The structure of a group is the union over its points; what a point lacks has no effect in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from hfscale.errors import ModelError, SelectionError
from hfscale.model.arrays import fill_points, fill_shared
from hfscale.model.derived import DerivedQuantities, derived_quantities
from hfscale.model.identity import point_digests
from hfscale.model.interpolation import DEFAULT_CODES, InterpolationCodes
from hfscale.model.parameters import ParameterSet, normfactor_set, shapefactor_set
from hfscale.model.point import PointModel, poi_scales_something
from hfscale.model.quantities import Quantity
from hfscale.model.samples import SampleData
from hfscale.model.structure import LOGNORMAL, NORMAL, POISSON, UNCONSTRAINED, Clipping, ModelGroup, Structure
from hfscale.model.tables import padded_lists

RowKey = tuple[str, str, int, tuple[tuple[str, str], ...]]
"""Channel, sample name ('' for samples that only patches bring), position, factors of the sample."""

_CONSTRAINTS = {"none": UNCONSTRAINED, "normal": NORMAL, "poisson": POISSON, "lognormal": LOGNORMAL}


@dataclass(frozen=True)
class Row:
    """A sample in a channel, over all points of a group.

    Attributes:
        channel, sample: Its channel and name, as in its key.
        factors: (type, name) of the modifiers that multiply it.
        histosys, normsys: Names, the union over the points.
        samples: Numbers per point, None where the point lacks the sample.
        names: Name of the sample at each point, empty where the point lacks it.
        varying: Whether the numbers differ between points.
    """

    channel: str
    sample: str
    factors: tuple[tuple[str, str], ...]
    histosys: tuple[str, ...]
    normsys: tuple[str, ...]
    samples: tuple[SampleData | None, ...]
    names: tuple[str, ...]
    varying: bool


def build_groups(
    points: Sequence[PointModel],
    poi: str,
    common: Mapping[str, frozenset[str]],
    codes: InterpolationCodes = DEFAULT_CODES,
) -> tuple[ModelGroup, ...]:
    """Lay out points as arrays, in as few groups as their parameters allow.

    Args:
        points: All points of the campaign.
        poi: Name of the POI.
        common: Channel -> names of the samples of the background workspace.
        codes: Interpolation codes of normsys and histosys.

    Raises:
        ModelError: The POI has several components, or an expression or custom modifier acts on nothing.
        SelectionError: The POI is an expression, or no parameter of a model with expressions or custom modifiers.
    """
    unions: list[_Union] = []
    for index, point in enumerate(points):
        key = _UnionKey(point.clip, _clipped_rows(point, common))
        union = next((u for u in unions if u.key == key and u.accepts(point)), None)
        if union is None:
            union = _Union(key, {}, {}, {}, [])
            unions.append(union)
        union.add(index, point)
    _require_use(points)
    _require_poi(points, poi)
    return tuple(_build_group(points, union, poi, common, codes) for union in unions)


class _UnionKey(NamedTuple):
    """What the points of a group must have in common: clipping, and the samples where that makes a difference."""

    clip: Clipping
    rows: frozenset[RowKey]


def _clipped_rows(point: PointModel, common: Mapping[str, frozenset[str]]) -> frozenset[RowKey]:
    """Samples of a point if clipping raises their rates above zero: a sample that a point lacks must stay at zero."""
    raised = point.clip.samples is not None and point.clip.samples > 0.0
    return frozenset(key for key, *_ in _keyed_samples(point, common)) if raised else frozenset()


@dataclass
class _Union:
    """Parameters, derived quantities and channels (with their bins) of the points gathered for one group so far."""

    key: _UnionKey
    parameters: dict[str, ParameterSet]
    quantities: dict[str, Quantity]
    bins: dict[str, int]
    members: list[int]

    def accepts(self, point: PointModel) -> bool:
        """Whether nothing in the point contradicts the points gathered so far."""
        bins_agree = all(self.bins.get(channel, n) == n for channel, n in point.bins.items())
        quantities_agree = all(self.quantities.get(name, q) == q for name, q in point.quantities.items())
        other_kind = self.quantities.keys() & point.parameters.keys() | point.quantities.keys() & self.parameters.keys()
        return (bins_agree and quantities_agree and not other_kind) and all(
            _layout_of(known) == _layout_of(p)
            for name, p in point.parameters.items()
            if (known := self.parameters.get(name)) is not None
        )

    def add(self, index: int, point: PointModel) -> None:
        """Take in a point."""
        self.parameters.update({n: p for n, p in point.parameters.items() if n not in self.parameters})
        self.quantities.update(point.quantities)
        self.bins.update(point.bins)
        self.members.append(index)


def _layout_of(p: ParameterSet) -> tuple[str, int, bool, tuple[tuple[str, int], ...]]:
    return (p.constraint, p.size, p.scalar, p.layout)


def _rows(points: Sequence[PointModel], common: Mapping[str, frozenset[str]]) -> list[Row]:
    found: dict[RowKey, dict[int, SampleData]] = {}
    names: dict[RowKey, dict[int, str]] = {}
    for index, point in enumerate(points):
        for key, name, data in _keyed_samples(point, common):
            found.setdefault(key, {})[index] = data
            names.setdefault(key, {})[index] = name
    return [_row(key, by_point, names[key], len(points)) for key, by_point in sorted(found.items())]


def _keyed_samples(
    point: PointModel, common: Mapping[str, frozenset[str]]
) -> Iterator[tuple[RowKey, str, SampleData]]:  # fmt: skip
    """Samples of a point with their keys and names."""
    brought: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
    for (channel, sample), data in point.samples.items():
        if sample in common.get(channel, frozenset()):
            yield (channel, sample, 0, data.factors), sample, data
        else:
            position = brought.get((channel, data.factors), 0)
            brought[channel, data.factors] = position + 1
            yield (channel, "", position, data.factors), sample, data


def _row(key: RowKey, by_point: Mapping[int, SampleData], names: Mapping[int, str], n_points: int) -> Row:
    samples = tuple(by_point.get(i) for i in range(n_points))
    first = next(iter(by_point.values()))
    distinct = {id(data): data for data in by_point.values()}.values()
    return Row(
        channel=key[0],
        sample=key[1],
        factors=key[3],
        histosys=tuple(dict.fromkeys(name for data in distinct for name in data.histosys)),
        normsys=tuple(dict.fromkeys(name for data in distinct for name in data.normsys)),
        samples=samples,
        names=tuple(names.get(i, "") for i in range(n_points)),
        varying=len(by_point) < n_points or not all(data.equals(first) for data in distinct),
    )


@dataclass(frozen=True)
class _Layout:
    """Where parameters and bins live: names -> internal indices."""

    names: tuple[str, ...]
    order: np.ndarray
    position: Mapping[tuple[str, int], int]
    first_bin: Mapping[str, int]
    histosys: tuple[str, ...]
    n_varying_histosys: int


def _layout(union: Mapping[str, ParameterSet], rows: Sequence[Row], bins: Mapping[str, int]) -> _Layout:
    components = [(name, i) for name, p in union.items() for i in range(p.size)]
    external = {component: k for k, component in enumerate(components)}
    varying = list(dict.fromkeys(n for row in rows if row.varying for n in row.histosys))
    others = dict.fromkeys(n for row in rows for n in row.histosys if n not in set(varying))
    histosys = (*varying, *others)
    internal = [(name, 0) for name in histosys]
    internal += [c for c in components if c[0] not in set(histosys)]
    starts = np.concatenate([[0], np.cumsum(list(bins.values()))]).astype(int)
    return _Layout(
        names=tuple(n for p in union.values() for n in p.component_names),
        order=np.array([external[c] for c in internal], dtype=np.int64),
        position={c: k for k, c in enumerate(internal)},
        first_bin=dict(zip(bins, starts.tolist(), strict=False)),
        histosys=histosys,
        n_varying_histosys=len(varying),
    )


def _build_group(
    all_points: Sequence[PointModel],
    gathered: _Union,
    poi: str,
    common: Mapping[str, frozenset[str]],
    codes: InterpolationCodes,
) -> ModelGroup:
    union, members = _with_poi(gathered.parameters, poi), gathered.members
    if union[poi].size != 1:
        raise ModelError(f"the POI '{poi}' has {union[poi].size} components and must have one")
    points = [all_points[i] for i in members]
    bins = {channel: n for point in points for channel, n in point.bins.items()}
    bins = dict(sorted(bins.items()))
    rows = sorted(_rows(points, common), key=lambda row: row.varying)
    layout = _layout(union, rows, bins)
    factors = {name for row in rows for _, name in row.factors}
    derived = derived_quantities(gathered.quantities, factors, layout.position)
    structure = replace(_structure(rows, layout, union, bins, poi, derived), codes=codes, clip=points[0].clip)
    shared = fill_shared([row for row in rows if not row.varying], layout.histosys)
    varying = [row for row in rows if row.varying]
    numbers, inits, present = fill_points(
        points, varying, layout.histosys[: layout.n_varying_histosys], union, layout.position, bins
    )
    digests = point_digests(points, poi, codes)
    return ModelGroup(
        structure=structure,
        shared=shared,
        points=numbers._replace(derived=_derived_data(points, derived)),
        inits=inits,
        members=np.array(members, dtype=np.int64),
        parameter_names=layout.names,
        order=layout.order,
        present=present,
        has_signal=np.array([poi_scales_something(point, poi) for point in points], dtype=bool),
        bin_names=tuple((channel, i) for channel, n in bins.items() for i in range(n)),
        digests=tuple(digest.full for digest in digests),
        background_digests=tuple(digest.background for digest in digests),
        entry_names=tuple((row.channel, row.sample, i) for row in rows for i in range(bins[row.channel])),
        entry_samples=tuple(row.names for row in rows for _ in range(bins[row.channel])),
    )


def _with_poi(union: Mapping[str, ParameterSet], poi: str) -> dict[str, ParameterSet]:
    """Keep a place for the POI also where no point of the group has it (all are without signal)."""
    return dict(union) if poi in union else {**union, poi: normfactor_set(poi)}


def _structure(
    rows: Sequence[Row],
    layout: _Layout,
    union: Mapping[str, ParameterSet],
    bins: Mapping[str, int],
    poi: str,
    derived: DerivedQuantities,
) -> Structure:
    n_parameters = len(layout.order)
    position = {**layout.position, **{value: n_parameters + k for value, k in derived.values.items()}}
    sets = {**union, **_derived_sets(derived)}
    entry_bin: list[int] = []
    factors: list[list[int]] = []
    terms: list[list[int]] = []
    term_parameter: list[int] = []
    for row in rows:
        row_terms = list(range(len(term_parameter), len(term_parameter) + len(row.normsys)))
        term_parameter += [layout.position[name, 0] for name in row.normsys]
        for i in range(bins[row.channel]):
            entry_bin.append(layout.first_bin[row.channel] + i)
            terms.append(row_terms)
            factors.append([position[_component(sets[name], row.channel, i)] for _, name in row.factors])
    constraint = np.zeros(n_parameters, dtype=np.int64)
    for (name, _), k in layout.position.items():
        constraint[k] = _CONSTRAINTS[union[name].constraint]
    gammas = {name for row in rows for kind, name in row.factors if kind in ("staterror", "shapesys")}
    gammas |= {name for name, p in union.items() if p.constraint in ("poisson", "lognormal")}
    return Structure(
        n_bins=sum(bins.values()),
        n_shared=sum(bins[row.channel] for row in rows if not row.varying),
        n_histosys=len(layout.histosys),
        n_varying_histosys=layout.n_varying_histosys,
        n_shared_terms=sum(len(row.normsys) for row in rows if not row.varying),
        entry_bin=np.array(entry_bin, dtype=np.int64),
        entry_factors=padded_lists(factors, n_parameters + derived.size),
        entry_terms=padded_lists(terms, len(term_parameter)),
        term_parameter=np.array(term_parameter, dtype=np.int64),
        constraint=constraint,
        gamma=np.array([name in gammas for name, _ in layout.position], dtype=bool),
        poi=layout.position[poi, 0],
        derived=derived,
    )


def _derived_sets(derived: DerivedQuantities) -> dict[str, ParameterSet]:
    """Stand-ins for parameters, which tell how many values derived quantities have."""
    formulas = {name: normfactor_set(name) for name in derived.factors}
    return {**formulas, **{term.name: shapefactor_set(term.name, term.bins) for term in derived.terms}}


def _derived_data(points: Sequence[PointModel], derived: DerivedQuantities) -> np.ndarray:
    """Numbers for custom modifiers; a point that lacks one gets those of another, which harm nothing."""
    columns = [np.zeros((len(points), 0))]
    for term in derived.terms:
        some = next(point.data[term.name] for point in points if term.name in point.data)
        columns.append(np.stack([point.data.get(term.name, some) for point in points]))
    return np.concatenate(columns, axis=1)


def _require_poi(points: Sequence[PointModel], poi: str) -> None:
    """Refuse a POI that is no parameter of any point, where the document alone does not tell what is a parameter."""
    derived = dict.fromkeys(
        name for point in points for quantity in point.quantities.values() for name in quantity.uses
    )
    if poi and derived and not any(poi in point.parameters for point in points):
        known = [name for name in derived if any(name in point.parameters for point in points)]
        what = "an expression" if any(poi in point.quantities for point in points) else "no parameter of the model"
        raise SelectionError(f"the POI {poi!r} is {what}", remedy=f"choose a parameter, such as {', '.join(known)}")


def _require_use(points: Sequence[PointModel]) -> None:
    """Refuse expressions and custom modifiers that change nothing in any point: their names must be wrong."""
    unused = [place for place in points[0].unused if all(place in point.unused for point in points)] if points else []
    if unused:
        raise ModelError(
            f"{unused[0]} concerns no sample of any signal point",
            place=unused[0],
            remedy="give an expression the name of a normfactor, and a modifier channels and samples that exist",
        )


def _component(parameter: ParameterSet, channel: str, local_bin: int) -> tuple[str, int]:
    if parameter.scalar:
        return (parameter.name, 0)
    if parameter.layout:
        return (parameter.name, parameter.layout.index((channel, local_bin)))
    return (parameter.name, local_bin)
