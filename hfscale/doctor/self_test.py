"""Fits of the embedded example: whether they give what they must, and how many there are per second."""

import time
from pathlib import Path

import numpy as np

from hfscale.doctor.machine import Part
from hfscale.errors import SourceError, TaskError

POINTS = "gluino_2200_*"
REFERENCE_POINT = "gluino_2200_400"
REFERENCE_CLS = 0.12149688324270246
"""What pyhf 0.7.6 gives for it, by the same script as the reference numbers of the tests."""
TOLERANCE = 1e-4
_LEAST_BUSY, _MOST_BUSY = 0.8, 1.2
"""CPU time by wall time of one thread on a CPU of its own."""


def example_folder() -> Path:
    """Return the folder of the embedded example: in an installed package its own copy, else that of the checkout.

    Raises:
        SourceError: There is neither.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "doctor" / "example", package.parent / "pipelines" / "exclusion"):
        if (folder / "patchset.json").is_file():
            return folder
    raise SourceError("the embedded example is missing", remedy="install hfscale again, or run a checkout")


def self_test(seconds: float = 5.0) -> Part:
    """Compute CLs of a few points again and again, on a CPU.

    Args:
        seconds: For how long, after what has to be compiled.

    Raises:
        TaskError: A fit failed, two computations differ, or the result is wrong.
    """
    from hfscale.fit.devices import computing_on

    with computing_on("cpu"):
        return _measure(seconds)


def _measure(seconds: float) -> Part:
    from hfscale.fit.meter import metering
    from hfscale.inference.cls import asymptotic_cls
    from hfscale.work.models import build_models
    from hfscale.workspace import load_inputs

    folder = example_folder()
    inputs = load_inputs(folder / "BkgOnly.json", folder / "patchset.json", points=(POINTS,))
    (group,) = build_models(inputs)
    rows = np.arange(len(inputs.points))
    begin = time.perf_counter()
    with metering() as first_meter:
        first = asymptotic_cls(group, rows, 1.0)
    first_seconds = time.perf_counter() - begin
    _check(first.CLs_obs[[point.name for point in inputs.points].index(REFERENCE_POINT)], first.reasons)
    begin, cpu = time.perf_counter(), time.process_time()
    with metering() as meter:
        while (passed := time.perf_counter() - begin) < seconds:
            again = asymptotic_cls(group, rows, 1.0)
            if again.CLs_obs.tobytes() != first.CLs_obs.tobytes():
                raise TaskError("the same fits gave other numbers", remedy="this hardware or JAX cannot be trusted")
    busy = (time.process_time() - cpu) / passed if passed > 0.0 else 0.0
    values = {
        "fits_per_second": meter.fits / passed if meter.fits else None,
        "fits": meter.fits,
        "seconds": passed,
        "compile_seconds": first_meter.compile_seconds,
        "first_seconds": first_seconds,
        "cpus_busy": busy,
        "points": len(rows),
        "parameters": group.structure.n_parameters,
    }
    return Part(values, _hints(busy) if meter.fits else ())


def _hints(busy: float) -> tuple[str, ...]:
    if busy > _MOST_BUSY:
        return (f"{busy:.1f} threads computed: set NPROC=1",)
    if busy < _LEAST_BUSY:
        return (f"the self-test got only {busy:.2f} of a CPU: other work runs here",)
    return ()


def _check(found: float, reasons: "tuple[str, ...]") -> None:
    failed = [reason for reason in reasons if reason]
    if failed:
        raise TaskError(f"fits of the embedded example failed: {failed[0]}", remedy="report this with the versions")
    if not abs(found - REFERENCE_CLS) <= TOLERANCE * REFERENCE_CLS:
        raise TaskError(
            f"CLs of {REFERENCE_POINT} is {found:.6g}, but pyhf has {REFERENCE_CLS:.6g}",
            remedy="report this with the versions; another version of JAX may be right",
        )
