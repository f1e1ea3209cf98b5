"""How long templates take on one worker and on two, and in cabinetry itself, one after the other.

    python tests/benchmarks/bench_templates.py [--systematics N] [--events N] [--workers N N ...] [--cabinetry]

Writes ROOT files into a folder of its own, makes all templates of 4 regions, 10 samples and N systematics (25: 2,004
templates) from them into fresh folders, and writes one JSON document to standard output: seconds of each run from the
start of its workers to the workspace, CPU seconds of this process and of its workers, and the load of the machine
before it. Nothing is asserted: times belong to a machine.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(NPROC="1", OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")

import numpy as np

REGIONS, SAMPLES = 4, 10


def configuration(systematics: int) -> dict[str, Any]:
    """Variations of the weight, one of them smoothed and symmetrized."""
    varied: list[dict[str, Any]] = [
        {
            "Name": f"weight_{k}",
            "Type": "NormPlusShape",
            "Up": {"Weight": f"w*(1 + {0.01 * (k + 1)}*y)"},
            "Down": {"Weight": f"w*(1 - {0.01 * (k + 1)}*y)"},
        }
        for k in range(systematics)
    ]
    varied[-1]["Down"] = {"Symmetrize": True}
    varied[-1]["Smoothing"] = {"Algorithm": "353QH, twice"}
    samples = [
        {"Name": f"sample_{k}", "Tree": "events", "SamplePath": f"sample_{k}", "Weight": "w"} for k in range(SAMPLES)
    ]
    return {
        "General": {
            "Measurement": "generated",
            "POI": "mu",
            "InputPath": "{SamplePath}.root",
            "HistogramFolder": "histograms",
        },
        "Regions": [
            {"Name": f"region_{k}", "Variable": "x", "Binning": list(range(11)), "Filter": f"y > {0.2 * k}"}
            for k in range(REGIONS)
        ],
        "Samples": [{"Name": "data", "Tree": "events", "SamplePath": "sample_0", "Data": True}, *samples],
        "NormFactors": [{"Name": "mu", "Samples": "sample_1"}],
        "Systematics": varied,
    }


def write_ntuples(events: int) -> None:
    """Write one file per sample into the present folder."""
    import uproot

    for k in range(SAMPLES):
        random = np.random.default_rng(k)
        branches = {
            "x": random.uniform(0.0, 10.0, events),
            "y": random.uniform(0.0, 1.0, events),
            "w": random.uniform(0.5, 1.5, events),
        }
        with uproot.recreate(f"sample_{k}.root") as file:
            file.mktree("events", {name: array.dtype for name, array in branches.items()}).extend(branches)


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Seconds of a piece of work, and CPU seconds of this process and of those that it started and that ended."""
    load, begun = os.getloadavg()[0], time.perf_counter()
    own, workers = _cpu_seconds(resource.RUSAGE_SELF), _cpu_seconds(resource.RUSAGE_CHILDREN)
    work()
    return {
        "seconds": round(time.perf_counter() - begun, 2),
        "cpu_seconds": round(_cpu_seconds(resource.RUSAGE_SELF) - own, 2),
        "workers_cpu_seconds": round(_cpu_seconds(resource.RUSAGE_CHILDREN) - workers, 2),
        "load_before": round(load, 1),
    }


def _cpu_seconds(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def by_cabinetry(config: dict[str, Any]) -> None:
    """Do all of it one after the other, as cabinetry does."""
    import cabinetry

    cabinetry.templates.build(config)
    cabinetry.templates.postprocess(config)
    cabinetry.workspace.save(cabinetry.workspace.build(config), Path("workspace.json"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--systematics", type=int, default=25)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--cabinetry", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    from hfscale.templating.run import templates

    config = configuration(given.systematics)
    found: dict[str, Any] = {"events": given.events}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_ntuples(given.events)
        # What this process imports counts for no run.
        templates(configuration(1), "first", executor="local")
        for k, workers in enumerate(given.workers):
            target = f"run_{k}"

            def work(target: str = target, workers: int = workers) -> None:
                results = templates(config, target, executor="processes", workers=workers)
                found["templates"] = len(results.names)

            found[f"run {k}, workers {workers}"] = timed(work)
        if given.cabinetry:
            found["cabinetry"] = timed(lambda: by_cabinetry(config))
        os.chdir("/")
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
