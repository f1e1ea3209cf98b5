"""SIGTERM to a run, as SLURM sends it to all processes of a job and Kubernetes to the first one of a container."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from hfscale.store.files import done_folder
from hfscale.store.open import is_store, open_store
from tests.faults.conftest import TellRow
from tests.faults.runs import digest_of
from tests.processes import left_of_session, needs_proc
from tests.program import Search, make_search, start_hfscale

pytestmark = needs_proc

TOYS = ("--points", "s_400_0", "--calctype", "toybased", "--ntoys", "200", "--task-toys", "10")
GRACE_SECONDS = {"ray": 100.0}


def start(search: Search, engine: str) -> "subprocess.Popen[str]":
    files = (search.workspace, search.patchset, "-o", search.store)
    return start_hfscale("cls", *files, *TOYS, "--executor", engine, "--workers", "2")


def markers(store: Path) -> dict[str, int]:
    """Return when each marker was written."""
    found = done_folder(store).glob("*.json") if is_store(store) else ()
    return {path.stem: path.stat().st_mtime_ns for path in found}


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the digest of an undisturbed run."""
    search = make_search(tmp_path_factory.mktemp("calm"))
    assert search.cls(*TOYS).code == 0
    return digest_of(search.store)


@pytest.mark.parametrize(
    ("engine", "whom"),
    [
        ("local", "the driver"),
        ("processes", "all processes"),
        pytest.param("processes", "the driver", marks=pytest.mark.slow),
        pytest.param("dask", "the driver", marks=[pytest.mark.dask, pytest.mark.slow]),
        pytest.param("dask", "all processes", marks=[pytest.mark.dask, pytest.mark.slow]),
        pytest.param("ray", "the driver", marks=[pytest.mark.ray, pytest.mark.slow]),
        pytest.param("ray", "all processes", marks=[pytest.mark.ray, pytest.mark.slow]),
    ],
)
def test_a_terminated_run_says_so_and_goes_on_where_it_was(
    small: Search, calm: str, engine: str, whom: str, tell_row: TellRow
) -> None:
    with start(small, engine) as process:
        while len(markers(small.store)) < 5:
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        if whom == "the driver":
            process.send_signal(signal.SIGTERM)
        else:
            os.killpg(process.pid, signal.SIGTERM)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    assert "run the same command again to continue" in err
    assert "Traceback" not in err
    assert left_of_session(process.pid, GRACE_SECONDS.get(engine, 10.0)) == []
    store = open_store(small.store)
    kept, planned = markers(small.store), len(store.plan.tasks) + sum(len(toys.tasks) for toys in store.rounds)
    assert 5 <= len(kept) < planned

    assert small.cls(*TOYS).code == 0
    after = markers(small.store)
    assert len(after) == planned
    assert {task: after[task] for task in kept} == kept
    assert digest_of(small.store) == calm
    tell_row(f"SIGTERM to {whom} of a run on `{engine}`", tries=2, lost=0, repeated="those in flight", tasks=planned)
