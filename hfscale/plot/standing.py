"""What became of the signal points of a plane, as their markers show it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from hfscale.plot.axes import Plane


class Standing(NamedTuple):
    """Points that share a marker.

    Attributes:
        identity: Short name.
        label: What is said of them.
        points: Which of the plane's points.
        shape: Shape of the marker, which tells more than its colour: disc, ring, cross, plus or diamond.
    """

    identity: str
    label: str
    points: Bool[np.ndarray, "point"]
    shape: str


def standings(plane: Plane, threshold: float) -> tuple[Standing, ...]:
    """Tell which points are excluded, not excluded, failed, not computed, and doubtful (in addition).

    Args:
        plane: The points.
        threshold: Height above which a point is excluded.
    """
    Z = plane.Z_obs if plane.has_observed else plane.Z_exp[:, 2]
    excluded = np.asarray(plane.done & np.greater(Z, threshold))
    waiting = np.isin(plane.status, ("pending", "not_run"))
    found = (
        Standing("excluded", "Excluded point", excluded, "disc"),
        Standing("allowed", "Point not excluded", plane.done & ~excluded, "ring"),
        Standing("failed", "Failed point", ~plane.done & ~waiting, "cross"),
        Standing("waiting", "Point not computed", ~plane.done & waiting, "plus"),
        # Around the point, whose own shape stays visible.
        Standing("doubtful", "Asymptotics doubtful", plane.doubtful, "diamond"),
    )
    return tuple(standing for standing in found if standing.points.any())
