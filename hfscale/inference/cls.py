"""Asymptotic CLs of a block of signal points: observed, and the five of the expected band."""

import numpy as np
from jaxtyping import Bool, Float, Int

from hfscale.fit.lanes import FitResults
from hfscale.fit.status import FitStatus
from hfscale.inference.asymptotics import TestStatistic, asymptotic_p_values
from hfscale.inference.fits import HypothesisFits, fit_hypotheses
from hfscale.inference.results import CLsBlock, PointStatus
from hfscale.inference.test_statistics import upper_limit_statistic
from hfscale.model.structure import ModelGroup

_NAMES = ("background", "free", "conditional", "asimov")
_NEEDED = (*_NAMES, "asimov_free")


def asymptotic_cls(
    group: ModelGroup, rows: Int[np.ndarray, " point"], mu: float, test_stat: TestStatistic = "qtilde"
) -> CLsBlock:
    """CLs of the points in `rows` of a group at POI = `mu`.

    A point whose POI scales nothing has CLs 1 and status `NO_SIGNAL`. A point with a failed fit has status `FAILED`
    and a reason; the others are not affected.
    """
    signal = group.has_signal[rows]
    fits = fit_hypotheses(group, rows[signal], mu) if signal.any() else None
    return _Assembly(group, rows, signal, mu, test_stat).block(fits)


class _Assembly:
    """Spreads the results of the fitted points over the whole block."""

    def __init__(
        self,
        group: ModelGroup,
        rows: Int[np.ndarray, " point"],
        signal: Bool[np.ndarray, " point"],
        mu: float,
        test_stat: TestStatistic,
    ) -> None:
        self.group, self.rows, self.signal, self.mu, self.test_stat = group, rows, signal, mu, test_stat

    def spread(self, values: Float[np.ndarray, "fitted *k"], rest: float = np.nan) -> Float[np.ndarray, "point *k"]:
        result = np.full((len(self.rows), *values.shape[1:]), rest)
        result[self.signal] = values
        return result

    def parameters(self, fits: FitResults) -> Float[np.ndarray, "point parameter"]:
        present = self.group.present[self.rows[self.signal]]
        return self.spread(self.group.external(np.where(present, fits.theta, np.nan)))

    def block(self, fits: HypothesisFits | None) -> CLsBlock:
        if fits is None:
            fits = _no_fits(self.group)
        minima = {name: getattr(fits, name) for name in _NAMES}
        good = np.logical_and.reduce([getattr(fits, name).succeeded for name in _NEEDED])
        nll = {name: _finite(getattr(fits, name).nll) for name in _NEEDED}
        mu_hat = fits.free.theta[:, self.group.structure.poi]
        q = upper_limit_statistic(nll["conditional"], nll["free"], mu_hat, self.mu)
        nll["asimov_free"] = np.minimum(nll["asimov_free"], nll["asimov"])
        q_asimov = np.maximum(2.0 * (nll["asimov"] - nll["asimov_free"]), 0.0)
        p = asymptotic_p_values(q, q_asimov, self.test_stat)
        finite = np.isfinite(p.CLs_obs) & np.isfinite(p.CLs_exp).all(axis=1)
        ok = good & finite
        status = np.full(len(self.rows), int(PointStatus.NO_SIGNAL))
        status[self.signal] = np.where(ok, int(PointStatus.OK), int(PointStatus.FAILED))

        def kept(values: Float[np.ndarray, "fitted *k"], without_signal: float = np.nan) -> np.ndarray:
            shape = (-1,) + (1,) * (values.ndim - 1)
            return self.spread(np.where(ok.reshape(shape), values, np.nan), without_signal)

        return CLsBlock(
            status=status,
            CLs_obs=kept(p.CLs_obs, 1.0),
            CLs_exp=kept(p.CLs_exp, 1.0),
            CLsb=kept(p.CLsb, 0.5),
            CLb=kept(p.CLb, 0.5),
            q=kept(q, 0.0),
            q_asimov=kept(q_asimov, 0.0),
            mu_hat=kept(mu_hat),
            mu_hat_error=kept(_root(fits.free.poi_variance)),
            **{f"twice_nll_{n}": self.spread(2.0 * nll[n]) for n in _NEEDED},
            **{f"parameters_{n}": self.parameters(minima[n]) for n in _NAMES},
            **{f"fit_status_{n}": self._fit_status(minima[n]) for n in _NAMES},
            reasons=self._reasons(fits, ok),
            n_fits=fits.n_fits,
            n_iterations=int(sum(results.iterations.sum() for results in minima.values())),
        )

    def _fit_status(self, fits: FitResults) -> Int[np.ndarray, " point"]:
        status = np.full(len(self.rows), int(FitStatus.NOT_RUN), dtype=np.int64)
        status[self.signal] = fits.status
        return status

    def _reasons(self, fits: HypothesisFits, ok: Bool[np.ndarray, " fitted"]) -> tuple[str, ...]:
        reasons = [""] * len(self.rows)
        for k, point in enumerate(np.flatnonzero(self.signal)):
            if ok[k]:
                continue
            statuses = {name: getattr(fits, name).take_status(k) for name in _NEEDED}
            failed = [f"{name} fit: {status.advice}" for name, status in statuses.items() if not status.succeeded]
            reasons[point] = "; ".join(failed) or "the test statistic is not finite"
        return tuple(reasons)


def _finite(nll: Float[np.ndarray, " fitted"]) -> Float[np.ndarray, " fitted"]:
    """Minima of -ln L, NaN where a fit never found a finite value."""
    return np.where(np.isfinite(nll), nll, np.nan)


def _root(variance: Float[np.ndarray, " fitted"]) -> Float[np.ndarray, " fitted"]:
    """Square root, NaN where the curvature gives no variance."""
    return np.sqrt(np.where(variance > 0, variance, np.nan))


def _no_fits(group: ModelGroup) -> HypothesisFits:
    rows = np.zeros(0, dtype=np.int64)
    return fit_hypotheses(group, rows, 0.0)
