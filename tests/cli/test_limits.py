"""The verbs limit, scan and significance, and their results: the same from Python, in tables and as JSON."""

from pathlib import Path

import numpy as np
import pytest
import xarray

import hfscale
from tests.program import Ended, Search
from tests.program import hfscale as run


def compute(search: Search, verb: str, *options: object) -> Ended:
    return run(verb, search.workspace, search.patchset, "-o", search.store, "--executor", "local", *options)


def test_limits_are_shown_and_cls_there_is_the_level(small: Search) -> None:
    ended = compute(small, "limit", "--level", "0.1", "--points", "s_200_*", "--json")
    assert ended.code == 0
    points = ended.json()
    assert [point["name"] for point in points] == ["s_200_0", "s_200_100", "s_200_150"]
    first = points[0]
    assert first["level"] == 0.1
    assert first["upper_limit_status"] == "ok"
    assert first["upper_limit_exp_status"] == ["ok"] * 5
    assert {"CLs_obs", "poi", "p0"}.isdisjoint(first)
    other = small._replace(store=small.folder / "cls.zarr")
    (at_limit,) = other.cls("--points", "s_200_0", "--test-poi", first["upper_limit_obs"], "--json").json()
    assert at_limit["CLs_obs"] == pytest.approx(0.1, rel=1e-3)
    lines = run("show", small.store).out.splitlines()
    assert lines[0].split()[:3] == ["name", "status", "observed"]
    assert lines[1].split()[2] == f"{first['upper_limit_obs']:.4g}"


