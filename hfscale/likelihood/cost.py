"""A likelihood as a cost function for iminuit (https://scikit-hep.org/iminuit)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float

if TYPE_CHECKING:
    from iminuit import Minuit

Evaluation = Callable[[Float[np.ndarray, " parameter"]], tuple[float, Float[np.ndarray, " parameter"]]]
"""Parameters -> -ln L and its gradient."""


@dataclass(frozen=True, eq=False)
class CostFunction:
    """-2 ln L with its exact gradient, as iminuit wants it.

    ``Minuit(cost, *init)`` finds names, limits, gradient and `errordef` by itself; ``cost.minuit()`` also fixes what
    the model fixes. Parameters are given as one array, or as one number each.

    Attributes:
        parameter_names: Names of the parameters, in pyhf's order.
        init, lower, upper, fixed: Suggested start values and bounds, and which parameters are held constant.
        evaluate: The function behind it.
    """

    parameter_names: tuple[str, ...]
    init: Float[np.ndarray, " parameter"]
    lower: Float[np.ndarray, " parameter"]
    upper: Float[np.ndarray, " parameter"]
    fixed: Bool[np.ndarray, " parameter"]
    evaluate: Evaluation

    @property
    def errordef(self) -> float:
        """How much the function grows within one standard deviation."""
        return 1.0

    @property
    def _parameters(self) -> dict[str, tuple[float, float]]:
        """Names and limits, where `iminuit.util.describe` looks for them."""
        limits = zip(self.lower.tolist(), self.upper.tolist(), strict=True)
        return dict(zip(self.parameter_names, limits, strict=True))

    def __call__(self, *parameters: npt.ArrayLike | float) -> float:
        """-2 ln L.

        Raises:
            InputError: There are too many or too few parameters.
        """
        return 2.0 * self.evaluate(_vector(parameters))[0]

    def grad(self, *parameters: npt.ArrayLike | float) -> Float[np.ndarray, " parameter"]:
        """Gradient of -2 ln L.

        Raises:
            InputError: There are too many or too few parameters.
        """
        return 2.0 * self.evaluate(_vector(parameters))[1]

    def minuit(self, init: npt.ArrayLike | None = None) -> "Minuit":
        """Return a minimiser with names, limits, fixed parameters and the gradient set; nothing is fitted yet.

        Args:
            init: Start values, the suggested ones by default.
        """
        from iminuit import Minuit

        start = self.init if init is None else np.asarray(init, dtype=np.float64)
        minuit = Minuit(self, start, name=self.parameter_names)
        minuit.fixed = self.fixed.tolist()
        return minuit


def _vector(parameters: tuple[npt.ArrayLike | float, ...]) -> Float[np.ndarray, " parameter"]:
    one = parameters[0] if len(parameters) == 1 and np.ndim(parameters[0]) == 1 else parameters
    return np.asarray(one, dtype=np.float64)


def remembering(evaluate: Evaluation) -> Evaluation:
    """Keep the latest evaluation: minimisers ask for the value and the gradient of a point one after the other."""

    @lru_cache(maxsize=1)
    def latest(key: bytes) -> tuple[float, Float[np.ndarray, " parameter"]]:
        return evaluate(np.frombuffer(key))

    return lambda parameters: latest(parameters.tobytes())
