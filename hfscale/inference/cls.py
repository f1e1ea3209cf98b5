"""Asymptotic CLs of a block of signal points: observed, and the five of the expected band."""

import numpy as np
from jaxtyping import Float, Int

from hfscale.inference.assembly import Assembly, finite, root
from hfscale.inference.asymptotics import TestStatistic, asymptotic_p_values
from hfscale.inference.fits import HypothesisFits, fit_hypotheses
from hfscale.inference.results import CLsBlock
from hfscale.inference.test_statistics import upper_limit_statistic
from hfscale.inference.validity import effective_events
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
    assembly = Assembly(group, rows)
    return cls_block(assembly, fit_hypotheses(group, assembly.fitted, mu), mu, test_stat)


def cls_block(
    assembly: Assembly,
    fits: HypothesisFits,
    mu: float | Float[np.ndarray, " fitted"],
    test_stat: TestStatistic,
) -> CLsBlock:
    """CLs from the fits of the points that have a signal, at one POI value or each at its own."""
    minima = {name: getattr(fits, name) for name in _NAMES}
    needed = {name: getattr(fits, name) for name in _NEEDED}
    good = np.logical_and.reduce([results.succeeded for results in needed.values()])
    nll = {name: finite(results.nll) for name, results in needed.items()}
    mu_hat = fits.free.theta[:, assembly.group.structure.poi]
    q = upper_limit_statistic(nll["conditional"], nll["free"], mu_hat, mu)
    nll["asimov_free"] = np.minimum(nll["asimov_free"], nll["asimov"])
    q_asimov = np.maximum(2.0 * (nll["asimov"] - nll["asimov_free"]), 0.0)
    p = asymptotic_p_values(q, q_asimov, test_stat)
    ok = good & np.isfinite(p.CLs_obs) & np.isfinite(p.CLs_exp).all(axis=1)

    def kept(values: Float[np.ndarray, "fitted *k"], without_signal: float = np.nan) -> np.ndarray:
        shape = (-1,) + (1,) * (values.ndim - 1)
        return assembly.spread(np.where(ok.reshape(shape), values, np.nan), without_signal)

    return CLsBlock(
        status=assembly.point_status(ok),
        CLs_obs=kept(p.CLs_obs, 1.0),
        CLs_exp=kept(p.CLs_exp, 1.0),
        CLsb=kept(p.CLsb, 0.5),
        CLb=kept(p.CLb, 0.5),
        q=kept(q, 0.0),
        q_asimov=kept(q_asimov, 0.0),
        effective_events=kept(
            effective_events(assembly.group, assembly.fitted, fits.background.rates, fits.asimov.rates)
        ),
        mu_hat=kept(mu_hat),
        mu_hat_error=kept(root(fits.free.poi_variance)),
        **{f"twice_nll_{name}": assembly.spread(2.0 * values) for name, values in nll.items()},
        **{f"parameters_{name}": assembly.parameters(results) for name, results in minima.items()},
        **{f"fit_status_{name}": assembly.fit_status(results) for name, results in minima.items()},
        reasons=assembly.reasons(ok, **needed),
        n_fits=fits.n_fits,
        n_iterations=int(sum(results.iterations.sum() for results in minima.values())),
    )
