"""Profile likelihoods of the points of a search: from the command line, campaigns and Python, to their stores."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyhf
import pytest
import xarray

import hfscale
from hfscale import pictures
from hfscale.errors import InputError, SelectionError
from hfscale.store.files import done_folder
from tests.program import (
    PYHF_WARNING,
    Ended,
    Search,
    copy_store,
    make_search,
    patchset_of,
    signal_patch,
    small_workspace,
)
from tests.program import hfscale as run

ONE = ("--parameter", "scale", "--grid", "-2:2:5")
TWO = ("--parameter", "mu", "--grid", "0:1:3", "--parameter", "scale", "--grid", "-1:1:2")


def scan(search: Search, *options: object, points: str = "s_[24]00_0") -> Ended:
    given = (search.workspace, search.patchset, "-o", search.store, "--executor", "local", "--points", points)
    return run("scan", *given, *options)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """A finished scan of one parameter, a task for each point; not to be changed."""
    search = make_search(tmp_path_factory.mktemp("one"))
    assert scan(search, *ONE, "--task-points", 1).code == 0
    return search


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """The same of two parameters."""
    search = make_search(tmp_path_factory.mktemp("two"))
    assert scan(search, *TWO).code == 0
    return search


def patched(search: Search, name: str) -> dict[str, Any]:
    patchset = pyhf.PatchSet(json.loads(search.patchset.read_text()))
    return dict(patchset.apply(json.loads(search.workspace.read_text()), name))


@pytest.mark.filterwarnings(PYHF_WARNING)
def test_one_parameter_is_what_pyhf_finds_with_it_fixed(one: Search) -> None:
    points = run("show", one.store, "--json").json()
    assert [point["name"] for point in points] == ["s_200_0", "s_400_0"]
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-12))
    try:
        for point in points:
            assert (point["status"], point["parameters"]) == ("ok", ["scale"])
            assert point["grid"] == [[-2.0, -1.0, 0.0, 1.0, 2.0]]
            measured = pyhf.Workspace(patched(one, point["name"]))
            model = measured.model()
            data, place = measured.data(model), model.config.par_names.index("scale")
            best, free = pyhf.infer.mle.fit(data, model, return_fitted_val=True)
            assert point["twice_nll"]["free"] == pytest.approx(float(free), abs=1e-5)
            assert point["best_fit"] == pytest.approx([best[place]], abs=1e-3)
            for value, t in zip(point["grid"][0], point["t"], strict=True):
                init, fixed = model.config.suggested_init(), model.config.suggested_fixed()
                init[place], fixed[place] = value, True
                held = pyhf.infer.mle.fit(data, model, init, fixed_params=fixed, return_fitted_val=True)[1]
                assert t == pytest.approx(float(held - free), abs=1e-5)
    finally:
        pyhf.set_backend("numpy")


@pytest.mark.filterwarnings(PYHF_WARNING)
def test_two_parameters_where_there_are_no_others_give_the_likelihood_itself(two: Search) -> None:
    point = run("show", two.store, "--json", "--point", "s_400_0").json()[0]
    assert point["parameters"] == ["mu", "scale"]
    assert point["grid"] == [[0.0, 0.5, 1.0], [-1.0, 1.0]]
    measured = pyhf.Workspace(patched(two, "s_400_0"))
    model = measured.model()
    data, order = measured.data(model), [model.config.par_names.index(name) for name in point["parameters"]]
    free = pyhf.infer.mle.fit(data, model, return_fitted_val=True)[1]
    places = np.stack(np.meshgrid(*point["grid"], indexing="ij"), axis=-1)[..., np.argsort(order)]
    expected = [[-2.0 * float(model.logpdf(place, data)[0]) - float(free) for place in row] for row in places]
    np.testing.assert_allclose(point["t"], expected, atol=1e-5)
    assert "interval" not in point


def test_the_interval_of_one_parameter_is_shown(one: Search) -> None:
    header, line, *_ = run("show", one.store).out.splitlines()
    assert header.split()[:3] == ["name", "status", "parameter"]
    assert header.endswith("t <= 3.84 (95 %)")
    point = run("show", one.store, "--json").json()[0]
    low, high = point["interval"]
    (best,), (error,) = point["best_fit"], point["error"]
    assert (low, high) == pytest.approx((best - error, best + error), abs=0.1 * error)
    narrow, wide = point["intervals"]
    assert (narrow["interval"], narrow["t"]) == ([low, high], 1.0)
    assert (wide["probability"], wide["t"]) == (0.95, pytest.approx(3.841, abs=1e-3))
    assert line.split()[2:8] == ["scale", f"{best:.4g}", f"{error:.4g}", f"{low:.4g}", "to", f"{high:.4g}"]
    assert line.split()[8:] == [f"{wide['interval'][0]:.4g}", "to", f"{wide['interval'][1]:.4g}"]


def test_the_table_of_two_parameters(two: Search) -> None:
    header, line, *_ = run("show", two.store).out.splitlines()
    assert header.endswith("t <= 5.99 (95 %)")
    assert "mu, scale" in line


def test_stores_are_read_without_this_package(two: Search) -> None:
    points = hfscale.open_results(two.store).to_list()
    with xarray.open_zarr(two.store, chunks=None) as dataset:
        assert dataset["t"].dims == ("point", "first", "second")
        assert dataset["scanned"].values.tolist() == ["mu", "scale"]
        assert dataset["t"].values.tolist() == [point["t"] for point in points]
        assert {"values_first", "values_second"} <= set(dataset["t"].coords)
        assert dataset["values_second"].values.tolist() == [point["grid"][1] for point in points]
        assert dataset["best_fit"].sel(scanned="scale").values == pytest.approx([p["best_fit"][1] for p in points])
        assert dataset["fit_status"].attrs["flag_meanings"].startswith("not_run")


def test_data_frames_have_a_row_per_point(one: Search, two: Search) -> None:
    frame = hfscale.open_results(two.store).to_dataframe()
    assert list(frame.index) == ["s_200_0", "s_400_0"]
    assert {"m_heavy", "best_fit_mu", "error_mu", "best_fit_scale", "error_scale"} <= set(frame.columns)
    point = hfscale.open_results(one.store).to_list()[1]
    row = hfscale.open_results(one.store).to_dataframe().loc["s_400_0"]
    assert [row["interval_low"], row["interval_high"]] == point["interval"]
    assert row["best_fit_scale"] == point["best_fit"][0]


def test_pictures_have_the_numbers_of_the_store(one: Search, two: Search, tmp_path: Path) -> None:
    results = hfscale.open_results(one.store)
    point = results.to_list()[1]
    picture = pictures.profile(results, "s_400_0")
    (line,) = (line for line in picture.figure.axes[0].lines if line.get_gid() == "profile")
    np.testing.assert_array_equal(line.get_xydata(), np.column_stack([point["grid"][0], point["t"]]))
    assert picture.messages == ()
    axes = pictures.profile(hfscale.open_results(two.store), "s_200_0").figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")) == ("mu", "scale", "s_200_0")
    drawn = tmp_path / "profile.svg"
    assert run("plot", "profile", one.store, "--point", "s_400_0", "-o", drawn).code == 0
    assert drawn.exists()


def test_contours_are_written_as_csv(one: Search, two: Search, tmp_path: Path) -> None:
    drawn, table = tmp_path / "plane.svg", tmp_path / "plane.csv"
    assert run("plot", "profile", two.store, "--point", "s_400_0", "-o", drawn, "--csv", table).code == 0
    header, *rows = table.read_text().splitlines()
    assert header == "line,segment,x,y"
    contours = run("show", two.store, "--json", "--point", "s_400_0").json()[0]["contours"]
    assert [round(contour["t"], 2) for contour in contours] == [2.3, 5.99]
    vertices = [tuple(vertex) for contour in contours for line in contour["lines"] for vertex in line]
    assert vertices
    assert [tuple(map(float, row.split(",")[2:])) for row in rows] == vertices
    table.unlink()
    ended = run("plot", "profile", one.store, "--point", "s_400_0", "-o", tmp_path / "curve.svg", "--csv", table)
    assert (ended.code, table.exists(), (tmp_path / "curve.svg").exists()) == (2, False, False)


def test_a_point_that_is_not_computed_yet_cannot_be_drawn(one: Search, tmp_path: Path) -> None:
    store = copy_store(one.store, tmp_path)
    for marker in done_folder(store).glob("*.json"):
        marker.unlink()
    with pytest.raises(SelectionError, match="nothing to draw"):
        pictures.profile(hfscale.open_results(store), "s_400_0")


def test_python_and_campaigns_give_the_same(small: Search, two: Search) -> None:
    expected = hfscale.open_results(two.store).to_list()
    given = {"parameters": ["mu", "scale"], "grids": ["0:1:3", "-1:1:2"], "points": ["s_[24]00_0"]}
    results = hfscale.scan(small.workspace, small.patchset, store=small.store, executor="local", **given)
    assert results.to_list() == expected
    campaign = small.folder / "campaign.yaml"
    campaign.write_text(
        "{schema: 1, workspace: BkgOnly.json, patchset: patchset.json, store: r.zarr, run: {executor: local},"
        " points: ['s_[24]00_0'],"
        " calculation: {kind: profile, parameters: [mu, scale], grids: ['0:1:3', '-1:1:2']}}"
    )
    assert run("run", campaign, "--json").json() == expected


def test_a_scan_is_continued(one: Search, tmp_path: Path) -> None:
    copy = one._replace(store=copy_store(one.store, tmp_path))
    first, _ = sorted(done_folder(copy.store).glob("*.json"))
    first.unlink()
    pending = run("show", copy.store, "--json").json()[0]
    assert pending["status"] == "pending"
    assert [pending[key] for key in ("best_fit", "error", "grid", "t", "interval")] == [None] * 5
    assert [one["interval"] for one in pending["intervals"]] == [None, None]
    assert scan(copy, *ONE).code == 0
    assert first.exists()
    assert run("show", copy.store, "--json").json() == run("show", one.store, "--json").json()
    assert "nothing to do" in scan(copy, *ONE).err
    ended = scan(copy, "--parameter", "scale", "--grid", "-2:2:9")
    assert ended.code == 2
    assert "grids: 1 in the store, 1 asked (only in the store: -2:2:5; only asked: -2:2:9)" in ended.err


def test_stores_are_merged(one: Search, tmp_path: Path) -> None:
    parts = []
    for name in ("s_200_0", "s_400_0"):
        part = one._replace(store=tmp_path / f"{name}.zarr")
        assert scan(part, *ONE, points=name).code == 0
        parts.append(part.store)
    assert run("merge", *parts, "-o", tmp_path / "both.zarr").code == 0
    merged = hfscale.open_results(tmp_path / "both.zarr")
    assert merged.to_list() == hfscale.open_results(one.store).to_list()
    assert merged.status().finished


def test_expected_scans_do_not_depend_on_what_was_observed(tmp_path: Path) -> None:
    found = []
    for name, observed in (("few", [30.0, 2.0]), ("many", [90.0, 40.0])):
        (tmp_path / name).mkdir()
        search = make_search(tmp_path / name)
        workspace = small_workspace()
        workspace["observations"][0]["data"] = observed
        search.workspace.write_text(json.dumps(workspace))
        ended = scan(search, *ONE, "--expected-only", "--no-verify-digest", "--json", points="s_200_0")
        assert ended.code == 0
        found.append(ended.json())
    assert found[0] == found[1]
    (point,) = found[0]
    assert point["best_fit"] == pytest.approx([0.0], abs=1e-6)
    assert point["t"][2] == pytest.approx(0.0, abs=1e-9)


def test_an_injected_signal_is_found(small: Search) -> None:
    (point,) = scan(small, "--parameter", "mu", "--asimov", "1", "--json", points="s_200_0").json()
    assert point["best_fit"] == pytest.approx([1.0], rel=1e-5)
    low, high = point["interval"]
    assert low < 1.0 < high
    assert len(point["t"]) == 31


def without_poi(folder: Path) -> Search:
    workspace = small_workspace()
    workspace["measurements"][0]["config"]["poi"] = ""
    return make_search(folder, workspace)


def test_a_workspace_needs_neither_signal_nor_poi(tmp_path: Path) -> None:
    search = without_poi(tmp_path)
    given = (search.workspace, "-o", search.store, "--executor", "local")
    (point,) = run("scan", *given, *ONE, "--json").json()
    assert (point["name"], point["status"], point["values"]) == ("counting", "ok", {})
    fit = hfscale.Likelihood.from_workspace(search.workspace).fit()
    assert point["best_fit"] == pytest.approx([fit.parameters[0]], abs=1e-5)
    assert point["error"] == pytest.approx([fit.errors[0]], rel=1e-4)
    assert hfscale.open_results(search.store).to_xarray()["parameter"].values.tolist() == ["scale"]
    ended = run("scan", *given[:2], tmp_path / "asimov.zarr", *ONE, "--asimov", 1)
    assert ended.code == 2
    assert "need a POI" in ended.err


def test_points_that_cannot_be_scanned_do_not_stop_the_others(tmp_path: Path) -> None:
    workspace = small_workspace()
    own = {"name": "own", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}}
    patches = [
        {"metadata": {"name": name, "values": [k]}, "patch": signal_patch([5.0, 9.0], *modifiers)}
        for k, (name, modifiers) in enumerate({"plain": (), "with": (own,)}.items())
    ]
    search = make_search(tmp_path, workspace, patchset_of(workspace, patches, ["m"]))
    ended = scan(search, "--parameter", "own", "--grid", "-1:1:3", "--json", points="*")
    assert ended.code == 1
    lacking, scanned = ended.json()
    assert lacking["status"] == "failed"
    assert lacking["reason"] == "the point has no parameter 'own'"
    assert lacking["t"] is None
    assert scanned["status"] == "ok"
    assert scanned["t"][1] == pytest.approx(0.0, abs=0.1)
    assert run("show", search.store).out.splitlines()[1].split() == ["plain", "failed", "own", "-", "-", "-", "-"]


def test_the_poi_of_points_without_signal(tmp_path: Path) -> None:
    workspace = small_workspace()
    patches = [
        {"metadata": {"name": name, "values": [k]}, "patch": signal_patch(yields)}
        for k, (name, yields) in enumerate({"none": [0.0, 0.0], "some": [5.0, 9.0]}.items())
    ]
    search = make_search(tmp_path, workspace, patchset_of(workspace, patches, ["m"]))
    ended = scan(search, "--parameter", "mu", "--grid", "0:1:3", "--json", points="*")
    assert ended.code == 0
    assert [point["status"] for point in ended.json()] == ["no_signal", "ok"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "a scan needs a grid of POI values, or parameters"),
        (("--parameter", "mu", "--poi-grid", "0:1:3"), "exclude each other"),
        (("--grid", "0:1:3"), "one parameter or of two different ones"),
        (("--parameter", "scal"), "'scal' is no parameter"),
        (("--parameter", "mu", "--parameter", "mu"), "two different ones"),
        (("--parameter", "mu", "--parameter", "scale", "--parameter", "x"), "one parameter or of two different ones"),
        (("--parameter", "mu", "--grid", "0:11:3"), "outside its bounds [0, 10]"),
        (("--parameter", "mu", "--grid", "0:1:3", "--grid", "0:1:3"), "2 grids do not belong to 1 parameters"),
        (("--parameter", "mu", "--parameter", "scale", "--grid", "0:1:3"), "1 grids do not belong to 2 parameters"),
        (("--parameter", "mu", "--grid", "1:0:3"), "a grid A:B:N needs A < B"),
        (("--parameter", "mu", "--grid", "0:1"), "a grid is written A:B:N"),
        (("--parameter", "mu", "--parameter", "scale", "--grid", "0:1:999", "--grid", "0:1:999"), "more than 100000"),
        (("--parameter", "mu", "--test-stat", "q"), "test_stat would have no effect with kind profile"),
        (("--parameter", "mu", "--level", "0.1"), "level would have no effect with kind profile"),
        (("--parameter", "mu", "--ntoys", "10"), "ntoys without calctype toybased"),
        (("--parameter", "mu", "--calctype", "toybased"), "not possible with calctype toybased"),
        (("--parameter", "mu", "--asimov", "11"), "outside its bounds"),
        (("--parameter", "scale", "--poi", "nu"), "the POI 'nu' is no modifier"),
    ],
)
def test_what_cannot_be_scanned_is_refused_and_nothing_is_written(
    small: Search, options: tuple[str, ...], message: str
) -> None:
    ended = scan(small, *options)
    assert ended.code == 2
    assert message in ended.err
    assert "remedy" in ended.err
    assert small.left() == []


def test_a_fixed_parameter_is_refused(tmp_path: Path) -> None:
    workspace = small_workspace()
    workspace["measurements"][0]["config"]["parameters"] = [{"name": "scale", "fixed": True}]
    search = make_search(tmp_path, workspace)
    ended = scan(search, *ONE, "--no-verify-digest")
    assert ended.code == 2
    assert "fixes the parameter 'scale'" in ended.err
    assert search.left() == []


def test_other_kinds_still_need_a_poi(tmp_path: Path) -> None:
    search = without_poi(tmp_path)
    ended = run("limit", search.workspace, "-o", search.store)
    assert ended.code == 2
    assert "POI" in ended.err


def test_a_name_in_place_of_a_list_is_refused(small: Search) -> None:
    with pytest.raises(InputError, match="parameters is 'mu'"):
        hfscale.scan(small.workspace, small.patchset, store=small.store, parameters="mu")
    assert small.left() == []
