"""iminuit as second opinion for single fits that Newton steps do not bring to a minimum."""

from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
from iminuit import Minuit
from jaxtyping import Float

from hfscale.model.derivatives import value_and_gradient
from hfscale.model.structure import PointNumbers, SharedNumbers, Structure


@lru_cache(maxsize=8)
def _program(structure: Structure) -> Any:
    return jax.jit(partial(value_and_gradient, structure))


def minuit_minimum(
    structure: Structure,
    shared: SharedNumbers,
    fit: PointNumbers,
    start: Float[np.ndarray, " parameter"],
    calls: int = 20_000,
) -> Float[np.ndarray, " parameter"]:
    """Where MIGRAD ends for one fit (numbers with a leading axis of length 1), certified or not.

    Parameters marked `fixed` stay at their start values. It ends after about so many `calls` of the likelihood.
    """
    program = _program(structure)
    latest: dict[bytes, tuple[float, Float[np.ndarray, " parameter"]]] = {}

    def evaluated(theta: Float[np.ndarray, " parameter"]) -> tuple[float, Float[np.ndarray, " parameter"]]:
        key = np.asarray(theta, dtype=np.float64).tobytes()
        if key not in latest:
            with jax.enable_x64(True):
                value, gradient = program(shared, fit, np.asarray(theta, dtype=np.float64)[None])
            latest.clear()
            latest[key] = (float(value[0]), np.asarray(gradient[0]))
        return latest[key]

    begin = np.clip(start, fit.lower[0], fit.upper[0])
    minuit = Minuit(lambda theta: evaluated(theta)[0], begin, grad=lambda theta: evaluated(theta)[1])
    minuit.errordef = Minuit.LIKELIHOOD
    minuit.strategy = 1
    minuit.limits = list(zip(fit.lower[0], fit.upper[0], strict=True))
    minuit.fixed = list(fit.fixed[0])
    # One for the whole process: cabinetry raises it, and MINUIT's messages would lie among the results.
    loudness, minuit.print_level = minuit.print_level, 0
    try:
        minuit.migrad(ncall=calls)
    finally:
        minuit.print_level = loudness
    minimum: Float[np.ndarray, " parameter"] = np.clip(np.array(minuit.values), fit.lower[0], fit.upper[0])
    return minimum
