"""Who could reach a running cluster besides its owner: clusters that are open to others are not joined unasked.

Whoever reaches a scheduler or a worker of Dask, or a port of Ray, can run code as its owner and as everybody who has
joined it. Encrypted connections of Dask ask for a certificate, and Ray for a token; without those, only the loopback
interface keeps other machines out.
"""

import ipaddress
import json
import os
import socket
import warnings
from pathlib import Path
from urllib.parse import urlsplit

from hfscale.errors import HfscaleWarning, InputError, SourceError
from hfscale.plan.paths import is_scheduler_file

_CLOSED_SCHEMES = ("tls", "wss", "inproc")
"""Protocols of Dask that want a certificate, or (the last) stay inside one process."""
_GATEWAY = "gateway"
_INSECURE = "or accept that others can run code as you (--insecure, 'insecure: true' under 'run', insecure=True)"


def is_loopback(host: str) -> bool:
    """Say whether a name or an address means this machine alone, at every address that it stands for."""
    try:
        found = {ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError, ValueError):
        return False
    return all(address.is_loopback for address in found)


def is_gateway(scheduler: str) -> bool:
    """Say whether a Dask cluster is one of a Dask Gateway: ``gateway`` for a new one, or ``gateway://NAME``."""
    return scheduler == _GATEWAY or scheduler.startswith(f"{_GATEWAY}://")


def gateway_cluster_name(scheduler: str) -> str | None:
    """Return the name of the cluster of a Dask Gateway that is meant, None for a new one.

    Args:
        scheduler: ``gateway``, ``gateway://NAME``, or the address of its scheduler, ``gateway://HOST:PORT/NAME``.
    """
    return scheduler.removeprefix(_GATEWAY).removeprefix("://").rstrip("/").rpartition("/")[2] or None


def scheduler_address(scheduler: str) -> str:
    """Return the address of a scheduler that is given as such, or as the file that ``dask scheduler`` wrote.

    Raises:
        SourceError: The file cannot be read, or names no address.
    """
    if not is_scheduler_file(scheduler):
        return scheduler
    try:
        document = json.loads(Path(scheduler).read_bytes())
        address = document["address"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise SourceError(
            f"{scheduler} is no file of a Dask scheduler: {error}",
            remedy="give what 'dask scheduler --scheduler-file' wrote, or PROTOCOL://HOST:PORT",
        ) from error
    return str(address)


def is_open_scheduler(address: str) -> bool:
    """Say whether other machines could reach a Dask scheduler without a certificate.

    Args:
        address: As Dask writes it; without a protocol, ``tcp`` is meant.
    """
    if is_gateway(address):
        return False
    scheme, host = _split(address, "tcp")
    return scheme not in _CLOSED_SCHEMES and not is_loopback(host)


def refuse_open_scheduler(address: str, insecure: bool) -> None:
    """Raise InputError for an open scheduler, unless the user accepts it."""
    if not insecure and is_open_scheduler(address):
        raise InputError(
            f"the Dask scheduler {address} is neither encrypted nor on this machine alone: whoever reaches it can run"
            " code as you",
            remedy=f"start it with TLS and give its address as tls://HOST:PORT, {_INSECURE}",
        )


def warn_of_open_scheduler(address: str) -> None:
    """Warn of the scheduler of a client that the user made."""
    if is_open_scheduler(address):
        warnings.warn(
            f"the connection to the Dask scheduler {address} is not encrypted: whoever reaches it can run code as you;"
            " distributed.Security gives clients and schedulers TLS",
            HfscaleWarning,
            stacklevel=4,
        )


def refuse_open_ray(address: str, insecure: bool) -> None:
    """Raise InputError where a Ray cluster would be joined without a token, unless the user accepts it.

    Args:
        address: As `ray.init` takes it. Where ``auto`` leads is Ray's secret; a cluster listens beyond its machine.
        insecure: Whether the user accepts it.
    """
    if insecure or _has_ray_token() or os.environ.get("RAY_USE_TLS") == "1":
        return
    _, host = _split(address, "ray")
    if address == "auto" or not is_loopback(host):
        raise InputError(
            f"the Ray cluster {address} would be joined without a token: whoever reaches it can run code as you",
            remedy="start the cluster with RAY_AUTH_MODE=token, and give the file of its token in RAY_AUTH_TOKEN_PATH,"
            f" {_INSECURE}",
        )


def _has_ray_token() -> bool:
    """Say whether Ray will ask for a token when it joins a cluster; the rule is that of Ray 2.60."""
    mode = os.environ.get("RAY_AUTH_MODE")
    if mode is not None:
        return mode.lower() == "token"
    if os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH"):
        return True
    return (Path.home() / ".ray" / "auth_token").is_file()


def _split(address: str, scheme: str) -> tuple[str, str]:
    """Protocol and host of an address that may have no protocol."""
    try:
        parts = urlsplit(address if "://" in address else f"{scheme}://{address}")
        return parts.scheme, parts.hostname or ""
    except ValueError as error:
        raise InputError(f"{address!r} is no address: {error}", remedy="give PROTOCOL://HOST:PORT") from error
