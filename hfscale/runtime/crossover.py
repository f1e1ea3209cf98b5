"""From how many fits at once on GPUs are faster than CPUs: measured by ``hfscale doctor``, kept, and used by auto."""

import json
import os
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from hfscale.runtime.devices import CPU, AskedDevice, Device, Gpu, find_gpus, no_gpu


class Rate(NamedTuple):
    """Fits per second of one process at one size of batches.

    Attributes:
        fits: Fits at once.
        cpu: On one CPU, None where it was not measured.
        gpu: On one GPU, likewise.
    """

    fits: int
    cpu: float | None = None
    gpu: float | None = None


class Crossover(NamedTuple):
    """What was measured on a machine.

    Attributes:
        rates: By size of batches, growing.
        cpus: How many CPUs this process could use.
        gpus: Names of the GPUs.
        jaxlib: Version of the library that was measured.
    """

    rates: tuple[Rate, ...]
    cpus: int
    gpus: tuple[str, ...]
    jaxlib: str

    @property
    def fits(self) -> int | None:
        """From how many fits at once on all GPUs together are faster than all CPUs together; None for never."""
        best: int | None = None
        for rate in reversed(self.rates):
            if rate.cpu is None or rate.gpu is None or rate.gpu * len(self.gpus) <= rate.cpu * self.cpus:
                break
            best = rate.fits
        return best


def crossover_file() -> Path | None:
    """Return the file that measurements are kept in; None where ``HFSCALE_CACHE=off`` forbids keeping anything."""
    place = os.environ.get("HFSCALE_CACHE", "")
    if place == "off":
        return None
    root = Path(place or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hfscale"
    return root / "crossover.json"


def keep_crossover(found: Crossover) -> Path | None:
    """Keep a measurement for later runs, in place of the one before; returns the file, None if it cannot be kept."""
    file = crossover_file()
    if file is None:
        return None
    draft = file.with_suffix(f".{os.getpid()}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(found._asdict(), indent=1))
        draft.replace(file)
    except OSError:
        return None
    return file


def read_crossover(gpus: Sequence[Gpu]) -> Crossover | None:
    """Return what was measured with these GPUs and the present version of JAX, None if nothing was."""
    file = crossover_file()
    if file is None or not file.is_file():
        return None
    try:
        document = json.loads(file.read_text())
        rates = tuple(Rate(*rate) for rate in document["rates"])
        found = Crossover(rates, int(document["cpus"]), tuple(document["gpus"]), str(document["jaxlib"]))
    except (OSError, ValueError, LookupError, TypeError):
        # Of an earlier version, or half of a file: as good as none.
        return None
    same = found.gpus == tuple(gpu.name for gpu in gpus) and found.jaxlib == version("jaxlib")
    return found if same else None


def choose_device(
    asked: AskedDevice,
    fits_per_task: float,
    *,
    elsewhere: bool = False,
    find: Callable[[], tuple[Gpu, ...]] | None = None,
) -> Device:
    """Resolve what the user asked for.

    Args:
        asked: ``cpu``, ``gpu``, or ``auto`` for GPUs where they were measured to be faster for such tasks.
        fits_per_task: Fits that a task has at once.
        elsewhere: Whether workers run on a cluster that is there already, whose machines cannot be looked at from here.
        find: Finds the GPUs of this machine, `hfscale.runtime.devices.find_gpus` by default.

    Raises:
        InputError: A GPU was asked for and there is none.
    """
    if asked == "cpu":
        return CPU
    if elsewhere:
        return Device("gpu") if asked == "gpu" else CPU._replace(reason="machines of clusters are not looked at")
    gpus = (find or find_gpus)()
    if asked == "gpu":
        if not gpus:
            raise no_gpu()
        return Device("gpu", gpus)
    if not gpus:
        return CPU._replace(reason="JAX sees no GPU")
    found = read_crossover(gpus)
    if found is None:
        return CPU._replace(reason="no measurement says that the GPU is faster: run hfscale doctor once")
    if found.fits is None or fits_per_task < found.fits:
        least = "never" if found.fits is None else f"from {found.fits} fits at once"
        return CPU._replace(reason=f"the GPU wins {least}, tasks have about {fits_per_task:.0f}")
    return Device("gpu", gpus, f"measured to win from {found.fits} fits at once, tasks have about {fits_per_task:.0f}")
