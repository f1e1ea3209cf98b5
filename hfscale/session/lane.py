"""The thread that jobs run in, one after the other, on an engine that stays for all of them.

Jobs are not run at the same time: one campaign keeps all workers busy, executors belong to one thread, and what comes
first is done first. Signals stay with the main thread.
"""

import atexit
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue

from hfscale.runtime.executors.base import Executor
from hfscale.runtime.executors.lent import LentExecutor

Run = Callable[[Executor], None]
"""Runs a job on an engine that it must not close; raises nothing."""

EXIT_SECONDS = 3.0
"""How long the end of the process waits for the running job to notice it, less than Jupyter waits for a kernel that it
ends. The store can be continued in any case."""


class Lane:
    """Starts an engine in a thread of its own, and runs jobs on it in their order.

    Args:
        start: Starts the engine.

    Raises:
        Exception: What `start` raised.
    """

    def __init__(self, start: Callable[[], Executor]) -> None:
        self.closing = threading.Event()
        self._runs: SimpleQueue[Run | None] = SimpleQueue()
        started: Future[Executor] = Future()
        # A daemon, because the end of the process must not wait for a campaign of hours.
        self._thread = threading.Thread(target=self._serve, args=(start, started), name="hfscale-session", daemon=True)
        self._thread.start()
        try:
            self.engine = started.result()
        except BaseException:
            self.finish()  # control-C: the engine, should it start yet, is not wanted any more
            raise
        atexit.register(self._at_exit)

    def put(self, run: Run) -> None:
        """Have a job run when those before it have ended."""
        self._runs.put(run)

    def finish(self) -> None:
        """Take no further jobs, and close the engine when those that are there have ended. Returns at once."""
        self._runs.put(None)

    def stop(self, timeout: float | None = None) -> None:
        """End all jobs, close the engine, and wait for that; a second time does nothing.

        Args:
            timeout: Seconds to wait at most.
        """
        self.closing.set()
        self.finish()
        self._thread.join(timeout)

    def _serve(self, start: Callable[[], Executor], started: "Future[Executor]") -> None:
        try:
            engine = start()
        except BaseException as error:  # noqa: BLE001 (whatever it is, the thread that waits for the engine raises it)
            started.set_exception(error)
            return
        started.set_result(engine)
        with engine:
            while (run := self._runs.get()) is not None:
                run(LentExecutor(engine))
                del run  # or the last job, and its inputs, would stay until the next one comes
        atexit.unregister(self._at_exit)

    def _at_exit(self) -> None:
        self.stop(EXIT_SECONDS)
