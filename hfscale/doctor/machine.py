"""The parts of a machine that matter: versions, devices, threads and memory, each as names and values, with hints."""

import os
import platform
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, NamedTuple

from hfscale.doctor.limits import cpu_limit, memory_limit
from hfscale.runtime.executors.choose import available_cpus

THREAD_VARIABLES = ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_PROCESS_BYTES = 2 * 2**30
"""What a worker of a large search takes."""


class Part(NamedTuple):
    """What was found out about one thing.

    Attributes:
        values: Names and values, as JSON has them.
        hints: What could be better, and how.
    """

    values: Mapping[str, Any]
    hints: tuple[str, ...] = ()


def versions() -> Part:
    """Versions of Python, this package and those that it needs; None for what is not installed."""
    found: dict[str, Any] = {"python": platform.python_version(), "system": platform.platform()}
    names = [match[0] for text in requires("hfscale") or () if (match := re.match(r"[A-Za-z0-9._-]+", text))]
    needed = [text.partition(";")[0] for text in requires("hfscale") or () if "extra ==" not in text]
    wanted = [name for name in names if any(text.startswith(name) for text in needed)]
    for name in ("hfscale", "jaxlib", *sorted(set(wanted)), "ray"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    missing = [name for name in wanted if found[name] is None]
    return Part(found, tuple(f"{name} is not installed: pip install {name}" for name in missing))


def devices() -> Part:
    """What JAX computes on."""
    import jax

    found = [f"{device.platform}:{device.id} ({device.device_kind})" for device in jax.devices()]
    gpus = [device for device in jax.devices() if device.platform == "gpu"]
    values = {"default": jax.default_backend(), "devices": found, "gpus": len(gpus)}
    if gpus:
        values["gpu_memory"] = [(device.memory_stats() or {}).get("bytes_limit") for device in gpus]
    return Part(values)


def threads(environment: Mapping[str, str] = os.environ) -> Part:
    """How many CPUs there are for this process, and how many threads a process takes."""
    cpus, limit = available_cpus(), cpu_limit()
    values: dict[str, Any] = {"cpus": os.cpu_count(), "allowed": cpus, "cgroup_limit": limit}
    values |= {name: environment.get(name) for name in THREAD_VARIABLES}
    hints = []
    if environment.get("NPROC") != "1":
        number = environment.get("NPROC", "all")
        hints.append(
            f"{number} threads per process, which gains nothing and fights over busy cores: set NPROC=1"
            " (workers of our own engines have it already)"
        )
    if limit is not None and limit < cpus:
        hints.append(
            f"the control group grants the time of {limit:g} CPUs, but {cpus} are visible: give --workers"
            f" {max(1, int(limit))}"
        )
    return Part(values, tuple(hints))


def memory(meminfo: Path = Path("/proc/meminfo")) -> Part:
    """Memory of the machine and of this process's control group, in bytes."""
    limit = memory_limit()
    lines = meminfo.read_text().splitlines() if meminfo.is_file() else []
    table = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines) if rest}
    total, available = table.get("MemTotal"), table.get("MemAvailable")
    values = {"total": total, "available": available, "cgroup_limit": limit}
    known = [number for number in (available, limit) if number is not None]
    workers = available_cpus()
    if not known or min(known) >= workers * _PROCESS_BYTES:
        return Part(values)
    fit = max(1, min(known) // _PROCESS_BYTES)
    return Part(
        values,
        (
            f"{min(known) / 2**30:.1f} GiB for {workers} workers: searches with hundreds of parameters take up to"
            f" {_PROCESS_BYTES / 2**30:.0f} GiB each; give --workers {fit} for those",
        ),
    )
