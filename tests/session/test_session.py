"""Campaigns in the background: what a notebook sees of them while they run, end, fail and are cancelled."""

import asyncio
import gc
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import hfscale
from hfscale.errors import InputError, InterruptedRunError, PatchError, SchemaError, StoreBusyError, StoreError
from hfscale.store.open import open_store
from tests.program import Search, copy_store, make_search, small_patchset, small_workspace
from tests.session.gated import GatedExecutor, eventually
from tests.session.stores import assert_equal_numbers

TASKS = {"task_points": 3}
"""Three tasks of the nine points of the small search: 0 to 2 are those with m_heavy 200, and so on."""


@pytest.fixture
def gate() -> GatedExecutor:
    return GatedExecutor()


@pytest.fixture
def session(gate: GatedExecutor) -> Iterator[hfscale.Session]:
    with hfscale.Session(gate) as session:
        yield session


def done_points(job: hfscale.Job) -> int:
    progress = job.status().progress
    return 0 if progress is None else progress.done


def submit(session: hfscale.Session, search: Search, **options: object) -> hfscale.Job:
    return session.cls(search.workspace, search.patchset, store=search.store, **{**TASKS, **options})


def test_a_job_runs_while_others_look_at_what_is_there(
    session: hfscale.Session, gate: GatedExecutor, small: Search, small_store: Path
) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    job = submit(session, small)
    assert not job.done()
    gate.let_through(2)
    eventually(lambda: done_points(job) == 6)
    partial = job.partial()
    assert [point["status"] for point in partial.to_list()] == ["ok"] * 6 + ["pending"] * 3
    assert partial.contour(x="m_heavy", y="m_light").axes
    status = job.status()
    assert (status.state, status.progress.total if status.progress else None, status.slots) == ("running", 9, 1)
    assert "6/9 points" in repr(job)
    with pytest.raises(TimeoutError):
        job.result(timeout=0.01)
    gate.let_through()
    assert job.result().status().finished
    assert (job.done(), job.status().state) == (True, "finished")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert_equal_numbers(small.store, small_store)


def test_a_cancelled_job_leaves_a_store_that_another_session_finds_and_finishes(
    session: hfscale.Session, gate: GatedExecutor, small: Search, small_store: Path
) -> None:
    job = submit(session, small)
    gate.let_through(1)
    eventually(lambda: done_points(job) == 3)
    assert job.cancel()
    with pytest.raises(InterruptedRunError, match="cancelled"):
        job.result()
    assert job.status().state == "cancelled"
    assert not job.cancel()

    with hfscale.Session(GatedExecutor(open=True)) as another:
        left = another.attach(small.store)
        assert left.state() == "left"
        assert (left.status().points_ok, left.status().points_pending) == (3, 6)
        assert left.activity().last_event is not None
        assert "left, 3/9 points done" in repr(left)
        assert left.resume().result().status().points_ok == 9
        assert left.state() == "finished"
    assert_equal_numbers(small.store, small_store)


def test_a_session_sees_a_store_that_another_driver_is_running_on(
    session: hfscale.Session, gate: GatedExecutor, small_store: Path, tmp_path: Path
) -> None:
    store = copy_store(small_store, tmp_path)
    task = open_store(store).plan.tasks[0]
    (store / "_hfscale" / "ledger" / "done" / f"{task.id}.json").unlink()
    with open_store(store).locked():
        attached = session.attach(store)
        assert attached.state() == "running"
        with pytest.raises(StoreBusyError):
            attached.resume().result()
    assert attached.state() == "left"


def test_jobs_wait_for_their_turn_and_can_be_cancelled_before_it(
    session: hfscale.Session, gate: GatedExecutor, small: Search, tmp_path: Path
) -> None:
    first = submit(session, small)
    second = submit(session, small._replace(store=tmp_path / "second.zarr"))
    third = submit(session, small._replace(store=tmp_path / "third.zarr"))
    gate.let_through(1)
    eventually(lambda: done_points(first) == 3)
    assert (second.status().state, third.status().state) == ("queued", "queued")
    assert [job.store.name for job in session.jobs()] == ["results.zarr", "second.zarr", "third.zarr"]
    with pytest.raises(StoreError, match="queued"):
        second.partial()
    assert second.cancel()
    with pytest.raises(InterruptedRunError):
        second.result(timeout=0.0)
    gate.let_through()
    assert third.result().status().finished
    assert first.result().status().finished
    assert not (tmp_path / "second.zarr").exists()


def test_errors_come_out_of_the_job_as_themselves_and_the_session_goes_on(
    session: hfscale.Session, gate: GatedExecutor, small: Search, tmp_path: Path
) -> None:
    patchset = small_patchset(small_workspace())
    patchset["patches"][4]["patch"][0]["path"] = "/channels/7/samples/-"
    (tmp_path / "wrong").mkdir()
    wrong = make_search(tmp_path / "wrong", patchset=patchset)
    gate.let_through()
    failed, good = submit(session, wrong), submit(session, small)
    with pytest.raises(PatchError, match="s_400_100"):
        failed.result()
    assert failed.status().state == "failed"
    assert "s_400_100" in repr(failed)
    assert not wrong.store.exists()
    assert good.result().status().finished


