"""What a program is compiled for (`Structure`) and the numbers it is given (`SharedNumbers`, `PointNumbers`).

Rates are a flat list of entries, one per (sample, channel, bin). Entries whose numbers are the same for every point
of a group come first and are stored once; the others (the signal, usually) are stored per point. Parameters have an
internal order in which those of histosys modifiers come first, so that additive shifts are plain matrix products.
"""

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from hfscale.model.derived import NOTHING_DERIVED, DerivedQuantities
from hfscale.model.interpolation import DEFAULT_CODES, InterpolationCodes

UNCONSTRAINED, NORMAL, POISSON, LOGNORMAL = 0, 1, 2, 3
"""Codes of constraint terms in `Structure.constraint`."""


class Clipping(NamedTuple):
    """Least expected rates, None for no limit.

    Attributes:
        samples: Least rate of a sample in a bin.
        bins: Least rate of a bin.
    """

    samples: float | None = None
    bins: float | None = None


NO_CLIPPING = Clipping()


@dataclass(frozen=True, eq=False)
class Structure:
    """Index tables of a group of points that share one compiled program; hashable by content.

    Attributes:
        n_bins: Number of bins of all channels.
        n_shared: Entries that are the same for every point (they come first).
        n_histosys: Parameters with additive shifts (they come first).
        n_varying_histosys: How many of them shift entries that vary between points (they come first of all).
        n_shared_terms: normsys terms that are the same for every point (they come first).
        entry_bin: Bin of each entry.
        entry_factors: Parameters that multiply each entry, counting derived values behind them; padded with the number
            of both.
        entry_terms: normsys terms that multiply each entry, padded with the number of terms.
        term_parameter: Parameter of each normsys term.
        constraint: Kind of constraint of each parameter.
        gamma: Positive parameters, such as those of staterror and shapesys, which must not fall fast towards zero.
        poi: Index of the POI.
        codes: Interpolation codes.
        clip: Least expected rates.
        derived: Factors that are functions of parameters.
    """

    n_bins: int
    n_shared: int
    n_histosys: int
    n_varying_histosys: int
    n_shared_terms: int
    entry_bin: Int[np.ndarray, " entry"]
    entry_factors: Int[np.ndarray, "entry factor"]
    entry_terms: Int[np.ndarray, "entry local_term"]
    term_parameter: Int[np.ndarray, " term"]
    constraint: Int[np.ndarray, " parameter"]
    gamma: Bool[np.ndarray, " parameter"]
    poi: int
    codes: InterpolationCodes = DEFAULT_CODES
    clip: Clipping = NO_CLIPPING
    derived: DerivedQuantities = NOTHING_DERIVED

    @property
    def n_entries(self) -> int:
        """Number of (sample, channel, bin) entries."""
        return len(self.entry_bin)

    @property
    def n_parameters(self) -> int:
        """Number of scalar parameters."""
        return len(self.constraint)

    @property
    def n_terms(self) -> int:
        """Number of normsys terms."""
        return len(self.term_parameter)

    @property
    def is_clipped(self) -> bool:
        """Whether rates have limits, which give a likelihood kinks and further minima."""
        return self.clip != NO_CLIPPING

    @property
    def needs_several_starts(self) -> bool:
        """Whether further minima are common: with limits of rates, and with functions of parameters."""
        return self.is_clipped or self.derived != NOTHING_DERIVED

    @cached_property
    def shifting(self) -> Bool[np.ndarray, " parameter"]:
        """Normal-constrained parameters that shift yields: neither gammas nor the POI."""
        chosen: Bool[np.ndarray, " parameter"] = (self.constraint == NORMAL) & ~self.gamma
        chosen[self.poi : self.poi + 1] = False
        return chosen

    @cached_property
    def digest(self) -> str:
        """Stable hash of everything that a compiled program depends on."""
        state = hashlib.sha256()
        state.update(repr(self.codes).encode())
        if self.is_clipped:
            state.update(repr(self.clip).encode())
        if self.derived != NOTHING_DERIVED:
            state.update(repr(self.derived.key).encode())
        for field in fields(self):
            if field.name in ("codes", "clip", "derived"):
                continue
            value = getattr(self, field.name)
            state.update(f"{field.name}:{getattr(value, 'shape', '')}:".encode())
            state.update(np.ascontiguousarray(value, dtype=np.int64).tobytes())
        return state.hexdigest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        # A function that is defined again has its old name: only the functions themselves tell the two apart.
        return isinstance(other, Structure) and self.digest == other.digest and self.derived == other.derived


