"""On which device the fits of this thread are computed: a CPU, as everywhere unless somebody asks, or a GPU."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

import jax

from hfscale.errors import InputError
from hfscale.fit.kinds import DeviceKind


class Target(NamedTuple):
    """A device as fits see it.

    Attributes:
        kind: CPU or GPU.
        name: What its maker calls it.
        memory: Bytes that this process may take of it, None if it does not tell.
    """

    kind: DeviceKind
    name: str
    memory: int | None = None


PLAIN_CPU = Target("cpu", "cpu")

_TARGET: ContextVar[Target] = ContextVar("_TARGET", default=PLAIN_CPU)


def target() -> Target:
    """Return the device that fits of this thread go to."""
    return _TARGET.get()


def jax_devices(kind: DeviceKind) -> Sequence[jax.Device]:
    """Return JAX's devices of a kind that this process sees; tests put others in its place.

    Raises:
        RuntimeError: There is none.
    """
    return jax.devices(kind)


@contextmanager
def computing_on(kind: DeviceKind) -> Iterator[Target]:
    """Compute on the first device of a kind that this process sees, inside the ``with`` statement, in this thread.

    Raises:
        InputError: There is none.
    """
    if kind == "cpu" and jax.default_backend() == "cpu":
        # Nothing changes, so that programs compiled before are found again.
        with _targeting(PLAIN_CPU) as chosen:
            yield chosen
        return
    try:
        device = jax_devices(kind)[0]
    except (RuntimeError, IndexError) as error:
        raise InputError(
            f"a task was to be computed on a {kind.upper()}, but JAX sees none in this process: {error}",
            remedy="pip install 'hfscale[cuda]' where workers run, and give each a GPU; or ask for --device cpu",
        ) from error
    with jax.default_device(device), _targeting(Target(kind, device.device_kind, _memory(device))) as chosen:
        yield chosen


@contextmanager
def _targeting(chosen: Target) -> Iterator[Target]:
    token = _TARGET.set(chosen)
    try:
        yield chosen
    finally:
        _TARGET.reset(token)


def _memory(device: jax.Device) -> int | None:
    limit = (device.memory_stats() or {}).get("bytes_limit")
    return None if limit is None else int(limit)
