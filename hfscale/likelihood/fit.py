"""What a fit of one likelihood gives: parameters at the minimum, and their covariance."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from hfscale.fit.status import FitStatus


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """The minimum of a likelihood; all arrays are in the order of `names`.

    Attributes:
        names: Names of the parameters.
        parameters: Their values at the minimum.
        errors: One standard deviation each, from the inverse of the exact Hessian of -ln L over the parameters that
            are neither fixed nor at a bound. 0 for those that are; infinite where the likelihood does not depend on
            the parameter; NaN where the Hessian is not positive definite.
        covariance: The same as a matrix.
        correlation: Its correlations, 0 in rows and columns of parameters without a finite error.
        twice_nll: -2 ln L at the minimum, with all constants, as pyhf counts them.
        edm: Estimated vertical distance of -ln L to the minimum.
        status: How the fit ended; `status.advice` says what to look at.
        fixed: Parameters that were held constant.
        at_bound: Parameters that ended at one of their bounds.
    """

    names: tuple[str, ...]
    parameters: Float[np.ndarray, " parameter"]
    errors: Float[np.ndarray, " parameter"]
    covariance: Float[np.ndarray, "parameter parameter"]
    correlation: Float[np.ndarray, "parameter parameter"]
    twice_nll: float
    edm: float
    status: FitStatus
    fixed: Bool[np.ndarray, " parameter"]
    at_bound: Bool[np.ndarray, " parameter"]

    def __repr__(self) -> str:
        return (
            f"<hfscale.Fit: {self.status.name.lower()}, {len(self.names)} parameters, twice_nll {self.twice_nll:.6g}>"
        )

    def _repr_html_(self) -> str:
        notes = np.where(self.fixed, "fixed", np.where(self.at_bound, "at bound", ""))
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{value:.5g}</td><td>{error:.3g}</td><td>{note}</td></tr>"
            for name, value, error, note in zip(self.names, self.parameters, self.errors, notes, strict=True)
        )
        titles = "<th>parameter</th><th>value</th><th>error</th><th></th>"
        head = f"<p>{escape(repr(self))}: {escape(self.status.advice)}</p>"
        return f"{head}<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>"

    def summary(self) -> dict[str, Any]:
        """The fit as a document for JSON; numbers that are not finite are None."""
        return {
            "status": self.status.name.lower(),
            "advice": self.status.advice,
            "twice_nll": _finite(self.twice_nll),
            "edm": _finite(self.edm),
            "parameters": {
                name: {
                    "value": _finite(self.parameters[k]),
                    "error": _finite(self.errors[k]),
                    "fixed": bool(self.fixed[k]),
                    "at_bound": bool(self.at_bound[k]),
                }
                for k, name in enumerate(self.names)
            },
        }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
