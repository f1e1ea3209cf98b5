"""The main job on the published likelihoods: every point has a result, and those with a reference meet it."""

import json
from pathlib import Path

import pytest

import hfscale
from hfscale.errors import SelectionError
from hfscale.results import Results
from tests.program import hfscale as command

pytestmark = pytest.mark.data

TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def region_a(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    store = tmp_path_factory.mktemp("region_a") / "results.zarr"
    return hfscale.cls(shared_data / "sbottom-RegionA.tar.gz", store=store, executor="local")


def compare(results: Results, reference: dict[str, list[float]]) -> None:
    """Compare observed and expected CLs with pyhf's at a tight tolerance."""
    points = {point["name"]: point for point in results.to_list()}
    assert set(reference) <= set(points)
    for name, expected in reference.items():
        found = [points[name]["CLs_obs"], *points[name]["CLs_exp"]]
        assert found == pytest.approx(expected, rel=TOLERANCE), name


def without_signal(results: Results) -> list[str]:
    """Check that every point has a result, and return those whose patch adds no signal."""
    points = results.to_list()
    assert results.failures() == {}
    assert {point["status"] for point in points} <= {"ok", "no_signal"}
    return [point["name"] for point in points if point["status"] == "no_signal"]


def test_region_a_in_full(region_a: Results, shared_data: Path) -> None:
    assert region_a.status().points_ok == 217
    compare(region_a, json.loads((shared_data / "reference-cls.json").read_text())["sbottom-RegionA"])


def test_planes_that_are_mixed_are_refused_with_selections_that_would_do(region_a: Results, tmp_path: Path) -> None:
    axes = ("-x", "m_sbottom", "-y", "m_n2", "-o", tmp_path / "contour.pdf")
    ended = command("contour", region_a.path, *axes)
    assert ended.code == 2
    assert "no single plane" in ended.err
    assert '--select "m_n1 == 60"  (130 points)' in ended.err
    assert list(tmp_path.iterdir()) == []
    assert command("contour", region_a.path, *axes, "--select", "m_n1 == 60").code == 0
    with pytest.raises(SelectionError, match="--project"):
        region_a.contour("m_sbottom", "m_n2")


def test_planes_may_be_mixed_when_asked_to(region_a: Results, tmp_path: Path) -> None:
    axes = ("-x", "m_sbottom", "-y", "m_n2 - m_n1", "-o", tmp_path / "contour.svg")
    assert command("contour", region_a.path, *axes, "--project").code == 0


def test_region_b_in_full(shared_data: Path, tmp_path: Path) -> None:
    results = hfscale.cls(shared_data / "sbottom-RegionB.tar.gz", store=tmp_path / "b.zarr", executor="local")
    assert results.status().points_total == 218
    assert without_signal(results) == ["sbottom_1500_1495_60"]
    compare(results, json.loads((shared_data / "reference-cls.json").read_text())["sbottom-RegionB"])


def test_simplified_1Lbb_in_full(shared_data: Path, tmp_path: Path) -> None:
    archive, store = shared_data / "1Lbb-simplified.tar.gz", tmp_path / "results.zarr"
    refused = command("cls", archive, "-o", store)
    assert refused.code == 2
    assert "--no-verify-digest" in refused.err
    assert not store.exists()
    results = hfscale.cls(archive, store=store, executor="local", verify_digest=False)
    assert without_signal(results) == []
    assert results.status().points_ok == 125


@pytest.mark.slow
def test_offshell3L_in_full(shared_data: Path, tmp_path: Path) -> None:
    results = hfscale.cls(shared_data / "offshell3L.tar.gz", store=tmp_path / "results.zarr", executor="local")
    assert results.status().points_total == 91
    assert len(without_signal(results)) == 1
    first = results.to_list()[0]
    # From pyhf with NumPy and SLSQP, good to about 1e-5, printed to six decimal places.
    expected = [0.008373, 0.000868, 0.005887, 0.034818, 0.158553, 0.466634]
    assert first["values"] == {"m1": 100, "m2": 95}
    assert [first["CLs_obs"], *first["CLs_exp"]] == pytest.approx(expected, rel=1e-4, abs=1e-6)
