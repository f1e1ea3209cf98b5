"""How fast rankings are, beside cabinetry: a published search, and a measurement with many uncertainties.

    python tests/benchmarks/bench_ranking.py [--data FOLDER] [--repeats N] [--peer-fits N] [--only region generated]
                                             [--workers N ...] [--task-parameters N]

Writes one JSON document to standard output. For each model: its size, seconds of the first ranking (which compiles),
the best and the median of later ones, and how many fits each makes; and seconds per fit of cabinetry (pyhf with NumPy,
MINUIT), of which its ranking makes the same number one after the other. Its time for the whole ranking is extrapolated
from the fits that were made. One process with one thread. Nothing is asserted: times belong to a machine.

With ``--workers 1 2``, each ranking is made as a user does, with a store, by as many worker processes: whole by one,
and its parameters shared out in tasks of ``--task-parameters``. The first has the workers begin, import and compile;
the others follow in the same workers, with a store of their own.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.update(NPROC="1", OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", JAX_PLATFORMS="cpu")

import numpy as np

DATA = Path(__file__).parents[3] / "shared" / "data"
POINT = "sbottom_1300_205_60"
CHANNELS = (8, 8, 7, 7, 7)
BACKGROUNDS, NUISANCES, NORMSYS = 6, 90, 700


def region(folder: Path) -> dict[str, Any]:
    """A signal point of RegionA as one workspace."""
    from hfscale.workspace import load_inputs, patched_workspace

    inputs = load_inputs(folder / "sbottom-RegionA.tar.gz", points=[POINT])
    return with_bounds(patched_workspace(inputs, inputs.points[0]), "mu_SIG")


def with_bounds(workspace: Mapping[str, Any], poi: str) -> dict[str, Any]:
    """The workspace with a POI that may be negative, so that it does not stop at zero."""
    measurement = workspace["measurements"][0]
    config = measurement["config"]
    parameters = [*config["parameters"], {"name": poi, "bounds": [[-5.0, 10.0]], "inits": [1.0]}]
    changed = {**measurement, "config": {**config, "parameters": parameters}}
    return {**workspace, "measurements": [changed]}


def generated() -> dict[str, Any]:
    """A measurement of 132 parameters in 37 bins with 700 normsys: drawn at random, the same in every run."""
    random = np.random.default_rng(20_071_727)
    samples = [(c, s) for c in range(len(CHANNELS)) for s in range(BACKGROUNDS + 1)]
    shares = np.array_split(random.permutation(np.arange(NORMSYS)), len(samples))
    channels: dict[int, list[dict[str, Any]]] = {c: [] for c in range(len(CHANNELS))}
    totals = {c: np.zeros(n) for c, n in enumerate(CHANNELS)}
    for (c, s), share in zip(samples, shares, strict=True):
        yields = np.round(random.uniform(20.0, 200.0, CHANNELS[c]) * (0.2 if s == 0 else 1.0), 2)
        totals[c] += yields
        modifiers: list[dict[str, Any]] = [
            {"name": f"syst_{k}", "type": "normsys", "data": {"hi": 1.0 + size, "lo": 1.0 - 0.9 * size}}
            for k, size in zip(random.permutation(NUISANCES)[: len(share)], random.normal(0.0, 0.03, len(share)))
        ]
        name = "mu" if s == 0 else "norm_1" if s == 1 else None
        if name:
            modifiers.append({"name": name, "type": "normfactor", "data": None})
        errors = np.round(0.05 * yields, 3).tolist()
        modifiers.append({"name": f"staterror_{c}", "type": "staterror", "data": errors})
        modifiers += [_shape(random, k, yields) for k in (90, 91, 92)[: 1 + s % 3]]
        channels[c].append({"name": f"sample_{s}", "data": yields.tolist(), "modifiers": modifiers})
    return with_bounds(
        {
            "channels": [{"name": f"channel_{c}", "samples": found} for c, found in channels.items()],
            "observations": [
                {"name": f"channel_{c}", "data": random.poisson(total).astype(float).tolist()}
                for c, total in totals.items()
            ],
            "measurements": [{"name": "generated", "config": {"poi": "mu", "parameters": []}}],
            "version": "1.0.0",
        },
        "mu",
    )


def _shape(random: np.random.Generator, k: int, yields: np.ndarray) -> dict[str, Any]:
    up = np.round(yields * random.normal(1.0, 0.03, len(yields)), 3)
    data = {"hi_data": up.tolist(), "lo_data": np.round(2.0 * yields - up, 3).tolist()}
    return {"name": f"shape_{k}", "type": "histosys", "data": data}


def measure(workspace: Mapping[str, Any], repeats: int) -> dict[str, Any]:
    """Time the ranking of one workspace."""
    from hfscale.inference.measurement.best_fits import rank_points
    from hfscale.work.models import build_models
    from hfscale.workspace import load_inputs

    (group,) = build_models(load_inputs(workspace))
    seconds = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        block = rank_points(group, np.array([0]))
        seconds.append(time.perf_counter() - begin)
    modifiers = [m for c in workspace["channels"] for s in c["samples"] for m in s["modifiers"]]
    return {
        "parameters": group.structure.n_parameters,
        "bins": group.structure.n_bins,
        "normsys": sum(modifier["type"] == "normsys" for modifier in modifiers),
        "fits": block.n_fits,
        "failed": int(np.isnan(block.impact).sum()),
        "seconds_first": seconds[0],
        "seconds_best": min(seconds[1:]),
        "seconds_median": statistics.median(seconds[1:]),
    }


def measure_workers(
    workspace: Mapping[str, Any], repeats: int, workers: int, task_parameters: int | None
) -> dict[str, Any]:
    """Time rankings of one workspace by worker processes, from the call to the finished store.

    Args:
        workspace: The workspace.
        repeats: Rankings after the first.
        workers: How many processes.
        task_parameters: Parameters per task; None for the whole as one task.
    """
    import hfscale
    from hfscale.runtime.executors.choose import open_executor

    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        with open_executor("processes", workers) as executor:
            for k in range(repeats + 1):
                results = hfscale.ranking(
                    workspace, store=Path(folder) / f"{k}.zarr", executor=executor, task_parameters=task_parameters
                )
                end = time.perf_counter()
                seconds.append(end - begin)
                begin = end
            parameters = len(results.store.to_xarray()["parameter"])
    return {
        "workers": workers,
        "tasks": 1 if task_parameters is None else -(-parameters // task_parameters),
        "seconds_first": seconds[0],
        "seconds_best": min(seconds[1:]),
        "seconds_median": statistics.median(seconds[1:]),
    }


def seconds_of_cabinetry(workspace: Mapping[str, Any], fits: int) -> list[float]:
    """Time fits of cabinetry with one parameter held, as its ranking makes them."""
    import cabinetry

    model, data = cabinetry.model_utils.model_and_data(dict(workspace))
    init, seconds = model.config.suggested_init(), []
    others = [k for k in range(len(init)) if k != model.config.poi_index and not model.config.suggested_fixed()[k]]
    for k in others[:fits]:
        fixed = model.config.suggested_fixed()
        fixed[k] = True
        begin = time.perf_counter()
        with messages_on_standard_error():
            cabinetry.fit.fit(model, data, init_pars=init, fix_pars=fixed)
        seconds.append(time.perf_counter() - begin)
    return seconds


@contextmanager
def messages_on_standard_error() -> Iterator[None]:
    """Keep standard output for the document: MINUIT writes its warnings there, past Python."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def main() -> None:
    """Measure and write the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HFSCALE_TEST_DATA", DATA)))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer-fits", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=["region", "generated"])
    parser.add_argument("--workers", type=int, nargs="*", default=[], help="numbers of worker processes to compare")
    parser.add_argument("--task-parameters", type=int, default=9, help="parameters per task of theirs")
    options = parser.parse_args()
    models = {"region": lambda: region(options.data), "generated": generated}
    document: dict[str, Any] = {"cpus": os.cpu_count(), "machine": platform.machine(), "load": os.getloadavg()[0]}
    for name in options.only:
        workspace = models[name]()
        result = measure(workspace, options.repeats)
        if options.workers:
            whole = measure_workers(workspace, options.repeats, 1, None)
            parts = [measure_workers(workspace, options.repeats, n, options.task_parameters) for n in options.workers]
            result["by_workers"] = [whole, *parts]
        if options.peer_fits:
            result["cabinetry_seconds_per_fit"] = seconds_of_cabinetry(workspace, options.peer_fits)
            per_fit = statistics.median(result["cabinetry_seconds_per_fit"])
            result["cabinetry_seconds_extrapolated"] = per_fit * result["fits"]
            result["ratio"] = result["cabinetry_seconds_extrapolated"] / result["seconds_median"]
        document[name] = result
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
