"""One toy again, with its data by name and every attempt at its two minima."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from hfscale.fit.status import FitStatus
from hfscale.fit.trace import Attempt, AttemptKind
from hfscale.inference.toys.addresses import address_of
from hfscale.inference.toys.fits import run_toys
from hfscale.inference.toys.results import ToyBlock, ToyOrigins, ToyStatus
from hfscale.inference.toys.settings import Hypothesis, ToySettings
from hfscale.inference.toys.throw import Thrown, throw_toys
from hfscale.model.structure import ModelGroup

FitName = Literal["conditional", "free"]
Outcome = Literal["kept", "replaced", "not lower"]
"""Whether an attempt gave the minimum, gave the lowest until another replaced it, or gave nothing lower."""

_FITS: tuple[FitName, ...] = ("conditional", "free")
"""Places of the fits of a single toy in the batch that `run_toys` makes."""
_STARTS: Mapping[AttemptKind, str] = {
    "start": "the parameters it was thrown with",
    "neighbours": "neighbours of the lowest minimum",
    "barrier": "rates held above zero",
    "iminuit": "where iminuit ended",
    "other sides": "other sides of single parameters",
    "other fit": "the conditional minimum",
}


@dataclass(frozen=True)
class ReplayedFit:
    """One attempt at a minimum of a toy.

    Attributes:
        fit: With the POI at the tested value, or free.
        start: Where it began.
        iterations: Evaluations that it took.
        twice_nll: -2 ln L where it ended; for a search among several starts, the lowest that is known after it.
        status: How it ended. Where a known minimum cannot be reached any more, an attempt ends without being certified.
        outcome: Whether it was kept.
        parameters: Parameters where it ended, by name.
    """

    fit: FitName
    start: str
    iterations: int
    twice_nll: float
    status: FitStatus
    outcome: Outcome
    parameters: Mapping[str, float]


class ToyData(NamedTuple):
    """Data of a toy: counts of each channel, and auxiliary data of each constrained parameter."""

    observations: Mapping[str, list[float]]
    auxdata: Mapping[str, list[float]]


def throw_toy(
    group: ModelGroup,
    row: int,
    origins: ToyOrigins,
    hypothesis: Hypothesis,
    mu: float,
    toy: int,
    settings: ToySettings,
) -> ToyData:
    """Data of one toy; arguments as of `hfscale.inference.toys.fits.run_toys`."""
    address = address_of((group.digests[row], group.background_digests[row]), hypothesis, mu, settings)
    thrown = throw_toys(group, row, address, *origins.generating(row, hypothesis), toy, 1)
    return _by_name(group, row, thrown)


def _by_name(group: ModelGroup, row: int, thrown: Thrown) -> ToyData:
    observations: dict[str, list[float]] = {}
    for k, (channel, _) in enumerate(group.bin_names):
        if group.points.bins[row, k] > 0:
            observations.setdefault(channel, []).append(float(thrown.data[0, k]))
    auxdata: dict[str, list[float]] = {}
    constrained = group.points.constrained[row] > 0
    for place, name in zip(np.argsort(group.order), group.parameter_names, strict=True):
        if constrained[place]:
            parameter = name.rpartition("[")[0] if name.endswith("]") else name
            auxdata.setdefault(parameter, []).append(float(thrown.auxdata[0, place]))
    return ToyData(observations, auxdata)


@dataclass(frozen=True)
class ReplayedToy:
    """What became of a toy that was thrown and fitted again.

    Attributes:
        q, mu_hat: Test statistic, and POI at the free minimum; NaN where a fit failed.
        twice_nll_conditional, twice_nll_free: Minima with the POI at the tested value, and free; NaN likewise.
        status, reason: What became of it, and why it failed; the reason is empty where it did not.
        fits: All attempts at the conditional minimum, then those at the free one, each in order.
    """

    q: float
    mu_hat: float
    twice_nll_conditional: float
    twice_nll_free: float
    status: ToyStatus
    reason: str
    fits: tuple[ReplayedFit, ...]

    def minimum(self, fit: FitName) -> ReplayedFit:
        """The attempt that gave the minimum of a fit."""
        return next(found for found in self.fits if found.fit == fit and found.outcome == "kept")


def replay_toy(
    group: ModelGroup,
    row: int,
    origins: ToyOrigins,
    hypothesis: Hypothesis,
    mu: float,
    toy: int,
    settings: ToySettings,
) -> ReplayedToy:
    """Fit one toy again, and keep what each attempt at a minimum gave.

    Arguments and errors are those of `hfscale.inference.toys.fits.run_toys`. Toys can be thrown from the point only
    where its status in `origins` is OK.
    """
    attempts: list[Attempt] = []
    block: ToyBlock = run_toys(group, row, origins, hypothesis, mu, toy, 1, settings, observe=attempts.append)
    fits = [found for place, name in enumerate(_FITS) for found in _attempts_of(group, row, attempts, place, name)]
    return ReplayedToy(
        q=float(block.q[0]),
        mu_hat=float(block.mu_hat[0]),
        twice_nll_conditional=float(block.twice_nll_conditional[0]),
        twice_nll_free=float(block.twice_nll_free[0]),
        status=ToyStatus(int(block.status[0])),
        reason=block.reasons.get(toy, ""),
        fits=tuple(fits),
    )


def _attempts_of(
    group: ModelGroup, row: int, attempts: Sequence[Attempt], place: int, name: FitName
) -> list[ReplayedFit]:  # fmt: skip
    """The attempts at one of the fits; the last that was better is the one that was kept."""
    own = [(attempt, int(k)) for attempt in attempts for k in np.flatnonzero(attempt.fits == place)]
    better = [bool(attempt.better[k]) for attempt, k in own]
    kept = max(number for number, is_better in enumerate(better) if is_better)
    found = []
    for number, (attempt, k) in enumerate(own):
        outcome: Outcome = "kept" if number == kept else "replaced" if better[number] else "not lower"
        found.append(
            ReplayedFit(
                fit=name,
                start=f"scattered parameters {attempt.number}" if attempt.number else _STARTS[attempt.kind],
                iterations=int(attempt.found.iterations[k]),
                twice_nll=2.0 * float(attempt.found.nll[k]),
                status=attempt.found.take_status(k),
                outcome=outcome,
                parameters=parameters_by_name(group, row, attempt.found.theta[k]),
            )
        )
    return found


def parameters_by_name(group: ModelGroup, row: int, theta: Float[np.ndarray, " parameter"]) -> dict[str, float]:
    """Values of the parameters that a point has, by name, in the order of the group's names."""
    values, present = group.external(theta), np.empty_like(group.present[row])
    present[group.order] = group.present[row]
    return {
        name: float(value)
        for name, value, is_present in zip(group.parameter_names, values, present, strict=True)
        if is_present
    }
