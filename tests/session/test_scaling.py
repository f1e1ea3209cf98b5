"""More and fewer workers while a session goes on, and clusters that belong to somebody else."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hfscale
from hfscale.errors import InputError, InterruptedRunError
from hfscale.runtime.executors.processes import ProcessExecutor
from tests.program import Search
from tests.session.gated import GatedExecutor, eventually
from tests.session.meeting import meet
from tests.session.stores import assert_equal_numbers

if TYPE_CHECKING:
    import distributed

LOOPBACK = "127.0.0.1:0"
THREADS = {"processes": False, "dashboard_address": LOOPBACK, "worker_dashboard_address": LOOPBACK}


@pytest.fixture
def cluster() -> "Iterator[distributed.LocalCluster]":
    """A cluster of the user's, whose workers are threads of this process."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, **THREADS) as cluster:
        yield cluster


def run_together(engine: ProcessExecutor, folder: Path, calls: int, workers: int) -> set[int]:
    """Have calls run by so many workers at least, and return the processes that ran them."""
    folder.mkdir()
    handles = {engine.submit(meet, str(folder), workers) for _ in range(calls)}
    found = set()
    while handles:
        outcomes = engine.wait(handles, 60.0)
        assert outcomes
        handles -= outcomes.keys()
        found |= {outcome.value for outcome in outcomes.values()}
    return found


def test_a_pool_of_processes_grows_and_shrinks(tmp_path: Path) -> None:
    with ProcessExecutor(1) as engine:
        first = run_together(engine, tmp_path / "one", 2, 1)
        assert len(first) == 1
        engine.scale(2)
        both = run_together(engine, tmp_path / "two", 2, 2)
        assert len(both) == 2
        assert first < both
        engine.scale(1)
        assert len(run_together(engine, tmp_path / "three", 3, 1)) == 1


def test_workers_are_added_to_those_that_the_session_started() -> None:
    with hfscale.Session("local", workers=2) as session:
        assert "on processes" in repr(session)
        session.scale(3)
        with pytest.raises(InputError, match="0 workers"):
            session.scale(0)
    with hfscale.Session(GatedExecutor()) as session, pytest.raises(InputError, match="local cannot be changed"):
        session.scale(2)


@pytest.mark.dask
def test_a_cluster_of_the_users_gets_workers_on_the_way_and_is_not_closed(
    cluster: "distributed.LocalCluster", small: Search, small_store: Path
) -> None:
    with hfscale.Session(cluster) as session:
        with pytest.raises(InputError, match="not started from here"):
            session.scale(2)
        job = session.cls(small.workspace, small.patchset, store=small.store, task_points=1)
        cluster.scale(2)
        cluster.wait_for_workers(2)
        assert job.result().status().points_ok == 9
    assert cluster.status.name == "running"
    assert_equal_numbers(small.store, small_store)


@pytest.mark.dask
def test_a_client_of_the_users_is_used_and_not_closed(cluster: "distributed.LocalCluster", small: Search) -> None:
    import distributed

    with distributed.Client(cluster, set_as_default=False) as client:
        with hfscale.Session(client) as session:
            job = session.cls(small.workspace, small.patchset, store=small.store, points=["s_400_*"])
            assert job.result().status().points_ok == 3
        assert client.status == "running"


@pytest.mark.dask
def test_an_asynchronous_client_is_refused_with_a_remedy() -> None:
    import asyncio

    import distributed

    async def use() -> None:
        async with (
            distributed.LocalCluster(n_workers=1, asynchronous=True, **THREADS) as cluster,
            distributed.Client(cluster, asynchronous=True, set_as_default=False) as client,
        ):
            with pytest.raises(InputError, match="without asynchronous=True"):
                hfscale.Session(client)

    asyncio.run(use())


@pytest.mark.dask
@pytest.mark.slow
def test_a_dask_session_of_its_own_grows_while_a_job_runs(small: Search) -> None:
    with hfscale.Session("dask", workers=1) as session:
        assert session.dashboard_link is not None
        assert session.dashboard_link in repr(session)
        toys = {"calctype": "toybased", "ntoys": 100_000, "task_toys": 1000}  # more than anybody waits for
        job = session.cls(small.workspace, small.patchset, store=small.store, **toys)
        eventually(lambda: job.status().slots == 1)
        session.scale(2)
        eventually(lambda: job.status().slots == 2)
        eventually(lambda: len(job.partial().activity().workers) == 2)
        assert job.cancel()
        with pytest.raises(InterruptedRunError):
            job.result()