def test_closing_a_session_cancels_its_jobs_and_no_more_are_taken(gate: GatedExecutor, small: Search) -> None:
    session = hfscale.Session(gate)
    running = submit(session, small)
    queued = submit(session, small._replace(store=small.folder / "other.zarr"))
    gate.let_through(1)
    eventually(lambda: done_points(running) == 3)
    session.close()
    assert gate.closed
    assert [job.status().state for job in (running, queued)] == ["cancelled", "cancelled"]
    assert "closed" in repr(session)
    with pytest.raises(InputError, match="closed"):
        submit(session, small)
    assert hfscale.open_results(small.store).status().points_ok == 3


def test_a_session_that_was_forgotten_finishes_its_jobs_and_ends_its_engine(gate: GatedExecutor, small: Search) -> None:
    session = hfscale.Session(gate)
    job = submit(session, small)
    del session
    gc.collect()
    gate.let_through()
    assert job.result().status().finished
    eventually(lambda: gate.closed)


def test_documents_that_change_after_they_were_given_do_not_change_the_job(
    session: hfscale.Session, gate: GatedExecutor, small_store: Path, tmp_path: Path
) -> None:
    workspace = small_workspace()
    patchset = small_patchset(workspace)
    first = session.cls(workspace, patchset, store=tmp_path / "first.zarr", **TASKS)
    second = session.cls(workspace, patchset, store=tmp_path / "second.zarr", **TASKS)
    workspace["observations"][0]["data"] = [1.0, 1.0]
    del patchset["patches"][1:]
    gate.let_through()
    first.result()
    assert_equal_numbers(second.result().path, small_store)  # type: ignore[arg-type]


def test_the_event_loop_goes_on_while_a_job_is_awaited(
    session: hfscale.Session, gate: GatedExecutor, small: Search
) -> None:
    async def wait() -> tuple[bool, int]:
        job = submit(session, small)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(job, timeout=0.05)
        gave_up_alone = job.status().state in ("queued", "running")
        # Only the loop lets tasks through: a blocked one would wait for ever.
        asyncio.get_running_loop().call_later(0.01, gate.let_through)
        return gave_up_alone, (await job).status().points_ok

    assert asyncio.run(wait()) == (True, 9)


def test_a_campaign_of_keys_draws_its_contours(session: hfscale.Session, gate: GatedExecutor, small: Search) -> None:
    figure = small.folder / "contour.png"
    campaign = {
        "schema": 1,
        "workspace": str(small.workspace),
        "patchset": str(small.patchset),
        "store": str(small.store),
        "run": {"executor": "dask", "task_points": 3},
        "contours": [{"x": "m_heavy", "y": "m_light", "output": str(figure)}],
    }
    gate.let_through()
    file = small.folder / "campaign.json"
    file.write_text(json.dumps(campaign))
    job = session.submit(campaign, ["calculation.test_poi=0.5"])
    assert job.result().to_list()[0]["poi"] == 0.5
    assert figure.is_file()
    assert "calculation" not in campaign
    again = session.submit(file, ["calculation.test_poi=0.5"])
    assert again.result().path == small.store
    with pytest.raises(SchemaError, match="workspce"):
        session.submit({**campaign, "workspce": "x"})


def test_every_verb_runs_in_a_session(session: hfscale.Session, gate: GatedExecutor, small: Search) -> None:
    gate.let_through()
    given, own = (small.workspace, small.patchset), {"points": ["s_400_0"]}
    limit = session.limit(*given, store=small.folder / "limit.zarr", **own)
    scan = session.scan(*given, store=small.folder / "scan.zarr", poi_grid="1,2", **own)
    excess = session.significance(*given, store=small.folder / "p0.zarr", **own)
    fit = session.best_fit(*given, store=small.folder / "fit.zarr", **own)
    ranking = session.ranking(*given, store=small.folder / "ranking.zarr", **own)
    toys = session.cls(*given, store=small.store, calctype="toybased", ntoys=20, **own)
    more = session.toys(small.store, 10)
    assert limit.result().to_list()[0]["upper_limit_obs"] > 0
    assert [point["poi"] for point in scan.result().to_list()] == [1.0, 2.0]
    assert excess.result().to_list()[0]["p0"] > 0
    assert len(fit.result().to_dataframe()) == 2
    assert len(ranking.result().to_dataframe()) == 1
    assert toys.result().to_list()[0]["toys"]["sb"] == 20 or more.done()
    assert more.result().to_list()[0]["toys"]["sb"] == 30


@pytest.mark.parametrize("option", [{"executor": "local"}, {"workers": 2}, {"progress": True}])
def test_what_the_session_decides_is_refused_as_an_option(
    session: hfscale.Session, small: Search, option: dict[str, object]
) -> None:
    with pytest.raises(InputError, match=f"{next(iter(option))} is not an option"):
        submit(session, small, **option)


def test_engines_that_do_not_exist_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no executor 'proceses'"):
        hfscale.Session("proceses")
    with pytest.raises(InputError, match="0 workers"):
        hfscale.Session("processes", workers=0)
    with pytest.raises(InputError, match="int is no executor"):
        hfscale.Session(4)
    with pytest.raises(InputError, match="neither encrypted nor on this machine"):
        hfscale.Session("tcp://192.0.2.1:8786")
