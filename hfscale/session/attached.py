"""A store that another process writes, or that was left: how far it is, and going on with it."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

from hfscale.driver import Preparation, prepare
from hfscale.plan.settings import Calculation
from hfscale.results import Results, open_results
from hfscale.runtime.activity import Activity
from hfscale.store.files import lock_file
from hfscale.store.lock import is_held
from hfscale.store.open import open_store
from hfscale.store.places import Place
from hfscale.store.status import StoreStatus
from hfscale.workspace import Inputs

if TYPE_CHECKING:
    from hfscale.session.job import Job


@dataclass(frozen=True, repr=False)
class Attached:
    """A store as a session found it. Made by `hfscale.Session.attach`; every method looks again.

    Attributes:
        store: Folder of the store.
        continued: Makes the job that continues the store.
    """

    store: Place
    continued: "Callable[[], Job]"

    def state(self) -> Literal["finished", "running", "left"]:
        """Say whether it is ``finished``, a driver is ``running`` on it, also this session's, or it was ``left``.

        Shards of ``hfscale worker`` take no lock, and are not seen here: `activity` has the time of their last event.
        """
        if self.status().finished:
            return "finished"
        return "running" if is_held(lock_file(self.store)) else "left"

    def status(self) -> StoreStatus:
        """Count what is done, failed and left."""
        return open_store(self.store).status()

    def activity(self) -> Activity:
        """What the journals of all runs tell: what each worker did, tasks tried again or given up, the last event."""
        return self.partial().activity()

    def partial(self) -> Results:
        """Open what is there already."""
        return open_results(self.store)

    def resume(self) -> "Job":
        """Go on with it on the session's engine, with the inputs and settings that it was made with.

        Where another driver runs, the job fails with a `hfscale.errors.StoreBusyError`.
        """
        return self.continued()

    def __repr__(self) -> str:
        return f"<hfscale.Attached {self.store.name}: {', '.join(self._facts())}>"

    def _repr_html_(self) -> str:
        head, *facts = self._facts()
        items = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
        return f"<b>{escape(self.store.name)}</b>: {escape(head)}<ul>{items}</ul>"

    def _facts(self) -> list[str]:
        status, activity = self.status(), self.activity()
        done = status.points_ok + status.points_no_signal
        facts = [self.state(), f"{done}/{status.points_total} points done, {status.points_failed} failed"]
        if status.toys is not None:
            facts.append(f"{status.toys.done}/{status.toys.total} toys done, {status.toys.failed} failed")
        if activity.last_event is not None:
            facts.append(f"{activity.runs} runs by {len(activity.workers)} workers, last event {activity.last_event}")
        return facts


def prepare_again(path: Place) -> Preparation:
    """Prepare a store that exists for going on, from what it holds.

    Raises:
        StoreError: There is no store, or the toys in it are those of another generator of random numbers.
    """
    store = open_store(path)
    calculation = Calculation.model_validate(store.settings["calculation"])
    return prepare(Inputs.from_json(store.inputs()), calculation, store.path)
