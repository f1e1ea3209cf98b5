"""Fits per second by the size of batches, on a CPU and on a GPU: where the GPU begins to win."""

import time
from importlib.metadata import version
from typing import Any

import numpy as np

from hfscale.doctor.machine import Part
from hfscale.doctor.self_test import POINTS, example_folder
from hfscale.fit.kinds import DeviceKind
from hfscale.model.structure import ModelGroup, PointNumbers
from hfscale.runtime.crossover import Crossover, Rate, keep_crossover
from hfscale.runtime.devices import find_gpus
from hfscale.runtime.executors.choose import available_cpus

SIZES = (16, 256, 2048)
LARGE_SIZES = (16_384,)
"""Only of use on GPUs."""
_SEED = 1


def crossover(seconds: float = 5.0) -> Part:
    """Measure fits of the embedded example, and keep what was found for ``--device auto``.

    Models with more bins and parameters cross over earlier: the GPU has more to do for each fit.

    Args:
        seconds: About how long to measure each device, beyond compiling and the last batch.

    Raises:
        RuntimeError: A GPU is installed, but JAX cannot compute on it.
    """
    gpus = find_gpus()
    sizes = (*SIZES, *LARGE_SIZES) if gpus else SIZES
    cpu = measure("cpu", sizes, seconds)
    gpu = measure("gpu", sizes, seconds) if gpus else {}
    rates = tuple(Rate(size, cpu.get(size), gpu.get(size)) for size in sizes if size in cpu or size in gpu)
    found = Crossover(rates, available_cpus(), tuple(gpu.name for gpu in gpus), version("jaxlib"))
    values: dict[str, Any] = {f"{rate.fits} fits at once": _shown(rate, bool(gpus)) for rate in found.rates}
    if not gpus:
        return Part({**values, "crossover": None}, ("JAX sees no GPU here: everything is computed on CPUs",))
    kept = keep_crossover(found)
    values |= {
        "gpus": len(gpus),
        "cpus": found.cpus,
        "crossover": found.fits,
        "kept": None if kept is None else str(kept),
    }
    return Part(values, () if kept else ("the measurement is not kept, so that --device auto means the CPU",))


def measure(kind: DeviceKind, sizes: tuple[int, ...], seconds: float) -> dict[int, float]:
    """Return fits per second of batches of some sizes, as far as the time allows; compiling is left out.

    Args:
        kind: What to compute on.
        sizes: Fits at once, growing.
        seconds: When to begin no further size.
    """
    from hfscale.fit.devices import computing_on

    group = _example()
    found: dict[int, float] = {}
    spent = 0.0
    with computing_on(kind):
        for size in sizes:
            fits, start = _fluctuated(group, size)
            _fit(group, fits, start)
            begin = time.perf_counter()
            _fit(group, fits, start)
            passed = time.perf_counter() - begin
            found[size] = size / passed
            spent += passed
            if spent > seconds:
                break
    return found


def _example() -> ModelGroup:
    from hfscale.work.models import build_models
    from hfscale.workspace import load_inputs

    folder = example_folder()
    (group,) = build_models(load_inputs(folder / "BkgOnly.json", folder / "patchset.json", points=(POINTS,)))
    return group


def _fluctuated(group: ModelGroup, size: int) -> tuple[PointNumbers, np.ndarray]:
    """Fits of that many fluctuations of the observed data, in turn of each point, and where they start."""
    rows = np.arange(size) % len(group.inits)
    points = group.points.take(rows)
    data = np.random.default_rng(_SEED).poisson(points.data).astype(np.float64)
    return points._replace(data=data), group.inits[rows]


def _fit(group: ModelGroup, fits: PointNumbers, start: np.ndarray) -> None:
    from hfscale.fit.slots import minimise

    minimise(group.structure, group.shared, fits, start)


def _shown(rate: Rate, both: bool) -> str:
    shown = [f"{value:,.0f}/s on one {kind}" for kind, value in (("CPU", rate.cpu), ("GPU", rate.gpu)) if value]
    return ", ".join(shown) if both else shown[0]
