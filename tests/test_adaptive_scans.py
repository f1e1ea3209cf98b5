"""Profile likelihoods on adaptive grids: from the command line, campaigns and Python, to stores and pictures."""

import csv
import io
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import xarray

import hfscale
from hfscale import pictures
from hfscale.driver import create, prepare
from hfscale.phases import do_part
from hfscale.plan.settings import check_calculation
from hfscale.store.files import done_folder
from hfscale.store.open import is_store, open_store
from hfscale.store.parts import pending_parts
from hfscale.workspace import load_inputs
from tests.program import Ended, Search, digests_of, make_search, start_hfscale
from tests.program import hfscale as run

POINT = "s_400_0"
GRIDS = ("--parameter", "mu", "--grid", "0:4:49", "--parameter", "scale", "--grid", "-2.4:2.4:49")
ADAPTIVE = (*GRIDS, "--adaptive-grid")


def scan(search: Search, *options: object, points: str = POINT) -> Ended:
    given = (search.workspace, search.patchset, "-o", search.store, "--executor", "local", "--points", points)
    return run("scan", *given, *options)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """A finished adaptive scan of two parameters; not to be changed."""
    search = make_search(tmp_path_factory.mktemp("plane"))
    assert scan(search, *ADAPTIVE).code == 0
    return search


@pytest.fixture(scope="module")
def curve(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """The same of one parameter, over the values that it has by itself."""
    search = make_search(tmp_path_factory.mktemp("curve"))
    assert scan(search, "--parameter", "mu", "--adaptive-grid", "--grid-tolerance", 0.002).code == 0
    return search


def test_contours_are_shown_as_of_the_full_grid(plane: Search, tmp_path: Path) -> None:
    full = make_search(tmp_path)
    (expected,) = scan(full, *GRIDS, "--json").json()
    (point,) = run("show", plane.store, "--json").json()
    assert 5 * point["n_fits"] < 49 * 49
    t, between = (np.array(point[key], dtype=float) for key in ("t", "t_interpolated"))
    fitted = ~np.isnan(t)
    assert fitted.sum() == point["n_fits"]
    np.testing.assert_array_equal(t[fitted], between[fitted])
    np.testing.assert_allclose(t[fitted], np.array(expected["t"])[fitted], atol=1e-6)
    for ours, theirs in zip(point["contours"], expected["contours"], strict=True):
        widths = np.array(point["error"])[:, None]
        ends, others = (np.array(one["extent"], dtype=float) for one in (ours, theirs))
        assert np.isnan(ends).tolist() == np.isnan(others).tolist()
        assert np.nanmax(np.abs(ends - others) / widths) < 0.01
    assert run("show", plane.store).out.splitlines()[0].endswith("t <= 5.99 (95 %)")


def test_intervals_are_shown_to_the_tolerance(curve: Search, tmp_path: Path) -> None:
    (point,) = run("show", curve.store, "--json").json()
    assert len(point["t"]) == 129
    assert point["n_fits"] < 40
    full = make_search(tmp_path)
    values = point["grid"][0]
    (expected,) = scan(full, "--parameter", "mu", "--grid", f"{values[0]!r}:{values[-1]!r}:129", "--json").json()
    for ours, theirs in zip(point["intervals"], expected["intervals"], strict=True):
        assert ours["interval"] == pytest.approx(theirs["interval"], abs=0.003 * point["error"][0])


def test_stores_tell_which_values_were_fitted(plane: Search) -> None:
    (point,) = hfscale.open_results(plane.store).to_list()
    with xarray.open_zarr(plane.store, chunks=None) as dataset:
        status = dataset["fit_status"].values[0]
        assert (status > 0).sum() == point["n_fits"]
        assert np.isnan(dataset["t"].values[0][status == 0]).all()
        assert dataset["values_first"].values[0].tolist() == point["grid"][0]
    rows = list(csv.DictReader(io.StringIO(run("export", plane.store, "--format", "csv").out)))
    assert len(rows) == point["n_fits"]
    assert all(row["t"] for row in rows)
    assert run("verify", plane.store).code == 0


def test_pictures_are_complete(plane: Search, curve: Search, tmp_path: Path) -> None:
    (point,) = hfscale.open_results(curve.store).to_list()
    picture = pictures.profile(hfscale.open_results(curve.store))
    (line,) = (line for line in picture.figure.axes[0].lines if line.get_gid() == "profile")
    np.testing.assert_array_equal(line.get_ydata(), point["t_interpolated"])
    assert picture.messages == ()
    table = tmp_path / "plane.csv"
    assert run("plot", "profile", plane.store, "-o", tmp_path / "plane.svg", "--csv", table).code == 0
    vertices = [row.split(",")[2:] for row in table.read_text().splitlines()[1:]]
    contours = run("show", plane.store, "--json").json()[0]["contours"]
    assert [list(map(float, v)) for v in vertices] == [v for one in contours for line in one["lines"] for v in line]


def test_python_and_campaigns_give_the_same(small: Search, plane: Search) -> None:
    expected = hfscale.open_results(plane.store).to_list()
    results = hfscale.scan(
        small.workspace,
        small.patchset,
        store=small.store,
        executor="local",
        parameters=["mu", "scale"],
        grids=["0:4:49", "-2.4:2.4:49"],
        adaptive_grid=True,
        points=[POINT],
    )
    assert results.to_list() == expected
    campaign = small.folder / "campaign.yaml"
    campaign.write_text(
        "{schema: 1, workspace: BkgOnly.json, patchset: patchset.json, store: r.zarr, run: {executor: local},"
        f" points: [{POINT}], calculation: {{kind: profile, parameters: [mu, scale], adaptive_grid: true,"
        " grids: ['0:4:49', '-2.4:2.4:49']}}"
    )
    assert run("run", campaign, "--json").json() == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((*GRIDS, "--grid-tolerance", "0.01"), "grid_tolerance without adaptive_grid has no effect"),
        ((*ADAPTIVE, "--grid-tolerance", "0"), "greater than or equal to 0.0001"),
        ((*ADAPTIVE, "--grid-tolerance", "2"), "less than or equal to 0.5"),
        (("--poi-grid", "0:1:3", "--adaptive-grid"), "adaptive_grid would have no effect with kind scan"),
    ],
)
def test_bad_input(small: Search, options: tuple[object, ...], message: str) -> None:
    ended = scan(small, *options)
    assert ended.code == 2
    assert message in ended.err
    assert "remedy" in ended.err
    assert small.left() == []