def test_results_are_read_once(small: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of toys, that takes longer than anything else that is done after a run."""
    from hfscale import results

    read, calls = results.read_points, []
    monkeypatch.setattr(results, "read_points", lambda store: calls.append(store) or read(store))
    assert compute(small, "limit", "--points", "s_200_0", "--json").json()[0]["status"] == "ok"
    assert len(calls) == 1


def test_curves_of_limits_from_toys_are_read_at_once(small: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    from hfscale.reading import curves

    chosen = ("--points", "s_200_0", "--points", "s_800_150")
    toys = ("--calctype", "toybased", "--poi-grid", "0.2:2:3", "--ntoys", "20", *chosen)
    assert compute(small, "limit", *toys).code == 0
    results = hfscale.open_results(small.store)
    single = {name: curves.read_curve(results.store, name).rows for name in results.store.names}
    read, calls = curves.read_p_values, []
    monkeypatch.setattr(curves, "read_p_values", lambda *given: calls.append(given) or read(*given))
    limits = results.limits()
    assert (len(limits), len(calls)) == (2, 1)
    for limit in limits:
        assert limit.poi_values.tolist() == [0.2, 1.1, 2.0]
        assert limit.CLs_obs.tolist() == [row["CLs_obs"] for row in single[limit.name]]
    assert limits[0].CLs_obs.tolist() != limits[1].CLs_obs.tolist()


def test_limits_outside_the_bounds_are_null(small: Search) -> None:
    (weak,) = compute(small, "limit", "--points", "s_800_150", "--level", "0.0001", "--json").json()
    assert weak["status"] == "ok"
    assert weak["upper_limit_exp"][4] is None
    assert weak["upper_limit_exp_status"][4] == "above_bound"
    assert weak["upper_limit_exp"][0] > 0
    assert run("show", small.store).out.splitlines()[1].split()[-2] == ">bound"
    with xarray.open_zarr(small.store) as dataset:
        assert dataset["upper_limit_exp_status"].attrs["flag_meanings"] == "not_run ok above_bound below_bound"
        assert np.isnan(dataset["upper_limit_exp"].values[0, 4])
        assert "mu" not in dataset.coords


def test_a_scan_is_what_cls_gives_at_each_value(small: Search) -> None:
    points = compute(small, "scan", "--poi-grid", "0.5:1.5:3", "--points", "s_[24]00_0", "--json").json()
    assert [(point["name"], point["poi"]) for point in points] == [
        (name, mu) for name in ("s_200_0", "s_400_0") for mu in (0.5, 1.0, 1.5)
    ]
    single = small._replace(store=small.folder / "cls.zarr").cls("--points", "s_[24]00_0", "--json").json()
    assert [points[1]["CLs_obs"], points[4]["CLs_obs"]] == pytest.approx([p["CLs_obs"] for p in single], rel=1e-6)
    np.testing.assert_allclose(points[4]["CLs_exp"], single[1]["CLs_exp"], rtol=1e-6)
    frame = hfscale.open_results(small.store).to_dataframe()
    assert list(frame["poi"]) == [0.5, 1.0, 1.5] * 2
    assert (np.diff(frame["CLs_exp_0"].iloc[:3]) < 0).all()


def test_significances_are_shown(small: Search) -> None:
    (point,) = compute(small, "significance", "--points", "s_200_0", "--json").json()
    assert (point["p0"], point["Z"], point["test_stat"]) == (0.5, 0.0, "q0")
    assert point["Z_exp"][2] ** 2 == pytest.approx(point["q0_asimov"])
    assert run("show", small.store).out.splitlines()[0].split()[2:4] == ["p0", "Z"]


def test_python_gives_the_same(small: Search) -> None:
    compute(small, "limit", "--points", "s_200_*")
    results = hfscale.limit(
        small.workspace, small.patchset, store=small.folder / "api.zarr", points=["s_200_*"], executor="local"
    )
    assert results.to_list() == hfscale.open_results(small.store).to_list()


def test_a_finished_store_is_not_computed_again_and_no_other_kind_fits_in(small: Search) -> None:
    compute(small, "limit", "--points", "s_200_0")
    assert "nothing to do" in compute(small, "limit", "--points", "s_200_0").err
    ended = compute(small, "significance", "--points", "s_200_0")
    assert ended.code == 2
    assert "kind: limit in the store, significance asked" in ended.err


@pytest.mark.parametrize(
    ("verb", "options", "message"),
    [
        ("limit", ("--level", "1"), "level is 1.0"),
        ("limit", ("--level", "0"), "level is 0.0"),
        ("limit", ("--rtol", "0"), "rtol is 0.0"),
        ("scan", ("--poi-grid", "0:1"), "a grid is written A:B:N"),
        ("scan", ("--poi-grid", "2:1:5"), "a grid A:B:N needs 0 <= A < B"),
        ("scan", ("--poi-grid", "0:11:5"), "the value 11 of the POI 'mu' lies outside its bounds"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_written(
    small: Search, verb: str, options: tuple[str, ...], message: str
) -> None:
    ended = compute(small, verb, *options)
    assert ended.code == 2
    assert message in ended.err
    assert small.left() == []


CAMPAIGN = """
schema: 1
workspace: BkgOnly.json
patchset: patchset.json
calculation: {kind: limit, level: 0.05}
points: [s_200_0]
store: results.zarr
run: {executor: local}
"""


def test_campaigns_find_limits(small: Search) -> None:
    path = small.folder / "campaign.yaml"
    path.write_text(CAMPAIGN)
    (point,) = run("run", path, "--json").json()
    assert point["upper_limit_obs"] > 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("calculation: {kind: limit, test_poi: 1.0}", "test_poi would have no effect with kind limit"),
        ("calculation: {kind: cls, level: 0.1}", "level would have no effect with kind cls"),
        ("calculation: {kind: scan}", "a scan needs its poi_grid"),
        (
            "calculation: {kind: significance}\ncontours: [{x: m_heavy, y: m_light, output: c.pdf}]",
            "contours are drawn of CLs at one POI value or of upper limits",
        ),
    ],
)
def test_campaigns_with_options_of_other_kinds_are_refused(small: Search, line: str, message: str) -> None:
    path: Path = small.folder / "campaign.yaml"
    key = line.split(":")[0]
    kept = [text for text in CAMPAIGN.splitlines() if not text.startswith(f"{key}:")]
    path.write_text("\n".join([*kept, line]))
    ended = run("run", path)
    assert ended.code == 2
    assert message in ended.err
    assert not small.store.exists()
