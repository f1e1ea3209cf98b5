"""Workers that come and go while a run uses them, as on a cluster that adapts."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import distributed
import pytest

from hfscale.errors import InterruptedRunError
from hfscale.plan.tasks import make_plan
from hfscale.runtime.events import Event, TaskReport
from hfscale.runtime.loop import run_tasks
from hfscale.runtime.patience import Patience

pytestmark = [pytest.mark.dask, pytest.mark.slow]


@pytest.fixture
def client() -> Iterator[Any]:
    """A client of a cluster with one worker."""
    addresses = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "worker_dashboard_address": "127.0.0.1:0"}
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, silence_logs=logging.CRITICAL, **addresses
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def test_what_is_in_flight_follows_a_cluster_that_is_scaled(client: Any) -> None:
    from hfscale.runtime.executors.dask import DaskExecutor

    most: Counter[int] = Counter()

    class Watched(DaskExecutor):
        """Remembers how many calls were in flight at most, by the number of slots when the loop asked for them."""

        seen = 0

        def slots(self) -> int:
            self.seen = super().slots()
            return self.seen

        def submit(self, function: Callable[..., Any], *args: Any) -> Hashable:
            handle = super().submit(function, *args)
            most[self.seen] = max(most[self.seen], len(self._futures))
            return handle

    def scale(workers: int) -> None:
        client.cluster.scale(workers)
        while len(client.nthreads()) != workers:
            time.sleep(0.05)

    finished: Counter[str] = Counter()

    def count(event: Event) -> None:
        if event.kind == "finished":
            finished["tasks"] += 1
            if finished["tasks"] in (50, 150):
                scale(3 if finished["tasks"] == 50 else 1)

    def nothing(task_id: str) -> TaskReport:
        return TaskReport(task_id, ok=1, no_signal=0, failed=0, seconds=0.0)

    tasks = make_plan(250, 1, "settings", [f"p{i}" for i in range(250)]).tasks
    summary = run_tasks(tasks, Watched(client), nothing, on_event=count)
    assert len(summary.reports) == 250
    assert (summary.retries, summary.reissues, dict(summary.failures)) == (0, 0, {})
    assert dict(most) == {1: 2, 3: 6}


def test_a_cluster_that_lost_all_its_workers_ends_the_run(client: Any) -> None:
    from hfscale.runtime.executors.dask import DaskExecutor

    events = list[Event]()

    def leave(event: Event) -> None:
        events.append(event)
        if sum(event.kind == "finished" for event in events) == 5:
            client.cluster.scale(0)

    def slowly(task_id: str) -> TaskReport:
        time.sleep(0.1)
        return TaskReport(task_id, ok=1, no_signal=0, failed=0, seconds=0.1)

    tasks = make_plan(100, 1, "settings", [f"p{i}" for i in range(100)]).tasks
    with pytest.raises(InterruptedRunError, match="dask has had no worker for 3 s"):
        run_tasks(tasks, DaskExecutor(client), slowly, patience=Patience(wait_workers=3.0), on_event=leave)
    assert client.nthreads() == {}
    assert 5 <= sum(event.kind == "finished" for event in events) < 100