def test_other_stores_are_not_continued(plane: Search) -> None:
    ended = scan(plane, *GRIDS)
    assert ended.code == 2
    assert "adaptive_grid" in ended.err
    assert "nothing to do" in scan(plane, *ADAPTIVE).err


@pytest.mark.parametrize("options", [ADAPTIVE, GRIDS], ids=["adaptive", "full"])
def test_the_fits_of_a_point_are_shared_out_and_resumed(small: Search, plane: Search, options: tuple[str, ...]) -> None:
    inputs = load_inputs(small.workspace, small.patchset, points=[POINT])
    fields = {"kind": "profile", "parameters": ["mu", "scale"], "grids": [options[3], options[7]]}
    calculation = check_calculation({**fields, "adaptive_grid": options == ADAPTIVE})
    # Seven or 49 values of the first parameter.
    store = create(prepare(inputs, calculation, small.store, task_parameters=3 if options == ADAPTIVE else 20))
    parts = pending_parts(store)
    assert len(parts) == 3
    do_part(str(store.path), parts[1].id)
    assert pending_parts(store) == (parts[0], parts[2])
    (point,) = scan(small, *options, "--json").json()
    assert not pending_parts(open_store(store.path))
    (expected,) = hfscale.open_results(plane.store).to_list()
    fitted = np.array(expected["t"], dtype=float)
    ours = np.array(point["t"], dtype=float)
    known = ~np.isnan(fitted)
    np.testing.assert_allclose(ours[known], fitted[known], atol=1e-6)
    if options == ADAPTIVE:
        assert point["n_fits"] == expected["n_fits"]
        for one, other in zip(point["contours"], expected["contours"], strict=True):
            np.testing.assert_allclose(one["lines"][0], other["lines"][0], atol=1e-6)
    else:
        assert not np.isnan(ours).any()
    assert run("verify", small.store).code == 0


def start(search: Search, store: Path) -> "subprocess.Popen[str]":
    given = (search.workspace, search.patchset, "-o", store, "--executor", "processes", "--workers", 1)
    return start_hfscale("scan", *given, *ADAPTIVE, "--task-points", 1)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_a_killed_scan_ends_as_an_undisturbed_one(small: Search) -> None:
    killed, calm = small.folder / "killed.zarr", small.folder / "calm.zarr"
    with start(small, killed) as process:
        while not (is_store(killed) and list(done_folder(killed).glob("*.json"))):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.kill()
    kept = {path: path.stat().st_mtime_ns for path in done_folder(killed).glob("*.json")}
    assert 0 < len(kept) < 9
    for store in (killed, calm):
        with start(small, store) as process:
            _, err = process.communicate()
        assert process.returncode == 0, err
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert digests_of(killed) == digests_of(calm)
    assert hfscale.open_results(killed).to_list() == hfscale.open_results(calm).to_list()
