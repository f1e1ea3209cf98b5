"""Coordinates in which surfaces are made: logarithms where an axis is logarithmic, and y stretched to the range of x.

So the result does not depend on units, as in HistFitter's ``harvestToContours.py`` (commit 456c2b5, line 627).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Frame(NamedTuple):
    """A change of coordinates from those of the axes, and back.

    Attributes:
        log: Whether x and y are replaced by their decimal logarithms.
        stretch: Factor of the second coordinate.
    """

    log: tuple[bool, bool] = (False, False)
    stretch: float = 1.0

    def enter(self, places: Float[np.ndarray, "place 2"]) -> Float[np.ndarray, "place 2"]:
        """Return places, given in coordinates of the axes, in those of the frame."""
        columns = [np.log10(column) if log else column for column, log in zip(places.T, self.log, strict=True)]
        return np.column_stack([columns[0], columns[1] * self.stretch])

    def leave(self, places: Float[np.ndarray, "place 2"]) -> Float[np.ndarray, "place 2"]:
        """Return places, given in coordinates of the frame, in those of the axes."""
        columns = places[:, 0], places[:, 1] / self.stretch
        return np.column_stack([10.0**column if log else column for column, log in zip(columns, self.log, strict=True)])


def frame_of(places: Float[np.ndarray, "place 2"], log: tuple[bool, bool] = (False, False)) -> Frame:
    """Return the frame in which both coordinates of the places have the same range.

    Args:
        places: In coordinates of the axes, not all on one line, positive where an axis is logarithmic.
        log: Which axes are logarithmic.
    """
    ranges = np.ptp(Frame(log).enter(places), axis=0)
    return Frame(log, float(ranges[0] / ranges[1]))
