"""How fast planes of profile likelihoods are, full and adaptive, beside cabinetry and iminuit: a published search.

    python -m tests.benchmarks.bench_profile_plane [--data FOLDER] [--places N] [--repeats N] [--peer-fits N]

Writes one JSON document to standard output. For a point of RegionA and planes of the POI with the normalisation of a
background, and with the nuisance parameter that has the strongest impact on it: seconds of a first scan (of the first
plane it compiles), and the best and median of later ones; the same for an adaptive grid over the same values, how many
fits it saves, and how far its contours are from those of the full plane, in standard deviations. Seconds per fit of
cabinetry (pyhf with NumPy, MINUIT) are those of fits with two parameters held, of which its plane would make one at
each place; the time of the whole is extrapolated. One process with one thread. Nothing is asserted: times belong to a
machine.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.update(NPROC="1", OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", JAX_PLATFORMS="cpu")

import numpy as np

from hfscale.fit.status import FitStatus
from hfscale.inference.measurement.best_fits import rank_points
from hfscale.inference.profile_levels import PROBABILITIES, height_of
from hfscale.inference.profile_refinement import TOLERANCE, surface
from hfscale.inference.profile_scans import ProfileBlock, scan_profiles
from hfscale.model.structure import ModelGroup
from tests.benchmarks.bench_ranking import DATA, POINT, messages_on_standard_error, with_bounds

BACKGROUND = "mu_ttbar"
POI = "mu_SIG"


def region(folder: Path) -> tuple[ModelGroup, dict[str, Any]]:
    """A signal point of RegionA as a model, and as one workspace."""
    from hfscale.work.models import build_models
    from hfscale.workspace import load_inputs, patched_workspace

    inputs = load_inputs(folder / "sbottom-RegionA.tar.gz", points=[POINT])
    (group,) = build_models(inputs)
    return group, dict(patched_workspace(inputs, inputs.points[0]))


def strongest(workspace: dict[str, Any]) -> str:
    """The nuisance parameter with the largest impact on the POI, if that may be negative."""
    from hfscale.work.models import build_models
    from hfscale.workspace import load_inputs

    (group,) = build_models(load_inputs(with_bounds(workspace, POI)))
    impact = np.abs(np.nan_to_num(rank_points(group, np.array([0])).impact[0])).max(axis=0)
    impact[[group.parameter_names.index(name) for name in (POI, BACKGROUND)]] = 0.0
    return group.parameter_names[int(np.argmax(impact))]


def timed(
    group: ModelGroup, names: Sequence[str], grids: Sequence[Sequence[float]], tolerance: float | None, repeats: int
) -> tuple[dict[str, Any], ProfileBlock]:
    """Scan a plane several times."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        block = scan_profiles(group, np.array([0]), names, grids, tolerance)
        seconds.append(time.perf_counter() - begin)
    fitted = block.fit_status != FitStatus.NOT_RUN
    result = {
        "fits": int(fitted.sum()),
        "failed": int((fitted & ~np.isfinite(block.t)).sum()),
        "seconds_best": min(seconds),
        "seconds_median": statistics.median(seconds),
    }
    return result, block


def measure(group: ModelGroup, names: Sequence[str], places: int, repeats: int) -> dict[str, Any]:
    """A full plane over three uncertainties on either side of the best fit, and the adaptive one."""
    begin = time.perf_counter()
    rough = scan_profiles(group, np.array([0]), names, tolerance=TOLERANCE)
    first = time.perf_counter() - begin
    grids = [np.linspace(values[0, 0], values[0, -1], places).tolist() for values in rough.values]
    full, plane = timed(group, names, grids, None, repeats)
    adaptive, sparse = timed(group, names, grids, TOLERANCE, repeats)
    between = surface([np.array(grid) for grid in grids], sparse.t[0], sparse.fit_status[0] != FitStatus.NOT_RUN)
    away = np.abs(np.sqrt(between) - np.sqrt(plane.t[0]))
    near = [np.abs(np.sqrt(plane.t[0]) - np.sqrt(height_of(p, 2))) < 0.05 for p in PROBABILITIES]
    adaptive["largest_error_near_contours"] = float(np.nanmax(away[np.logical_or.reduce(near)], initial=0.0))
    adaptive["times_fewer_fits"] = full["fits"] / adaptive["fits"]
    shape = {"parameters": list(names), "places": [places, places]}
    return {**shape, "seconds_of_first_scan": first, "full": full, "adaptive": adaptive}


def seconds_of_cabinetry(workspace: dict[str, Any], names: Sequence[str], fits: int) -> list[float]:
    """Time fits of cabinetry with two parameters held, at places on a diagonal around their start values."""
    import cabinetry

    fitted, data = cabinetry.model_utils.model_and_data(workspace)
    seconds = []
    for shift in np.linspace(-0.5, 0.5, fits):
        init, fixed = fitted.config.suggested_init(), fitted.config.suggested_fixed()
        for name in names:
            place = fitted.config.par_slice(name).start
            init[place], fixed[place] = init[place] + float(shift), True
        begin = time.perf_counter()
        with messages_on_standard_error():
            cabinetry.fit.fit(fitted, data, init_pars=init, fix_pars=fixed)
        seconds.append(time.perf_counter() - begin)
    return seconds


def main() -> None:
    """Measure and write the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HFSCALE_TEST_DATA", DATA)))
    parser.add_argument("--places", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer-fits", type=int, default=3)
    options = parser.parse_args()
    group, workspace = region(options.data)
    document: dict[str, Any] = {"cpus": os.cpu_count(), "machine": platform.machine(), "load": os.getloadavg()[0]}
    for other in (BACKGROUND, strongest(workspace)):
        document[f"{POI} x {other}"] = measure(group, (POI, other), options.places, options.repeats)
        sys.stderr.write(f"{json.dumps(document[f'{POI} x {other}'])}\n")
    if options.peer_fits:
        seconds = seconds_of_cabinetry(workspace, (POI, BACKGROUND), options.peer_fits)
        document["cabinetry_seconds_per_fit"] = seconds
        document["cabinetry_seconds_extrapolated"] = statistics.median(seconds) * options.places**2
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
