"""CLs from tables of other programs."""

import json
from pathlib import Path

import numpy as np
import pytest

from hfscale.errors import SchemaError, SourceError
from hfscale.reading.tables import is_table, read_table

BAND = [0.01, 0.02, 0.05, 0.1, 0.2]


def rows() -> list[dict[str, float]]:
    return [{"mg": 100.0 * (k % 4), "mlsp": 50.0 * (k // 4), "CLs": 0.02 * k} for k in range(12)]


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document))
    return path


def test_an_object_by_name_with_a_list_of_values(tmp_path: Path) -> None:
    document = {
        f"point_{k}": {"CLs_obs": row["CLs"], "CLs_exp": BAND, "values": [row["mg"], row["mlsp"]]}
        for k, row in enumerate(rows())
    }
    path = write(tmp_path / "table.json", document)
    points = read_table(path, ["m1", "m2"]).plane_points()
    assert points.names[:2] == ("point_0", "point_1")
    np.testing.assert_array_equal(points.labels["m2"], [row["mlsp"] for row in rows()])
    np.testing.assert_array_equal(points.observed, [row["CLs"] for row in rows()])
    np.testing.assert_array_equal(points.expected[3], BAND)
    assert set(read_table(path).plane_points().labels) == {"x", "y"}
    with pytest.raises(SchemaError, match="2 values for each signal point, and 1 labels"):
        read_table(path, ["m1"])


def test_a_harvest_list(tmp_path: Path) -> None:
    keys = ("clsd2s", "clsd1s", "CLsexp", "clsu1s", "clsu2s")
    harvest = [{**row, **dict(zip(keys, BAND, strict=True)), "fID": -1} for row in rows()]
    points = read_table(write(tmp_path / "harvest.json", harvest)).plane_points()
    assert {"mg", "mlsp"} <= set(points.labels)
    np.testing.assert_array_equal(points.expected, [BAND] * 12)
    assert points.names[0] == "row 1"
    assert set(points.labels) == {"mg", "mlsp"}
    harvest[2] |= {"CLs": -1, "CLsexp": "nan"}
    missing = read_table(write(tmp_path / "harvest.json", harvest)).plane_points()
    assert np.isnan(missing.observed[2])
    assert np.isnan(missing.expected[2, 2])


def test_what_show_prints(tmp_path: Path) -> None:
    shown = [
        {
            "name": f"p{k}",
            "values": {"mg": row["mg"], "mlsp": row["mlsp"]},
            "status": "ok",
            "CLs_obs": row["CLs"],
            "CLs_exp": BAND,
        }
        for k, row in enumerate(rows())
    ]
    shown[3] |= {"status": "failed", "CLs_obs": None, "CLs_exp": None}
    points = read_table(write(tmp_path / "show.json", shown)).plane_points()
    assert points.status[3] == "failed"
    assert np.isnan(points.observed[3])
    assert np.isnan(points.expected[3]).all()


def test_columns_that_are_labels_can_be_chosen(tmp_path: Path) -> None:
    harvest = [{**row, "note": k**2, "covqual": 3} for k, row in enumerate(rows())]
    path = write(tmp_path / "harvest.json", harvest)
    assert set(read_table(path).plane_points().labels) == {"mg", "mlsp", "note"}
    assert list(read_table(path, ["mlsp", "mg"]).plane_points().labels) == ["mlsp", "mg"]
    with pytest.raises(SchemaError, match="no column 'm0'"):
        read_table(path, ["m0"])


def test_csv_with_observed_and_median_alone(tmp_path: Path) -> None:
    lines = [
        "name,mg,mlsp,CLs_obs,CLs_exp_0",
        *(f"p{k},{r['mg']},{r['mlsp']},{r['CLs']}," for k, r in enumerate(rows())),
    ]
    lines[1] = lines[1] + "0.5"
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    points = read_table(path).plane_points()
    assert points.expected[0, 2] == 0.5
    assert np.isnan(points.expected[1:]).all()
    assert list(points.labels) == ["mg", "mlsp"]


def test_csv_draws_a_contour(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    cells = [f"{r['mg']},{r['mlsp']},{min(0.001 * 10 ** (r['mg'] / 100), 1)}" for r in rows()]
    path.write_text("\n".join(["mg,mlsp,CLs", *cells]) + "\n")
    figure = read_table(path).contour("mg", "mlsp")
    (line,) = [line for line in figure.axes[0].lines if line.get_gid() == "observed"]
    x = np.asarray(line.get_xdata())
    assert 100 < x.min() <= x.max() < 200


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "holds no signal points"),
        ({"a": 3}, "is no table of CLs"),
        ([{"mg": 1.0}], "has no column of CLs"),
        ([{"mg": 1.0, "CLs": 1.5}], r"is 1\.5, not a number between 0 and 1"),
        ([{"mg": 1.0, "CLs": "low"}], "is 'low', not a number"),
        ([{"mg": 1.0, "CLs_exp": [0.1, 0.2]}], "are not 5 numbers"),
        ([{"mg": 1.0, "CLs": 0.1, "status": "good"}], "has a status 'good'"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, document: object, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        read_table(write(tmp_path / "table.json", document))


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot read"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(SourceError, match="is not JSON"):
        read_table(tmp_path / "bad.json")
    (tmp_path / "short.csv").write_text("mg,CLs\n1.0\n")
    with pytest.raises(SchemaError, match="row 2"):
        read_table(tmp_path / "short.csv")


def test_stores_are_no_tables(tmp_path: Path) -> None:
    assert is_table("cls.json")
    assert is_table(tmp_path / "CLS.CSV")
    assert not is_table("results.zarr")
    (tmp_path / "odd.json").mkdir()
    assert not is_table(tmp_path / "odd.json")


@pytest.mark.data
@pytest.mark.parametrize(("interpolation", "reach"), [("linear", 12), ("cubic", 12), ("rbf", 12), ("gp", 25)])
def test_the_published_search_excludes_up_to_740(shared_data: Path, interpolation: str, reach: float) -> None:
    table = read_table(shared_data / "1Lbb-full-cls.json", ["m1", "m2"])
    from hfscale.plot.compose import find_contours

    plane, contours = find_contours(
        table.plane_points(), "m1", "m2", interpolation=interpolation, forbidden="y > x - 125"
    )
    line = contours.observed[0]
    foot = line[line[:, 1] < 5]
    assert abs(foot[:, 0].max() - 740.0) < reach
    assert (line[:, 1] <= line[:, 0] - 125 + 1e-6).all()
    assert len(plane.names) == 125
    error = table.interpolation_error("m1", "m2", interpolation=interpolation)
    assert 0.2 < error.rms < 0.5
    assert error.shift[0] < 20
    suggested = table.suggest_points("m1", "m2", n=3, interpolation=interpolation)
    assert all(one.x % 5 == 0 and one.y % 5 == 0 for one in suggested)
