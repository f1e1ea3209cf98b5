"""The embedded example: reproducible, valid for pyhf, and a search whose contour lies inside its grid."""

import hashlib
import importlib
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyhf
import pytest
import yaml

# Raised by pyhf 0.7.6, which still uses it.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver is deprecated:DeprecationWarning")

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "pipelines" / "exclusion"
REFERENCE = ROOT / "tests" / "data" / "exclusion-reference-cls.json"


@pytest.fixture(scope="module")
def background_only() -> dict[str, Any]:
    return json.loads((EXAMPLE / "BkgOnly.json").read_text())


@pytest.fixture(scope="module")
def patchset_document() -> dict[str, Any]:
    return json.loads((EXAMPLE / "patchset.json").read_text())


@pytest.fixture(scope="module")
def patchset(patchset_document: dict[str, Any]) -> pyhf.PatchSet:
    return pyhf.PatchSet(patchset_document)


@pytest.fixture
def gluinos(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(EXAMPLE)
    yield importlib.import_module("search.gluinos")
    for name in [name for name in sys.modules if name == "search" or name.startswith("search.")]:
        del sys.modules[name]


def samples_of(background_only: dict[str, Any], patchset_document: dict[str, Any]) -> list[dict[str, Any]]:
    backgrounds = [sample for channel in background_only["channels"] for sample in channel["samples"]]
    signals = [step["value"] for patch in patchset_document["patches"] for step in patch["patch"]]
    return backgrounds + signals


def test_generator_reproduces_the_committed_files_byte_for_byte(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(EXAMPLE / "generate.py"), str(tmp_path)], check=True)
    for name in ("BkgOnly.json", "patchset.json"):
        assert (tmp_path / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


def test_files_are_small_enough_to_ship() -> None:
    assert (EXAMPLE / "BkgOnly.json").stat().st_size < 150_000
    assert (EXAMPLE / "patchset.json").stat().st_size < 700_000


def test_search_has_the_size_it_promises(background_only: dict[str, Any], patchset: pyhf.PatchSet) -> None:
    workspace = pyhf.Workspace(background_only)
    constrained = {name for name, kind in workspace.modifiers if kind in ("normsys", "histosys", "lumi")}
    assert len(workspace.channels) >= 3
    assert min(workspace.channel_nbins.values()) >= 3
    assert len(workspace.samples) >= 4
    assert len(constrained) >= 30
    assert len(patchset) >= 60
    assert patchset.labels == ["m_gluino", "m_lsp"]


def test_all_seven_modifier_types_occur(background_only: dict[str, Any], patchset: pyhf.PatchSet) -> None:
    patched = patchset.apply(background_only, "gluino_2200_400")
    assert {kind for _, kind in patched.modifiers} == {
        "histosys",
        "lumi",
        "normfactor",
        "normsys",
        "shapefactor",
        "shapesys",
        "staterror",
    }


def test_pyhf_verifies_the_digest(background_only: dict[str, Any], patchset: pyhf.PatchSet) -> None:
    patchset.verify(background_only)
    altered = {**background_only, "observations": background_only["observations"][::-1]}
    with pytest.raises(pyhf.exceptions.PatchSetVerificationError):
        patchset.verify(altered)


@pytest.mark.parametrize("name", ["gluino_1200_1", "gluino_1400_1300", "gluino_2600_1600"])
def test_pyhf_builds_a_model_of_a_point(background_only: dict[str, Any], patchset: pyhf.PatchSet, name: str) -> None:
    workspace = patchset.apply(background_only, name)
    model = workspace.model()
    assert model.config.poi_name == "mu_SIG"
    assert name in workspace.samples
    assert math.isfinite(model.logpdf(model.config.suggested_init(), workspace.data(model))[0])


def test_yields_are_positive_and_finite(background_only: dict[str, Any], patchset_document: dict[str, Any]) -> None:
    for sample in samples_of(background_only, patchset_document):
        assert all(math.isfinite(value) and value > 0.0 for value in sample["data"]), sample["name"]
    for channel in background_only["channels"]:
        totals = [sum(values) for values in zip(*(sample["data"] for sample in channel["samples"]), strict=True)]
        assert min(totals) > 0.5, channel["name"]


def test_variations_are_positive_and_not_all_symmetric(
    background_only: dict[str, Any], patchset_document: dict[str, Any]
) -> None:
    one_sided = 0
    for sample in samples_of(background_only, patchset_document):
        for modifier in sample["modifiers"]:
            if modifier["type"] == "normsys":
                assert modifier["data"]["lo"] > 0.0
                assert modifier["data"]["hi"] > 0.0
            if modifier["type"] == "histosys":
                assert min(modifier["data"]["lo_data"] + modifier["data"]["hi_data"]) > 0.0
                one_sided += modifier["data"]["lo_data"] == sample["data"]
    assert one_sided > 0


def test_free_background_shape_is_shared_by_two_channels_of_equal_binning(background_only: dict[str, Any]) -> None:
    bins = [
        len(sample["data"])
        for channel in background_only["channels"]
        for sample in channel["samples"]
        for modifier in sample["modifiers"]
        if modifier["type"] == "shapefactor"
    ]
    assert len(bins) == 2
    assert bins[0] == bins[1]


def test_points_lie_below_the_kinematic_limit(patchset: pyhf.PatchSet) -> None:
    values = [patch.values for patch in patchset]
    assert len(set(values)) == len(values)
    assert all(0 < m_lsp < m_gluino for m_gluino, m_lsp in values)


def test_compressed_points_have_no_signal_in_srhigh(
    background_only: dict[str, Any], patchset_document: dict[str, Any]
) -> None:
    channels = [channel["name"] for channel in background_only["channels"]]
    for patch in patchset_document["patches"]:
        m_gluino, m_lsp = patch["metadata"]["values"]
        reached = {channels[int(step["path"].split("/")[2])] for step in patch["patch"]}
        assert ("SRhigh_meff" in reached) == (m_gluino - m_lsp >= 300), patch["metadata"]["name"]
        assert {step["value"]["name"] for step in patch["patch"]} == {patch["metadata"]["name"]}


def test_cross_section_falls_with_mass(gluinos: ModuleType) -> None:
    values = [gluinos.cross_section(mass) for mass in range(1000, 2601, 100)]
    assert all(light > heavy for light, heavy in itertools.pairwise(values))
    assert values[0] / values[10] == pytest.approx(380.0, rel=0.1)


def test_acceptance_is_a_probability_and_grows_with_the_splitting_in_srhigh(gluinos: ModuleType) -> None:
    for point in gluinos.signal_points():
        assert 0.0 < sum(gluinos.acceptance(point, channel) for channel in gluinos.CHANNELS) < 1.0
    at_2_tev = [gluinos.acceptance(gluinos.SignalPoint(2000, m_lsp), gluinos.SR_HIGH) for m_lsp in (1, 800, 1600, 1900)]
    assert at_2_tev == sorted(at_2_tev, reverse=True)
    assert at_2_tev[-1] == 0.0


@pytest.mark.parametrize("name", ["BkgOnly.json", "patchset.json"])
def test_reference_belongs_to_the_committed_files(name: str) -> None:
    digest = hashlib.sha256((EXAMPLE / name).read_bytes()).hexdigest()
    assert json.loads(REFERENCE.read_text())["sha256"][name] == digest


def test_reference_has_excluded_boundary_and_far_points() -> None:
    points = json.loads(REFERENCE.read_text())["points"]
    expected = [point["CLs_exp"] for point in points.values()]
    assert any(band[2] < 1e-3 for band in expected)
    assert any(band[1] < 0.05 < band[3] for band in expected)
    assert any(band[2] > 0.3 for band in expected)
    assert all(band == sorted(band) for band in expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gluino_2100_800"])
def test_reference_is_what_pyhf_computes(background_only: dict[str, Any], patchset: pyhf.PatchSet, name: str) -> None:
    reference = json.loads(REFERENCE.read_text())
    workspace = patchset.apply(background_only, name)
    model = workspace.model()
    observed, expected = pyhf.infer.hypotest(
        reference["test_poi"], workspace.data(model), model, test_stat="qtilde", return_expected_set=True
    )
    # pyhf's default optimiser (numpy, no gradients) is good for about a percent here.
    assert float(observed) == pytest.approx(reference["points"][name]["CLs_obs"], rel=2e-2)
    assert [float(value) for value in expected] == pytest.approx(reference["points"][name]["CLs_exp"], rel=2e-2)


def test_campaign_names_files_and_labels_that_exist(patchset: pyhf.PatchSet) -> None:
    campaign = yaml.safe_load((EXAMPLE / "campaign.yaml").read_text())
    assert campaign["schema"] == 1
    assert (EXAMPLE / campaign["workspace"]).is_file()
    assert (EXAMPLE / campaign["patchset"]).is_file()
    assert {contour[axis] for contour in campaign["contours"] for axis in ("x", "y")} <= set(patchset.labels)
