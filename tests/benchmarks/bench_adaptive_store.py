"""What an adaptive number of toys would have saved in a store that has a fixed number of them, and what it would move.

    python -m tests.benchmarks.bench_adaptive_store STORE -x EXPR -y EXPR [--select EXPR] [--min-toys N] [--max-toys N]

Toy k is the same in every run, so the toys of an adaptive run are the first ones of each signal point in the store, and
nothing is thrown. Writes one JSON document: toys of both, points on the other side of the level, and how far the
contours of the plane move, in units of the uncertainty that the adaptive run states. That is half the distance of the
contours drawn with CLs at both ends of their 68.3 % intervals, where these are lines too.
"""

import argparse
import json
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from hfscale.inference.toys.distances import distances_from_level
from hfscale.inference.toys.p_values import ToyPValues, toy_p_values
from hfscale.inference.toys.results import ToyStatus
from hfscale.plan.adaptive import Allocation, looks, verdict
from hfscale.plan.cells import Cell
from hfscale.plot.axes import select_plane
from hfscale.plot.contours import exclusion_contours
from hfscale.reading.p_values import observed_statistics
from hfscale.reading.toys import read_statistics
from hfscale.results import Results, open_results

CURVES = ("observed", "-2 sigma", "-1 sigma", "expected", "+1 sigma", "+2 sigma")


def first_toys(q_obs: float, q: np.ndarray, status: np.ndarray, n: int, level: float) -> tuple[ToyPValues, Any]:
    """p-values, and distances from the level, of the first n toys."""
    toys = (q_obs, q[0, :n], status[0, :n], q[1, :n], status[1, :n])
    return toy_p_values(*toys), distances_from_level(*toys, level=level)


def adaptive(q_obs: float, q: np.ndarray, status: np.ndarray, allocation: Allocation) -> tuple[int, ToyPValues]:
    """Toys per hypothesis at which a cell ends, and what they say."""
    for n in looks(allocation):
        p, distances = first_toys(q_obs, q, status, n, allocation.level)
        if verdict(p, distances, allocation).decided:
            break
    return n, p


def values(p: ToyPValues) -> np.ndarray:
    """CLs of the six curves with both ends of their intervals: (curve, value and ends)."""
    intervals = np.array([p.CLs_obs_interval, *p.CLs_exp_interval])
    return np.column_stack([[p.CLs_obs, *p.CLs_exp], intervals])


def compare(results: Results, allocation: Allocation) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Numbers of toys, and CLs of the fixed and the adaptive number: (point, curve, value and ends)."""
    store, observed = results.store, observed_statistics(results.store)
    cells = [Cell(point) for point in range(len(store.names))]
    fixed, ended = np.full((len(cells), 6, 3), np.nan), np.full((len(cells), 6, 3), np.nan)
    numbers = np.zeros(len(cells), dtype=np.int64)
    for k, (q, status) in enumerate(read_statistics(store, cells)):
        if (status[:, : allocation.max_toys] == ToyStatus.NOT_RUN).any() or not np.isfinite(observed[k, 0]):
            continue
        numbers[k], p = adaptive(float(observed[k, 0]), q, status, allocation)
        ended[k] = values(p)
        fixed[k] = values(first_toys(float(observed[k, 0]), q, status, allocation.max_toys, allocation.level)[0])
    used = numbers > 0
    return (
        {
            "points": int(used.sum()),
            "toys_fixed": 2 * allocation.max_toys * int(used.sum()),
            "toys_adaptive": 2 * int(numbers.sum()),
            "ratio": allocation.max_toys * int(used.sum()) / int(numbers.sum()),
            "points_by_toys": {int(n): int((numbers == n).sum()) for n in np.unique(numbers[used])},
            "other_side": int(((fixed[used, :, 0] < allocation.level) != (ended[used, :, 0] < allocation.level)).sum()),
        },
        fixed,
        ended,
    )


def contour_lines(results: Results, CLs: np.ndarray, arguments: argparse.Namespace, level: float) -> dict[str, Any]:
    """Lines of every curve in the plane, from CLs over (point, curve)."""
    lines = {}
    for k, name in enumerate(CURVES):
        points = replace(results.plane_points(), observed=CLs[:, k], expected=CLs[:, 1:])
        plane = select_plane(points, arguments.x, arguments.y, arguments.select, project=False)
        lines[name] = [np.asarray(line) for line in exclusion_contours(plane, level=level).observed]
    return lines


def distances(lines: list[np.ndarray], others: list[np.ndarray], scale: np.ndarray) -> np.ndarray:
    """Distance of each corner of lines from the nearest other line, in units of the ranges of the axes."""
    corners, found = np.concatenate(lines) / scale, []
    for line in others:
        begin, step = line[:-1] / scale, np.diff(line / scale, axis=0)
        length = np.maximum((step**2).sum(axis=1), 1e-300)
        share = np.clip(((corners[:, None] - begin) * step).sum(axis=2) / length, 0.0, 1.0)
        found.append(np.linalg.norm(corners[:, None] - begin - share[..., None] * step, axis=2).min(axis=1))
    nearest: np.ndarray = np.min(found, axis=0)
    return nearest


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("-x", required=True)
    parser.add_argument("-y", required=True)
    parser.add_argument("--select")
    parser.add_argument("--min-toys", type=int, default=500)
    parser.add_argument("--max-toys", type=int, default=20_000)
    parser.add_argument("--nsigma", type=float, default=3.0)
    arguments = parser.parse_args()
    allocation = Allocation(nsigma=arguments.nsigma, min_toys=arguments.min_toys, max_toys=arguments.max_toys)
    results = open_results(arguments.store)
    document, fixed, ended = compare(results, allocation)
    central, low, high, moved = (
        contour_lines(results, np.clip(CLs, 1e-6, 1.0), arguments, allocation.level)
        for CLs in (ended[..., 0], ended[..., 1], ended[..., 2], fixed[..., 0])
    )
    document["contours"] = {}
    for name in CURVES:
        if not all(lines[name] for lines in (central, low, high, moved)):
            document["contours"][name] = "no line"
            continue
        scale = np.ptp(np.concatenate(central[name]), axis=0)
        error = 0.5 * (distances(central[name], low[name], scale) + distances(central[name], high[name], scale))
        shift = distances(central[name], moved[name], scale)
        document["contours"][name] = {
            "largest_shift_in_errors": float(np.max(shift / np.maximum(error, 1e-12))),
            "largest_shift_of_range": float(shift.max()),
            "median_error_of_range": float(np.median(error)),
        }
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
