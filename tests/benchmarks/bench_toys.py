"""How many toys per second: one published point, two fits per toy, in one and in two processes of one thread.

    python tests/benchmarks/bench_toys.py [--data FOLDER] [--toys N] [--repeats N] [--processes N]

Writes one JSON document to standard output: toys per second of each process and of all together (both hypotheses,
unconditional ensemble, throwing included, compilation not), and the seconds of the first toys, which compile. Several
processes compile on their own and then begin together. Nothing is asserted: times belong to a machine.
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

os.environ.update(NPROC="1", OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", JAX_PLATFORMS="cpu")

DATA = Path(__file__).parents[3] / "shared" / "data"
ARCHIVE, POINT = "sbottom-RegionA.tar.gz", "sbottom_1300_205_60"


def throw_and_fit(data: Path, toys: int, repeats: int, number: int, barrier: Any, results: Any) -> None:
    """Run toys in this process, other toys in every process and repeat."""
    import numpy as np

    from hfscale.inference.toys.fits import run_toys
    from hfscale.inference.toys.origins import toy_origins
    from hfscale.inference.toys.settings import Hypothesis, ToySettings
    from hfscale.work.models import build_models
    from hfscale.workspace import load_inputs

    (group,) = build_models(load_inputs(data / ARCHIVE, points=[POINT], verify_digest=False))
    settings = ToySettings()
    hypotheses: tuple[Hypothesis, ...] = ("sb", "b")
    begin = time.perf_counter()
    origins = toy_origins(group, np.array([0]), 1.0, settings)
    for hypothesis in hypotheses:
        run_toys(group, 0, origins, hypothesis, 1.0, 0, toys // 2, settings)
    compiled, seconds, failed = time.perf_counter() - begin, [], 0
    for repeat in range(repeats):
        first = (number * repeats + repeat) * toys
        barrier.wait()
        begin = time.perf_counter()
        for hypothesis in hypotheses:
            block = run_toys(group, 0, origins, hypothesis, 1.0, first, toys // 2, settings)
            failed += len(block.reasons)
        seconds.append(time.perf_counter() - begin)
    results.put({"seconds_first_toys": compiled, "seconds": seconds, "failed": failed})


def measure(data: Path, toys: int, repeats: int, processes: int) -> dict[str, Any]:
    """Toys per second of some processes at once."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(processes), context.Queue()
    arguments = [(data, toys, repeats, number, barrier, results) for number in range(processes)]
    running = [context.Process(target=throw_and_fit, args=a) for a in arguments]
    for process in running:
        process.start()
    found = [results.get() for _ in running]
    for process in running:
        process.join()
    slowest = [max(each) for each in zip(*(result["seconds"] for result in found), strict=True)]
    return {
        "toys_per_second_best": processes * toys / min(slowest),
        "toys_per_second_median": processes * toys / statistics.median(slowest),
        "seconds_first_toys": max(result["seconds_first_toys"] for result in found),
        "failed": sum(result["failed"] for result in found),
    }


def main() -> None:
    """Measure and write the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HFSCALE_TEST_DATA", DATA)))
    parser.add_argument("--toys", type=int, default=4000, help="per process and repeat, half of each hypothesis")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    document: dict[str, Any] = {"cpus": os.cpu_count(), "machine": platform.machine(), "load": os.getloadavg()[0]}
    document |= {"point": POINT, "toys": options.toys}
    for processes in options.processes:
        document[f"processes_{processes}"] = measure(options.data, options.toys, options.repeats, processes)
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
