"""Preparing and executing a campaign."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hfscale.driver import Preparation, prepare
from hfscale.errors import HfscaleWarning, InputError, SelectionError, StoreMismatchError
from hfscale.execution import choose, execute
from hfscale.plan.settings import Calculation
from hfscale.store.files import done_folder
from hfscale.store.open import open_store
from hfscale.workspace import load_inputs
from tests.program import Search, copy_store, make_search, small_workspace


def prepared(search: Search, store: Path | None = None, **calculation: Any) -> Preparation:
    inputs = load_inputs(search.workspace, search.patchset)
    return prepare(inputs, Calculation(**calculation), store or search.store, task_points=4)


def test_preparing_plans_and_writes_nothing(small: Search) -> None:
    preparation = prepared(small)
    assert [task.n_points for task in preparation.plan.tasks] == [4, 4, 1]
    assert set(preparation.parameters) == {"mu", "scale"}
    assert (preparation.n_structures, preparation.n_no_signal, preparation.continues) == (1, 0, False)
    assert preparation.path == small.store.absolute()
    assert small.left() == []


def test_a_store_keeps_the_tasks_it_was_made_with(small: Search, small_store: Path) -> None:
    inputs = load_inputs(small.workspace, small.patchset)
    preparation = prepare(inputs, Calculation(), small_store, task_points=2)
    assert preparation.continues
    assert preparation.plan == open_store(small_store).plan


def test_what_is_left_decides_the_engine(small: Search, small_store: Path, tmp_path: Path) -> None:
    store = copy_store(small_store, tmp_path)
    marker = sorted(done_folder(store).glob("*.json"))[2]
    marker.unlink()
    choice = choose(prepared(small, store), "auto")
    assert (choice.executor, choice.pending) == ("local", 1)
    assert choice.seconds < choose(prepared(small), "auto").seconds
    assert choose(prepared(small), "dask").executor == "dask"


def test_settings_that_differ_are_named(small: Search, small_store: Path) -> None:
    with pytest.raises(StoreMismatchError, match=r"test_poi: 1\.0 in the store, 3\.0 asked"):
        prepared(small, small_store, test_poi=3.0)


def test_a_tested_value_outside_the_bounds_is_refused(small: Search) -> None:
    with pytest.raises(SelectionError, match=r"\[0, 10\]"):
        prepared(small, test_poi=11.0)


def test_a_statistic_that_does_not_fit_the_bounds_warns(small: Search) -> None:
    with pytest.warns(HfscaleWarning, match="statistic q was asked for"):
        prepared(small, test_stat="q")


def test_an_unknown_engine_is_refused_before_the_store_is_made(small: Search) -> None:
    # In a process of its own, as the types that tests check would forbid the call here.
    program = "import sys, hfscale; hfscale.cls(*sys.argv[1:3], store=sys.argv[3], executor='slurm')"
    ended = subprocess.run([sys.executable, "-c", program, *small[1:]], capture_output=True, text=True)
    assert "there is no executor 'slurm'" in ended.stderr
    assert small.left() == []


def test_provenance_says_what_made_the_store(small_store: Path) -> None:
    provenance = open_store(small_store).attributes["provenance"]
    assert Path(provenance["workspace"]).name == "BkgOnly.json"
    assert set(provenance["digests"]) == {"workspace", "patchset"}
    assert {"hfscale", "jax", "numpy", "pyhf", "zarr"} <= provenance["versions"].keys()


def test_a_task_that_raises_fails_its_points_alone(small: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    from hfscale import phases

    task = prepared(small).plan.tasks[1].id
    do_task = phases.do_task

    def fail_one(store: str, task_id: str) -> Any:
        if task_id == task:
            raise MemoryError("no room")
        return do_task(store, task_id)

    monkeypatch.setattr(phases, "do_task", fail_one)
    results = execute(prepared(small), executor="local")
    assert set(results.failures().values()) == {"MemoryError: no room"}
    assert [point["status"] for point in results.to_list()] == ["ok"] * 4 + ["failed"] * 4 + ["ok"]
    assert (results.status().points_failed, results.status().tasks_failed) == (4, 1)

    monkeypatch.undo()
    again = execute(prepared(small), executor="local")
    assert again.failures() == {}
    assert again.status().points_ok == 9


def test_a_workspace_that_is_no_model_is_named(tmp_path: Path) -> None:
    workspace = small_workspace()
    workspace["channels"][0]["samples"][0]["modifiers"].append(
        {"name": "scale", "type": "normfactor", "data": None}  # with the normsys of that name: constrained twice
    )
    search = make_search(tmp_path, workspace)
    with pytest.raises(InputError, match="scale"):
        prepare(load_inputs(search.workspace, search.patchset, verify_digest=False), Calculation(), search.store)
