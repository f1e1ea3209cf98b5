"""Pictures of fits and rankings, drawn by cabinetry from a store."""

from pathlib import Path

import pytest

from hfscale import measurement_pictures
from hfscale.results import open_results
from tests.inference.measurement.models import measurement
from tests.program import hfscale, write

pytest.importorskip("cabinetry")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ranking of a small measurement; not to be changed."""
    folder = tmp_path_factory.mktemp("pictures")
    workspace = write(folder / "workspace.json", measurement())
    assert hfscale("ranking", workspace, "-o", folder / "ranking.zarr", "--executor", "local").code == 0
    return folder / "ranking.zarr"


def test_pictures_show_the_parameters_of_the_store(ranked: Path) -> None:
    results = open_results(ranked)
    pulls = measurement_pictures.pulls(results, exclude=["mc*"])
    shown = [label.get_text() for label in pulls.axes[0].get_yticklabels()]
    assert "jets" in shown
    assert not any(name.startswith("mc") for name in shown)
    matrix = measurement_pictures.correlations(results)
    assert {label.get_text() for label in matrix.axes[0].get_yticklabels()} >= {"mu", "top", "jets"}
    impacts = measurement_pictures.ranking(results, most=3)
    largest = [results.rankings()[0].fit.parameters[k] for k in results.rankings()[0].ranked[:3]]
    assert [label.get_text() for label in impacts.axes[0].get_yticklabels()] == largest


def test_the_verbs_write_files(ranked: Path, tmp_path: Path) -> None:
    for verb, file in (("pulls", "pulls.svg"), ("correlations", "matrix.svg"), ("ranking", "ranking.png")):
        assert hfscale("plot", verb, ranked, "-o", tmp_path / file).code == 0
        assert (tmp_path / file).stat().st_size > 1000
    ended = hfscale("plot", "pulls", ranked, "--point", "nothing", "-o", tmp_path / "none.pdf")
    assert ended.code == 2
    assert "0 signal points match 'nothing'" in ended.err
    assert not (tmp_path / "none.pdf").exists()
