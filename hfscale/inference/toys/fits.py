"""Fits of toys: two for each, and the test statistic from them."""

import numpy as np
from jaxtyping import Float

from hfscale.errors import InputError
from hfscale.fit.escalation import best_fits, refit
from hfscale.fit.lanes import FitResults
from hfscale.fit.other_minima import with_other_minima
from hfscale.fit.profiles import rate_tables
from hfscale.fit.slots import AGREEMENT
from hfscale.fit.starts import scattered_starts
from hfscale.fit.trace import Attempt, Observer, unobserved
from hfscale.inference.results import PointStatus
from hfscale.inference.toys.addresses import address_of
from hfscale.inference.toys.results import ToyBlock, ToyOrigins, ToyStatus
from hfscale.inference.toys.settings import GENERATOR, Hypothesis, ToySettings
from hfscale.inference.toys.statistics import toy_statistic
from hfscale.inference.toys.throw import Thrown, throw_toys
from hfscale.model.structure import POISSON, ModelGroup, PointNumbers, Structure

_MINUIT_CALLS = 2_000
"""A fit that Newton steps do not bring to an end costs a second then; with ten times as many, few more ended well."""


def run_toys(
    group: ModelGroup,
    row: int,
    origins: ToyOrigins,
    hypothesis: Hypothesis,
    mu: float,
    first: int,
    count: int,
    settings: ToySettings,
    *,
    observe: Observer = unobserved,
) -> ToyBlock:
    """Throw and fit toys `first` to `first + count - 1` of a point, testing the POI value `mu`.

    A toy is the same in every block. One with a failed fit has status FAILED and a reason; where the observed fits of
    the point failed or it has no signal, no toy is run.

    Args:
        group, row: The point.
        origins: What `toy_origins` gave for this point, perhaps among others, with the same `mu` and settings.
        hypothesis: What toys are thrown from.
        mu: Tested value of the POI.
        first, count: Which toys.
        settings: How toys are thrown.
        observe: Is told each attempt at the minima: first the conditional fits of all toys, then their free ones.

    Raises:
        InputError: Negative numbers of toys, or settings of another generator.
    """
    if first < 0 or count < 0:
        raise InputError(f"toys {first} to {first + count - 1} cannot be run", remedy="choose numbers of at least 0")
    if settings.generator != GENERATOR:
        raise InputError(
            f"toys of the generator {settings.generator!r} cannot be thrown, only those of {GENERATOR!r}",
            remedy="use the version of hfscale that threw the others, or begin anew",
        )
    if origins.status[origins.position(row)] != PointStatus.OK or count == 0:
        return _not_run(count)
    theta, rates = origins.generating(row, hypothesis)
    address = address_of((group.digests[row], group.background_digests[row]), hypothesis, mu, settings)
    thrown = throw_toys(group, row, address, theta, rates, first, count)
    conditional, free = _fit_toys(group, row, thrown, theta, rates, mu, observe)
    return _block(group, conditional, free, mu, first, settings)


def _fit_toys(
    group: ModelGroup,
    row: int,
    thrown: Thrown,
    theta: Float[np.ndarray, " parameter"],
    rates: Float[np.ndarray, " bin"],
    mu: float,
    observe: Observer,
) -> tuple[FitResults, FitResults]:
    """Conditional and free fits, from the generating parameters and where another minimum may be."""
    structure, count = group.structure, len(thrown.data)
    points = group.points.take(np.full(count, row))
    free_points = points._replace(data=thrown.data, auxdata=thrown.auxdata)
    fixed = points.fixed.copy()
    fixed[:, structure.poi] = True
    both = PointNumbers(
        *(np.concatenate(arrays) for arrays in zip(free_points._replace(fixed=fixed), free_points, strict=True))
    )
    # A Poisson constraint without auxiliary events pulls its parameter to the bound, which takes many steps to reach.
    empty = (structure.constraint == POISSON) & (points.constrained > 0) & ~points.fixed & (thrown.auxdata <= 0.0)
    generating = np.where(empty, points.lower, theta)
    starts = [np.concatenate([_with_poi(structure, generating, mu), generating])]
    if structure.needs_several_starts:
        starts += scattered_starts(structure, both, starts[0])
    known = best_fits(
        structure, group.shared, both, starts, sure=len(starts), minuit_calls=_MINUIT_CALLS, observe=observe
    )
    tables = rate_tables(structure, group.shared, group.points.take(np.array([row])), theta, rates)
    results = with_other_minima(structure, group.shared, tables, both, known)
    _tell_of_other_sides(known, results, observe)
    conditional, free = results.take(np.arange(count)), results.take(np.arange(count, 2 * count))
    # The free minimum cannot lie above a conditional one: where it does, go on from there.
    above = conditional.succeeded & ~(free.nll <= conditional.nll + AGREEMENT)

    def observe_free(attempt: Attempt) -> None:
        observe(attempt._replace(fits=attempt.fits + count))

    free = refit(structure, group.shared, free_points, conditional.theta, above, free, observe=observe_free)
    return conditional, free


def _tell_of_other_sides(known: FitResults, results: FitResults, observe: Observer) -> None:
    """Report the fits that were tried on other sides of single parameters."""
    spent = results.iterations - known.iterations
    tried = np.flatnonzero(spent)
    if len(tried):
        found = results._replace(iterations=spent).take(tried)
        observe(Attempt("other sides", tried, found, known.take(tried)))


def _with_poi(
    structure: Structure, theta: Float[np.ndarray, "toy parameter"], value: float
) -> Float[np.ndarray, "toy parameter"]:  # fmt: skip
    result = theta.copy()
    result[:, structure.poi] = value
    return result


def _block(
    group: ModelGroup, conditional: FitResults, free: FitResults, mu: float, first: int, settings: ToySettings
) -> ToyBlock:
    good = conditional.succeeded & free.succeeded
    mu_hat = free.theta[:, group.structure.poi]
    q = toy_statistic(conditional.nll, free.nll, mu_hat, mu, settings.test_stat)
    good &= np.isfinite(q)
    return ToyBlock(
        q=np.where(good, q, np.nan),
        mu_hat=np.where(good, mu_hat, np.nan),
        twice_nll_conditional=np.where(conditional.succeeded, 2.0 * conditional.nll, np.nan),
        twice_nll_free=np.where(free.succeeded, 2.0 * free.nll, np.nan),
        status=np.where(good, int(ToyStatus.OK), int(ToyStatus.FAILED)),
        reasons={first + int(k): _reason(conditional, free, int(k)) for k in np.flatnonzero(~good)},
    )


def _reason(conditional: FitResults, free: FitResults, toy: int) -> str:
    statuses = {"conditional": conditional.take_status(toy), "free": free.take_status(toy)}
    failed = [f"{name} fit: {status.advice}" for name, status in statuses.items() if not status.succeeded]
    return "; ".join(failed) or "the test statistic is not finite"


def _not_run(count: int) -> ToyBlock:
    unknown = np.full(count, np.nan)
    return ToyBlock(unknown, unknown, unknown, unknown, np.full(count, int(ToyStatus.NOT_RUN)), {})
