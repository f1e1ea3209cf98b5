"""Which plane of signal points a report draws."""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from hfscale.errors import InputError, SelectionError
from hfscale.plot.axes import Plane, select_plane
from hfscale.plot.planes import is_numeric, spans_a_plane, suggest_selections
from hfscale.plot.points import PlanePoints


class Selection(NamedTuple):
    """Axes and selection of a contour."""

    x: str
    y: str
    select: str | None = None
    project: bool = False

    def plane(self, points: PlanePoints) -> Plane:
        """Return the selected points at their places; raises SelectionError as `select_plane`."""
        return select_plane(points, self.x, self.y, self.select, project=self.project)


def asked_selection(x: str | None, y: str | None, select: str | None, project: bool) -> Selection | None:
    """Return what was asked for, None for nothing.

    Raises:
        InputError: One axis is given without the other, or a selection without axes.
    """
    if x is not None and y is not None:
        return Selection(x, y, select, project)
    if x is not None or y is not None or select is not None or project:
        raise InputError("a contour needs both axes", remedy="give both -x and -y, or none for a choice of ours")
    return None


def likely_selection(points: PlanePoints) -> Selection | None:
    """Choose a plane: the first two numeric labels that span one; with a selection where other labels vary too.

    Of selections, the one with most points is taken. None is returned where no two labels span a plane.
    """
    numeric = [label for label, values in points.labels.items() if is_numeric(values)]
    for x, y in combinations(numeric, 2):
        places = np.column_stack([points.labels[x], points.labels[y]]).astype(np.float64)
        if not np.isfinite(places).all() or not spans_a_plane(places):
            continue
        names = (_written(x), _written(y))
        suggested = suggest_selections(points.labels, places, {x, y})
        for select in (None, *(suggestion.text for suggestion in suggested)):
            selection = Selection(*names, select)
            if _is_one_plane(selection, points):
                return selection
    return None


def _is_one_plane(selection: Selection, points: PlanePoints) -> bool:
    try:
        selection.plane(points)
    except SelectionError:
        return False
    return True


def _written(label: str) -> str:
    return label if label.isidentifier() else f"`{label}`"
