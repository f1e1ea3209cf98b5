"""A campaign that runs in the background, as its user holds it."""

import asyncio
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from hfscale.errors import InterruptedRunError, StoreError
from hfscale.results import Results, open_results
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.observers import Follow
from hfscale.runtime.progress import describe
from hfscale.runtime.tally import Snapshot
from hfscale.session.monitor import Monitor
from hfscale.store.open import is_store
from hfscale.store.places import Place

if TYPE_CHECKING:
    from hfscale.session.panel import Panel

State = Literal["queued", "running", "finished", "cancelled", "failed"]
Work = Callable[[Executor, Follow], Results]
"""Computes a campaign on an engine, and tells what follows it."""


@dataclass(frozen=True)
class JobStatus:
    """How far a job is.

    Attributes:
        state: ``queued`` behind other jobs of the session; ``running``, which begins with reading the inputs;
            ``finished``, with or without failed points; ``cancelled``; or ``failed``, with a reason.
        store: Where its results are, or will be.
        engine: Name of the engine.
        slots: How many tasks can run at the same time, None before the first one.
        progress: Points or toys done, failed and in total, with rate and time left; None before the first task.
        retried: How many times a task was tried again.
        reason: Why it failed or was cancelled, None otherwise.
        dashboard_link: Address of the engine's own progress page, None where it has none.
    """

    state: State
    store: str
    engine: str
    slots: int | None = None
    progress: Snapshot | None = None
    retried: int = 0
    reason: str | None = None
    dashboard_link: str | None = None

    def __str__(self) -> str:
        parts = [self.state + (f" on {self.where()}" if self.state == "running" else ""), self.details()]
        if self.state == "failed" and self.reason:
            parts.append(self.reason.partition("\n")[0])
        return ", ".join(part for part in parts if part)

    def where(self) -> str:
        """Name the engine, and how many workers it has."""
        number = "" if self.slots is None else f" ({self.slots} worker{'s' if self.slots != 1 else ''})"
        return self.engine + number

    def details(self) -> str:
        """Say what is done, failed and left, in words; nothing before it begins."""
        parts = []
        if self.progress is not None:
            # What has ended has no time left.
            parts.append(describe(self.progress if self.state == "running" else _at_rest(self.progress)))
            if self.state == "running" and self.progress.per_second is None:
                parts.append("workers compile the model first")
        elif self.state == "running":
            parts.append("reading the inputs")
        if self.retried:
            parts.append(f"{self.retried} tasks tried again")
        return ", ".join(parts)


class Job:
    """A campaign that a `hfscale.Session` runs in the background. Any thread may use it; the kernel is never blocked.

    A job that is the last line of a notebook cell shows itself: a bar, rate, failures, a button that cancels, and the
    dashboard of the engine.

    Args:
        work: Computes the campaign.
        store: Where its results will be.
        monitor: Follows it.
        engine: The session's engine, for its name and dashboard alone.
    """

    def __init__(self, work: Work, store: Place, monitor: Monitor, engine: Executor) -> None:
        self.store = store
        self._work: Work | None = work
        self._monitor = monitor
        self._engine_name = engine.name
        self._dashboard_link = engine.dashboard_link
        self._future: Future[Results] = Future()
        self._lock = threading.Lock()
        self._panel: Panel | None = None

    def done(self) -> bool:
        """Say whether it has ended, however that was."""
        return self._future.done()

    def status(self) -> JobStatus:
        """Say how far it is, without reading the store."""
        reading = self._monitor.reading
        error = self._future.exception() if self._future.done() else None
        return JobStatus(
            state=self._state(error),
            store=str(self.store),
            engine=self._engine_name,
            slots=None if reading is None else reading.slots,
            progress=None if reading is None else reading.progress,
            retried=0 if reading is None else reading.retried,
            reason=None if error is None else str(error) or type(error).__name__,
            dashboard_link=self._dashboard_link,
        )

    def partial(self) -> Results:
        """Open what is there already, also while the job runs: ``job.partial().contour(x=..., y=...)``.

        Raises:
            StoreError: There is no store yet, because the job is queued or reads its inputs, or it failed before.
        """
        if not is_store(self.store):
            raise StoreError(
                f"there are no results in {self.store} yet: the job is {self.status()}", remedy="wait for its beginning"
            )
        return open_results(self.store)

    def result(self, timeout: float | None = None) -> Results:
        """Wait for the end, and return the results; control-C ends the waiting alone.

        Args:
            timeout: Seconds to wait at most, None for no limit.

        Raises:
            TimeoutError: It has not ended by then; it goes on.
            InterruptedRunError: It was cancelled.
            HfscaleError: Whatever else a call without a session would raise.
        """
        return self._future.result(timeout)

    def cancel(self) -> bool:
        """End it: no further task begins. What is done stays in the store, and the job can be submitted again.

        Returns at once. Tasks that run already may go on to their end; with the engine ``local``, so does the job.

        Returns:
            Whether there was something to end.
        """
        self._monitor.cancel()
        if self._claim() is not None:
            # It never began. One that has notices at its next event.
            self._settle_cancelled()
            return True
        return not self._future.done()

    def run(self, engine: Executor) -> None:
        """Compute it, in the thread of its session; nothing is raised."""
        work = self._claim()
        if work is None:
            return
        try:
            self._monitor.check()
            results = work(engine, self._monitor.follow)
        except BaseException as error:  # noqa: BLE001 (result() raises it, whatever it is)
            self._future.set_exception(error)
        else:
            self._future.set_result(results)

    def wait(self, timeout: float) -> bool:
        """Wait for the end, whatever it is, and say whether it came within some seconds."""
        try:
            self._future.exception(timeout)
        except TimeoutError:
            return False
        return True

    def __await__(self) -> Generator[Any, None, Results]:
        """Wait as `result` does, while the event loop goes on; giving up the waiting does not cancel the job."""
        return asyncio.shield(asyncio.wrap_future(self._future)).__await__()

    def __repr__(self) -> str:
        return f"<hfscale.Job {self.store.name}: {self.status()}>"

    def _repr_html_(self) -> str:
        return f"<b>{escape(self.store.name)}</b>: {escape(str(self.status()))}"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """Return what a notebook shows: a live panel where there can be one, and text for where there cannot."""
        text = {"text/plain": repr(self), "text/html": self._repr_html_()}
        if not _can_show_widgets():
            return text
        if self._panel is None:
            from hfscale.session.panel import Panel

            self._panel = Panel(self)
        return {**self._panel.mimebundle(), **text}

    def _claim(self) -> Work | None:
        """Return the work to the first who asks: the thread that does it, or who cancels it before."""
        with self._lock:
            work, self._work = self._work, None
        if work is not None:
            self._future.set_running_or_notify_cancel()
        return work

    def _settle_cancelled(self) -> None:
        try:
            self._monitor.check()
        except InterruptedRunError as error:
            self._future.set_exception(error)

    def _state(self, error: BaseException | None) -> State:
        if not self._future.done():
            return "running" if self._future.running() else "queued"
        if error is None:
            return "finished"
        return "cancelled" if isinstance(error, InterruptedRunError) and self._monitor.cancelled else "failed"


def _at_rest(progress: Snapshot) -> Snapshot:
    return replace(progress, seconds_left=None)


def _can_show_widgets() -> bool:
    """Say whether this is the kernel of a notebook, with ipywidgets installed."""
    from importlib.util import find_spec

    if find_spec("IPython") is None or find_spec("ipywidgets") is None:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")
