"""Workers that cannot see the store give the same store: they return their results, and the driver writes them."""

import json
import os
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import pytest

import hfscale
from hfscale.errors import StoreError
from hfscale.results import Results
from hfscale.runtime.executors.local import LocalExecutor
from hfscale.store.files import done_folder
from hfscale.store.store import ResultStore
from hfscale.work import gathering
from tests.program import Search, make_search

ENGINES = [
    "processes",
    pytest.param("dask", marks=[pytest.mark.dask, pytest.mark.slow]),
    pytest.param("ray", marks=[pytest.mark.ray, pytest.mark.slow]),
]
ADAPTIVE = {"adaptive": True, "min_toys": 20, "max_toys": 60, "task_toys": 10}
PERSONAL = {"seconds", "started", "finished", "host", "process", "digest"}
"""What markers of the same task differ in: when and by whom it was done, and the digest of that."""
HIDING = """\
import os, sys

def refuse(event, arguments):
    if event in {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove"}:
        place = arguments[0]
        if isinstance(place, (str, bytes)) and os.fsdecode(place).startswith(os.environ["HIDDEN_STORE"]):
            raise PermissionError(13, "this process cannot see the store", os.fsdecode(place))

sys.addaudithook(refuse)
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CLs with adaptive toys of three points, written by the process that computed them."""
    search = make_search(tmp_path_factory.mktemp("plain"))
    compute(search, executor="local")
    return search.store


@pytest.fixture
def search(tmp_path: Path) -> Search:
    return make_search(tmp_path)


@pytest.fixture
def hidden(search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Search:
    """A search whose store every process that starts from now on is refused to read or write."""
    folder = tmp_path / "hiding"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HIDING)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])))
    monkeypatch.setenv("HIDDEN_STORE", str(search.store))
    return search


def compute(search: Search, **options: Any) -> Results:
    campaign: dict[str, Any] = {"points": ["s_400_*"], "calctype": "toybased", "seed": 3, "task_points": 1, **ADAPTIVE}
    return hfscale.cls(search.workspace, search.patchset, store=search.store, **campaign, **options)


def chunks_of(store: Path) -> dict[str, bytes]:
    """Return the bytes of all chunks."""
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("c/**/*") if path.is_file()}


def markers_of(store: Path) -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_bytes()) for path in done_folder(store).iterdir()}


def impersonal(markers: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {task: {k: v for k, v in marker.items() if k not in PERSONAL} for task, marker in markers.items()}


@pytest.mark.parametrize("engine", ENGINES)
def test_workers_that_cannot_see_the_store_give_the_same_bytes(engine: str, hidden: Search, plain: Path) -> None:
    results = compute(hidden, executor=engine, workers=2, gather=True)
    assert not results.failures()
    assert results.status().finished
    found, expected = chunks_of(hidden.store), chunks_of(plain)
    assert any("/q/c/" in name for name in expected if name.startswith("toys/"))
    assert found == expected
    assert impersonal(markers_of(hidden.store)) == impersonal(markers_of(plain))


def test_workers_that_cannot_see_the_store_are_of_no_use_otherwise(hidden: Search) -> None:
    failures = compute(hidden, executor="processes", workers=1).failures()
    assert len(failures) == 3
    assert all("store" in reason for reason in failures.values())


def test_limits_are_gathered_and_markers_tell_who_computed_them(search: Search, tmp_path: Path) -> None:
    options: dict[str, Any] = {"points": ["s_400_*"], "task_points": 2}
    other = tmp_path / "gathered.zarr"
    hfscale.limit(search.workspace, search.patchset, store=search.store, executor="local", **options)
    hfscale.limit(
        search.workspace, search.patchset, store=other, executor="processes", workers=1, gather=True, **options
    )
    assert chunks_of(other) == chunks_of(search.store)
    assert {marker["process"] for marker in markers_of(search.store).values()} == {os.getpid()}
    assert os.getpid() not in {marker["process"] for marker in markers_of(other).values()}


class Counting(LocalExecutor):
    """Runs calls in this process, which knows no campaign at first, and counts those that bring it along."""

    def __init__(self, forget_after: int | None = None) -> None:
        super().__init__()
        gathering._known.cache_clear()
        self.brought = self.calls = 0
        self._forget_after = forget_after

    def submit(self, function: Callable[..., Any], *args: Any) -> Hashable:
        _, definition, _ = args
        self.calls += 1
        self.brought += definition is not None
        if self.calls == self._forget_after:
            gathering._known.cache_clear()
        return super().submit(function, *args)


def test_the_campaign_travels_to_a_worker_and_not_with_its_tasks(search: Search, plain: Path) -> None:
    engine = Counting()
    compute(search, executor=engine, gather=True)
    tasks = len(markers_of(search.store))
    assert tasks > 8
    # Two calls are on their way to the one slot when it gives its first answer.
    assert engine.brought == 2
    assert engine.calls == tasks + 2


def test_a_worker_that_takes_the_place_of_another_is_told_what_the_campaign_is(search: Search, plain: Path) -> None:
    engine = Counting(forget_after=7)
    compute(search, executor=engine, gather=True)
    assert engine.brought in (3, 4)
    assert chunks_of(search.store) == chunks_of(plain)


def test_a_result_that_cannot_be_written_is_computed_again(
    search: Search, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, refused = ResultStore.write_block, []

    def refuse_once(store: ResultStore, task: Any, arrays: Any) -> None:
        if not refused:
            refused.append(task)
            raise StoreError("the disk is full")
        write(store, task, arrays)

    monkeypatch.setattr(ResultStore, "write_block", refuse_once)
    assert not compute(search, executor="local", gather=True).failures()
    assert refused
    assert chunks_of(search.store) == chunks_of(plain)


def test_the_command_line_and_campaign_files_ask_for_it(
    search: Search, plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    keep = gathering.keep

    def counted(store: ResultStore, task: Any, computed: Any) -> Any:
        kept.append(task.id)
        return keep(store, task, computed)

    monkeypatch.setattr(gathering, "keep", counted)
    assert search.cls("--points", "s_400_0", "--gather").code == 0
    assert len(kept) == 1
    campaign = search.folder / "campaign.yaml"
    campaign.write_text(
        "schema: 1\nworkspace: BkgOnly.json\npatchset: patchset.json\nstore: other.zarr\npoints: [s_400_0]\n"
        "calculation: {kind: cls}\nrun: {executor: local, gather: true}\n"
    )
    hfscale.run(campaign)
    assert len(kept) == 2
