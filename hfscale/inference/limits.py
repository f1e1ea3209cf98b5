"""Asymptotic upper limits on the POI, observed and expected, of many points at once.

A limit is the POI value at which CLs equals the level. Each of the six limits of a point is where a function of the POI
crosses zero, and all of them are searched together: in each round every limit that is not known yet proposes one value,
and the conditional fits at all of them are one batch. What does not depend on the POI is fitted once.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr, ndtri

from hfscale.fit.lanes import FitResults
from hfscale.inference.assembly import Assembly, finite, root
from hfscale.inference.asymptotics import N_SIGMA, TestStatistic, asymptotic_p_values
from hfscale.inference.bracketing import crossing, next_value
from hfscale.inference.fits import CommonFits, fit_common, fit_numbers, not_above, stacked
from hfscale.inference.profiles import Profile
from hfscale.inference.results import LimitBlock, LimitStatus
from hfscale.inference.test_statistics import upper_limit_statistic
from hfscale.inference.yields import signal_yields
from hfscale.model.structure import ModelGroup

_OBSERVED = len(N_SIGMA)
"""Column of the observed limit; the expected ones come before it."""
_CAREFUL_ROUND, _LAST_ROUND = 8, 60
"""Rounds after which every other one halves the intervals, and after which a limit is given up."""
_SMALLEST_CLS = 1e-300


class _Wanted(NamedTuple):
    """A fit that a round asks for."""

    point: int
    mu: float
    observed: bool


def upper_limits(
    group: ModelGroup,
    rows: Int[np.ndarray, " point"],
    level: float = 0.05,
    rtol: float = 1e-4,
    test_stat: TestStatistic = "qtilde",
    *,
    observed: bool = True,
) -> LimitBlock:
    """Upper limits of the points in `rows` of a group.

    Args:
        group: The group.
        rows: Its rows.
        level: CLs at the limit.
        rtol: Relative width of the interval that each limit is enclosed in.
        test_stat: Asymptotic formula.
        observed: Whether there is an observed limit.

    Returns:
        The limits. Where CLs at the POI's upper bound is above the level, the limit is NaN with status `ABOVE_BOUND`;
        so it is at points without signal, whose CLs is 1 everywhere.
    """
    assembly = Assembly(group, rows)
    common = fit_common(group, assembly.fitted)
    search = _Search(group, common, level, rtol, test_stat, observed)
    search.run()
    return _block(assembly, search)


class _Search:
    """The limits of all points with a signal, while they are being enclosed."""

    def __init__(
        self,
        group: ModelGroup,
        common: CommonFits,
        level: float,
        rtol: float,
        test_stat: TestStatistic,
        observed: bool,
    ) -> None:
        self.group, self.common, self.rtol, self.test_stat = group, common, rtol, test_stat
        self.columns = range(_OBSERVED + observed)
        self.upper = common.points.upper[:, group.structure.poi]
        self.free = common.free
        self.n_fits = common.n_fits
        # At POI = 0 both fits are those of the background; there CLs is 1.
        self.data = Profile(common.background.nll, common.background.theta)
        self.asimov = Profile(common.asimov_free.nll, common.background.theta)
        # Expected CLs at N standard deviations is Phi(-(N + s)) / Phi(-N) with s = sqrt(q_A), from arXiv:1007.1727
        # eq. 65, 66 and section 3.7: these are the s at which it equals the level.
        self.targets = -N_SIGMA - ndtri(level * ndtr(-N_SIGMA))
        self.median = float(-ndtri(0.5 * level))
        self.reasons = self._reasons_of_common_fits()

    def _reasons_of_common_fits(self) -> dict[int, str]:
        fits = {"background": self.common.background, "free": self.free, "asimov_free": self.common.asimov_free}
        reasons: dict[int, str] = {}
        for point in range(len(self.upper)):
            failed = [(name, r.take_status(point)) for name, r in fits.items() if not r.succeeded[point]]
            if failed:
                reasons[point] = "; ".join(f"{name} fit: {status.advice}" for name, status in failed)
        return reasons

    def run(self) -> None:
        """Enclose all limits."""
        for number in range(_LAST_ROUND):
            wanted = self._wanted(careful=number >= _CAREFUL_ROUND and number % 2 == 0)
            if not wanted:
                return
            self._fit(wanted)
        for wish in self._wanted(careful=False):
            self.reasons[wish.point] = f"the upper limit near {wish.mu:g} was not enclosed in {_LAST_ROUND} rounds"

    def _wanted(self, careful: bool) -> list[_Wanted]:
        """The fits that the limits ask for, each once."""
        with_data: dict[tuple[int, float], bool] = {}
        for point, column, value in self._proposals(careful):
            with_data[point, value] = with_data.get((point, value), False) or column == _OBSERVED
        return [_Wanted(point, value, observed) for (point, value), observed in with_data.items()]

    def _proposals(self, careful: bool) -> Iterator[tuple[int, int, float]]:
        for point in range(len(self.upper)):
            if point in self.reasons:
                continue
            for column in self.columns:
                x, f = self.curve(point, column)
                guess = self._guess(point, column)
                value = next_value(x, f, float(self.upper[point]), self.rtol, guess, careful)
                if value is not None:
                    yield point, column, value

    def curve(self, point: int, column: int) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """POI values, and a function that is negative below the limit of this column and positive above it.

        Both kinds of function are nearly proportional to the POI: the expected CLs depends on sqrt(q_A) alone, and the
        observed CLs is expressed by the sqrt(q_A) at which the median CLs would have its value.
        """
        x, nll = self.asimov.samples(point)
        q_asimov = np.maximum(2.0 * (nll - nll.min()), 0.0)
        if column != _OBSERVED:
            return x, np.sqrt(q_asimov) - self.targets[column]
        mu, nll_data = self.data.samples(point)
        mu_hat = np.full(len(mu), self.free.theta[point, self.group.structure.poi])
        q = upper_limit_statistic(nll_data, np.full(len(mu), self.free.nll[point]), mu_hat, mu)
        cls = asymptotic_p_values(q, q_asimov[np.searchsorted(x, mu)], self.test_stat).CLs_obs
        return mu, -ndtri(0.5 * np.clip(cls, _SMALLEST_CLS, 1.0)) - self.median

    def _guess(self, point: int, column: int) -> float:
        """The limit if sqrt(q_A) were mu / sigma, with sigma from the curvature on the Asimov data."""
        poi = self.group.structure.poi
        sigma = float(root(self.common.asimov_free.poi_variance[point : point + 1])[0])
        if not np.isfinite(sigma):
            return 1.0
        if column != _OBSERVED:
            return sigma * float(self.targets[column])
        return sigma * self.median + max(float(self.free.theta[point, poi]), 0.0)

    def _fit(self, wanted: list[_Wanted]) -> None:
        """Fit the Asimov data at all wanted values, and the data where their CLs is wanted."""
        jobs = [(wish, self.asimov, "Asimov") for wish in wanted]
        jobs += [(wish, self.data, "observed") for wish in wanted if wish.observed]
        index = np.array([wish.point for wish, *_ in jobs])
        mu = np.array([wish.mu for wish, *_ in jobs])
        near = np.stack([profile.nearest(wish.point, wish.mu) for wish, profile, _ in jobs])
        n = len(wanted)
        numbers = stacked(self.common.asimov_data.take(index[:n]), self.common.points.take(index[n:]))
        results = fit_numbers(self.group, numbers, self.common.inits[index], near, mu)
        self.n_fits += len(jobs)
        for k, (wish, profile, name) in enumerate(jobs):
            if results.succeeded[k]:
                profile.add(wish.point, wish.mu, float(results.nll[k]), results.theta[k])
            else:
                status = results.take_status(k)
                self.reasons[wish.point] = f"fit of the {name} data at POI = {wish.mu:g}: {status.advice}"
        self._lower_free_minima(index[n:], results.take(np.arange(n, len(jobs))))

    def _lower_free_minima(self, index: Int[np.ndarray, " fit"], conditional: FitResults) -> None:
        """Keep the free minima below the conditional ones of the points in `index`, each of which is there once."""
        free = not_above(self.group, self.common.points.take(index), self.free.take(index), conditional)
        for kept, found in zip(self.free, free, strict=True):
            kept[index] = found

    def limits(self, column: int) -> tuple[Float[np.ndarray, " fitted"], Int[np.ndarray, " fitted"]]:
        """Limits and their status in one column; NaN and `NOT_RUN` for points that failed."""
        values = np.full(len(self.upper), np.nan)
        status = np.full(len(self.upper), int(LimitStatus.NOT_RUN))
        for point in range(len(values)):
            if point in self.reasons or column not in self.columns:
                continue
            values[point] = crossing(*self.curve(point, column))
            found = LimitStatus.OK if np.isfinite(values[point]) else LimitStatus.ABOVE_BOUND
            status[point] = int(found)
        return values, status


def _block(assembly: Assembly, search: _Search) -> LimitBlock:
    columns = [search.limits(column) for column in range(_OBSERVED + 1)]
    values = np.stack([values for values, _ in columns], axis=-1)
    status = assembly.flags(np.stack([status for _, status in columns], axis=-1), int(LimitStatus.ABOVE_BOUND))
    if _OBSERVED not in search.columns:
        status[:, _OBSERVED] = int(LimitStatus.NOT_RUN)
    fitted = np.flatnonzero(assembly.signal)
    ok = np.array([point not in search.reasons for point in range(len(fitted))], dtype=bool)
    reasons = [""] * len(assembly.rows)
    for point, reason in search.reasons.items():
        reasons[fitted[point]] = reason
    free, background = search.free, search.common.background
    limits = assembly.spread(values)
    return LimitBlock(
        status=assembly.point_status(ok),
        upper_limit_obs=limits[:, _OBSERVED],
        upper_limit_exp=limits[:, :_OBSERVED],
        upper_limit_obs_status=status[:, _OBSERVED],
        upper_limit_exp_status=status[:, :_OBSERVED],
        signal_yield=signal_yields(assembly.group, assembly.rows),
        mu_hat=assembly.spread(np.where(ok, free.theta[:, assembly.group.structure.poi], np.nan)),
        mu_hat_error=assembly.spread(np.where(ok, root(free.poi_variance), np.nan)),
        twice_nll_free=assembly.spread(2.0 * finite(free.nll)),
        twice_nll_background=assembly.spread(2.0 * finite(background.nll)),
        parameters_free=assembly.parameters(free),
        parameters_background=assembly.parameters(background),
        fit_status_free=assembly.fit_status(free),
        fit_status_background=assembly.fit_status(background),
        reasons=tuple(reasons),
        n_fits=search.n_fits,
    )
