"""An adaptive number of toys for all of RegionA on Dask, killed in the middle: the same rounds and contour."""

import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from hfscale.plot.axes import select_plane
from hfscale.plot.contours import Lines, exclusion_contours
from hfscale.results import open_results
from hfscale.store.files import done_folder, toys_files
from hfscale.store.open import is_store
from tests.program import start_hfscale

pytestmark = [
    pytest.mark.dask,
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc"),
]

ARCHIVE = "sbottom-RegionA.tar.gz"
RULE = ("--calctype", "toybased", "--adaptive", "--min-toys", "100", "--max-toys", "400")


def start(archive: Path, store: Path) -> "subprocess.Popen[str]":
    command = ("cls", str(archive), "-o", str(store), *RULE, "--executor", "dask", "--workers", "2")
    return start_hfscale(*command)


def markers(store: Path) -> dict[Path, int]:
    """Markers of toy tasks behind the first round, and when they were written."""
    found = done_folder(store).glob("toys-0001-*.json") if is_store(store) else ()
    return {path: path.stat().st_mtime_ns for path in found}


def lines(store: Path) -> tuple[Lines, ...]:
    plane = select_plane(open_results(store).plane_points(), "m_sbottom", "m_n2", "m_n1 == 60", project=False)
    contours = exclusion_contours(plane)
    return contours.observed, *contours.expected


def test_a_killed_adaptive_run_ends_with_the_contour_of_an_undisturbed_one(shared_data: Path, tmp_path: Path) -> None:
    archive = f"{shared_data}/{ARCHIVE}"
    killed, calm = tmp_path / "killed.zarr", tmp_path / "calm.zarr"
    with start(archive, killed) as process:
        while len(markers(killed)) < 20:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.kill()
    kept = markers(killed)
    assert not open_results(killed).status().finished
    for store in (killed, calm):
        with start(archive, store) as process:
            _, err = process.communicate()
        # Toys with failed fits are told by the exit code 1.
        assert process.returncode in (0, 1), err
    assert {path: markers(killed)[path] for path in kept} == kept
    assert [path.read_bytes() for path in toys_files(killed)] == [path.read_bytes() for path in toys_files(calm)]
    assert len(toys_files(calm)) == 3
    ours, theirs = open_results(killed), open_results(calm)
    assert ours.status().finished
    np.testing.assert_array_equal(ours.toys()["q"], theirs.toys()["q"])
    assert ours.to_list() == theirs.to_list()
    for mine, other in zip(lines(killed), lines(calm), strict=True):
        assert len(mine) == len(other) > 0
        for a, b in zip(mine, other, strict=True):
            np.testing.assert_array_equal(a, b)
