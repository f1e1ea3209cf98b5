"""How fast the engine is once it is compiled: CLs of whole published patchsets, next to pyhf on single points.

    python tests/benchmarks/bench_engine.py [--data FOLDER] [--repeats N] [--peer-points N] [--only NAME ...]
    python tests/benchmarks/bench_engine.py --peers [--environment FOLDER] [--peer-points N] [--repeats N]

Writes one JSON document to standard output. For each likelihood: seconds to lay out the models, seconds of the first
task of one point (which compiles), milliseconds per point of all points afterwards (best and median of the repeats),
fits, iterations, peak memory, and the time that pyhf (NumPy, SLSQP) needs for a point, with the ratio. One process with
one thread. With ``--peers`` it fits some points of RegionA in turns with NextStat instead, which is installed into an
environment of its own, kept where a folder is named.
Nothing is asserted: times belong to a machine.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

os.environ.update(NPROC="1", OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", JAX_PLATFORMS="cpu")

from peers import compare_with_nextstat  # beside this script

DATA = Path(__file__).parents[3] / "shared" / "data"
ARCHIVES = ("1Lbb-simplified", "sbottom-RegionB", "sbottom-RegionA", "offshell3L")
SLOW_FOR_PEERS = ("offshell3L",)
PEERS_FIT = "sbottom-RegionA"


def measure(archive: Path, repeats: int) -> dict[str, Any]:
    """Time the stages of one likelihood."""
    import numpy as np

    from hfscale.inference.cls import asymptotic_cls
    from hfscale.work.models import build_models
    from hfscale.workspace import check_points, load_inputs

    begin = time.perf_counter()
    inputs = load_inputs(archive, verify_digest=False)
    check_points(inputs)
    read = time.perf_counter()
    groups = build_models(inputs)
    built = time.perf_counter()
    for group in groups:
        asymptotic_cls(group, np.arange(1), 1.0)
    compiled = time.perf_counter()
    runs, blocks = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        blocks = [asymptotic_cls(group, np.arange(len(group.members)), 1.0) for group in groups]
        runs.append(time.perf_counter() - start)
    n = len(inputs.points)
    return {
        "points": n,
        "parameters": max(group.structure.n_parameters for group in groups),
        "structures": len(groups),
        "seconds_reading_and_checking": read - begin,
        "seconds_building": built - read,
        "seconds_first_point": compiled - built,
        "ms_per_point_best": 1e3 * min(runs) / n,
        "ms_per_point_median": 1e3 * statistics.median(runs) / n,
        "ms_per_point_with_building": 1e3 * (min(runs) + built - read) / n,
        "fits": sum(block.n_fits for block in blocks),
        "iterations": sum(block.n_iterations for block in blocks),
        "peak_memory_MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def seconds_of_pyhf(archive: Path, points: int) -> list[float]:
    """Time pyhf as it comes (NumPy, SLSQP) on the first points."""
    import pyhf

    from hfscale.workspace import load_inputs, patched_workspace

    pyhf.set_backend("numpy")
    inputs = load_inputs(archive, verify_digest=False)
    seconds = []
    for point in inputs.points[:points]:
        begin = time.perf_counter()
        patched = pyhf.Workspace(patched_workspace(inputs, point))
        model = patched.model()
        pyhf.infer.hypotest(1.0, patched.data(model), model, test_stat="qtilde", return_expected_set=True)
        seconds.append(time.perf_counter() - begin)
    return seconds


def main() -> None:
    """Measure and write the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HFSCALE_TEST_DATA", DATA)))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer-points", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=list(ARCHIVES))
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--environment", type=Path)
    options = parser.parse_args()
    document: dict[str, Any] = {"cpus": os.cpu_count(), "machine": platform.machine(), "load": os.getloadavg()[0]}
    if options.peers:
        archive = options.data / f"{PEERS_FIT}.tar.gz"
        document[PEERS_FIT] = compare_with_nextstat(archive, options.peer_points, options.repeats, options.environment)
    for name in [] if options.peers else options.only:
        archive = options.data / f"{name}.tar.gz"
        result = measure(archive, options.repeats)
        if options.peer_points and name not in SLOW_FOR_PEERS:
            result["pyhf_seconds_per_point"] = seconds_of_pyhf(archive, options.peer_points)
            theirs = 1e3 * statistics.median(result["pyhf_seconds_per_point"])
            result["ratio"] = theirs / result["ms_per_point_with_building"]
        document[name] = result
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
