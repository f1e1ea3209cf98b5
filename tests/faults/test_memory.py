"""Tasks that want more memory than their worker may have: refused by the system, or killed by Dask's nanny."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hfscale.runtime.executors.choose import open_executor
from hfscale.runtime.loop import run_tasks
from hfscale.store.store import ResultStore
from tests.faults.conftest import TellRow
from tests.faults.runs import Work, finish, logged

MakeStore = Callable[[str], ResultStore]
MakeWork = Callable[[ResultStore], Work]
MB = 2**20


def greedy(work: Work, task: str, megabytes: int, limit: int | None) -> Work:
    """Make one task fill memory, in a process that may have so many bytes; it travels to workers by value."""

    def work_or_fill(task_id: str):  # type: ignore[no-untyped-def]
        import resource
        import time

        if task_id != task:
            return work(task_id)
        before = resource.getrlimit(resource.RLIMIT_AS)
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
        try:
            # A page at a time, and slowly: who watches shall see it.
            held = []
            for _ in range(megabytes // 50):
                held.append(b"x" * (50 * 2**20))
                time.sleep(0.05)
            time.sleep(5.0)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
        return work(task_id)

    return work_or_fill


def test_a_task_that_the_system_refuses_memory_is_given_up_alone(
    make_store: MakeStore, make_work: MakeWork, tmp_path: Path, tell_row: TellRow
) -> None:
    store, log = make_store("full.zarr"), tmp_path / "log"
    task = store.plan.tasks[1].id
    work = logged(greedy(make_work(store), task, megabytes=2000, limit=1000 * MB), log)
    with open_executor("processes", 2) as executor:
        summary = run_tasks(store.plan.tasks, executor, work)
    assert list(summary.failures) == [task]
    assert "MemoryError" in summary.failures[task]
    assert store.done() == store.plan.task_ids - {task}
    repeated = finish(store, make_store("calm.zarr"), make_work, log)
    tell_row("a worker of `processes` that may have no more memory", tries=2, lost=0, repeated=repeated, tasks=4)


@pytest.mark.dask
@pytest.mark.slow
def test_a_task_for_which_dask_kills_its_workers_is_given_up_alone(
    make_store: MakeStore, make_work: MakeWork, tmp_path: Path, tell_row: TellRow
) -> None:
    import logging

    import distributed

    from hfscale.runtime.executors.dask import DaskExecutor

    store, log = make_store("full.zarr"), tmp_path / "log"
    task = store.plan.tasks[1].id
    work = logged(greedy(make_work(store), task, megabytes=900, limit=None), log)
    options = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "worker_dashboard_address": "127.0.0.1:0"}
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit="600MB", silence_logs=logging.CRITICAL, **options
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        DaskExecutor(client) as executor,
    ):
        summary = run_tasks(store.plan.tasks, executor, work)
    assert list(summary.failures) == [task]
    assert "the worker process died 4 times" in summary.failures[task]
    assert "memory" in summary.failures[task]
    assert store.done() == store.plan.task_ids - {task}
    repeated = finish(store, make_store("calm.zarr"), make_work, log)
    tell_row("a worker of `dask` out of memory, killed by its nanny", tries=2, lost=0, repeated=repeated, tasks=4)
