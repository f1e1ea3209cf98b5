"""Asymptotic significance of a signal: the p-value of the background-only hypothesis, observed and expected."""

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

from hfscale.inference.assembly import Assembly, finite, root
from hfscale.inference.asymptotics import N_SIGMA
from hfscale.inference.fits import asimov_numbers, fit_common, fit_numbers
from hfscale.inference.results import SignificanceBlock
from hfscale.inference.test_statistics import discovery_statistic
from hfscale.model.structure import ModelGroup

_SIGNAL = 1.0
"""POI of the signal that the expected significance is for, as in pyhf."""


def significance(group: ModelGroup, rows: Int[np.ndarray, " point"]) -> SignificanceBlock:
    """p-values and significances of the points in `rows` of a group.

    p0 = 1 - Phi(sqrt(q0)) and Z = sqrt(q0) (arXiv:1007.1727 eq. 52 and 53). The expected ones are those of the Asimov
    data of the signal-plus-background fit with POI = 1 (section 4.2 there). Without a signal, q0 is 0.
    """
    assembly = Assembly(group, rows)
    common = fit_common(group, assembly.fitted)
    ones = np.full(len(common.inits), _SIGNAL)
    with_signal = fit_numbers(group, common.points, common.inits, common.free.theta, ones)
    data = asimov_numbers(group, common.points, with_signal)
    asimov = fit_numbers(group, data, common.inits, common.background.theta, 0.0 * ones)
    # The parameters that made the Asimov data are their free minimum; fitting from there certifies it.
    asimov_free = fit_numbers(group, data, common.inits, with_signal.theta)
    needed = {"background": common.background, "free": common.free, "conditional": with_signal}
    needed |= {"asimov": asimov, "asimov_free": asimov_free}
    nll = {name: finite(results.nll) for name, results in needed.items()}
    mu_hat = common.free.theta[:, group.structure.poi]
    q0 = discovery_statistic(nll["background"], nll["free"], mu_hat)
    q0_asimov = discovery_statistic(nll["asimov"], nll["asimov_free"], ones)
    good = np.logical_and.reduce([results.succeeded for results in needed.values()])
    ok = good & np.isfinite(q0) & np.isfinite(q0_asimov)

    def kept(values: Float[np.ndarray, " fitted"], without_signal: float = np.nan) -> Float[np.ndarray, " point"]:
        return assembly.spread(np.where(ok, values, np.nan), without_signal)

    Z, Z_median = np.sqrt(kept(q0, 0.0)), np.sqrt(kept(q0_asimov, 0.0))
    Z_exp = Z_median[:, None] + N_SIGMA
    return SignificanceBlock(
        status=assembly.point_status(ok),
        q0=Z**2,
        q0_asimov=Z_median**2,
        p0=ndtr(-Z),
        Z=Z,
        p0_exp=ndtr(-Z_exp),
        Z_exp=Z_exp,
        mu_hat=kept(mu_hat),
        mu_hat_error=kept(root(common.free.poi_variance)),
        twice_nll_free=assembly.spread(2.0 * nll["free"]),
        twice_nll_background=assembly.spread(2.0 * nll["background"]),
        parameters_free=assembly.parameters(common.free),
        parameters_background=assembly.parameters(common.background),
        fit_status_free=assembly.fit_status(common.free),
        fit_status_background=assembly.fit_status(common.background),
        reasons=assembly.reasons(ok, **needed),
        n_fits=common.n_fits + 3 * len(ones),
    )
