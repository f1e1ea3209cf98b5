"""The exact Hessian in blocks: a core, and one small block per bin of parameters that act in that bin alone.

Most parameters of large models are factors of a single bin (staterror, shapesys). Two of them in different bins never
meet in a second derivative, so the Hessian has the shape of an arrow, and a Newton step costs core^3 instead of
parameters^3.

Entries with the same normsys terms and the same factors of the core (the bins of a sample in a channel) have the same
logarithmic derivative g by the core, so their second derivatives are summed before products of vectors are formed:

    sum_e w_e G_e [a'_e g^T + g a'_e^T + A_e g g^T] = y g^T + g y^T + s g g^T,
    y = sum_e w_e G_e a'_e,  s = sum_e w_e G_e A_e

in the notation of ``hfscale.model.derivatives``, with whose plain `exact_hessian` this agrees.
"""

from collections.abc import Set
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from hfscale.model.derivatives import (
    Derived,
    FirstOrder,
    additive_sums,
    counted_squares,
    grouped_sums,
    second_order_diagonal,
)
from hfscale.model.extended import contracted, contracted_hessian, extended_model, extended_structure
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure
from hfscale.model.tables import padded_lists

_FEWEST_LOCAL = 0.25
"""With a smaller share of parameters that act in a single bin all belong to the core: small blocks have a price."""


@dataclass(frozen=True, eq=False)
class ArrowLayout:
    """Which parameters are in the core, and which act in one bin alone.

    Attributes:
        n_parameters: Number of parameters.
        core: Parameters of the core, ascending.
        local: Parameters of each bin, padded with `n_parameters`.
    """

    n_parameters: int
    core: Int[np.ndarray, " core"]
    local: Int[np.ndarray, "bin slot"]

    @property
    def has_local(self) -> bool:
        """Whether there is anything but the core."""
        return self.local.size > 0

    def split(
        self, vector: Float[Array, "lane parameter *k"]
    ) -> tuple[Float[Array, "lane core *k"], Float[Array, "lane bin slot *k"]]:
        """Entries of a vector over all parameters that belong to the core, and to each bin (0 for padding)."""
        padded = jnp.concatenate([vector, jnp.zeros_like(vector[:, :1])], axis=1)
        return vector[:, self.core], padded[:, self.local]

    def join(
        self, core: Float[Array, "lane core *k"], local: Float[Array, "lane bin slot *k"]
    ) -> Float[Array, "lane parameter *k"]:
        """The vector over all parameters."""
        flat = jnp.concatenate([core, local.reshape(len(core), self.local.size, *core.shape[2:])], axis=1)
        place = np.empty(self.n_parameters + 1, dtype=np.int64)
        place[self.local.ravel()] = len(self.core) + np.arange(self.local.size)
        place[self.core] = np.arange(len(self.core))
        return flat[:, place[:-1]]


class ArrowHessian(NamedTuple):
    """Second derivatives: within the core, between bins and core, and within each bin (0 for padding)."""

    core: Float[Array, "lane core core"]
    border: Float[Array, "lane bin slot core"]
    blocks: Float[Array, "lane bin slot slot"]


def arrow_layout(structure: Structure) -> ArrowLayout:
    """Find the parameters that act as a factor in one bin alone; those of derived quantities act in many."""
    if structure.derived.size:
        n, inputs = structure.n_parameters, structure.derived.inputs
        both = _arrow_layout(extended_structure(structure), {*inputs, *range(n, n + structure.derived.size)})
        return ArrowLayout(n, both.core[both.core < n], np.minimum(both.local, n))
    return _arrow_layout(structure, set())


