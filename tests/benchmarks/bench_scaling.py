"""How cost grows: of a fit with parameters and bins, of memory with campaigns, of time with workers and toys.

    python -m tests.benchmarks.bench_scaling [--part fits|memory|workers|toys ...] [--fits N] [--campaigns N]
        [--data FOLDER]

Run it in the root of the repository. Writes one JSON document to standard output:

- fits: milliseconds of CPU time per fit of toys of generated models, once compiled, against the number of parameters
  (10 to 1,500, with 60 bins) and of bins (1 to 600, with 60 parameters), and the exponents of power laws fitted to the
  cost per iteration of the models of at least 100 parameters or 30 bins;
- memory: resident memory of one process after 5 campaigns of the embedded example and at the end, with one structure
  for all campaigns and with a structure of its own for each;
- workers: seconds of the points of RegionA on one Dask worker and on two, started beforehand, and the ratio;
- toys: microseconds per toy of campaigns of 1,000 to 1,000,000 toys of one point of RegionA, on two worker processes
  that have compiled before, store and all included.

Nothing is asserted: times belong to a machine.
"""

# mypy: allow-untyped-calls
# (most of distributed has no annotations)

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(NPROC="1", OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", JAX_PLATFORMS="cpu")

import numpy as np

from tests.models import EXAMPLE, Spec, group_of, histosys, modifier, normfactor, normsys, sample, workspace

DATA = Path(__file__).parents[3] / "shared" / "data"
PARAMETERS = (10, 30, 60, 100, 200, 400, 800, 1500)
BINS = (1, 3, 10, 30, 60, 150, 300, 600)
STANDARD = 60
SAMPLES = 3
BINS_PER_CHANNEL = 20
TOYS = (1_000, 10_000, 100_000, 1_000_000)


def generated(n_parameters: int, n_bins: int) -> Spec:
    """A model of so many parameters: a free signal, and systematics that shift and scale all backgrounds.

    As many channels have staterrors as a tenth of the parameters allows.
    """
    rng = np.random.default_rng(n_parameters * 1000 + n_bins)
    most_gammas = n_parameters // 10
    n_gammas = n_bins if n_bins <= most_gammas else most_gammas // BINS_PER_CHANNEL * BINS_PER_CHANNEL
    n_alphas = n_parameters - 1 - n_gammas
    channels, observed = {}, {}
    for start in range(0, n_bins, BINS_PER_CHANNEL):
        n = min(BINS_PER_CHANNEL, n_bins - start)
        name = f"c{start:03d}"
        staterror = f"st_{name}" if start + n <= n_gammas else None
        backgrounds = [_background(rng, n, n_alphas, staterror, k) for k in range(SAMPLES)]
        channels[name] = [*backgrounds, sample("signal", list(rng.uniform(1, 10, n)), normfactor())]
        observed[name] = list(np.sum([s["data"] for s in backgrounds], axis=0).round())
    return workspace(channels, observed)


def _background(rng: np.random.Generator, n: int, n_alphas: int, staterror: str | None, k: int) -> Spec:
    nominal = rng.uniform(5, 60, n)
    # Small shifts, so that hundreds of them together still are a small uncertainty.
    size = 0.3 / np.sqrt(n_alphas)
    own = [a for a in range(n_alphas) if a % SAMPLES == k or a % 7 == 0]
    modifiers = []
    for a in own:
        up, down = nominal * (1 + size * rng.normal(size=(2, n)))
        modifiers.append(histosys(f"a{a}", list(up), list(down)))
        modifiers.append(normsys(f"a{a}", 1 + size, 1 - size))
    if staterror is not None:
        modifiers.append(modifier("staterror", staterror, list(0.03 * nominal)))
    return sample(f"b{k}", list(nominal), *modifiers)


def cost_of_fits(n_parameters: int, n_bins: int, n_fits: int) -> dict[str, float]:
    """Time fits of toys of one generated model, in CPU time: other processes then hardly matter."""
    from hfscale.fit.slots import minimise

    group = group_of(generated(n_parameters, n_bins))
    rng = np.random.default_rng(1)
    toys = group.points.take(np.zeros(n_fits, dtype=int))
    toys = toys._replace(data=rng.poisson(toys.data).astype(float))
    start = np.repeat(group.inits, n_fits, axis=0)
    begin = time.process_time()
    minimise(group.structure, group.shared, toys.take(np.arange(1)), start[:1])
    compiled = time.process_time()
    results = minimise(group.structure, group.shared, toys, start)
    seconds = time.process_time() - compiled
    return {
        "parameters": group.structure.n_parameters,
        "bins": group.structure.n_bins,
        "ms_per_fit": 1e3 * seconds / n_fits,
        "iterations_per_fit": float(results.iterations.mean()),
        "failed": int((~results.succeeded).sum()),
        "seconds_first_fit": compiled - begin,
    }


def exponent(rows: list[dict[str, float]], against: str, least: float) -> float:
    """Power of the cost per iteration of all but the smallest models."""
    used = [row for row in rows if row[against] >= least]
    x = np.log([row[against] for row in used])
    y = np.log([row["ms_per_fit"] / row["iterations_per_fit"] for row in used])
    return float(np.polyfit(x, y, 1)[0])


def fits(options: argparse.Namespace) -> dict[str, Any]:
    """Cost per fit against parameters and bins."""
    by_parameters = [cost_of_fits(n, STANDARD, options.fits if n < 400 else 8) for n in PARAMETERS]
    by_bins = [cost_of_fits(STANDARD, n, options.fits) for n in BINS]
    return {
        "by_parameters": by_parameters,
        "by_bins": by_bins,
        "exponent_of_parameters": exponent(by_parameters, "parameters", 100),
        "exponent_of_bins": exponent(by_bins, "bins", 30),
    }


def resident() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def memory(options: argparse.Namespace) -> dict[str, Any]:
    """Resident memory over many campaigns in this process."""
    same = _growth(options.campaigns, lambda k: EXAMPLE / "BkgOnly.json")
    background = json.loads((EXAMPLE / "BkgOnly.json").read_text())
    own = _growth(options.campaigns, lambda k: _with_more_parameters(background, k + 1))
    return {"one_structure": same, "a_structure_for_each": own}


def _with_more_parameters(background: Spec, count: int) -> Spec:
    document: Spec = json.loads(json.dumps(background))
    document["channels"][0]["samples"][0]["modifiers"] += [normsys(f"extra_{k}", 1.01, 0.99) for k in range(count)]
    return document


def _growth(campaigns: int, make: Callable[[int], Any]) -> dict[str, Any]:
    import hfscale

    seen = []
    with tempfile.TemporaryDirectory() as folder:
        for k in range(campaigns):
            store = Path(folder) / f"{k}.zarr"
            hfscale.cls(make(k), EXAMPLE / "patchset.json", store=store, executor="local", verify_digest=False)
            seen.append(resident())
    return {"campaigns": campaigns, "MB_after_5": seen[4], "MB_at_the_end": seen[-1], "MB": [round(m) for m in seen]}


def workers(options: argparse.Namespace) -> dict[str, Any]:
    """One Dask worker against two, on the same points; the workers have started and compiled before."""
    import distributed

    import hfscale

    archive, seconds = options.data / "sbottom-RegionA.tar.gz", {}
    for count in (1, 2):
        with (
            tempfile.TemporaryDirectory() as folder,
            distributed.LocalCluster(count, threads_per_worker=1, dashboard_address=None) as cluster,
            distributed.Client(cluster) as client,
        ):
            for name in ("warm", "timed"):
                begin = time.perf_counter()
                hfscale.cls(archive, store=Path(folder) / f"{name}.zarr", executor=client, task_points=10)
                seconds[count] = time.perf_counter() - begin
    return {"seconds": seconds, "ratio": seconds[1] / seconds[2]}


def toys(options: argparse.Namespace) -> dict[str, Any]:
    """Campaigns of more and more toys of one point; toys of both hypotheses are counted."""
    import hfscale
    from hfscale.runtime.executors.processes import ProcessExecutor

    archive, costs = options.data / "sbottom-RegionA.tar.gz", {}
    with tempfile.TemporaryDirectory() as folder, ProcessExecutor(2) as engine:
        for name, count in [("warm", 8_000), *((str(count), count) for count in TOYS)]:
            begin = time.perf_counter()
            hfscale.cls(
                archive,
                store=Path(folder) / f"{name}.zarr",
                points=["sbottom_1300_205_60"],
                calctype="toybased",
                ntoys=count // 2,
                seed=count,
                executor=engine,
            )
            costs[name] = 1e6 * (time.perf_counter() - begin) / count
    del costs["warm"]
    return {"microseconds_per_toy": costs}


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "fits": fits,
    "memory": memory,
    "workers": workers,
    "toys": toys,
}


def main() -> None:
    """Measure and write the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--fits", type=int, default=64)
    parser.add_argument("--campaigns", type=int, default=50)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HFSCALE_TEST_DATA", DATA)))
    options = parser.parse_args()
    document: dict[str, Any] = {"cpus": os.cpu_count(), "load": os.getloadavg()[0]}
    for name in options.part:
        document[name] = PARTS[name](options)
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
