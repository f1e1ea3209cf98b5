"""HEPData submissions: valid, and with the numbers of the store."""

import csv
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from hfscale.store.files import done_folder
from tests.program import copy_store, hfscale

AXES = ("-x", "m_heavy", "-y", "m_light")


def submit(folder: Path, *arguments: object) -> dict[str, Any]:
    """Export a submission, have it validated, and return its tables by name."""
    ended = hfscale("export", *arguments, "--format", "hepdata", "-o", folder)
    assert ended.code == 0, ended
    with warnings.catch_warnings():
        # The validator uses what jsonschema deprecates, and leaves files for the garbage collector to close.
        warnings.simplefilter("ignore")
        from hepdata_validator.full_submission_validator import FullSubmissionValidator

        validator = FullSubmissionValidator(schema_version="1.1.1")
        valid = validator.validate(directory=str(folder))
    assert valid, [message.message for messages in validator.get_messages().values() for message in messages]
    _, *tables = documents(folder)
    return {table["name"]: yaml.safe_load((folder / table["data_file"]).read_text()) for table in tables}


def documents(folder: Path) -> list[Any]:
    return list(yaml.safe_load_all((folder / "submission.yaml").read_text()))


def independent(table: Any) -> dict[str, list[Any]]:
    return {v["header"]["name"]: [entry["value"] for entry in v["values"]] for v in table["independent_variables"]}


def dependent(table: Any) -> dict[str, list[Any]]:
    return {v["header"]["name"]: [entry["value"] for entry in v["values"]] for v in table["dependent_variables"]}


def shown(store: Path) -> list[dict[str, Any]]:
    return list(hfscale("show", store, "--json").json())


def test_cls_and_their_bands_at_the_labels(stores: Mapping[str, Path], tmp_path: Path) -> None:
    tables = submit(tmp_path / "out", stores["cls"], "--unit", "GeV", "--unit", "file=cm")
    points = shown(stores["cls"])
    assert list(tables) == ["Observed CLs", "Expected CLs"]
    places = independent(tables["Observed CLs"])
    assert places == {label: [point["values"][label] for point in points] for label in points[0]["values"]}
    units = [variable["header"]["units"] for variable in tables["Observed CLs"]["independent_variables"]]
    assert units == ["GeV", "GeV", "GeV", "cm"]
    assert dependent(tables["Observed CLs"])["Observed CLs"] == pytest.approx([p["CLs_obs"] for p in points], rel=5e-6)
    columns = dependent(tables["Expected CLs"])
    for name, k in {"": 2, " (-2 sigma)": 0, " (-1 sigma)": 1, " (+1 sigma)": 3, " (+2 sigma)": 4}.items():
        assert columns[f"Expected CLs{name}"] == pytest.approx([p["CLs_exp"][k] for p in points], rel=5e-6)
    qualifiers = tables["Expected CLs"]["dependent_variables"][1]["qualifiers"]
    assert {q["name"]: q["value"] for q in qualifiers} == {
        "Calculation": "asymptotic formulas",
        "mu": 1.0,
        "Standard deviations": -1,
    }


def test_contours_are_the_lines_of_the_contour_verb(stores: Mapping[str, Path], tmp_path: Path) -> None:
    options = ("-x", "$m$=m_heavy", "-y", "dm=m_heavy - m_light", "--select", "m_light < 150")
    tables = submit(tmp_path / "out", stores["cls"], *options, "--unit", "GeV")
    file = tmp_path / "lines.csv"
    axes = ("-x", "m_heavy", "-y", "m_heavy - m_light", "--select", "m_light < 150")
    assert hfscale("contour", stores["cls"], *axes, "--csv", file).code == 0
    rows = list(csv.DictReader(file.read_text().splitlines()))
    names = {"observed": "Observed contour", "expected_-1sigma": "Expected contour, -1 sigma"}
    for line, name in names.items():
        vertices = [row for row in rows if row["line"] == line]
        assert vertices
        (x,), (y,) = independent(tables[name]).values(), dependent(tables[name]).values()
        assert x == pytest.approx([float(row["x"]) for row in vertices], rel=5e-6)
        assert y == pytest.approx([float(row["y"]) for row in vertices], rel=5e-6)
    observed = tables["Observed CLs"]
    assert list(independent(observed)) == ["$m$", "dm"]
    assert independent(observed)["dm"][:2] == [200, 100]
    fixed = [q for q in observed["dependent_variables"][0]["qualifiers"] if q["name"] == "m_fixed"]
    assert fixed == [{"name": "m_fixed", "value": 25, "units": "GeV"}]