class SharedNumbers(NamedTuple):
    """Numbers common to all points of a group.

    `half_sum` and `half_difference` are (up - down) / 2 and (up + down) / 2 - nominal of each histosys. A normsys term
    is exp(alpha log_hi) above 1, exp(-alpha log_lo) below -1, and 1 + a polynomial between.
    """

    nominal: Float[np.ndarray, " shared"]
    half_sum: Float[np.ndarray, "shared histosys"]
    half_difference: Float[np.ndarray, "shared histosys"]
    log_hi: Float[np.ndarray, " shared_term"]
    log_lo: Float[np.ndarray, " shared_term"]
    polynomial: Float[np.ndarray, "shared_term 6"]


class PointNumbers(NamedTuple):
    """Numbers that differ from point to point; the leading axis counts points (or fits).

    `width` is sigma of a normal or log-normal constraint and tau of a Poisson one. A parameter that a point does not
    have is fixed and not `constrained`; a bin that it does not have has `bins` 0. `derived` are the numbers that custom
    modifiers get, in the order of `Structure.derived.terms`.
    """

    nominal: Float[np.ndarray, "point varying"]
    half_sum: Float[np.ndarray, "point varying varying_histosys"]
    half_difference: Float[np.ndarray, "point varying varying_histosys"]
    log_hi: Float[np.ndarray, "point varying_term"]
    log_lo: Float[np.ndarray, "point varying_term"]
    polynomial: Float[np.ndarray, "point varying_term 6"]
    data: Float[np.ndarray, "point bin"]
    bins: Float[np.ndarray, "point bin"]
    auxdata: Float[np.ndarray, "point parameter"]
    width: Float[np.ndarray, "point parameter"]
    constrained: Float[np.ndarray, "point parameter"]
    lower: Float[np.ndarray, "point parameter"]
    upper: Float[np.ndarray, "point parameter"]
    fixed: Bool[np.ndarray, "point parameter"]
    derived: Float[np.ndarray, "point datum"]

    def take(self, index: Int[np.ndarray, " selected"]) -> "PointNumbers":
        """Rows of the given points, in that order, repeated where asked."""
        return PointNumbers(*(array[index] for array in self))


@dataclass(frozen=True)
class ModelGroup:
    """Points of a campaign that share one structure.

    Attributes:
        structure, shared, points: Program and numbers; arrays use the internal parameter order.
        inits: Start values of each point.
        members: Positions of the points in the campaign.
        parameter_names: Component names in pyhf's order.
        order: Internal position -> position in `parameter_names`.
        present: Parameters (internal order) that each point has.
        has_signal: Whether the POI changes any rate of the point.
        bin_names: (channel, bin) of every bin.
        digests, background_digests: What each point is, as a whole and where the POI is 0 (`hfscale.model.identity`).
        entry_names: (channel, sample, bin) of every entry; the sample is empty for those that only patches bring.
        entry_samples: Name of the sample of every entry at each point, empty where the point lacks it.
    """

    structure: Structure
    shared: SharedNumbers
    points: PointNumbers
    inits: Float[np.ndarray, "point parameter"]
    members: Int[np.ndarray, " point"]
    parameter_names: tuple[str, ...]
    order: Int[np.ndarray, " parameter"]
    present: Bool[np.ndarray, "point parameter"]
    has_signal: Bool[np.ndarray, " point"]
    bin_names: tuple[tuple[str, int], ...]
    digests: tuple[str, ...]
    background_digests: tuple[str, ...]
    entry_names: tuple[tuple[str, str, int], ...] = ()
    entry_samples: tuple[tuple[str, ...], ...] = ()

    def external(self, values: Shaped[np.ndarray, "*batch parameter"]) -> Shaped[np.ndarray, "*batch parameter"]:
        """Numbers of parameters in the order of `parameter_names`."""
        result = np.empty_like(values)
        result[..., self.order] = values
        return result
