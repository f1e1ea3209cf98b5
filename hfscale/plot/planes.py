"""Whether signal points span one plane of label space, and selections that make them one."""

import math
from collections.abc import Iterable, Mapping, Set
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Real

_TOLERANCE = 1e-6  # of the range of a label
_SHARE = 0.05  # a suggestion holds at least this share of the points
_FEWEST = 4  # and never fewer points than a contour needs
_LONGEST_LIST = 8
_MOST_PAIRED = 24


class Suggestion(NamedTuple):
    """A selection that leaves one plane, and how many points it holds."""

    text: str
    size: int


class _Condition(NamedTuple):
    text: str
    kept: np.ndarray


def is_numeric(values: np.ndarray) -> bool:
    """Tell whether a label holds numbers rather than text."""
    return values.dtype.kind in "biuf"


def spans_a_plane(places: Float[np.ndarray, "point 2"]) -> bool:
    """Tell whether places do not all lie on one line."""
    return len(places) > 2 and _affine_rank([_scaled(places[:, 0]), _scaled(places[:, 1])]) == 2


def shared_places(places: Float[np.ndarray, "point 2"]) -> list[tuple[int, int]]:
    """Return the pairs of points, by index, that are at the same place as an earlier one."""
    seen: dict[tuple[float, float], int] = {}
    twins = []
    for index, place in enumerate(map(tuple, places.tolist())):
        if place in seen:
            twins.append((seen[place], index))
        seen.setdefault(place, index)
    return twins


def free_labels(
    labels: Mapping[str, np.ndarray], places: Float[np.ndarray, "point 2"], used: Set[str]
) -> tuple[str, ...]:
    """Return the labels that the place in the plane does not determine; none if the points are one plane.

    Args:
        labels: Values of each label at the points.
        places: Values of the two axes at the points.
        used: Labels that occur in the axes; they are named only where no other label is to blame.
    """
    if not len(places):
        return ()
    text = {name for name, values in labels.items() if not is_numeric(values)}
    free = {name for name in text if not _is_name(labels[name])}
    numbers = {
        name: _scaled(values)
        for name, values in labels.items()
        if name not in text and (name in used or not any(_follows_one_axis(values, axis) for axis in places.T))
    }
    if _affine_rank(numbers.values()) > 2:
        axes = np.column_stack([_scaled(places[:, 0]), _scaled(places[:, 1])])
        off = [name for name, values in numbers.items() if not _affine(values, axes)] or list(numbers)
        free.update([name for name in off if name not in used] or off)
    return tuple(name for name in labels if name in free)


def affine_labels(
    labels: Mapping[str, np.ndarray], places: Float[np.ndarray, "point 2"]
) -> dict[str, tuple[float, float, float]]:
    """Return the numeric labels that are affine functions of the place: constant, slope in x, slope in y."""
    if not spans_a_plane(places):
        return {}
    found = {}
    centre, extent = places.mean(axis=0), np.ptp(places, axis=0)
    terms = np.column_stack([np.ones(len(places)), (places - centre) / extent])
    for name, values in labels.items():
        if not is_numeric(values) or not np.isfinite(values).all():
            continue
        (a, b, c), *_ = np.linalg.lstsq(terms, values.astype(np.float64), rcond=None)
        slopes = np.array([b, c]) / extent
        if np.abs(terms @ np.array([a, b, c]) - values).max() <= _TOLERANCE * _size(values):
            found[name] = (_tidy(a - slopes @ centre), _tidy(slopes[0]), _tidy(slopes[1]))
    return found


def _size(values: np.ndarray) -> float:
    """The range of a label; of a constant one, what rounding may add to it."""
    return max(float(np.ptp(values)), _TOLERANCE * float(np.abs(values).max()))


def _tidy(number: float) -> float:
    """The number without its last digits, in which the rounding of a fit shows."""
    return float(f"{number:.12g}")


