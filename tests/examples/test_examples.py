"""The examples run from their first cell to the last in a fresh kernel, and are paired with their notebooks."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.program import ROOT

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("jupytext")
pytest.importorskip("ipykernel")

from tests.examples.pairing import EXAMPLES, paired, scripts  # noqa: E402 (needs jupytext)
from tests.examples.running import copy_examples  # noqa: E402


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Executes a notebook beside a copy of what it reads, and returns the outputs of its cells."""
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    folder = copy_examples(tmp_path)

    def execute(name: str) -> list[Any]:
        notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
        resources = {"metadata": {"path": str(folder)}}
        client = nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources)
        client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
        return [cell["outputs"] for cell in notebook.cells if cell["cell_type"] == "code"]

    return execute


def shown(outputs: list[Any], kind: str = "text/plain") -> str:
    return "".join(str(output.get("data", {}).get(kind, "")) for output in outputs)


def test_notebooks_are_what_their_scripts_say() -> None:
    assert len(scripts()) == 5
    assert [path.stem for path in sorted(EXAMPLES.glob("*.ipynb"))] == [path.stem for path in scripts()]
    for script in scripts():
        assert script.with_suffix(".ipynb").read_text() == paired(script), "run python -m tests.examples.pairing"


@pytest.mark.slow
def test_the_exclusion_contour(run: Any) -> None:
    outputs = run("exclusion_contour")
    assert "application/vnd.jupyter.widget-view+json" in outputs[1][0]["data"]
    assert "88 done, 0 failed" in shown(outputs[2])
    assert shown(outputs[4], "image/png")
    assert shown(outputs[5]) == "True"


@pytest.mark.slow
def test_toys_against_asymptotics(run: Any) -> None:
    outputs = run("toys_and_asymptotics")
    assert "800/800 toys" in shown(outputs[2])
    assert shown(outputs[4], "image/png")
    assert "300" in shown(outputs[5])


@pytest.mark.slow
def test_the_recast(run: Any) -> None:
    outputs = run("recast")
    assert "no channel 'SRlow'; is it 'SRlow_meff'" in shown(outputs[2])
    assert "19 done, 0 failed" in shown(outputs[3])
    assert shown(outputs[4], "image/png")


@pytest.mark.slow
@pytest.mark.dask
def test_the_session_on_a_cluster(run: Any) -> None:
    outputs = run("cluster_session")
    assert "on dask" in shown(outputs[0])
    assert "points, " in shown(outputs[3])
    assert shown(outputs[4], "image/png")
    assert "finished" in shown(outputs[6])
    assert "45 done, 0 failed" in shown(outputs[7])


@pytest.mark.slow
def test_a_store_with_xarray(run: Any) -> None:
    outputs = run("store_with_xarray")
    assert "upper_limit_obs" in shown(outputs[2])
    assert "gluino_2200_" in shown(outputs[3])
    assert "mu_ttbar" in shown(outputs[4])
    assert "'kind': 'limit'" in shown(outputs[5])
