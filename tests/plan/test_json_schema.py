"""The published schema of campaign files."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hfscale.errors import SchemaError
from hfscale.plan.campaign import load_campaign
from hfscale.plan.json_schema import attribute_descriptions, campaign_schema

PIPELINES = Path(__file__).parents[2] / "pipelines"
SCHEMA = campaign_schema()
CHECKER = jsonschema.Draft202012Validator(SCHEMA)


def properties(part: dict[str, Any] = SCHEMA) -> list[dict[str, Any]]:
    return list(part["properties"].values())


def test_it_is_a_schema_and_accepts_the_campaigns_of_the_pipelines() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    files = list(PIPELINES.glob("*/*.yaml"))
    assert files
    for file in files:
        CHECKER.validate(yaml.safe_load(file.read_text()))


def test_every_key_is_described() -> None:
    parts = [SCHEMA, *SCHEMA["$defs"].values()]
    assert len(parts) >= 5
    assert all(entry.get("description") for part in parts for entry in properties(part))
    contour = SCHEMA["$defs"]["Contour"]["properties"]
    assert contour["epsilon"]["description"] == "Of `rbf`: the width of its functions."
    assert contour["x_unit"]["description"] == contour["y_unit"]["description"]


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("calculatoin: {}", "line 4, calculatoin"),
        ("calculation:\n  kind: cls\n  test_poi: yes", "line 6, calculation.test_poi"),
        ("contours:\n  - {x: a, y: b, output: c.pdf}\n  - {x: a, y: b, outptu: d.pdf}", "line 6, contours.1"),
        ("run: {executor: slurm}", "line 4, run.executor"),
        ("calculation:\n  interpcode:\n    normsys: code9", "line 6, calculation.interpcode.normsys"),
    ],
)
def test_what_it_refuses_is_refused_with_line_and_key(tmp_path: Path, line: str, place: str) -> None:
    file = tmp_path / "campaign.yaml"
    file.write_text(f"schema: 1\nworkspace: b.json\nstore: s.zarr\n{line}\n")
    assert list(CHECKER.iter_errors(yaml.safe_load(file.read_text())))
    with pytest.raises(SchemaError) as caught:
        load_campaign(file)
    assert (caught.value.place or "").startswith(place)


def test_an_override_has_no_line(tmp_path: Path) -> None:
    file = tmp_path / "campaign.yaml"
    file.write_text("schema: 1\nworkspace: b.json\nstore: s.zarr\nrun: {workers: 2}\n")
    with pytest.raises(SchemaError) as caught:
        load_campaign(file, ["run.workers=0"])
    assert caught.value.place == "run.workers"


def test_descriptions_of_several_names_and_lines() -> None:
    text = "Look.\n\nAttributes:\n    x, y: Where\n        it ``is``.\n    z: Height."
    assert attribute_descriptions(text) == {"x": "Where it `is`.", "y": "Where it `is`.", "z": "Height."}
