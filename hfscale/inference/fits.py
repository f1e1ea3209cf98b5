"""The fits that asymptotic CLs needs, for many points at once, each done as few times as possible."""

import hashlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from hfscale.fit.escalation import best_fits, refit
from hfscale.fit.lanes import FitResults
from hfscale.fit.starts import scattered_starts
from hfscale.model.constraints import expected_auxdata
from hfscale.model.structure import ModelGroup, PointNumbers

_AGREEMENT = 1e-7
_COLD_TROUBLES = 4


class HypothesisFits(NamedTuple):
    """Minima for every point of a block; `asimov_free` is the known minimum on the Asimov data, certified."""

    background: FitResults
    free: FitResults
    conditional: FitResults
    asimov: FitResults
    asimov_free: FitResults
    n_fits: int


def fit_hypotheses(group: ModelGroup, rows: Int[np.ndarray, " point"], mu: float) -> HypothesisFits:
    """Run all fits for the points in `rows` of a group, testing the POI value `mu`."""
    points, inits = group.points.take(rows), group.inits[rows]
    background, n_background = _background_fits(group, points, inits)

    # All other fits start from the background-only ones and wait in one queue, so that lanes are idle only once.
    at_mu = _fixed_poi(group, points)
    asimov_data = asimov_numbers(group, points, background)
    jobs = stacked(at_mu, points, asimov_data._replace(fixed=at_mu.fixed), asimov_data)
    started, cold = _with_poi(group, background.theta, mu), _with_poi(group, inits, mu)
    scattered = scattered_starts(group.structure, points, started)
    # With every constraint term at its mode and every rate equal to the data, the parameters that made the Asimov data
    # are its free minimum; fitting from there certifies that in one evaluation.
    known = background.theta
    starts = [(started, known, started, known), (cold, inits, cold, known)]
    starts += [(_with_poi(group, s, mu), s, _with_poi(group, s, mu), s) for s in scattered]
    sure = len(starts) if group.structure.needs_several_starts else 1
    results = best_fits(group.structure, group.shared, jobs, [np.concatenate(start) for start in starts], sure=sure)
    n = len(rows)
    conditional, free, asimov, asimov_free = (results.take(np.arange(k * n, (k + 1) * n)) for k in range(4))
    for other in (conditional, background):
        free = not_above(group, points, free, other)
    return HypothesisFits(background, free, conditional, asimov, asimov_free, n_background + 4 * n)


class CommonFits(NamedTuple):
    """What all POI values of some points have in common: the fits that do not depend on it, and the Asimov data.

    Attributes:
        points, inits: Numbers and start values of each point.
        asimov_data: The same with the Asimov data of the background-only fit.
        background, free: Fits of the data with the POI at 0 and free.
        asimov_free: The known minimum on the Asimov data, certified.
        n_fits: How many fits were made.
    """

    points: PointNumbers
    inits: Float[np.ndarray, "point parameter"]
    asimov_data: PointNumbers
    background: FitResults
    free: FitResults
    asimov_free: FitResults
    n_fits: int


def fit_common(group: ModelGroup, rows: Int[np.ndarray, " point"]) -> CommonFits:
    """Run the fits of the points in `rows` of a group that no tested POI value changes."""
    points, inits = group.points.take(rows), group.inits[rows]
    background, n_background = _background_fits(group, points, inits)
    asimov_data = asimov_numbers(group, points, background)
    near = np.concatenate([background.theta, background.theta])
    both = fit_numbers(group, stacked(points, asimov_data), np.concatenate([inits, inits]), near)
    n = len(rows)
    common = CommonFits(
        points, inits, asimov_data, background, both.take(np.arange(n)), both.take(np.arange(n, 2 * n)),
        n_background + 2 * n,
    )  # fmt: skip
    return common._replace(free=not_above(group, points, common.free, background))