@pytest.mark.parametrize(
    "kind", ["limit", "significance", "scan", "toys", "toylimit", "toysignificance", "blind", "theory"]
)
def test_every_kind_is_valid(stores: Mapping[str, Path], tmp_path: Path, kind: str) -> None:
    tables = submit(tmp_path / "out", stores[kind], *AXES, "--select", "m_heavy < 1200")
    n_rows = 27 if kind == "scan" else 9
    results = {name: table for name, table in tables.items() if "contour" not in name}
    assert {len(values) for table in results.values() for values in dependent(table).values()} == {n_rows}
    assert ("Observed CLs" in tables) == (kind in ("scan", "toys", "theory"))


def test_the_cross_section_of_the_signal_varied(stores: Mapping[str, Path], tmp_path: Path) -> None:
    tables = submit(tmp_path / "out", stores["theory"], *AXES)
    columns = dependent(tables["Observed CLs"])
    pairs = [point["CLs_obs_signal"] for point in shown(stores["theory"])]
    for k, sigma in enumerate(("-1", "+1")):
        found = columns[f"Observed CLs (signal cross-section {sigma} sigma)"]
        assert found == pytest.approx([pair[k] for pair in pairs], rel=5e-6)
    table = next(
        table for table in documents(tmp_path / "out")[1:] if table["name"].startswith("Observed contour, signal")
    )
    assert "cross-section of the signal is one standard deviation off" in table["description"]


def test_toys_are_uncertainties(stores: Mapping[str, Path], tmp_path: Path) -> None:
    table = submit(tmp_path / "out", stores["toys"])["Observed CLs"]
    for entry, point in zip(table["dependent_variables"][0]["values"], shown(stores["toys"]), strict=True):
        low, high = point["toys"]["CLs_obs_interval"]
        if point["status"] == "no_signal":
            continue
        errors = entry["errors"][0]
        assert errors["asymerror"]["minus"] == pytest.approx(low - point["CLs_obs"], rel=1e-5)
        assert errors["asymerror"]["plus"] == pytest.approx(high - point["CLs_obs"], rel=1e-5)
        assert errors["label"] == "toys, 68.3 %"


def test_limits_and_significances_of_several_stores(stores: Mapping[str, Path], tmp_path: Path) -> None:
    tables = submit(tmp_path / "out", stores["cls"], stores["limit"], stores["significance"], *AXES)
    names = ["CLs", "upper limit", "limit on signal events", "p0", "significance"]
    assert [name for name in tables if "contour" not in name] == [
        f"{kind} {name}" for name in names for kind in ("Observed", "Expected")
    ]
    assert any(name.startswith("Expected contour, Z=3") for name in tables)
    limits = [point for point in shown(stores["limit"]) if point["upper_limit_obs"] is not None]
    (values,) = dependent(tables["Observed upper limit"]).values()
    assert values == pytest.approx([point["upper_limit_obs"] for point in limits], rel=5e-6)
    qualifiers = tables["Observed upper limit"]["dependent_variables"][0]["qualifiers"]
    assert {"name": "Confidence level", "value": 95.0, "units": "%"} in qualifiers


def test_keywords_and_enclosed_files(stores: Mapping[str, Path], tmp_path: Path) -> None:
    enclosed = tmp_path / "likelihoods.tar.gz"
    enclosed.write_bytes(b"an archive")
    folder = tmp_path / "out"
    folder.mkdir()
    words = (
        "--keyword",
        "cmenergies=13000",
        "--keyword",
        "reactions=P P --> X X",
        "--resource",
        f"{enclosed}=Workspace",
    )
    submit(folder, stores["cls"], *words)
    head, first, *_ = documents(folder)
    assert {each["location"]: each["description"] for each in head["additional_resources"]}[
        enclosed.name
    ] == "Workspace"
    assert (folder / enclosed.name).read_bytes() == b"an archive"
    assert {each["name"]: each["values"] for each in first["keywords"]} == {
        "observables": ["CLS"],
        "cmenergies": [13000],
        "reactions": ["P P --> X X"],
    }
    assert (folder / "points_cls.csv").read_text() == hfscale("export", stores["cls"], "--format", "csv").out


def test_points_that_are_not_done_are_left_out_with_a_message(stores: Mapping[str, Path], tmp_path: Path) -> None:
    store = copy_store(stores["limit"], tmp_path)
    sorted(done_folder(store).glob("*.json"))[1].unlink()
    folder = tmp_path / "out"
    ended = hfscale("export", store, "--format", "hepdata", "-o", folder)
    assert ended.code == 0, ended
    assert "4 pending" in ended.err
    assert "nan" not in "".join(file.read_text().lower() for file in folder.glob("*.yaml"))
