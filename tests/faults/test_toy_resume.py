"""A run of toys on Dask is killed with SIGKILL; the same command again gives the bits of a calm run in one process."""

import subprocess
import time
from pathlib import Path

import pytest
import xarray

from hfscale.results import open_results
from hfscale.store.files import done_folder
from hfscale.store.open import is_store
from tests.program import Search, make_search, start_hfscale

pytestmark = [
    pytest.mark.dask,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc"),
]

TOYS = ("--calctype", "toybased", "--ntoys", "600", "--task-toys", "50", "--points", "s_400_*")
N_TASKS = 3 * 12


def start(search: Search) -> "subprocess.Popen[str]":
    files = (str(search.workspace), str(search.patchset), "-o", str(search.store))
    command = ("cls", *files, *TOYS, "--executor", "dask", "--workers", "2")
    return start_hfscale(*command)


def markers(store: Path) -> dict[Path, int]:
    found = done_folder(store).glob("toys-*.json") if is_store(store) else ()
    return {path: path.stat().st_mtime_ns for path in found}


def test_a_killed_run_of_toys_goes_on_to_the_bits_of_a_calm_one(tmp_path: Path) -> None:
    search = make_search(tmp_path)
    with start(search) as process:
        while not markers(search.store):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.kill()
    kept = markers(search.store)
    assert 0 < len(kept) < N_TASKS
    with start(search) as process:
        _, err = process.communicate()
    assert process.returncode == 0, err
    assert len(markers(search.store)) == N_TASKS
    assert {path: markers(search.store)[path] for path in kept} == kept
    calm = search._replace(store=tmp_path / "calm.zarr")
    assert calm.cls(*TOYS).code == 0
    ours, theirs = open_results(search.store), open_results(calm.store)
    xarray.testing.assert_identical(ours.toys(), theirs.toys())
    assert ours.to_list() == theirs.to_list()
