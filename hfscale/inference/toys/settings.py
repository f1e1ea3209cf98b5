"""What a calculation with toys is asked to do. Knows no JAX, so that plans and stores can use it."""

from dataclasses import dataclass
from typing import Literal, get_args

from hfscale.errors import InputError

Hypothesis = Literal["sb", "b"]
"""What toys are thrown from: the tested hypothesis, or the other one (background only, but POI 1 for q0)."""

Ensemble = Literal["unconditional", "aux-profiled", "aux-observed"]
"""Auxiliary data of toys: fluctuated, held at the expectation at the generating parameters, or as observed."""

ToyNuisance = Literal["profiled", "prefit"]
"""Nuisance parameters that toys are thrown from: profiled to the observed data, or as suggested by the model."""

ToyTestStatistic = Literal["qtilde", "q", "q0"]

GENERATOR = "philox4x64-sha256-inverse-cdf-1"
"""Identity of the way from an address to numbers; toys of different generators do not belong together."""


@dataclass(frozen=True)
class ToySettings:
    """How toys are thrown and compared.

    Attributes:
        ensemble: What becomes of the auxiliary data.
        nuisance: Which nuisance parameters they are thrown from.
        seed: Seed, at least 0; other seeds give independent toys.
        test_stat: Test statistic. `q` and `qtilde` are the same function of the fits, which keep the POI within its
            bounds; they differ for asymptotic p-values only.
        generator: Identity of the generator.

    Raises:
        InputError: A value that is not allowed.
    """

    ensemble: Ensemble = "unconditional"
    nuisance: ToyNuisance = "profiled"
    seed: int = 0
    test_stat: ToyTestStatistic = "qtilde"
    generator: str = GENERATOR

    def __post_init__(self) -> None:
        for name, allowed in (("ensemble", Ensemble), ("nuisance", ToyNuisance), ("test_stat", ToyTestStatistic)):
            _require(name, getattr(self, name), get_args(allowed))
        if self.seed < 0:
            raise InputError(f"the seed of toys is {self.seed} and must not be negative", remedy="choose 0 or more")

    def poi_of(self, hypothesis: Hypothesis, mu: float) -> float:
        """POI value that toys of a hypothesis are thrown with where `mu` is tested."""
        if hypothesis == "sb":
            return mu
        return 1.0 if self.test_stat == "q0" else 0.0


def _require(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"the {name} of toys is {value!r}", remedy=f"choose one of {', '.join(allowed)}")