def _arrow_layout(structure: Structure, kept: Set[int]) -> ArrowLayout:
    n = structure.n_parameters
    bins: dict[int, set[int]] = {}
    for own, b in zip(structure.entry_factors, structure.entry_bin, strict=True):
        for p in own[own < n]:
            bins.setdefault(int(p), set()).add(int(b))
    elsewhere = {*range(structure.n_histosys), *structure.term_parameter.tolist(), structure.poi, *kept}
    local: list[list[int]] = [[] for _ in range(structure.n_bins)]
    for p, where in sorted(bins.items()):
        if len(where) == 1 and p not in elsewhere:
            local[where.pop()].append(p)
    found = sum(map(len, local))
    if found < _FEWEST_LOCAL * n:
        return ArrowLayout(n, np.arange(n), np.zeros((structure.n_bins, 0), dtype=np.int64))
    core = np.setdiff1d(np.arange(n), np.concatenate([np.array(own, dtype=np.int64) for own in local]))
    return ArrowLayout(n, core, padded_lists(local, n))


class _Rows(NamedTuple):
    """Entries with the same logarithmic derivative by the core; those that have none are in no row.

    Attributes:
        of_entry: Row of each entry, the number of rows for none.
        entries: Entries of each row, padded with the number of entries.
        sources: Where each component of g comes from: a parameter's inverse, a term behind them, or nothing (last).
    """

    of_entry: Int[np.ndarray, " entry"]
    entries: Int[np.ndarray, "row local_entry"]
    sources: Int[np.ndarray, "row core"]


def _rows(structure: Structure, layout: ArrowLayout) -> _Rows:
    n, n_terms = structure.n_parameters, structure.n_terms
    position = np.full(n + 1, -1)
    position[layout.core] = np.arange(len(layout.core))
    keys = []
    for factors, terms in zip(structure.entry_factors, structure.entry_terms, strict=True):
        core = [int(p) for p in factors if p < n and position[p] >= 0]
        keys.append((tuple(core), tuple(int(t) for t in terms if t < n_terms)))
    number = {key: k for k, key in enumerate(key for key in dict.fromkeys(keys) if any(key))}
    of_entry = np.array([number.get(key, len(number)) for key in keys], dtype=np.int64)
    sources = np.full((len(number), len(layout.core)), n + n_terms)
    for (factors, terms), k in number.items():
        sources[k, position[list(factors)]] = factors
        sources[k, position[structure.term_parameter[list(terms)]]] = n + np.array(terms, dtype=np.int64)
    entries = padded_lists([np.flatnonzero(of_entry == k).tolist() for k in range(len(number))], len(keys))
    return _Rows(of_entry, entries, sources)


def arrow_hessian(
    structure: Structure, layout: ArrowLayout, shared: SharedNumbers, points: PointNumbers, ev: FirstOrder
) -> ArrowHessian:
    """All second derivatives of the negative log-likelihood."""
    if ev.derived is not None:
        return _derived_hessian(structure, layout, shared, points, ev.derived)
    rows = _rows(structure, layout)
    weights = ev.excess[:, structure.entry_bin] * ev.factor
    none = jnp.zeros((weights.shape[0], 1))
    g = jnp.concatenate([ev.inverse, ev.terms.first, none], axis=1)[:, rows.sources]
    y = _in_core(layout, additive_sums(structure, shared, points, weights, ev.features, rows.entries))
    s = grouped_sums(weights * ev.yields, rows.of_entry[:, None], len(rows.entries))
    slopes = ev.jacobian[:, :, layout.core]
    weighted = (ev.ratio / ev.positive)[:, :, None] * slopes
    left = jnp.concatenate([y + 0.5 * s[:, :, None] * g, 0.5 * slopes], axis=1)
    half = jnp.einsum("lkp,lkq->lpq", left, jnp.concatenate([g, weighted], axis=1))

    # The products count (d log f)^2 on the diagonal where f''/f belongs.
    additive, factors = second_order_diagonal(structure, shared, points, ev)
    diagonal = ev.constraint + additive + factors - counted_squares(structure, ev)
    own, local = layout.split(diagonal)
    core = half + jnp.swapaxes(half, 1, 2) + own[:, :, None] * jnp.eye(len(layout.core))
    if not layout.has_local:
        n_bins, slots = layout.local.shape
        empty = jnp.zeros((len(core), n_bins, slots, len(layout.core)))
        return ArrowHessian(core, empty, empty[..., :slots])
    border, blocks = _borders(structure, layout, rows, shared, points, ev, g)
    return ArrowHessian(core, border, blocks + local[..., None] * jnp.eye(layout.local.shape[1]))


