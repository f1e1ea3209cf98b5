"""CSV, Parquet and NumPy: all numbers, in columns named as elsewhere, and nothing in place of a missing one."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

import hfscale as package
from hfscale.store.files import done_folder
from tests.program import copy_store, hfscale

TABLES = ("cls", "limit", "significance", "scan", "profile", "toys", "toylimit", "toysignificance", "blind")
TABLES += ("theory", "ranking")


def csv_of(store: Path, *options: object) -> list[dict[str, str]]:
    ended = hfscale("export", store, "--format", "csv", *options)
    assert ended.code == 0, ended
    return list(csv.DictReader(io.StringIO(ended.out)))


def numbers(texts: list[str]) -> np.ndarray:
    return np.array([float(text) if text else np.nan for text in texts])


@pytest.mark.parametrize("kind", [kind for kind in TABLES if kind not in ("profile", "ranking")])
def test_csv_has_the_columns_of_the_data_frame_exactly(stores: Mapping[str, Path], kind: str) -> None:
    rows = csv_of(stores[kind])
    frame = package.open_results(stores[kind]).to_dataframe()
    assert [row["name"] for row in rows] == list(frame.index)
    labels = package.open_results(stores[kind]).store.labels
    for column in frame.columns:
        written = [row[column] for row in rows]
        if column == "file" or "status" in column:
            assert [text or None for text in written] == [
                value if isinstance(value, str) else None for value in frame[column]
            ]
        else:
            np.testing.assert_array_equal(numbers(written), frame[column].to_numpy(np.float64), err_msg=column)
    assert set(labels) < set(rows[0])
    assert {"reason", "test_stat", "calctype", "twice_nll_free"} < set(rows[0])


def test_csv_has_the_bands_intervals_and_bounds_of_toys(stores: Mapping[str, Path]) -> None:
    shown = hfscale("show", stores["toylimit"], "--json").json()
    for row, point in zip(csv_of(stores["toylimit"]), shown, strict=True):
        found = [[row[f"upper_limit_exp_{k}_{end}"] for end in ("low", "high")] for k in ("m2", "m1", "0", "p1", "p2")]
        expected = point["toys"]["upper_limit_exp_interval"]
        assert [[float(text) if text else None for text in ends] for ends in found] == expected
        status = [row[f"upper_limit_exp_status_{k}"] or None for k in ("m2", "0")]
        assert status == [(point["upper_limit_exp_status"] or [None] * 5)[k] for k in (0, 2)]
        assert [row["toys_sb"], row["toys_failed_b"]] == [str(point["toys"][key]) for key in ("sb", "failed_b")]


def test_scans_have_a_row_for_each_value(stores: Mapping[str, Path]) -> None:
    shown = hfscale("show", stores["scan"], "--json").json()
    rows = csv_of(stores["scan"])
    assert [(row["name"], float(row["poi"])) for row in rows] == [(point["name"], point["poi"]) for point in shown]
    assert [row["CLs_exp_p1"] for row in rows] == [repr(point["CLs_exp"][3]) for point in shown]
    assert {row["poi"] for row in csv_of(stores["scan"], "--poi", 1.5)} == {"1.5"}
    point = hfscale("show", stores["profile"], "--json").json()[0]
    rows = [row for row in csv_of(stores["profile"]) if row["name"] == point["name"]]
    assert [float(row["value_mu"]) for row in rows] == point["grid"][0]
    assert [float(row["t"]) for row in rows] == point["t"]
    assert {row["best_fit_mu"] for row in rows} == {repr(point["best_fit"][0])}


def test_rankings_have_a_row_for_each_parameter(stores: Mapping[str, Path]) -> None:
    point = hfscale("show", stores["ranking"], "--json").json()[0]
    rows = [row for row in csv_of(stores["ranking"]) if row["name"] == point["name"]]
    assert len(rows) == len(point["impacts"]) == 1
    for row, impact in zip(rows, point["impacts"]):
        assert {key: row[key] for key in impact} == {key: str(value) for key, value in impact.items()}


def test_points_that_are_not_done_have_a_status_and_nothing_else(stores: Mapping[str, Path], tmp_path: Path) -> None:
    store = copy_store(stores["cls"], tmp_path)
    sorted(done_folder(store).glob("*.json"))[1].unlink()
    rows = csv_of(store, "--select", "m_heavy < 1200")
    pending = [row for row in rows if row["status"] == "pending"]
    assert len(rows) == 9
    assert 0 < len(pending) < 9
    known = {"name", "status", "m_heavy", "m_light", "m_fixed", "file", "calctype", "test_stat", "poi"}
    assert all(not text for row in pending for key, text in row.items() if key not in known)
    file = tmp_path / "a.npz"
    assert hfscale("export", store, "--format", "numpy", "-o", file).code == 0
    with np.load(file, allow_pickle=False) as arrays:
        lost = arrays["status"] == "pending"
        assert np.isnan(arrays["CLs_exp"][lost]).all()
        assert np.isfinite(arrays["CLs_exp"][~lost]).all()


@pytest.mark.parametrize("kind", TABLES)
def test_parquet_is_the_same_table_with_types_and_nulls(stores: Mapping[str, Path], tmp_path: Path, kind: str) -> None:
    file = tmp_path / "table.parquet"
    assert hfscale("export", stores[kind], "--format", "parquet", "-o", file).code == 0
    table = pyarrow.parquet.read_table(file)
    rows = csv_of(stores[kind])
    assert table.column_names == list(rows[0])
    for name in table.column_names:
        written = ["" if value is None else str(value) for value in table[name].to_pylist()]
        assert written == [row[name] for row in rows], name
    assert str(table.schema.field("m_heavy").type) == "int64"
    assert all(str(field.type) in ("string", "int64", "double") for field in table.schema)


def test_numpy_arrays_have_bands_as_an_axis(stores: Mapping[str, Path], tmp_path: Path) -> None:
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for file in files:
        assert hfscale("export", stores["toys"], "--format", "numpy", "-o", file).code == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    shown = hfscale("show", stores["toys"], "--json").json()
    with np.load(files[0], allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["CLs_exp"], [point["CLs_exp"] for point in shown])
        np.testing.assert_array_equal(arrays["file"], [point["values"]["file"] for point in shown])
        assert arrays["CLs_exp_interval"].shape == (len(shown), 5, 2)
        for k, point in enumerate(shown):
            expected = np.array(point["toys"]["CLs_exp_interval"], dtype=np.float64)
            np.testing.assert_array_equal(arrays["CLs_exp_interval"][k], expected)
        assert arrays["m_heavy"].dtype == np.int64


def test_json_is_what_pyhf_prints_of_each_point(stores: Mapping[str, Path]) -> None:
    def exported(kind: str) -> Any:
        return hfscale("export", stores[kind], "--format", "json").json()

    shown = hfscale("show", stores["cls"], "--json").json()
    found = exported("cls")
    assert list(found) == [point["name"] for point in shown]
    assert [(p["CLs_obs"], p["CLs_exp"]) for p in found.values()] == [(p["CLs_obs"], p["CLs_exp"]) for p in shown]
    assert exported("blind")["s_200_0"]["CLs_obs"] is None
    assert [point["mu_test"] for point in exported("scan")["s_200_0"]] == [0.5, 1.0, 1.5]
    limits = hfscale("show", stores["limit"], "--json").json()
    assert [p["upper_limit_exp"] for p in exported("limit").values()] == [p["upper_limit_exp"] for p in limits]
    assert set(exported("significance")["s_200_0"]) == {"p0", "p0_exp", "Z", "Z_exp", "values", "status"}
    assert exported("profile")["s_200_0"]["parameters"] == ["mu"]


def test_python_writes_the_same_files(stores: Mapping[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    results = package.open_results(stores["cls"])
    assert results.export("csv", file, select="m_heavy == 200") == (file, (), ())
    assert file.read_text() == hfscale("export", stores["cls"], "--format", "csv", "--select", "m_heavy == 200").out
    again = tmp_path / "points.json"
    assert package.export(stores["cls"], "json", again).path == again
    assert json.loads(again.read_text()) == hfscale("export", stores["cls"], "--format", "json").json()
