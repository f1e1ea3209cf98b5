"""The worker's side of `hfscale.runtime.executors.processes`: one call after the other, until the connection closes."""

import os
import pickle
import signal
import threading
from multiprocessing.connection import Connection
from queue import SimpleQueue

import cloudpickle

from hfscale.runtime.executors.base import Outcome


def serve(descriptor: int) -> None:
    """Run the calls that come through a connection and send back their outcomes; does not return.

    Args:
        descriptor: File descriptor of the connection, inherited from the parent process.
    """
    # Whoever interrupts a run means its driver, which then ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = Connection(descriptor)
    messages: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, messages), daemon=True).start()
    while True:
        connection.send_bytes(run_call(messages.get()))


def _listen(connection: Connection, messages: "SimpleQueue[bytes]") -> None:
    """Take messages, and end the process when the parent is gone, also in the middle of a call."""
    while True:
        try:
            messages.put(connection.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)


def run_call(message: bytes) -> bytes:
    """Run a pickled call and return its pickled `Outcome`; an error that does not pickle is described in words."""
    try:
        function, args = pickle.loads(message)
        return _dumps(Outcome(value=function(*args)))
    except Exception as error:  # noqa: BLE001 (an executor hands on whatever a call raises)
        return _dumps_error(error)


def _dumps(outcome: Outcome) -> bytes:
    message: bytes = cloudpickle.dumps(outcome)
    return message


def _dumps_error(error: Exception) -> bytes:
    try:
        return _dumps(Outcome(error=error))
    except Exception:  # noqa: BLE001 (pickling runs code of the error's class)
        return _dumps(Outcome(error=RuntimeError(f"{type(error).__name__}: {error}")))
