"""Fits and toys per second on a GPU and on a CPU.

    python -m tests.benchmarks.bench_gpu [--device cpu|gpu ...] [--sizes N ...] [--toys N] [--data FOLDER --point NAME]

Run it in the root of the repository, on a machine with a GPU and the extra ``cuda``. Writes one JSON document to
standard output, with the name of each device:

- batches: fits per second of the embedded example by the number of fits at once, and the crossover with all CPUs;
- toys: toys per second of one point, throwing and both fits included, after a first block that compiles. The point is
  one of RegionA with ``--data``, of the embedded example without.

Nothing is asserted: times belong to a machine. `hfscale doctor` measures the batches too, and keeps them for
``--device auto``.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("NPROC", "1")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import numpy as np

from hfscale.doctor.crossover import measure
from hfscale.errors import InputError
from hfscale.fit.devices import computing_on
from hfscale.fit.kinds import DeviceKind
from hfscale.inference.toys.fits import run_toys
from hfscale.inference.toys.origins import toy_origins
from hfscale.inference.toys.settings import ToySettings
from hfscale.runtime.executors.choose import available_cpus
from hfscale.work.models import build_models
from hfscale.workspace import load_inputs

EXAMPLE = Path(__file__).parents[2] / "pipelines" / "exclusion"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", nargs="+", choices=["cpu", "gpu"], default=["cpu", "gpu"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[16, 64, 256, 1024, 4096, 16_384, 65_536])
    parser.add_argument("--toys", type=int, default=20_000)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--point", default=None)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    found: dict[str, Any] = {"cpus": available_cpus()}
    for kind in options.device:
        try:
            found[kind] = measured(kind, options)
        except InputError as error:
            found[kind] = {"error": error.message}
    print(json.dumps(found, indent=1))  # noqa: T201


def measured(kind: DeviceKind, options: argparse.Namespace) -> dict[str, Any]:
    """All numbers of a device."""
    with computing_on(kind) as device:
        rates = measure(kind, tuple(options.sizes), options.seconds)
        batches = {str(size): round(rate, 1) for size, rate in rates.items()}
        return {"name": device.name, "memory": device.memory, "batches": batches, "toys/s": toys(options)}


def toys(options: argparse.Namespace) -> float:
    """Toys per second of a point, both hypotheses."""
    folder = EXAMPLE if options.data is None else options.data
    point = options.point or ("gluino_2200_400" if options.data is None else "sbottom_1300_205_60")
    (group,) = build_models(load_inputs(folder / "BkgOnly.json", folder / "patchset.json", points=(point,)))
    settings = ToySettings(seed=1)
    origins = toy_origins(group, np.array([0]), 1.0, settings)
    for number in (options.toys, options.toys):
        begin = time.perf_counter()
        for hypothesis in ("sb", "b"):
            run_toys(group, 0, origins, hypothesis, 1.0, 0, number, settings)
        passed = time.perf_counter() - begin
    return float(round(2 * options.toys / passed, 1))


if __name__ == "__main__":
    main()
