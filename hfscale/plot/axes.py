"""From signal points in label space to the plane of a contour.

A patchset can hold several planes of a model with more masses than axes. Drawn together they would give a surface that
means nothing, so the selected points must be *one* plane:

1. no two points share their place (x, y), and
2. the numeric labels span a plane: each is an affine function of two of them (affine rank 2 or less). With m_n1 == 60,
   or with m_n2 - m_n1 == 130, three masses span a plane. Labels that rise or fall with one axis alone (a cross-section
   that follows the mass) are left out of the count.
3. Labels of text are the same at all points, or different at all of them and so mere names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float

from hfscale.errors import SelectionError
from hfscale.plot.expressions import Expression, evaluate_numbers, evaluate_truth, parse_expression
from hfscale.plot.planes import affine_labels, free_labels, is_numeric, shared_places, spans_a_plane, suggest_selections
from hfscale.plot.points import PlanePoints
from hfscale.plot.quantities import CLS, Quantity, clipped_at
from hfscale.plot.significance import LARGEST_Z, significance_of_level


@dataclass(frozen=True)
class Plane:
    """Signal points at their places in the plane of a contour.

    Args:
        names: Names of the points.
        x: First coordinate.
        y: Second coordinate.
        Z_obs: Observed height, of CLs the significance Phi^-1(1 - CLs); NaN where there is no result.
        Z_exp: Expected heights for -2 to +2 standard deviations, as in ``PlanePoints.expected``.
        status: Status of each point, as in ``PlanePoints``.
        x_text: The expression of x.
        y_text: The expression of y.
        select: The selection, or None.
        hidden: Points that a projection left out, because another one is at the same place.
        doubtful: Where the asymptotic formulas may not hold.
        Z_interval: Heights at both ends of the uncertainty of the observed results from the number of toys, the
            observed height itself where that is not known; None without toys.
        Z_signal: Observed heights with the cross-section of the signal a standard deviation down and up; None without.
        quantity: What the heights are of.
        level: CLs at upper limits; None for CLs.
        log: Whether the first and the second axis are logarithmic.
        labels: Labels that are affine functions of the coordinates: constant, slope in x, slope in y.
    """

    names: tuple[str, ...]
    x: Float[np.ndarray, "point"]
    y: Float[np.ndarray, "point"]
    Z_obs: Float[np.ndarray, "point"]
    Z_exp: Float[np.ndarray, "point 5"]
    status: tuple[str, ...]
    x_text: str
    y_text: str
    select: str | None
    hidden: tuple[str, ...]
    doubtful: Bool[np.ndarray, "point"]
    Z_interval: Float[np.ndarray, "point side"] | None = None
    Z_signal: Float[np.ndarray, "point variation"] | None = None
    quantity: Quantity = CLS
    level: float | None = None
    log: tuple[bool, bool] = (False, False)
    labels: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)

    @property
    def places(self) -> Float[np.ndarray, "point 2"]:
        """Both coordinates of each point."""
        return np.column_stack([self.x, self.y])

    @property
    def has_observed(self) -> bool:
        """Whether any point has an observed result; there is none for expected-only calculations."""
        return bool(np.isfinite(self.Z_obs).any())

    @property
    def done(self) -> Bool[np.ndarray, "point"]:
        """The points that enter the contours: with all the results that there are."""
        known = np.isfinite(np.column_stack([self.Z_obs, self.Z_exp]))
        kinds = known.any(axis=0)
        return np.asarray(known[:, kinds].all(axis=1) & kinds.any())


def select_plane(
    points: PlanePoints,
    x: str,
    y: str,
    select: str | None = None,
    *,
    project: bool = False,
    log_x: bool = False,
    log_y: bool = False,
    sigma_max: float = LARGEST_Z,
) -> Plane:
    """Choose signal points and give each its place in the plane.

    Args:
        points: All signal points.
        x: Expression of the labels for the first axis, such as ``m_sbottom``.
        y: Expression for the second axis, such as ``m_n2 - m_n1``.
        select: Condition that points must meet, such as ``m_n1 == 60``; None takes all.
        project: Draw points of several planes in one. Of points at the same place the one with the largest
            expected result stays, so that a place counts as excluded only where all points there are expected to be.
        log_x: Whether the first axis is logarithmic.
        log_y: The same for the second axis.
        sigma_max: Significances of CLs above are set to this, so that points far inside do not pull the contour.

    Raises:
        SelectionError: An expression cannot be evaluated, a logarithmic axis is not positive, no point is selected, or
            the points are not one plane; then the message lists selections that would do.
    """
    if select is not None:
        kept = evaluate_truth(parse_expression(select), points.labels)
        if not kept.any():
            raise SelectionError(
                f"no signal point of {len(points.names)} has {select}", remedy=_label_ranges(points) or None
            )
        points = points.take(kept)
    if not points.names:
        raise SelectionError("there are no signal points to draw")
    axes = parse_expression(x), parse_expression(y)
    places = np.column_stack([_axis(axis, points, log) for axis, log in zip(axes, (log_x, log_y), strict=True)])
    points = replace(points, quantity=clipped_at(points.quantity, sigma_max))
    if project:
        expected, _ = _with_no_signal(points)
        stay = _largest_at_each_place(places, expected[:, 2])
    else:
        stay = np.ones(len(places), dtype=bool)
        _refuse_several_planes(points, places, axes, select)
    hidden = tuple(name for name, here in zip(points.names, stay, strict=True) if not here)
    return replace(_plane(points.take(stay), places[stay], (x, y), select, hidden), log=(log_x, log_y))


def _plane(
    points: PlanePoints,
    places: Float[np.ndarray, "point 2"],
    texts: tuple[str, str],
    select: str | None,
    hidden: tuple[str, ...],
) -> Plane:
    expected, observed = _with_no_signal(points)

    def height(numbers: Float[np.ndarray, "point *more"]) -> Float[np.ndarray, "point *more"]:
        return _lowered(points.quantity.height(numbers), points)

    return Plane(
        names=points.names,
        x=places[:, 0],
        y=places[:, 1],
        Z_obs=height(observed),
        Z_exp=height(expected),
        status=points.status,
        x_text=texts[0],
        y_text=texts[1],
        select=select,
        hidden=hidden,
        doubtful=np.zeros(len(places), dtype=bool) if points.doubtful is None else points.doubtful,
        Z_interval=None if points.interval is None else height(_filled(points.interval, observed)),
        Z_signal=None if points.signal is None else height(points.signal),
        quantity=points.quantity,
        level=points.level,
        labels=affine_labels(points.labels, places),
    )


def _lowered(
    heights: Float[np.ndarray, "point *more"], points: PlanePoints
) -> Float[np.ndarray, "point *more"]:  # fmt: skip
    """Heights with points without signal as low as the lowest other point, and below the contour.

    No signal is infinitely low, and any number in its place, such as the -6.4 of HistFitter for CLs of 1, is a cliff
    beside which smooth surfaces ring.
    """
    empty = np.array(points.status) == "no_signal"
    if not empty.any() or empty.all():
        return heights
    below = points.quantity.threshold(0.05) - significance_of_level(0.05)
    lowest = np.fmin.reduce(heights[~empty], axis=0)
    lowered = heights.copy()
    lowered[empty] = np.where(np.isfinite(heights[empty]), np.minimum(lowest, below), heights[empty])
    return lowered


def _filled(
    interval: Float[np.ndarray, "point side"], observed: Float[np.ndarray, "point"]
) -> Float[np.ndarray, "point side"]:
    """Intervals with the observed results themselves where an end is not known."""
    return np.where(np.isfinite(interval), interval, observed[:, None])


def _with_no_signal(points: PlanePoints) -> tuple[Float[np.ndarray, "point 5"], Float[np.ndarray, "point"]]:
    """Return expected and observed results: those of no signal where a patch adds none, NaN where none is valid.

    An observed one is only set where some point has one: without data there is no observed contour.
    """
    status, no_signal = np.array(points.status), points.quantity.no_signal
    usable = np.isin(status, ("ok", "no_signal", "partial"))
    expected = np.where(usable[:, None], points.expected, np.nan)
    observed = np.where(usable, points.observed, np.nan)
    expected[status == "no_signal"] = no_signal
    if np.isfinite(observed).any():
        observed[status == "no_signal"] = no_signal
    return expected, observed


def _axis(expression: Expression, points: PlanePoints, log: bool) -> Float[np.ndarray, "point"]:
    values = evaluate_numbers(expression, points.labels)
    if not np.isfinite(values).all():
        worst = points.names[int(np.flatnonzero(~np.isfinite(values))[0])]
        raise SelectionError(
            f"the axis {expression.text!r} has no finite value at signal point {worst!r}",
            remedy="leave such points out with a selection",
        )
    if log and (values <= 0).any():
        least = int(values.argmin())
        raise SelectionError(
            f"the axis {expression.text!r} cannot be logarithmic: it is {values[least]:g} at signal point"
            f" {points.names[least]!r}",
            remedy="leave such points out with a selection, or draw the axis linearly",
        )
    return values


def _largest_at_each_place(
    places: Float[np.ndarray, "point 2"], results: Float[np.ndarray, "point"]
) -> Bool[np.ndarray, "point"]:
    order = np.argsort(
        np.where(np.isnan(results), -np.inf, -results), kind="stable"
    )  # a missing result hides the others
    _, first = np.unique(places[order], axis=0, return_index=True)
    stay = np.zeros(len(places), dtype=bool)
    stay[order[first]] = True
    return stay


def _refuse_several_planes(
    points: PlanePoints, places: Float[np.ndarray, "point 2"], axes: tuple[Expression, Expression], select: str | None
) -> None:
    if not spans_a_plane(places):
        raise SelectionError(
            f"the {len(places)} selected signal points lie on one line in {axes[0].text} and {axes[1].text}",
            remedy="choose axes or a selection in which both coordinates vary independently",
        )
    used = {name for axis in axes for name in axis.names}
    free = free_labels(points.labels, places, used)
    twins = shared_places(places)
    if not free and not twins:
        return
    title = f"the {len(points.names)} selected signal points are no single plane of {axes[0].text} and {axes[1].text}"
    if free:
        reason = f"{', '.join(free)} still {'varies' if len(free) == 1 else 'vary'}"
    else:
        first, second = twins[0]
        reason = f"{points.names[first]!r} and {points.names[second]!r} are at the same place"
    suggestions = suggest_selections(points.labels, places, used)
    listed = [f'--select "{_joined(select, text)}"  ({size} points)' for text, size in suggestions]
    remedy = "select one plane, or draw them together with --project"
    raise SelectionError(f"{title}: {reason}", remedy="\n    ".join([f"{remedy}:", *listed] if listed else [remedy]))


def _joined(select: str | None, more: str) -> str:
    return more if select is None else f"({select}) and {more}"


def _label_ranges(points: PlanePoints) -> str:
    ranges = []
    for label, values in points.labels.items():
        if is_numeric(values) and len(values):
            ranges.append(f"{label} from {values.min():g} to {values.max():g}")
    return f"the labels are: {', '.join(ranges)}" if ranges else ""