def _derived_hessian(
    structure: Structure, layout: ArrowLayout, shared: SharedNumbers, points: PointNumbers, derived: Derived
) -> ArrowHessian:
    """Second derivatives by parameters and derived values, which are in the core, carried back to the parameters."""
    n, size = structure.n_parameters, structure.derived.size
    core, local = np.append(layout.core, np.arange(n, n + size)), np.where(layout.local == n, n + size, layout.local)
    model, common, own = extended_model(structure, shared, points)
    both = arrow_hessian(model, ArrowLayout(n + size, core, local), common, own, derived.ev)
    inputs = np.searchsorted(layout.core, structure.derived.inputs).tolist()
    return ArrowHessian(
        contracted_hessian(both.core, derived.slope, derived.bent, inputs),
        contracted(both.border, derived.slope, inputs),
        both.blocks,
    )


def _borders(
    structure: Structure,
    layout: ArrowLayout,
    rows: _Rows,
    shared: SharedNumbers,
    points: PointNumbers,
    ev: FirstOrder,
    g: Float[Array, "lane row core"],
) -> tuple[Float[Array, "lane bin slot core"], Float[Array, "lane bin slot slot"]]:
    """Second derivatives by a parameter of a bin and one of the core, and by two parameters of a bin."""
    n_bins, n_slots = layout.local.shape
    touching, both = _touching_entries(structure, layout)
    weights = ev.excess[:, structure.entry_bin] * ev.factor
    none = jnp.zeros((len(weights), 1))
    rates = jnp.concatenate([weights * ev.yields, none], axis=1)
    of_entry = np.append(rows.of_entry, len(rows.entries))
    y = _in_core(layout, additive_sums(structure, shared, points, weights, ev.features, touching))
    padded = jnp.concatenate([g, jnp.zeros_like(g[:, :1])], axis=1)
    y += jnp.sum(rates[:, touching, None] * padded[:, of_entry[touching]], axis=2)
    inverse = layout.split(ev.inverse)[1]
    local = jnp.concatenate([ev.jacobian, jnp.zeros_like(ev.jacobian[:, :, :1])], axis=2)
    local = local[:, np.arange(n_bins)[:, None], layout.local]
    core = ev.jacobian[:, :, layout.core]
    weighted = (ev.ratio / ev.positive)[:, :, None] * local
    border = inverse[..., None] * y.reshape(-1, n_bins, n_slots, y.shape[-1])
    border += weighted[..., None] * core[:, :, None, :]
    pairs = rates[:, both].sum(axis=-1) * inverse[..., None] * inverse[..., None, :]
    return border, pairs + weighted[..., None] * local[:, :, None, :]


def _touching_entries(
    structure: Structure, layout: ArrowLayout
) -> tuple[Int[np.ndarray, "bin_slot entry"], Int[np.ndarray, "bin slot slot entry"]]:
    """Entries that each parameter of a bin multiplies, and those that two of them multiply; padded."""
    n_bins, n_slots = layout.local.shape
    n, n_entries = structure.n_parameters, structure.n_entries
    entries: dict[int, set[int]] = {}
    for e, factors in enumerate(structure.entry_factors):
        for p in factors[factors < n]:
            entries.setdefault(int(p), set()).add(e)
    own = [entries.get(int(p), set()) for p in layout.local.ravel()]
    touching = padded_lists([sorted(found) for found in own], n_entries)
    pairs = [
        sorted(own[b * n_slots + i] & own[b * n_slots + k])
        for b in range(n_bins)
        for i in range(n_slots)
        for k in range(n_slots)
    ]
    return touching, padded_lists(pairs, n_entries).reshape(n_bins, n_slots, n_slots, -1)


def _in_core(layout: ArrowLayout, values: Float[Array, "lane group histosys"]) -> Float[Array, "lane group core"]:
    """Values by histosys parameter, which come first in the core, with zeros for the others."""
    return jnp.pad(values, ((0, 0), (0, 0), (0, len(layout.core) - values.shape[2])))
