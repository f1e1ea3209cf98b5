"""Two other minimisers, for references: iminuit at strategy 2 and scipy's L-BFGS-B, with exact gradients."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
import scipy.optimize
from iminuit import Minuit

from hfscale.model.derivatives import value_and_gradient
from hfscale.model.likelihood import expected_rates, negative_log_likelihood
from hfscale.model.structure import NORMAL, POISSON, ModelGroup, PointNumbers, SharedNumbers, Structure

_FREE_WIDTH = 0.1
_WALL = 1e10
"""Stands for the likelihood where a rate is negative, which neither minimiser may step on."""


class Fit(NamedTuple):
    """One fit in the form that minimisers want.

    Attributes:
        evaluate: Parameters (internal order) -> -ln L and its gradient.
        lower, upper, fixed: Bounds, and parameters that stay where they start.
        width: Size of each parameter's uncertainty, roughly.
        scattered: Parameters that further starts move.
    """

    evaluate: Callable[[np.ndarray], tuple[float, np.ndarray]]
    lower: np.ndarray
    upper: np.ndarray
    fixed: np.ndarray
    width: np.ndarray
    scattered: np.ndarray


def automatic_value_and_gradient(
    structure: Structure, shared: SharedNumbers, points: PointNumbers, theta: Any
) -> tuple[Any, Any]:
    """-ln L of one lane, and its gradient by automatic differentiation instead of hfscale's formulas."""

    def total(at: Any) -> Any:
        return negative_log_likelihood(structure, points, at, expected_rates(structure, shared, points, at)).sum()

    value, gradient = jax.value_and_grad(total)(theta)
    return value[None], gradient


class Fits:
    """The fits of a group, one at a time, through one compiled program."""

    def __init__(self, group: ModelGroup, evaluate: Callable[..., Any] = value_and_gradient) -> None:
        self.group = group
        self.program: Any = jax.jit(partial(evaluate, group.structure))
        with jax.enable_x64(True):
            self.shared = jax.device_put(group.shared)

    def fit(self, numbers: PointNumbers) -> Fit:
        """The fit of the only row of some numbers."""
        structure = self.group.structure
        with jax.enable_x64(True):
            own = jax.device_put(numbers)

        def evaluate(theta: np.ndarray) -> tuple[float, np.ndarray]:
            with jax.enable_x64(True):
                value, gradient = self.program(self.shared, own, np.asarray(theta, dtype=np.float64)[None])
            if not np.isfinite(value[0]):
                return _WALL, np.zeros_like(theta)
            return float(value[0]), np.asarray(gradient[0])

        poisson, normal = structure.constraint == POISSON, structure.constraint == NORMAL
        width = np.where(normal, numbers.width[0], _FREE_WIDTH)
        width[poisson] = 1.0 / np.sqrt(numbers.width[0, poisson])
        scattered = normal & ~structure.gamma & ~numbers.fixed[0]
        scattered[structure.poi] = False
        return Fit(evaluate, numbers.lower[0], numbers.upper[0], numbers.fixed[0], width, scattered)


def lbfgsb_minimum(fit: Fit, start: np.ndarray) -> np.ndarray:
    """Where L-BFGS-B ends, in units of the parameters' widths."""
    free = ~fit.fixed
    width = fit.width[free]

    def scaled(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = fit.evaluate(_inserted(start, free, x * width))
        return value, gradient[free] * width

    bounds = scipy.optimize.Bounds(fit.lower[free] / width, fit.upper[free] / width)
    options = {"maxiter": 2000, "maxfun": 4000, "maxcor": 30, "ftol": 1e-15, "gtol": 1e-8}
    found = scipy.optimize.minimize(
        scaled, start[free] / width, jac=True, bounds=bounds, method="L-BFGS-B", options=options
    )
    return np.clip(_inserted(start, free, found.x * width), fit.lower, fit.upper)


def minuit_minimum(fit: Fit, start: np.ndarray, strategy: int = 2) -> np.ndarray:
    """Where MIGRAD ends; at strategy 0, it asks for several times fewer values."""
    minuit = Minuit(lambda theta: fit.evaluate(theta)[0], start, grad=lambda theta: fit.evaluate(theta)[1])
    minuit.errordef, minuit.strategy, minuit.tol = Minuit.LIKELIHOOD, strategy, 1e-4
    minuit.limits = list(zip(fit.lower, fit.upper, strict=True))
    minuit.fixed = list(fit.fixed)
    minuit.errors = np.where(fit.width > 0, fit.width, _FREE_WIDTH)
    minuit.migrad(ncall=5000)
    return np.clip(np.array(minuit.values), fit.lower, fit.upper)


def scattered_starts(fit: Fit, start: np.ndarray, count: int, seed: int, size: float = 0.7) -> list[np.ndarray]:
    """Starts with the normal-constrained parameters moved at random."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0.0, size, (count, len(start))) * fit.width * fit.scattered
    return [np.clip(start + move, fit.lower, fit.upper) for move in moves]


def _inserted(start: np.ndarray, free: np.ndarray, values: np.ndarray) -> np.ndarray:
    result = start.copy()
    result[free] = values
    return result
