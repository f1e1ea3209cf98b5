"""Pre-fit Asimov data in place of the observed data, so that no fit can see those."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np
from jaxtyping import Float

from hfscale.model.constraints import expected_auxdata
from hfscale.model.identity import digests_with
from hfscale.model.likelihood import expected_rates
from hfscale.model.structure import ModelGroup, PointNumbers

_LANES = 16


def with_prefit_asimov(group: ModelGroup, mu: float) -> ModelGroup:
    """The group with the data that it expects at POI = `mu` and the nuisance parameters before any fit.

    Main and auxiliary data are replaced; the observed ones are not looked at.
    """
    theta = group.inits.copy()
    theta[:, group.structure.poi] = mu
    points = group.points
    rates = np.where(points.bins > 0, _rates(group, theta), 0.0)
    expected = expected_auxdata(group.structure.constraint, points.width, theta)
    auxdata = np.where(points.constrained > 0, expected, 0.0)
    what = f"prefit Asimov {float(mu).hex()}"
    return replace(
        group,
        points=points._replace(data=rates, auxdata=auxdata),
        digests=digests_with(group.digests, what),
        background_digests=digests_with(group.background_digests, what),
    )


def _rates(group: ModelGroup, theta: Float[np.ndarray, "point parameter"]) -> Float[np.ndarray, "point bin"]:
    """Expected rates, a fixed number of points at a time, so that one program does for all."""
    program = jax.jit(partial(expected_rates, group.structure))
    parts = []
    with jax.enable_x64(True):
        shared = jax.device_put(group.shared)
        for begin in range(0, len(theta), _LANES):
            index = np.minimum(np.arange(begin, begin + _LANES), len(theta) - 1)
            numbers = PointNumbers(*(jax.device_put(array) for array in group.points.take(index)))
            parts.append(np.asarray(program(shared, numbers, theta[index])))
    return np.concatenate(parts)[: len(theta)]