def suggest_selections(
    labels: Mapping[str, np.ndarray], places: Float[np.ndarray, "point 2"], used: Set[str]
) -> tuple[Suggestion, ...]:
    """Return selections that leave one plane, most points first.

    Tried are constants of single labels and of differences of two labels that hold at least a twentieth of the points,
    and pairs of these where no single one is enough.
    """
    conditions = _conditions(labels, max(_FEWEST, math.ceil(_SHARE * len(places))))
    found = [c for c in conditions if _is_plane(labels, places, used, c.kept)]
    if not found:
        pairs = combinations(conditions[:_MOST_PAIRED], 2)
        joined = [_Condition(f"({a.text}) and ({b.text})", a.kept & b.kept) for a, b in pairs]
        found = [c for c in joined if _is_plane(labels, places, used, c.kept)]
    unique = {c.kept.tobytes(): c for c in reversed(found)}  # of the same points, the first text
    ranked = sorted(unique.values(), key=lambda c: (-int(c.kept.sum()), c.text))
    return tuple(Suggestion(c.text, int(c.kept.sum())) for c in ranked[:_LONGEST_LIST])


def _conditions(labels: Mapping[str, np.ndarray], fewest: int) -> list[_Condition]:
    columns = {_written(name): values for name, values in labels.items()}
    numbers = {name: values for name, values in columns.items() if is_numeric(values)}
    for first, second in combinations(numbers, 2):
        difference = numbers[second].astype(np.float64) - numbers[first]
        if np.median(difference) >= 0:
            columns[f"{second} - {first}"] = difference
        else:
            columns[f"{first} - {second}"] = -difference
    found: list[_Condition] = []
    for text, values in columns.items():
        constants, counts = np.unique(values, return_counts=True)
        common = constants[(counts >= fewest) & (counts < len(values))]
        found.extend(_Condition(f"{text} == {_literal(constant)}", values == constant) for constant in common)
    found.sort(key=lambda c: -int(c.kept.sum()))
    return found


def _is_plane(
    labels: Mapping[str, np.ndarray],
    places: Float[np.ndarray, "point 2"],
    used: Set[str],
    kept: Bool[np.ndarray, "point"],
) -> bool:
    here = places[kept]
    if len(here) < _FEWEST or not spans_a_plane(here):
        return False
    return not shared_places(here) and not free_labels({k: v[kept] for k, v in labels.items()}, here, used)


def _scaled(values: np.ndarray) -> Float[np.ndarray, "point"]:
    """Return numbers centred and divided by their range; zero if they are all the same."""
    numbers = values.astype(np.float64)
    extent = np.ptp(numbers)
    return (numbers - numbers.mean()) / extent if extent > 0 else np.zeros_like(numbers)


def _affine_rank(columns: Iterable[np.ndarray]) -> int:
    matrix = list(columns)
    if not matrix:
        return 0
    sizes = np.linalg.svd(np.column_stack(matrix), compute_uv=False)
    return int((sizes > _TOLERANCE * np.sqrt(len(matrix[0]))).sum())


def _affine(values: Float[np.ndarray, "point"], axes: Float[np.ndarray, "point 2"]) -> bool:
    coefficients, *_ = np.linalg.lstsq(axes, values, rcond=None)
    return bool(np.abs(axes @ coefficients - values).max() < _TOLERANCE)


def _follows_one_axis(values: Real[np.ndarray, "point"], axis: Float[np.ndarray, "point"]) -> bool:
    """Tell whether a label is a monotonic function of an axis, as a cross-section is of a mass.

    That it has one value at each value of the axis is not enough: the planes of a patchset can be on different values.
    At least half of the points must share their axis value with another one, so that it is no coincidence.
    """
    steps = np.unique(np.column_stack([axis, values]), axis=0)
    if len(np.unique(axis)) < len(steps) or 2 * len(steps) > len(values):
        return False
    rises = np.diff(steps[:, 1])
    return bool((rises >= 0).all() or (rises <= 0).all())


def _is_name(values: np.ndarray) -> bool:
    """Tell whether a text label is the same everywhere, or different everywhere and so a mere name."""
    return len(np.unique(values.astype(np.str_))) in (1, len(values))


def _written(label: str) -> str:
    return label if label.isidentifier() else f"`{label}`"


def _literal(constant: object) -> str:
    return f"{float(constant):.12g}" if isinstance(constant, np.number | np.bool_) else repr(str(constant))
