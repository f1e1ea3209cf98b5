"""Impacts of groups of nuisance parameters on the POI, from the covariance of a best fit.

The impact of a group is the difference in quadrature between the uncertainty of the POI and that with the group frozen
at its best fit. Freezing does not move the minimum, and makes the covariance a conditional one: with p the POI and G
the group, that of the POI is C_pp - C_pG (C_GG)^-1 C_Gp. So no further fit is needed.
"""

import numpy as np
from jaxtyping import Bool, Float


def group_impact(
    errors: Float[np.ndarray, " parameter"],
    correlation: Float[np.ndarray, "parameter parameter"],
    poi: int,
    members: Bool[np.ndarray, " parameter"],
) -> float:
    """Part of the uncertainty of the POI that goes away with a group frozen; NaN without a finite uncertainty.

    Args:
        errors: Uncertainties of the parameters; those that are 0 or not finite are not varied in the fit.
        correlation: Their correlations.
        poi: Position of the POI.
        members: Parameters of the group; the POI is none of them.
    """
    if not np.isfinite(errors[poi]):
        return float("nan")
    varied = np.isfinite(errors) & (errors > 0)
    index = np.flatnonzero(members & varied)
    row = correlation[poi, index]
    # Parameters may be correlated so strongly that the matrix cannot be inverted to working precision.
    explained = float(row @ np.linalg.pinv(correlation[np.ix_(index, index)], hermitian=True) @ row)
    return float(errors[poi]) * float(np.sqrt(np.clip(explained, 0.0, 1.0)))


def group_component(component: Float[np.ndarray, " parameter"], members: Bool[np.ndarray, " parameter"]) -> float:
    """Part of the uncertainty of the POI from the auxiliary data of a group, which are independent."""
    return float(np.sqrt(np.nansum(component[members] ** 2)))
