"""Which plane of signal points a report draws."""

from itertools import combinations

import numpy as np

from hfscale.errors import InputError, SelectionError
from hfscale.plan.contours import Contour
from hfscale.plot.axes import select_plane
from hfscale.plot.planes import is_numeric, spans_a_plane, suggest_selections
from hfscale.plot.points import PlanePoints
from hfscale.store.store import ResultStore

_OUTPUT = "contour.pdf"


def asked_contour(x: str | None, y: str | None, select: str | None, project: bool) -> Contour | None:
    """Return what was asked for, None for nothing.

    Raises:
        InputError: One axis is given without the other, or a selection without axes.
    """
    if x is not None and y is not None:
        return Contour(x=x, y=y, select=select, project=project, output=_OUTPUT)
    if x is not None or y is not None or select is not None or project:
        raise InputError("a contour needs both axes", remedy="give both -x and -y, or none for a choice of ours")
    return None


def recorded_contours(store: ResultStore) -> list[Contour]:
    """Return the contours of the campaign that made a store; none where it had none, or was no campaign."""
    recorded = store.attributes["provenance"].get("contours", [])
    return [Contour.model_validate(contour) for contour in recorded]


def likely_contour(points: PlanePoints) -> Contour | None:
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
            if _is_one_plane(points, *names, select):
                return Contour(x=names[0], y=names[1], select=select, output=_OUTPUT)
    return None


def _is_one_plane(points: PlanePoints, x: str, y: str, select: str | None) -> bool:
    try:
        select_plane(points, x, y, select)
    except SelectionError:
        return False
    return True


def _written(label: str) -> str:
    return label if label.isidentifier() else f"`{label}`"
