"""Which settings of a calculation belong to which kinds of calculations."""

from collections.abc import Mapping
from types import MappingProxyType

ADAPTIVE_OPTIONS = frozenset({"nsigma", "min_toys", "max_toys", "accuracy", "budget"})
"""Fields of `hfscale.plan.settings.Calculation` that only an adaptive number of toys has."""
FIXED_NUMBER = frozenset({"ntoys", "first_toy"})
"""Fields that only a fixed number of toys has."""
TOY_OPTIONS = frozenset({"seed", "ensemble", "toy_nuisance", "adaptive"}) | FIXED_NUMBER | ADAPTIVE_OPTIONS
"""Fields that only toys have."""
ADAPTIVE_GRID = frozenset({"adaptive_grid", "grid_tolerance"})
"""Fields of profile likelihoods that are no part of the document where the grid is not adaptive."""
KIND_OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "cls": frozenset({"test_poi", "test_stat", "signal_uncertainty"}),
        "limit": frozenset({"level", "test_stat", "luminosity", "cross_section"}),
        "scan": frozenset({"poi_grid", "test_stat"}),
        "significance": frozenset(),
        "profile": frozenset({"parameters", "grids"}) | ADAPTIVE_GRID,
        "fit": frozenset({"fix", "bounds", "init", "minos"}),
        "ranking": frozenset({"fix", "bounds", "init", "groups"}),
        "gof": frozenset({"fix", "bounds", "init", "channels"}),
    }
)
"""Fields that not all kinds have, for each kind."""
WITHOUT_TOYS = ("profile", "fit", "ranking")
GOF_TOYS = frozenset({"ntoys", "seed", "ensemble"})
"""Toys of a goodness of fit are thrown with the point that they belong to, and have these settings alone."""
LEFT_OUT = ("asimov", "luminosity", "cross_section", "signal_uncertainty")
"""Fields that are no part of the document where they are None."""
