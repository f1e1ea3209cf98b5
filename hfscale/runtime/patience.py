"""How long a run waits for workers, and for a task."""

import math
from typing import NamedTuple

from hfscale.errors import InputError, InterruptedRunError
from hfscale.plan.texts import read_duration

WAIT_SECONDS = 600.0
WARNING_SECONDS = 30.0


class Patience(NamedTuple):
    """How long a run waits.

    Attributes:
        wait_workers: Seconds for which an engine may have no worker at all, before the run ends as interrupted.
        task_limit: Seconds after which a task that runs is stopped and tried again; None for a generous limit that
            follows from the tasks that finished, see `hfscale.runtime.durations`.
    """

    wait_workers: float = WAIT_SECONDS
    task_limit: float | None = None

    @classmethod
    def read(cls, wait_workers: str | None, task_limit: str | None, usual_wait: float = WAIT_SECONDS) -> "Patience":
        """Read durations as people write them, ``90s``, ``30m`` or ``2h``.

        Args:
            wait_workers, task_limit: The attributes; None where nothing was chosen.
            usual_wait: Seconds of `wait_workers` then.

        Raises:
            InputError: One of them is no duration.
        """
        wait = _seconds("wait_workers", wait_workers)
        return cls(usual_wait if wait is None else wait, _seconds("task_limit", task_limit))


DEFAULT = Patience()
"""What goes where nobody chose anything."""


class Absence:
    """Follows for how long an engine has had no worker.

    Args:
        engine: Name of the engine.
        limit: Seconds that are too long.
    """

    def __init__(self, engine: str, limit: float) -> None:
        self._engine = engine
        self._limit = limit
        self._seconds = 0.0
        self._warned = False

    def look(self, present: bool, step: float) -> str:
        """Take note of a look at the engine.

        Args:
            present: Whether it has a worker.
            step: Seconds since the last look.

        Returns:
            What to warn of, once each time that workers are missing; empty where there is nothing to say.

        Raises:
            InterruptedRunError: There has been no worker for too long.
        """
        self._seconds = 0.0 if present else self._seconds + step
        self._warned = self._warned and not present
        if self._seconds > self._limit:
            raise InterruptedRunError(
                f"{self._engine} has had no worker for {self._limit:g} s",
                remedy="start workers and run the same command again to continue; --wait-workers (run.wait_workers)"
                " says how long to wait for them, for example 2h",
            )
        if self._seconds <= WARNING_SECONDS or self._warned:
            return ""
        self._warned = True
        end = f"; the run ends after {self._limit:g} s without" if self._limit < math.inf else ""
        return f"{self._engine} has had no worker for {WARNING_SECONDS:.0f} s{end}"


def _seconds(name: str, text: str | None) -> float | None:
    try:
        return None if text is None else read_duration(text)
    except ValueError as error:
        raise InputError(
            f"{name} {text!r} cannot be read", place=name, remedy=f"{error}; or leave it out for the default"
        ) from error
