"""Signals that end a command: control-C, and SIGTERM, with which batch systems announce the end of a job."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[None]:
    """Take SIGTERM as control-C: `KeyboardInterrupt` is raised, and what has to be left in order is.

    Whoever sends a second signal does not want to wait for that: it ends the process at once. A signal that is ignored,
    as a shell has it for its background jobs, stays ignored.
    """
    heard = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]

    def interrupt(number: int, frame: FrameType | None) -> None:
        for heard_number in heard:
            signal.signal(heard_number, signal.SIG_DFL)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
