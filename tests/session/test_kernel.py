"""Sessions in the kernel of a real notebook, whose event loop is running."""

import os
from pathlib import Path
from typing import Any

import pytest

import hfscale
from tests.program import ROOT, Search
from tests.session.gated import GatedExecutor
from tests.session.stores import assert_equal_numbers

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

BEGIN = f"""\
import sys
sys.path.insert(0, {str(ROOT)!r})
import hfscale
from tests.session.gated import GatedExecutor, eventually
gate = GatedExecutor()
session = hfscale.Session(gate)
job = session.cls("BkgOnly.json", "patchset.json", store="results.zarr", task_points=3)
job
"""


@pytest.fixture(autouse=True)
def _quiet_jupyter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


def run_cells(folder: Path, *cells: str) -> tuple[Any, list[Any]]:
    """Run a notebook in a folder, and return its client and the outputs of each cell."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    return client, [cell["outputs"] for cell in notebook.cells]


def texts(outputs: list[Any]) -> str:
    return "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


def test_a_job_shows_itself_and_leaves_the_kernel_free(small: Search, small_store: Path) -> None:
    client, outputs = run_cells(
        small.folder,
        BEGIN,
        "gate.let_through(2)\neventually(lambda: job.status().progress and job.status().progress.done == 6)\n"
        "print(job.done(), job.partial().status().points_ok)\njob.partial().contour(x='m_heavy', y='m_light')",
        "import asyncio\nasyncio.get_running_loop().call_later(0.01, gate.let_through)\n(await job)",
        "await asyncio.sleep(1.0)\nprint(job)",
    )
    assert outputs[0][0]["data"].keys() >= {
        "application/vnd.jupyter.widget-view+json",
        "text/plain",
        "text/html",
    }
    assert outputs[1][0]["text"] == "False 6\n"
    assert "image/png" in outputs[1][1]["data"]
    assert "<th>CLs_obs</th>" in outputs[2][0]["data"]["text/html"]
    assert "finished, 9/9 points" in texts(outputs[3])
    bars = [state for state in client.widget_state.values() if state.get("_model_name") == "FloatProgressModel"]
    assert [(bar["value"], bar["bar_style"]) for bar in bars] == [(1.0, "success")]
    assert_equal_numbers(small.store, small_store)


def test_the_store_of_a_kernel_that_was_killed_is_found_and_finished(small: Search, small_store: Path) -> None:
    kill = (
        "gate.let_through(1)\neventually(lambda: job.status().progress and job.status().progress.done == 3)\n"
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    with pytest.raises(nbclient.exceptions.DeadKernelError):
        run_cells(small.folder, BEGIN, kill)
    with hfscale.Session(GatedExecutor(open=True)) as session:
        found = session.attach(small.store)
        assert (found.state(), found.status().points_ok) == ("left", 3)
        assert session.resume(small.store).result().status().finished
    assert_equal_numbers(small.store, small_store)
