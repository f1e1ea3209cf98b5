"""Which signal points to generate next: where they tell most about the contour."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

from hfscale.errors import SelectionError
from hfscale.plot.axes import Plane
from hfscale.plot.contours import ExclusionContours
from hfscale.plot.interpolation_error import Kind, interpolation_error, surface_of
from hfscale.plot.slopes import displacements
from hfscale.plot.surfaces.grid import Grid
from hfscale.plot.surfaces.hull import is_inside
from hfscale.plot.uncertainty import Uncertainty

_ROUND = (1.0, 2.0, 5.0)
_SHARE = 0.25  # of the distance between points: how far rounding may move one, and how close points may be
_CLOSEST = 1e-3  # a candidate whose contour is certain to this share of the mean distance of points adds nothing


@dataclass(frozen=True)
class Suggestion:
    """A signal point worth generating.

    Args:
        x: First coordinate, rounded.
        y: Second coordinate, rounded.
        kind: The contour that is uncertain there: ``observed`` or ``expected``.
        deviation: Uncertainty of the height (of CLs, the significance) there.
        shift: How far the contour may be off there, in x and in y.
    """

    x: float
    y: float
    kind: Kind
    deviation: float
    shift: tuple[float, float]

    def to_dict(self, x: str, y: str) -> dict[str, Any]:
        """Return plain numbers for JSON.

        Args:
            x: What the first coordinate is called.
            y: The same for the second.
        """
        shift = dict(zip((x, y), self.shift, strict=True))
        return {x: self.x, y: self.y, "contour": self.kind, "uncertainty": self.deviation, "shift": shift}


@dataclass(frozen=True)
class _Candidates:
    """Places on one contour, in coordinates of the frame."""

    kind: Kind
    surface: Float[np.ndarray, "row column"]
    uncertainty: Uncertainty
    places: Float[np.ndarray, "place 2"]


def suggest_points(plane: Plane, contours: ExclusionContours, n: int) -> tuple[Suggestion, ...]:
    """Suggest the signal points that would make the observed and the expected contour most certain.

    One after the other, the place of the contours is taken where they may be off by the largest distance, given that
    the points taken before are known, and no closer to these than signal points are to each other. All lie in the hull
    of the points and not in the forbidden region, and have round coordinates.

    Args:
        plane: The points.
        contours: From :func:`hfscale.plot.contours.exclusion_contours` of the same points.
        n: At most how many.

    Returns:
        The most useful one first; fewer than n where no further point would tell anything.

    Raises:
        SelectionError: There is no contour, or no error of the interpolation can be estimated.
    """
    candidates = _candidates(plane, contours)
    grid, known = contours.grid, contours.grid.frame.enter(plane.places)
    spacing = float(np.median(KDTree(known).query(known, k=2)[0][:, 1]))
    found: list[Suggestion] = []
    chosen = np.empty((0, 2))
    while len(found) < n:
        lengths = [_lengths(grid, one, chosen) for one in candidates]
        which = int(np.argmax([length.max(initial=0.0) for length in lengths]))
        one, length = candidates[which], lengths[which]
        if not len(length) or length.max() <= _CLOSEST * spacing:
            break
        best = int(length.argmax())
        rounded = _rounded(grid, one.places[best], np.concatenate([known, chosen]), spacing)
        if rounded is None:
            candidates[which] = _without(one, one.places[best], _SHARE * spacing)
            continue
        found.append(_suggestion(grid, one, rounded, chosen))
        chosen = np.concatenate([chosen, rounded[None]])
        candidates = [_without(one, rounded, spacing) for one in candidates]
    return tuple(found)


def _candidates(plane: Plane, contours: ExclusionContours) -> list[_Candidates]:
    found = []
    kinds: tuple[Kind, ...] = ("observed", "expected")
    has_expected = np.isfinite(plane.Z_exp[plane.done]).any()
    for kind, exists in zip(kinds, (plane.has_observed, has_expected), strict=True):
        if not exists:
            continue
        surface, lines, _ = surface_of(plane, contours, kind)
        if lines:
            places = contours.grid.frame.enter(np.concatenate(lines))
            found.append(_Candidates(kind, surface, interpolation_error(plane, contours, kind).uncertainty, places))
    if not found:
        raise SelectionError(
            "there is no contour among the signal points to make more certain",
            remedy="generate points beyond their present range",
        )
    return found


def _lengths(grid: Grid, one: _Candidates, chosen: Float[np.ndarray, "extra 2"]) -> Float[np.ndarray, "place"]:
    """By how much the contour may be off at each place, once the chosen points are known."""
    if not len(one.places):
        return np.empty(0)
    deviations = one.uncertainty.deviations(one.places, chosen)
    return np.asarray(np.hypot(*displacements(grid, one.surface, one.places, deviations).T))


def _without(one: _Candidates, place: Float[np.ndarray, "2"], distance: float) -> _Candidates:
    far = np.hypot(*(one.places - place).T) > distance
    return _Candidates(one.kind, one.surface, one.uncertainty, one.places[far])


def _rounded(
    grid: Grid, place: Float[np.ndarray, "2"], known: Float[np.ndarray, "point 2"], spacing: float
) -> Float[np.ndarray, "2"] | None:
    """The nearest place with round coordinates that a point can have, in coordinates of the frame; None without one."""
    frame = grid.frame
    around = frame.leave(place + np.array([[0.0, 0.0], [_SHARE * spacing, 0.0], [0.0, _SHARE * spacing]]))
    steps = [_round_step(float(around[k + 1, k] - around[0, k])) for k in (0, 1)]
    ends = [(np.floor(value / step) * step, np.ceil(value / step) * step) for value, step in zip(around[0], steps)]
    lattice = np.array(list(product(*ends)))
    if grid.frame.log != (False, False):
        lattice = lattice[(lattice > 0).all(axis=1) | ~np.array(grid.frame.log).any()]
    allowed = is_inside(frame.enter(lattice), frame.enter(grid.hull))
    if grid.forbidden is not None:
        allowed &= ~grid.forbidden.contains(lattice)
    allowed &= KDTree(known).query(frame.enter(lattice))[0] > _SHARE * spacing
    places = frame.enter(lattice[allowed])
    if not len(places):
        return None
    return np.asarray(places[np.hypot(*(places - place).T).argmin()])


def _round_step(largest: float) -> float:
    """The largest of 1, 2 or 5 times a power of ten that is not larger."""
    power = 10.0 ** np.floor(np.log10(largest))
    return float(max(step * power for step in _ROUND if step * power <= largest * (1 + 1e-9)))


def _suggestion(
    grid: Grid, one: _Candidates, place: Float[np.ndarray, "2"], chosen: Float[np.ndarray, "extra 2"]
) -> Suggestion:
    frame, at = grid.frame, place[None]
    deviation = one.uncertainty.deviations(at, chosen)
    moved = frame.leave(at + displacements(grid, one.surface, at, deviation))[0]
    here = frame.leave(at)[0]
    x, y = (float(f"{value:.10g}") for value in here)
    shift = np.abs(moved - here)
    return Suggestion(x, y, one.kind, float(deviation[0]), (float(shift[0]), float(shift[1])))
