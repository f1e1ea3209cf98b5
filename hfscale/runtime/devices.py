"""What tasks compute on: CPUs, or GPUs with one worker process for each; finding those of this machine without JAX.

The driver computes nothing, and must not take the memory of a GPU: another process asks JAX what there is, and only
where something of NVIDIA's is installed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from hfscale.errors import InputError
from hfscale.fit.kinds import DeviceKind

AskedDevice = Literal["auto", "cpu", "gpu"]
"""What may be asked for: one of the two, or the choice between them."""

GPU_MEMORY = MappingProxyType(
    {
        # Grown as it is needed, so that a display or another program keeps its own; never more than this share.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.80",
    }
)
"""How a process takes the memory of its GPU; read when JAX first uses it."""

_PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin")
_DRIVERS = (Path("/dev/nvidiactl"), Path("/proc/driver/nvidia"), Path("/dev/dxg"))
"""What the driver of NVIDIA shows, the last one in Windows' Linux."""
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_PROBE_SECONDS = 120
_PROBE = """\
import json, jax
found = [d for d in jax.devices() if d.platform == "gpu"]
print(json.dumps([[d.device_kind, (d.memory_stats() or {}).get("bytes_limit")] for d in found]))
"""


class Gpu(NamedTuple):
    """A GPU of this machine.

    Attributes:
        place: How ``CUDA_VISIBLE_DEVICES`` names it.
        name: What its maker calls it.
        memory: Bytes that a process may take, None if that is unknown.
    """

    place: str
    name: str
    memory: int | None = None


class Device(NamedTuple):
    """What the workers of an engine compute on.

    Attributes:
        kind: CPU or GPU.
        gpus: Those of this machine; none for CPUs, and for GPUs of clusters, whose schedulers give them out.
        reason: Why this was chosen, None if it was asked for.
    """

    kind: DeviceKind = "cpu"
    gpus: tuple[Gpu, ...] = ()
    reason: str | None = None

    def environment(self, worker: int | None = None) -> dict[str, str]:
        """Return the variables that a worker process needs beside those that all have.

        Args:
            worker: Its position among those of this machine, which chooses its GPU; None where a scheduler does.
        """
        if self.kind == "cpu":
            return {"JAX_PLATFORMS": "cpu"}
        # Not "gpu" alone: JAX keeps some numbers on the host.
        found = {"JAX_PLATFORMS": "cuda,cpu", **GPU_MEMORY}
        if worker is not None and self.gpus:
            found[_VISIBLE] = self.gpus[worker].place
        return found

    def workers(self, asked: int | None, default: int) -> int:
        """Return how many worker processes to start on this machine.

        Args:
            asked: What the user asked for, None for as many as are of use.
            default: How many are of use on CPUs.

        Raises:
            InputError: There are fewer GPUs than workers.
        """
        if self.kind == "cpu":
            return asked or default
        if asked is not None and asked > len(self.gpus):
            raise InputError(
                f"{asked} workers were asked for, but each needs a GPU of its own, and there are {len(self.gpus)} here",
                remedy=f"ask for --workers {len(self.gpus)} or less, or leave the number out",
            )
        return asked or len(self.gpus)


CPU = Device()


def find_gpus(run: Callable[[], str] | None = None, environment: Mapping[str, str] = os.environ) -> tuple[Gpu, ...]:
    """Return the GPUs of this machine that JAX can use, as far as ``CUDA_VISIBLE_DEVICES`` lets it see them.

    Args:
        run: Asks JAX in a process of its own, and returns its JSON; replaced in tests.
        environment: Variables of this process.
    """
    if run is None:
        if not _may_have_gpus():
            return ()
        run = _ask_jax
    try:
        found = json.loads(run().strip().rpartition("\n")[2])
    except (OSError, ValueError, subprocess.SubprocessError):
        # A GPU that JAX cannot start on is of no use; `hfscale doctor` shows its error.
        return ()
    visible = environment.get(_VISIBLE)
    places = [place.strip() for place in visible.split(",")] if visible else [str(k) for k in range(len(found))]
    return tuple(Gpu(place, str(name), memory) for place, (name, memory) in zip(places, found, strict=False))


def _may_have_gpus() -> bool:
    """Say whether it is worth while to ask: both JAX's plugin and the driver are there."""
    return any(find_spec(name) for name in _PLUGINS) and any(path.exists() for path in _DRIVERS)


def _ask_jax() -> str:
    command = [sys.executable, "-c", _PROBE]
    done = subprocess.run(
        command,
        env={**os.environ, **GPU_MEMORY},
        capture_output=True,
        check=True,
        text=True,
        timeout=_PROBE_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout


def no_gpu() -> InputError:
    """Return the error of a GPU that was asked for and is not there."""
    return InputError(
        "a GPU was asked for, but JAX sees none here",
        remedy="pip install 'hfscale[cuda]' (jax[cuda12]) where there is a GPU with its driver, look at hfscale doctor,"
        " or ask for --device cpu",
    )
