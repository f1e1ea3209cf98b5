from pathlib import Path

import pytest

from hfscale.errors import InputError, SchemaError, SourceError
from hfscale.plan.campaign import load_campaign

CAMPAIGN = """
schema: 1
workspace: BkgOnly.json
patchset: likelihoods.tar.gz::RegionA/patchset.json
calculation: {kind: cls, calctype: asymptotics, test_poi: 1e0}
points: ["sbottom_*"]
store: results.zarr
run: {executor: dask, workers: 2}
contours: [{x: m_sbottom, y: m_n2, select: m_n1 == 60, output: contour.pdf}]
"""


@pytest.fixture
def campaign_file(tmp_path: Path) -> Path:
    path = tmp_path / "campaign.yaml"
    path.write_text(CAMPAIGN)
    return path


def test_the_contract_example_loads_with_paths_relative_to_the_file(campaign_file: Path) -> None:
    campaign = load_campaign(campaign_file)
    folder = campaign_file.parent
    assert campaign.workspace == str(folder / "BkgOnly.json")
    assert campaign.patchset == f"{folder}/likelihoods.tar.gz::RegionA/patchset.json"
    assert campaign.store == str(folder / "results.zarr")
    assert campaign.contours[0].output == str(folder / "contour.pdf")
    assert campaign.contours[0].select == "m_n1 == 60"
    assert campaign.calculation.test_poi == 1.0
    assert campaign.run.workers == 2
    assert campaign.points == ("sbottom_*",)
    assert campaign.verify_digest


def test_several_patches_of_one_point_are_resolved_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("{schema: 1, workspace: /data/b.json, patches: ['a.json,b.json'], store: s.zarr}")
    campaign = load_campaign(path)
    assert campaign.patches == (f"{tmp_path}/a.json,{tmp_path}/b.json",)
    assert campaign.workspace == "/data/b.json"


def test_overrides_act_as_if_written_in_the_file(campaign_file: Path) -> None:
    campaign = load_campaign(
        campaign_file,
        ["calculation.test_poi=0.5", "store=other.zarr", "contours.0.output=c.png", "run.task_points=10", "poi=mu"],
    )
    assert campaign.calculation.test_poi == 0.5
    assert campaign.store == str(campaign_file.parent / "other.zarr")
    assert campaign.contours[0].output.endswith("c.png")
    assert campaign.run.task_points == 10
    assert campaign.poi == "mu"


@pytest.mark.parametrize("override", ["test_poi", "=3", "store.deeper=1", "contours.7.output=c.png", "contours.x.y=1"])
def test_an_override_that_fits_nowhere_is_refused(campaign_file: Path, override: str) -> None:
    with pytest.raises(InputError, match="override"):
        load_campaign(campaign_file, [override])


@pytest.mark.parametrize(
    ("override", "place", "text"),
    [
        ("calculation.test_pio=1", "calculation.test_pio", "did you mean 'test_poi'"),
        ("calculation.test_poi=-1", "calculation.test_poi", "greater than or equal to 0"),
        ("calculation.test_poi=.nan", "calculation.test_poi", "finite"),
        ("calculation.test_poi=true", "calculation.test_poi", "not true or false"),
        ("calculation.calctype=toys", "calculation.calctype", "asymptotics"),
        ("contours.0.z=1", "contours.0.z", "known keys here are x, y, select, output, project, style"),
        ("run.workers=0", "run.workers", "greater than or equal to 1"),
        ("schema=2", "schema", "1"),
        ("workspce=b.json", "workspce", "did you mean 'workspace'"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_place(
    campaign_file: Path, override: str, place: str, text: str
) -> None:
    with pytest.raises(SchemaError) as caught:
        load_campaign(campaign_file, [override])
    assert caught.value.place == place
    assert text in str(caught.value)
    assert str(campaign_file) in str(caught.value)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("{schema: 1, workspace: b.json}")
    with pytest.raises(SchemaError, match="'store' is missing"):
        load_campaign(path)


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("schema: 1\nstore: [a", "not valid YAML", "line 2"),
        ("schema: 1\nschema: 1", "'schema' is given twice", "line 2, column 1"),
        ("- a\n- b", "not a mapping", ""),
        ("", "not a mapping", ""),
        ("a: !!python/object/apply:os.getcwd []", "not valid YAML", "line 1"),
    ],
)
def test_what_is_not_a_campaign_is_refused(tmp_path: Path, text: str, message: str, place: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(SchemaError, match=message) as caught:
        load_campaign(path)
    assert place in (caught.value.place or "")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.yaml"):
        load_campaign(tmp_path / "nowhere.yaml")
