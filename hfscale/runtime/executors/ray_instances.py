"""Starting an instance of Ray of our own on this machine, which nobody else can reach.

Whoever reaches the ports of Ray can run code as its owner. The own instance therefore listens on 127.0.0.1 alone, wants
a token that exists in a file of the user's only, and keeps its sockets and logs in a folder that nobody else can enter.
Nothing is reported to anybody, and there is no dashboard.
"""

# mypy: allow-untyped-calls
# (most of ray has no annotations)

import os
import secrets
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from hfscale.errors import InputError
from hfscale.runtime.executors.workers import WORKER_ENVIRONMENT, quiet_logs

_LOOPBACK = "127.0.0.1"
_OBJECT_STORE_BYTES = 200 * 2**20  # messages are small; the default is 30 % of the memory
_LONGEST_FOLDER = 30  # names of sockets, for which Ray adds 70 characters, have at most 107


def import_ray() -> Any:
    """Import Ray.

    Raises:
        InputError: It is not installed.
    """
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise InputError("Ray is not installed", remedy="pip install 'hfscale[ray]'") from error
    return ray


def is_connected() -> bool:
    """Say whether this process has an instance of Ray already; without importing it, which must wait."""
    return sys.modules.get("ray") is not None and bool(import_ray().is_initialized())


@contextmanager
def own_instance(cpus: int, gpus: int) -> Iterator[None]:
    """Have an instance with so many CPUs and GPUs, to which this process is connected.

    Raises:
        InputError: Ray is not installed, asks for no token, or would listen to other machines.
    """
    with ExitStack() as stack:
        # Ray opens its folder to everybody; this one, around it, lets in the user alone.
        base = tempfile.gettempdir() if len(tempfile.gettempdir()) <= _LONGEST_FOLDER else "/tmp"
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="hfscale-", dir=base, ignore_cleanup_errors=True)
        )
        with _environment(Path(folder)):
            ray = import_ray()
            stack.enter_context(quiet_logs("ray"))
            stack.callback(ray.shutdown)
            with _forking(), own_termination():
                ray.init(
                    address="local",
                    num_cpus=cpus,
                    num_gpus=gpus,
                    include_dashboard=False,
                    object_store_memory=_OBJECT_STORE_BYTES,
                    log_to_driver=False,
                    configure_logging=False,
                    _temp_dir=str(Path(folder) / "r"),
                )
        _check_closed(ray)
        with _quiet_notices():
            yield


def _check_closed(ray: Any) -> None:
    """Raise InputError where others could reach the instance: Ray has no documented way to keep them out."""
    from ray._private.authentication.authentication_utils import is_token_auth_enabled

    if not is_token_auth_enabled():
        raise InputError("this version of Ray asks for no token", remedy="pip install 'hfscale[ray]'")
    if any(node["NodeManagerAddress"] != _LOOPBACK for node in ray.nodes()):
        raise InputError(
            "Ray was imported before and would listen to other machines",
            remedy="set RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 before importing it, or start it yourself with ray.init()",
        )


@cache
def _token() -> str:
    """The token of all own instances of this process, which reads it once."""
    return secrets.token_hex(32)


@contextmanager
def _environment(folder: Path) -> Iterator[None]:
    """Give this process the environment that Ray's processes are to have while they start, and then its own again."""
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(_token())
    before = dict(os.environ)
    # Without a mode, Ray asks for tokens, even if it was imported before, when a mode would come too late.
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_ADDRESS"):
        os.environ.pop(name, None)
    os.environ.update(
        {
            **WORKER_ENVIRONMENT,
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            # Not only on those systems: without it, Ray listens on all addresses of the machine.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        }
    )
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def own_termination() -> Iterator[None]:
    """Leave it to the program what SIGTERM means: Ray would end the process with a code of its own."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if signal.getsignal(signal.SIGTERM) is not before:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _forking() -> Iterator[None]:
    """Let Ray fork where JAX runs already: what it starts so becomes another program at once, which does no harm."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
        yield


@contextmanager
def _quiet_notices() -> Iterator[None]:
    """Keep back notices of workers that died, which Ray prints on standard output whatever it is told."""
    from ray._private import worker

    enabled = worker._worker_logs_enabled
    worker._worker_logs_enabled = False
    try:
        yield
    finally:
        worker._worker_logs_enabled = enabled
