"""How far the contour may be off because surfaces are only known at the points."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from hfscale.errors import SelectionError
from hfscale.plot.axes import Plane
from hfscale.plot.contours import ExclusionContours
from hfscale.plot.outlines import Lines, Region, region_between
from hfscale.plot.slopes import displacements
from hfscale.plot.uncertainty import NEAR, LeftOut, Uncertainty, leave_one_out, uncertainty_of

Kind = Literal["observed", "expected"]
_MEDIAN = 2


@dataclass(frozen=True)
class InterpolationError:
    """What leaving out points tells about a contour.

    Args:
        kind: Which contour: ``observed``, or ``expected`` where there are no observed results.
        names: Points that were left out, one at a time; corners of the hull are not.
        places: Where they are.
        known: Their heights (of CLs, significances).
        predicted: Heights there of the surface through all other points.
        threshold: Height at the contour.
        shift: Median distance in x and in y by which the contour may be off along its length; NaN without contour.
        region: Where the contour may be, one standard deviation to either side.
        uncertainty: The uncertainty of the surface at any place.
    """

    kind: Kind
    names: tuple[str, ...]
    places: Float[np.ndarray, "inner 2"]
    known: Float[np.ndarray, "inner"]
    predicted: Float[np.ndarray, "inner"]
    threshold: float
    shift: tuple[float, float]
    region: Region
    uncertainty: Uncertainty

    @property
    def errors(self) -> Float[np.ndarray, "inner"]:
        """Predicted minus known heights."""
        return np.asarray(self.predicted - self.known)

    @property
    def rms(self) -> float:
        """Root mean square of the errors of points whose height is within 1.5 of the contour; NaN if there are none."""
        near = self.errors[np.abs(self.known - self.threshold) < NEAR]
        return float(np.sqrt((near**2).mean())) if len(near) else float("nan")

    @property
    def wrong_side(self) -> tuple[str, ...]:
        """Points that the surface through all others puts on the other side of the contour."""
        wrong = (self.known > self.threshold) != (self.predicted > self.threshold)
        return tuple(name for name, is_wrong in zip(self.names, wrong, strict=True) if is_wrong)

    def worst(self, n: int) -> tuple[int, ...]:
        """Return which points within 1.5 of the contour, known or predicted, have the largest errors, largest first."""
        near = np.minimum(*(np.abs(heights - self.threshold) for heights in (self.known, self.predicted))) < NEAR
        order = np.argsort(-np.abs(self.errors), kind="stable")
        return tuple(int(k) for k in order if near[k])[:n]

    def to_dict(self, x: str, y: str) -> dict[str, Any]:
        """Return plain numbers for JSON, None where there is none.

        Args:
            x: What the first coordinate is called.
            y: The same for the second.
        """
        shift = (None, None) if np.isnan(self.shift).any() else self.shift
        return {
            "contour": self.kind,
            "rms": None if np.isnan(self.rms) else self.rms,
            "threshold": self.threshold,
            "wrong_side": list(self.wrong_side),
            "shift": dict(zip((x, y), shift, strict=True)),
            "points": [
                {"name": name, x: place[0], y: place[1], "height": known, "predicted": predicted}
                for name, place, known, predicted in zip(
                    self.names, self.places.tolist(), self.known.tolist(), self.predicted.tolist(), strict=True
                )
            ],
        }


def interpolation_error(plane: Plane, contours: ExclusionContours, kind: Kind | None = None) -> InterpolationError:
    """Estimate how far a contour may be off, by leaving out each inner point in turn.

    Args:
        plane: The points.
        contours: From :func:`hfscale.plot.contours.exclusion_contours` of the same points.
        kind: Which contour; by default the observed one, if there are observed results.

    Raises:
        SelectionError: All points are corners of their hull, or there are no results of this kind.
    """
    kind = kind or ("observed" if plane.has_observed else "expected")
    surface, lines, heights = surface_of(plane, contours, kind)
    ground, grid = contours.ground, contours.grid
    threshold = plane.quantity.threshold(contours.level)
    left_out = leave_one_out(ground, heights)
    uncertainty = uncertainty_of(ground, heights, threshold, left_out)
    deviations = uncertainty.deviations(grid.nodes).reshape(surface.shape)
    return InterpolationError(
        kind=kind,
        names=_names(plane, left_out),
        places=ground.places[left_out.index],
        known=left_out.known,
        predicted=left_out.predicted,
        threshold=threshold,
        shift=_shift(contours, surface, lines, uncertainty),
        region=region_between(grid, surface + deviations, surface - deviations, threshold),
        uncertainty=uncertainty,
    )


def surface_of(
    plane: Plane, contours: ExclusionContours, kind: Kind
) -> tuple[Float[np.ndarray, "row column"], Lines, Float[np.ndarray, "point"]]:
    """Return the observed or the median expected surface, its contour, and the heights that it goes through.

    Raises:
        SelectionError: There are no results of this kind.
    """
    if kind == "observed" and contours.Z_obs is not None:
        return contours.Z_obs, contours.observed, plane.Z_obs[plane.done]
    heights = plane.Z_exp[plane.done, _MEDIAN]
    if kind == "observed" or not np.isfinite(heights).all():
        raise SelectionError(f"there are no {kind} results", remedy="choose the other contour")
    return contours.Z_exp[_MEDIAN], contours.expected[_MEDIAN], heights


def _names(plane: Plane, left_out: LeftOut) -> tuple[str, ...]:
    done = np.flatnonzero(plane.done)
    return tuple(plane.names[k] for k in done[left_out.index])


def _shift(
    contours: ExclusionContours, surface: Float[np.ndarray, "row column"], lines: Lines, uncertainty: Uncertainty
) -> tuple[float, float]:
    if not lines:
        return float("nan"), float("nan")
    frame = contours.grid.frame
    places = np.concatenate(lines)
    at = frame.enter(places)
    moved = frame.leave(at + displacements(contours.grid, surface, at, uncertainty.deviations(at)))
    dx, dy = np.median(np.abs(moved - places), axis=0)
    return float(dx), float(dy)
