"""What Ray knows of its nodes, asked only while there is somebody to answer.

The GCS of a cluster knows them. Where it is gone, Ray waits for it in whatever call needs it, and after a minute ends
the process with a message and a code of its own. So nothing is asked of it before its port was seen to be open.
"""

# mypy: allow-untyped-calls
# (most of ray has no annotations)

import socket
import time
from collections.abc import Callable
from typing import Any

from hfscale.errors import InterruptedRunError

_ASK_SECONDS = 1.0
_CONNECT_SECONDS = 5.0
ABSENT_SECONDS = 30.0
"""For so long a cluster's GCS may be away: with a store of its own, it is started again."""

Node = dict[str, Any]


class Nodes:
    """The nodes of the cluster that this process is connected to.

    Args:
        absent_seconds: For how long its GCS may be away.
        clock: Gives the time in seconds.
    """

    def __init__(self, absent_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.lost = False
        self._absent_seconds = absent_seconds
        self._clock = clock
        self._alive: list[Node] = []
        self._asked: float | None = None
        self._answered = clock()

    def alive(self) -> list[Node]:
        """Return the nodes that are alive, as they were a second ago at most while the GCS is there.

        Raises:
            InterruptedRunError: The cluster is gone, or the part of it that serves this process.
        """
        import ray

        now = self._clock()
        if self._asked is not None and now - self._asked < _ASK_SECONDS:
            return self._alive
        if self._is_there():
            self._alive = [node for node in all_nodes() if node["Alive"]]
            self._answered = now
            if ray.get_runtime_context().get_node_id() not in {node["NodeID"] for node in self._alive}:
                raise gone("the raylet of this process ended")
        elif now - self._answered >= self._absent_seconds or self._asked is None:
            self.lost = True
            raise gone("its GCS is not there any more")
        self._asked = now
        return self._alive

    def _is_there(self) -> bool:
        """Say whether somebody listens at the address of the GCS; where Ray hides that behind a proxy, suppose so."""
        import ray
        from ray.util.client import ray as proxied

        if proxied.is_connected():
            return True
        host, _, port = str(ray.get_runtime_context().gcs_address).rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
        except OSError:
            return False
        return True


def all_nodes() -> list[Node]:
    """Ask Ray for its nodes.

    Raises:
        InterruptedRunError: It does not answer.
    """
    import ray

    try:
        nodes: list[Node] = ray.nodes()
    except (ConnectionError, RuntimeError, ray.exceptions.RayError) as error:
        raise gone(str(error)) from error
    return nodes


def gone(reason: str) -> InterruptedRunError:
    """Return the error of a run whose Ray is gone."""
    return InterruptedRunError(
        f"Ray is gone: {reason}",
        remedy="start the cluster again, if it was yours, and run the same command again to continue",
    )
