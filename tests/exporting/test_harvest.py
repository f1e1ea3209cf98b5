"""Harvest lists as HistFitter's scripts read them."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from scipy import stats

import hfscale as package
from hfscale.plot.axes import select_plane
from hfscale.store.files import done_folder
from tests.program import Search, copy_store, hfscale

AXES = ("-x", "mg=m_heavy", "-y", "mlsp=m_light")
CONTOURS = ("CLs", "CLsexp", "clsu1s", "clsu2s", "clsd1s", "clsd2s", "upperLimit", "expectedUpperLimit")
LIMITS = ("expectedUpperLimitMinus2Sig", "expectedUpperLimitMinus1Sig", "expectedUpperLimit")
LIMITS += ("expectedUpperLimitPlus1Sig", "expectedUpperLimitPlus2Sig")
FLAGS = (
    "nofit",
    "failedstatus",
    "fitstatus",
    "failedcov",
    "dodgycov",
    "covqual",
    "failedfit",
    "failedp0",
    "fID",
    "mode",
)


def harvest_of(*arguments: object) -> list[dict[str, Any]]:
    ended = hfscale("export", *arguments, "--format", "harvest")
    assert ended.code == 0, ended
    rows = ended.json()
    assert isinstance(rows, list)
    for row in rows:
        assert list(row) == list(rows[0])
        assert all(isinstance(value, int | float | str) for value in row.values())
        assert all(isinstance(row[flag], int) for flag in FLAGS)
    return rows


def significances(rows: list[dict[str, Any]], x: str, y: str) -> dict[tuple[float, float], dict[str, float]]:
    """What harvestToContours makes of a list: Z of each p-value by place, later points replacing earlier ones."""
    found = {}
    for row in rows:
        place = float(row[x]), float(row[y])
        numbers = {key: float(row[key]) for key in CONTOURS}
        for key in CONTOURS[:6]:
            p = 0.9999999999 if numbers[key] >= 1.0 else 7.6198530e-24 if numbers[key] == 0.0 else numbers[key]
            numbers[key] = min(float(stats.norm.isf(p)), 5.0)
        found[place] = numbers
    return found


def test_it_is_read_to_the_significances_of_our_own_contours(stores: Mapping[str, Path]) -> None:
    rows = harvest_of(stores["cls"], *AXES)
    found = significances(rows, "mg", "mlsp")
    assert found.keys() == significances(rows, "x", "y").keys()
    points = package.open_results(stores["cls"]).plane_points()
    plane = select_plane(points, "m_heavy", "m_light")
    assert len(found) == len(plane.names) == 12
    for k, place in enumerate(zip(plane.x.tolist(), plane.y.tolist())):
        if plane.status[k] == "no_signal":
            assert found[place]["CLs"] < -6.0
            continue
        assert found[place]["CLs"] == pytest.approx(plane.Z_obs[k], rel=1e-9)
        band = [found[place][key] for key in ("clsd2s", "clsd1s", "CLsexp", "clsu1s", "clsu2s")]
        np.testing.assert_allclose(band, plane.Z_exp[k], rtol=1e-9)
    shown = {point["name"]: point for point in hfscale("show", stores["cls"], "--json").json()}
    first = shown["s_200_0"]
    assert (rows[0]["CLs"], rows[0]["p1"]) == (first["CLs_obs"], first["CLsb"])
    assert [rows[0][key] for key in ("clsd2s", "clsu2s")] == [first["CLs_exp"][k] for k in (0, 4)]
    assert rows[0]["sigma1"] == pytest.approx(stats.norm.isf(first["CLsb"]))
    assert [rows[0][key] for key in ("upperLimit", "p0", "nexp", "fID", "xsec", "excludedXsec")] == [
        -1,
        -1,
        -1,
        -1,
        -999007,
        -999007,
    ]


def test_the_best_region_can_be_chosen_as_multiplexjson_does(stores: Mapping[str, Path]) -> None:
    regions = []
    for k, name in enumerate(("cls", "toys")):
        rows = harvest_of(stores[name], *AXES)
        frame = pandas.DataFrame(rows, columns=list(rows[0].keys()))
        regions.append(frame.assign(fID=name, CLsexp=frame.CLsexp + k))
    # The cut as that script has it, with the precedence that Python gives it.
    joined = pandas.concat(regions, ignore_index=True)
    kept = joined[(joined.CLsexp != 0) & joined.failedstatus == 0]
    assert len(kept) == 24
    best = kept.loc[[group.CLsexp.idxmin() for _, group in kept.groupby(["mg", "mlsp"])]]
    assert set(best.fID) == {"cls"}
    assert len(best) == 12


def test_limits_and_p0_come_from_stores_of_their_own(stores: Mapping[str, Path]) -> None:
    rows = harvest_of(stores["significance"], stores["cls"], stores["limit"], "--select", "m_heavy == 200")
    limits, p0 = (hfscale("show", stores[kind], "--json").json() for kind in ("limit", "significance"))
    assert len(rows) == 3
    assert (rows[0]["m_heavy"], rows[0]["file"]) == (200, "0 at 200")
    for row, limit, significance in zip(rows, limits, p0):
        assert row["upperLimit"] == limit["upper_limit_obs"]
        assert [row[key] for key in LIMITS] == limit["upper_limit_exp"]
        assert row["p0"] == significance["p0"]
        assert row["sigma0"] == pytest.approx(significance["Z"], abs=1e-12)
        band = [row[key] for key in ("p0d2s", "p0d1s", "p0exp", "p0u1s", "p0u2s")]
        assert band == significance["p0_exp"] == sorted(band)
    both = harvest_of(stores["cls"], "--select", "m_heavy == 200")
    assert [row["CLs"] for row in rows] == [row["CLs"] for row in both]


def test_a_list_of_limits_has_no_point_whose_limit_is_not_known(stores: Mapping[str, Path]) -> None:
    ended = hfscale("export", stores["limit"], "--format", "harvest", *AXES)
    rows = ended.json()
    assert "3 of 12 points are not in the harvest list: 3 no_signal" in ended.err or "3 without a result" in ended.err
    assert all(row["upperLimit"] > 0 and row["expectedUpperLimit"] > 0 for row in rows)
    assert {row["CLs"] for row in rows} == {-1}
    (toys,) = [row for row in harvest_of(stores["toylimit"]) if (row["m_heavy"], row["m_light"]) == (200, 0)]
    low, high = hfscale("show", stores["toylimit"], "--json").json()[0]["toys"]["upper_limit_obs_interval"]
    assert toys["upperLimitEstimatedError"] == (-1 if None in (low, high) else pytest.approx((high - low) / 2))


def test_toys_tell_their_number_and_seed(stores: Mapping[str, Path]) -> None:
    rows = harvest_of(stores["toys"])
    assert {(row["nexp"], row["seed"]) for row in rows if row["m_heavy"] < 1200} == {(60, 7)}
    assert not any(math.isinf(row[key]) for row in rows for key in ("CLs", "sigma1"))


def test_points_that_are_not_done_are_left_out_with_a_message(stores: Mapping[str, Path], tmp_path: Path) -> None:
    store = copy_store(stores["cls"], tmp_path)
    sorted(done_folder(store).glob("*.json"))[0].unlink()
    ended = hfscale("export", store, "--format", "harvest", *AXES)
    assert "4 of 12 points are not in the harvest list: 4 pending" in ended.err
    assert len(ended.json()) == 8
    # -1 in place of an observed result is dropped by harvestToContours; in place of an expected one it would be best.
    assert {row["CLs"] for row in harvest_of(stores["blind"])} == {-1}
    assert all(row["CLsexp"] > 0 for row in harvest_of(stores["blind"]))


def test_lists_with_the_cross_section_varied_lie_where_harvesttocontours_looks(
    stores: Mapping[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "search_fixSigXSecNominal_hypotest__1_harvest_list.json"
    ended = hfscale("export", stores["theory"], "--format", "harvest", *AXES, "-o", file)
    assert ended.code == 0, ended
    nominal, up, down = (
        json.loads((tmp_path / file.name.replace("Nominal", name)).read_text()) for name in ("Nominal", "Up", "Down")
    )
    shown = [point["CLs_obs_signal"] for point in hfscale("show", stores["theory"], "--json").json()]
    assert [[row["CLs"] for row in rows] for rows in (down, up)] == [[pair[k] for pair in shown] for k in (0, 1)]
    assert all(a["CLs"] < b["CLs"] < c["CLs"] for a, b, c in zip(up[:9], nominal, down))
    assert all(a.keys() == b.keys() and a["CLsexp"] == b["CLsexp"] for a, b in zip(nominal, up))
    assert len(list(tmp_path.iterdir())) == 3
    other = hfscale("export", stores["theory"], "--format", "harvest", *AXES)
    assert other.json() == nominal
    assert "with Nominal in the name" in other.err


def test_a_scan_needs_one_value(stores: Mapping[str, Path]) -> None:
    ended = hfscale("export", stores["scan"], "--format", "harvest")
    assert ended.code == 2
    assert "choose one with --poi: 0.5, 1, 1.5" in ended.err
    rows, alone = harvest_of(stores["scan"], "--poi", 1), harvest_of(stores["cls"])
    assert [row["CLs"] for row in rows] == pytest.approx([row["CLs"] for row in alone])


def test_points_at_one_place_are_told(stores: Mapping[str, Path]) -> None:
    ended = hfscale("export", stores["cls"], "--format", "harvest", "-x", "m_heavy", "-y", "dm=m_heavy - m_fixed")
    assert "8 points are at the place of another one" in ended.err
    assert [row["dm"] for row in ended.json()[:1]] == [175.0]


@pytest.mark.data
@pytest.mark.slow
def test_a_published_search(shared_data: Path, tmp_path: Path) -> None:
    search = Search(tmp_path, shared_data / "sbottom-RegionA.tar.gz", Path(), tmp_path / "a.zarr")
    names = [f"sbottom_{m}_{n}_60" for m, n in ((500, 300), (600, 300), (700, 350), (700, 550), (800, 350), (800, 650))]
    points = [word for name in names for word in ("--points", name)]
    ended = hfscale("cls", search.workspace, "-o", search.store, "--executor", "local", *points)
    assert ended.code == 0, ended
    rows = harvest_of(search.store, "-x", "msb=m_sbottom", "-y", "mn2=m_n2")
    assert len(rows) == 6
    found = significances(rows, "msb", "mn2")
    assert all(math.isfinite(Z) for numbers in found.values() for key, Z in numbers.items() if key in CONTOURS[:6])
    folder = tmp_path / "submission"
    axes = ("-x", "m_sbottom", "-y", "m_n2", "--select", "m_n1 == 60", "--unit", "GeV")
    assert hfscale("export", search.store, "--format", "hepdata", *axes, "-o", folder).code == 0
    assert (folder / "observed_cls.yaml").is_file()