def fit_numbers(
    group: ModelGroup,
    numbers: PointNumbers,
    inits: Float[np.ndarray, "fit parameter"],
    near: Float[np.ndarray, "fit parameter"],
    mu: Float[np.ndarray, " fit"] | None = None,
) -> FitResults:
    """Fit any numbers of a group, with the POI free or each at its own value.

    Args:
        group: The group.
        numbers: Numbers of each fit.
        inits: Start values before any fit.
        near: Start values near the minimum.
        mu: Value of the POI in each fit, None where it is free.
    """
    scattered = scattered_starts(group.structure, numbers, near)
    starts = [near, inits, *scattered]
    if mu is not None:
        numbers, starts = _fixed_poi(group, numbers), [_with_poi(group, start, mu) for start in starts]
    sure = len(starts) if group.structure.needs_several_starts else 1
    return best_fits(group.structure, group.shared, numbers, starts, sure=sure)


def not_above(group: ModelGroup, points: PointNumbers, free: FitResults, other: FitResults) -> FitResults:
    """Free minima that lie above a conditional one, which cannot be, are sought again from there."""
    above = other.succeeded & ~(free.nll <= other.nll + _AGREEMENT)
    return refit(group.structure, group.shared, points, other.theta, above, free)


def stacked(*numbers: PointNumbers) -> PointNumbers:
    """Numbers of several batches of fits as one batch."""
    return PointNumbers(*(np.concatenate(arrays) for arrays in zip(*numbers, strict=True)))


def asimov_numbers(group: ModelGroup, points: PointNumbers, at: FitResults) -> PointNumbers:
    """Numbers with main and auxiliary data replaced by their expectation at the given minima."""
    expected = expected_auxdata(group.structure.constraint, points.width, at.theta)
    return points._replace(data=at.rates, auxdata=np.where(points.constrained > 0, expected, points.auxdata))


def _background_fits(
    group: ModelGroup, points: PointNumbers, inits: Float[np.ndarray, "point parameter"]
) -> tuple[FitResults, int]:
    """Fits with the POI at 0, one for all points whose background-only models are the same."""
    start = _with_poi(group, inits, 0.0)
    keys = _background_keys(group, points, start)
    first = {key: k for k, key in reversed(list(enumerate(keys)))}
    distinct = sorted(first.values())
    place = {keys[k]: i for i, k in enumerate(distinct)}
    index = np.array(distinct, dtype=np.int64)
    fits = _fixed_poi(group, points).take(index)
    scattered = scattered_starts(group.structure, points, start)
    starts = [start[index], *(_with_poi(group, s, 0.0)[index] for s in scattered)]
    sure = len(starts) if group.structure.needs_several_starts else 1
    results = best_fits(group.structure, group.shared, fits, starts, troubles=_COLD_TROUBLES, sure=sure)
    return results.take(np.array([place[key] for key in keys], dtype=np.int64)), len(distinct)


def _background_keys(
    group: ModelGroup, points: PointNumbers, start: Float[np.ndarray, "point parameter"]
) -> list[bytes]:
    """What the background-only model of each point depends on, as a digest.

    Entries that the POI multiplies vanish at POI = 0, so their numbers do not count; everything else does.
    """
    structure = group.structure
    varying = slice(structure.n_shared, None)
    vanishes = (structure.entry_factors[varying] == structure.poi).any(axis=1)
    kept_terms = np.zeros(structure.n_terms + 1, dtype=bool)
    kept_terms[structure.entry_terms[varying][~vanishes]] = True
    terms = kept_terms[structure.n_shared_terms : -1]
    arrays = (
        points.nominal[:, ~vanishes],
        points.half_sum[:, ~vanishes],
        points.half_difference[:, ~vanishes],
        points.log_hi[:, terms],
        points.log_lo[:, terms],
        *(points.data, points.bins, points.auxdata, points.width, points.constrained),
        *(points.lower, points.upper, points.fixed, points.derived, start),
    )
    return [hashlib.sha256(b"".join(a[k].tobytes() for a in arrays)).digest() for k in range(len(start))]


def _fixed_poi(group: ModelGroup, points: PointNumbers) -> PointNumbers:
    fixed = points.fixed.copy()
    fixed[:, group.structure.poi] = True
    return points._replace(fixed=fixed)


def _with_poi(
    group: ModelGroup, theta: Float[np.ndarray, "point parameter"], value: float | Float[np.ndarray, " point"]
) -> Float[np.ndarray, "point parameter"]:
    result = theta.copy()
    result[:, group.structure.poi] = value
    return result
