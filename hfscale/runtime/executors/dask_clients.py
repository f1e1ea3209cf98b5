"""Connecting to a Dask scheduler that runs, by its address or by the file that it wrote.

Keys and certificates are those of Dask's own configuration, so that a site sets them once: ``distributed.comm.tls`` in
a file of ``~/.config/dask``, or the variables ``DASK_DISTRIBUTED__COMM__TLS__CA_FILE``,
``DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT`` and ``DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY``. Where that names a
``distributed.client.security-loader``, as facilities do for their notebooks, Dask asks that for the keys.
"""

# mypy: allow-untyped-calls
# (most of distributed has no annotations)

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
import distributed

from hfscale.errors import InputError
from hfscale.runtime.executors.access import is_gateway, refuse_open_scheduler, scheduler_address

CONNECT_SECONDS = 30
_CREDENTIALS = (
    "distributed.comm.tls in ~/.config/dask, or the variables DASK_DISTRIBUTED__COMM__TLS__CA_FILE,"
    " DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY"
)


@contextmanager
def joined(scheduler: str, insecure: bool, workers: int | None = None) -> "Iterator[distributed.Client]":
    """Be connected to a scheduler that runs and goes on running, or to a cluster of a Dask Gateway.

    Args:
        scheduler: Its address, or its file, or what `hfscale.runtime.executors.gateway` takes.
        insecure: Whether it may be open to others.
        workers: How many workers a new cluster of a gateway has.

    Raises:
        InputError: It is open to others, it does not answer, or it wants other keys than Dask's configuration has; or
            the gateway gives no cluster.
    """
    if is_gateway(scheduler):
        from hfscale.runtime.executors.gateway import gateway_client

        with gateway_client(scheduler, workers) as client:
            yield client
        return
    # Read once: what is checked is what is joined.
    address = scheduler_address(scheduler)
    refuse_open_scheduler(address, insecure)
    client = _connected(address)
    try:
        yield client
    finally:
        client.close()


def _connected(address: str) -> "distributed.Client":
    kind: Any = distributed.Client
    security = _security()
    if security is not None:
        _check_keys(address, security)
    try:
        client: distributed.Client = kind(address, security=security, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler lets us in at {address}: {error}",
            remedy=f"check that it runs; one with TLS wants keys of its own authority: {_CREDENTIALS}",
        ) from error
    return client


def _security() -> "distributed.Security | None":
    """Keys of Dask's configuration, or None where a facility has keys of its own for each scheduler, as SWAN does."""
    if dask.config.get("distributed.client.security-loader", default=None):
        return None
    return distributed.Security()


def _check_keys(address: str, security: "distributed.Security") -> None:
    """Raise InputError where keys are wanted and missing; a client would say so only after a minute."""
    if not address.startswith(("tls://", "wss://")):
        return
    try:
        context = security.get_connection_args("client").get("ssl_context")
    except (OSError, ssl.SSLError) as error:
        problem = f"its keys cannot be read: {error}"
    else:
        if context is not None:
            return
        problem = "Dask's configuration has no keys for it"
    raise InputError(
        f"the Dask scheduler {address} cannot be joined: {problem}", remedy=f"tell Dask their files: {_CREDENTIALS}"
    )
