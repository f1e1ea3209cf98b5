"""Exclusion contours as lines: where the significance crosses that of the chosen CLs.

The recipe is that of HistFitter's ``harvestToContours.py`` (commit 456c2b5): interpolate Z = Phi^-1(1 - CLs) between
the signal points and draw the contour at Phi^-1(1 - 0.05) = 1.645. The expected band is the region between the
contours of the -1 and +1 standard deviation quantiles of the expected CLs.

Of upper limits on the POI, -ln of the limit takes the place of Z, and the contour is at 1, the nominal signal. Where
results come from toys, further lines are drawn through the ends of the 68.3 % intervals of all points: how far the
observed contour could move if all toys were off to the same side.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from hfscale.errors import SelectionError
from hfscale.plot.axes import Plane
from hfscale.plot.ground import Ground, make_ground
from hfscale.plot.line_tables import write_lines
from hfscale.plot.outlines import Lines, Region, lines_at, region_between
from hfscale.plot.points import NSIGMA
from hfscale.plot.remarks import surface_remarks
from hfscale.plot.surfaces.grid import Grid
from hfscale.plot.surfaces.settings import DEFAULT_INTERPOLATION, SurfaceSettings

_MEDIAN = 2


@dataclass(frozen=True)
class ExclusionContours:
    """Exclusion contours of one plane of signal points.

    Args:
        level: CLs at the contour, or at the upper limits.
        ground: Where surfaces are known and evaluated, and how they were laid.
        Z_obs: Observed height (of CLs, the significance) on the grid, or None without observed results. Valid inside
            the hull and outside the forbidden region.
        Z_exp: Expected heights on the grid for -2 to +2 standard deviations.
        observed: Lines of the observed contour, longest first; none where it does not cross.
        expected: Lines of the expected contour for -2, -1, 0, +1 and +2 standard deviations.
        bands: The regions between the contours of -1 and +1, and of -2 and +2 standard deviations; they reach beyond
            the hull by up to one step of the grid and are to be clipped to it when drawn.
        uncertainty: Lines through the lower and the upper ends of the uncertainties from the number of toys; none
            without toys.
        signal: Lines of the observed contour with the cross-section of the signal one standard deviation down and up;
            none where it has no uncertainty.
        messages: Why a contour is missing, a sentence each.
        remarks: What else a reader should know of the contours, a sentence each.
    """

    level: float
    ground: Ground
    Z_obs: Float[np.ndarray, "row column"] | None
    Z_exp: Float[np.ndarray, "5 row column"]
    observed: Lines
    expected: tuple[Lines, Lines, Lines, Lines, Lines]
    bands: tuple[Region, Region]
    uncertainty: tuple[Lines, Lines]
    messages: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    signal: tuple[Lines, Lines] = ((), ())

    @property
    def grid(self) -> Grid:
        """Where surfaces were evaluated, the hull of the points, and the forbidden region, where no lines are."""
        return self.ground.grid

    @property
    def interpolation(self) -> str:
        """How the surfaces were interpolated."""
        return self.ground.settings.interpolation


def exclusion_contours(
    plane: Plane,
    *,
    level: float | None = None,
    interpolation: str = DEFAULT_INTERPOLATION,
    smoothing: float | None = None,
    epsilon: float | None = None,
    forbidden: str | None = None,
    forbidden_style: str = "cut",
    size: int = 200,
) -> ExclusionContours:
    """Find the contours of a plane of signal points.

    ``rbf`` is the default because it gives the smooth curves through all points that users of HistFitter know, with
    its settings. ``linear`` has kinks, and hooks in narrow triangles along the edge of the points, but cannot ring
    where Z falls steeply, and predicts left-out points better: leaving out each inner point in turn, the root mean
    square error of the observed Z within 1.5 of the contour is 0.31 (with ``rbf`` 0.41) on the 125 points of the full
    ATLAS 1Lbb likelihood and 0.37 (0.64) on the 130 points with m_n1 == 60 of the ATLAS sbottom search; 5 (7) and 3 (7)
    points end on the wrong side. ``cubic`` is smooth too: 0.33 and 5 points of 1Lbb. ``gp`` tells the surface from the
    scatter of the points that comes from few simulated events, with 0.28 and 3 points of 1Lbb; but its contour leaves 3
    points on the other side than their own results, as its remarks say.

    Args:
        plane: From :func:`hfscale.plot.axes.select_plane`.
        level: CLs at the contour, between 0 and 1; 0.05, 95% confidence level, by default. Upper limits have their own.
        interpolation: ``rbf``, ``linear``, ``cubic`` or ``gp``.
        smoothing: Of ``rbf`` and ``gp``, see :class:`hfscale.plot.surfaces.settings.SurfaceSettings`.
        epsilon: Of ``rbf``, in the same place.
        forbidden: Condition that is true where no contour can be, such as ``y > x - 125``, in x, y and labels; or None.
        forbidden_style: ``cut``, or ``histfitter`` for points mirrored at the edge of that region.
        size: Rows and columns of the grid.

    Raises:
        SelectionError: The level is not between 0 and 1, or not that of the upper limits, or the points with results
            do not span a plane, or an option is wrong.
    """
    level = _checked_level(plane, level)
    settings = SurfaceSettings(interpolation, smoothing, epsilon)
    ground = make_ground(plane, settings, forbidden=forbidden, forbidden_style=forbidden_style, size=size)
    grid, Z_exp = ground.grid, ground.surfaces(plane.Z_exp[plane.done])
    surfaces = _observed(plane, ground)
    Z_obs = surfaces.nominal
    z = plane.quantity.threshold(level)
    observed = () if Z_obs is None else lines_at(grid, Z_obs, z)
    expected = tuple(lines_at(grid, surface, z) for surface in Z_exp)
    return ExclusionContours(
        level=level,
        ground=ground,
        Z_obs=Z_obs,
        Z_exp=Z_exp,
        observed=observed,
        expected=expected,  # type: ignore[arg-type]
        bands=(region_between(grid, Z_exp[1], Z_exp[3], z), region_between(grid, Z_exp[0], Z_exp[4], z)),
        uncertainty=(lines_at(grid, surfaces.low, z), lines_at(grid, surfaces.high, z)),
        signal=(lines_at(grid, surfaces.down, z), lines_at(grid, surfaces.up, z)),
        messages=_messages(plane, level),
        remarks=(
            *_remarks(plane, ground, z, observed if plane.has_observed else expected[_MEDIAN]),
            *_signal_remarks(plane),
        ),
    )


def _remarks(plane: Plane, ground: Ground, z: float, lines: Lines) -> tuple[str, ...]:
    """What to know of the observed contour, of the expected one without observed results."""
    heights = plane.Z_obs if plane.has_observed else plane.Z_exp[:, _MEDIAN]
    names = tuple(name for name, done in zip(plane.names, plane.done, strict=True) if done)
    axes = (plane.x_text, plane.y_text)
    return surface_remarks(ground, heights[plane.done], z, lines, names=names, axes=axes)


def _signal_remarks(plane: Plane) -> tuple[str, ...]:
    """Why there are no lines with the cross-section of the signal varied, although some points have results with it."""
    if plane.Z_signal is None:
        return ()
    missing = int(np.isnan(plane.Z_signal[plane.done]).any(axis=1).sum())
    if not missing:
        return ()
    return (
        f"lines with the cross-section of the signal varied are not drawn: {missing} of {int(plane.done.sum())} points"
        " have no results with it",
    )


def _checked_level(plane: Plane, asked: float | None) -> float:
    own = plane.level
    if own is not None and asked not in (None, own):
        raise SelectionError(f"the limits are at CLs = {own:g}, not {asked:g}", remedy="leave the level out")
    level = own if own is not None else 0.05 if asked is None else asked
    if not 0.0 < level < 1.0:
        raise SelectionError(f"the level {level:g} of the contour is not between 0 and 1")
    return level


class _Observed(NamedTuple):
    """Observed surfaces: the nominal one, both ends of the uncertainty from toys, and with the cross-section varied.

    The nominal one is None without observed results; the others are NaN where there are none.
    """

    nominal: Float[np.ndarray, "row column"] | None
    low: Float[np.ndarray, "row column"]
    high: Float[np.ndarray, "row column"]
    down: Float[np.ndarray, "row column"]
    up: Float[np.ndarray, "row column"]


def _observed(plane: Plane, ground: Ground) -> _Observed:
    missing = np.full((len(plane.names), 2), np.nan)
    pairs = [missing if pair is None else pair for pair in (plane.Z_interval, plane.Z_signal)]
    nominal, *others = ground.surfaces(np.column_stack([plane.Z_obs, *pairs])[plane.done])
    return _Observed(nominal if plane.has_observed else None, *others)


def named_lines(contours: ExclusionContours) -> dict[str, Lines]:
    """All lines by name, as they are called where they are written down.

    ``observed``, ``expected``, ``expected_-1sigma`` to ``expected_+2sigma``; with toys, ``observed_toys_low`` and
    ``observed_toys_high`` for the lower and upper ends of the uncertainties; ``observed_signal_-1sigma`` and
    ``observed_signal_+1sigma`` with the cross-section of the signal varied.
    """
    named = {"observed": contours.observed}
    order = sorted(zip(NSIGMA, contours.expected, strict=True), key=lambda item: (abs(item[0]), item[0]))
    named |= {f"expected_{n:+d}sigma" if n else "expected": lines for n, lines in order}
    named |= {f"observed_toys_{end}": lines for end, lines in zip(("low", "high"), contours.uncertainty)}
    return named | {f"observed_signal_{n:+d}sigma": lines for n, lines in zip((-1, 1), contours.signal)}


def contours_to_csv(contours: ExclusionContours, path: Path) -> None:
    """Write the lines as CSV, see :func:`named_lines` and :func:`hfscale.plot.line_tables.write_lines`.

    Raises:
        InputError: The file cannot be written.
    """
    write_lines(named_lines(contours), path)


def _messages(plane: Plane, level: float) -> tuple[str, ...]:
    z, excluded = plane.quantity.threshold(level), plane.quantity.excluded.format(level=level)
    messages = []
    for kind, Z in (("observed", plane.Z_obs), ("expected", plane.Z_exp[:, 2])):
        known = Z[plane.done]
        if kind == "expected" and not np.isfinite(known).any():
            messages.append("there is no expected contour: no point has expected results")
            continue
        if kind == "observed" and not plane.has_observed:
            messages.append("there is no observed contour: no point has observed results")
        elif (known > z).all():
            messages.append(f"there is no {kind} contour: all {len(known)} points are excluded {excluded}")
        elif (known <= z).all():
            messages.append(f"there is no {kind} contour: none of {len(known)} points is excluded {excluded}")
    return tuple(messages)
