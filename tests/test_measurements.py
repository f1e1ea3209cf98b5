"""Best fits and rankings from the command line, campaigns and Python, to their stores."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray
import yaml

import hfscale
from hfscale.errors import InputError, SelectionError
from tests.inference.measurement.models import measurement
from tests.models import histosys, normsys
from tests.program import (
    Ended,
    Search,
    copy_store,
    digests_of,
    make_search,
    patchset_of,
    signal_patch,
    small_workspace,
    write,
)
from tests.program import hfscale as run

POINTS = ("--points", "s_[24]00_0")
FREE = ("--bounds", "mu=-5:10", "--minos", "all")


def measure(verb: str, search: Search, *options: object) -> Ended:
    given = (search.workspace, search.patchset, "-o", search.store, "--executor", "local")
    return run(verb, *given, *options)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """Best fits of two points with MINOS errors, a task each; not to be changed."""
    search = make_search(tmp_path_factory.mktemp("fit"))
    assert measure("fit", search, *POINTS, *FREE, "--task-points", 1).code == 0
    return search


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ranking of one workspace; not to be changed."""
    folder = tmp_path_factory.mktemp("ranking")
    workspace = write(folder / "workspace.json", measurement())
    given = ("-o", folder / "ranking.zarr", "--executor", "local", "--group", "backgrounds=top, fak*")
    assert run("ranking", workspace, *given).code == 0
    return folder / "ranking.zarr"


def test_a_fit_is_that_of_the_likelihood(fitted: Search) -> None:
    points = run("show", fitted.store, "--json").json()
    assert [point["name"] for point in points] == ["s_200_0", "s_400_0"]
    patches = {p["metadata"]["name"]: p["patch"] for p in json.loads(fitted.patchset.read_text())["patches"]}
    for point in points:
        likelihood = hfscale.Likelihood.from_workspace(fitted.workspace, patch=patches[point["name"]])
        bounds = likelihood.suggested_bounds
        bounds[likelihood.parameter_names.index("mu")] = (-5.0, 10.0)
        fit = likelihood.fit(bounds=bounds)
        assert (point["status"], point["fit_status"], point["warnings"]) == ("ok", "converged", [])
        assert list(point["parameters"]) == list(fit.names)
        assert point["correlation"]["parameters"] == list(fit.names)
        np.testing.assert_allclose(point["correlation"]["matrix"], fit.correlation, atol=1e-6)
        assert point["twice_nll"]["free"] == pytest.approx(fit.twice_nll, abs=1e-7)
        for k, fields in enumerate(point["parameters"].values()):
            assert fields["value"] == pytest.approx(fit.parameters[k], abs=1e-5)
            assert fields["error"] == pytest.approx(fit.errors[k], rel=1e-5)
            assert not fields["at_bound"]
            lower, upper = fields["minos"]
            assert lower < 0.0 < upper
            assert fields["minos_status"] == ["ok", "ok"]


def test_the_table_of_a_fit_has_a_row_for_each_parameter(fitted: Search) -> None:
    header, *rows = run("show", fitted.store).out.splitlines()
    assert header.split()[:5] == ["name", "status", "parameter", "value", "error"]
    assert [row.split()[:3] for row in rows] == [
        [point, "ok", name] for point in ("s_200_0", "s_400_0") for name in ("mu", "scale")
    ]


def test_stores_are_read_without_this_package(fitted: Search, ranked: Path) -> None:
    point = hfscale.open_results(fitted.store).fits()[1]
    with xarray.open_zarr(fitted.store, chunks=None) as dataset:
        one = dataset.isel(point=1)
        assert one["minos"].sel(side="upper", parameter="mu").item() == point.minos[1, point.parameters.index("mu")]
        assert one["correlation"].sel(parameter="mu", parameter_other="scale").item() == point.correlation[0, 1]
        assert one["parameter_status"].attrs["flag_meanings"].startswith("not_run free fixed at_lower_bound")
    ranking = hfscale.open_results(ranked).rankings()[0]
    with xarray.open_zarr(ranked, chunks=None) as dataset:
        up = dataset["impact"].sel(shift="postfit_up", parameter="jets").item()
        assert up == ranking.impact[2, ranking.fit.parameters.index("jets")]


def test_data_frames_have_a_row_for_each_parameter(fitted: Search, ranked: Path) -> None:
    frame = hfscale.open_results(fitted.store).to_dataframe()
    assert len(frame) == 4
    row = frame[frame["parameter"] == "mu"].loc["s_400_0"]
    assert row["minos_lower"] < 0.0 < row["error"]
    frame = hfscale.open_results(ranked).to_dataframe()
    assert frame["postfit_up"].abs().iloc[0] > frame["postfit_up"].abs().iloc[-1]


def test_a_ranking_is_sorted_and_has_its_groups(ranked: Path) -> None:
    (point,) = run("show", ranked, "--json").json()
    largest = [max(abs(one["postfit_up"]), abs(one["postfit_down"])) for one in point["impacts"]]
    assert largest == sorted(largest, reverse=True)
    assert {one["parameter"] for one in point["impacts"]} == {
        "jets", "scale", "top", "lumi", "mc[0]", "mc[1]", "fakes[0]", "fakes[1]"
    }  # fmt: skip
    groups = {group["group"]: group for group in point["groups"]}
    assert {name: group["parameters"] for name, group in groups.items()} == {"backgrounds": 3, "MC statistics": 2}
    ranking = hfscale.open_results(ranked).rankings()[0]
    everything = ranking.systematic()
    assert point["systematic"] == everything.impact
    assert point["statistical"] ** 2 + point["systematic"] ** 2 == pytest.approx(point["poi_error"] ** 2)
    (other,) = ranking.groups({"jets and scale": ["jets", "scale"]})
    assert other.parameters == ("jets", "scale")
    assert ranking.groups({"jets": ["jets"]})[0].impact < other.impact < everything.impact
    components = point["components"]
    assert components["total"] == pytest.approx(np.hypot(components["data"], components["auxiliary"]))
    assert "[backgrounds]" in run("show", ranked).out


def test_workspaces_without_poi_are_fitted(tmp_path: Path) -> None:
    document = measurement()
    document["measurements"][0]["config"]["poi"] = ""
    workspace = write(tmp_path / "workspace.json", document)
    ended = run("fit", workspace, "-o", tmp_path / "fit.zarr", "--executor", "local", "--json", "--fix", "mu=1")
    (point,) = ended.json()
    assert ended.code == 0
    assert point["parameters"]["mu"] == {"value": 1.0, "error": 0.0, "at_bound": False, "fixed": True}
    assert run("ranking", workspace, "-o", tmp_path / "ranking.zarr").code == 2


def test_several_pois_are_parameters_as_others(tmp_path: Path) -> None:
    document = measurement()
    document["measurements"][0]["config"]["hfscale"] = {"poi_names": ["mu", "top"]}
    results = hfscale.best_fit(document, store=tmp_path / "fit.zarr", executor="local")
    (point,) = results.fits()
    assert {"mu", "top"} <= set(point.parameters)


def test_parameters_at_bounds_and_negative_yields_are_warned_of(tmp_path: Path) -> None:
    document = measurement()
    document["observations"][1]["data"] = [20.0, 47.0]
    document["channels"][1]["samples"][2]["modifiers"].append(histosys("leak", [-8.0, 6.0], [24.0, 6.0]))
    workspace = write(tmp_path / "workspace.json", document)
    given = ("-o", tmp_path / "fit.zarr", "--executor", "local", "--fix", "mu=0", "--bounds", "jets=-0.01:0.01")
    ended = run("fit", workspace, *given, "--json")
    (point,) = ended.json()
    assert point["parameters"]["jets"]["at_bound"]
    assert point["parameters"]["jets"]["error"] == 0.0
    assert any("at a bound: jets" in text for text in point["warnings"])
    assert any("other in bin 0 (-" in text for text in point["warnings"])
    assert "warning: fit: at a bound: jets" in ended.err
    assert hfscale.open_results(tmp_path / "fit.zarr").to_list() == [point]


def test_flat_directions_are_warned_of(tmp_path: Path) -> None:
    document = small_workspace()
    for name in ("one", "other"):
        document["channels"][0]["samples"][0]["modifiers"].append({"name": name, "type": "normfactor", "data": None})
    document["measurements"][0]["config"]["poi"] = "one"
    given = (write(tmp_path / "workspace.json", document), "-o", tmp_path / "fit.zarr", "--executor", "local")
    ended = run("fit", *given, "--json")
    (point,) = ended.json()
    assert ended.code == 0
    (text,) = point["warnings"]
    assert text.startswith("the data do not determine one, other, alone or in a combination")
    assert "fix some of them" in text
    assert f"warning: counting: {text}" in ended.err
    ended = run("fit", *given[:2], tmp_path / "held.zarr", *given[3:], "--fix", "other=1", "--json")
    assert ended.json()[0]["warnings"] == []


def test_parameters_without_effect_are_warned_of(tmp_path: Path) -> None:
    document = small_workspace()
    document["channels"][0]["samples"][0]["modifiers"] += [
        {"name": "idle", "type": "histosys", "data": {"hi_data": [50.0, 10.0], "lo_data": [50.0, 10.0]}},
        {"name": "free", "type": "normfactor", "data": None},
    ]
    empty = {"name": "empty", "data": [0.0, 0.0], "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]}
    document["channels"][0]["samples"].append(empty)
    given = (write(tmp_path / "workspace.json", document), "-o", tmp_path / "fit.zarr", "--executor", "local")
    (point,) = run("fit", *given, "--json").json()
    (text,) = point["warnings"]
    assert text.startswith("the likelihood does not depend on mu, alone or in a combination")
    # No number stands for an uncertainty that there is none of; a constraint is one.
    assert point["parameters"]["mu"]["error"] is None
    assert point["parameters"]["idle"]["error"] == pytest.approx(1.0)


def test_negative_yields_of_points_are_told_with_samples_and_bins(tmp_path: Path) -> None:
    thin = {"name": "thin", "data": [2.0, 3.0], "modifiers": [histosys("leak", [-30.0, 3.0], [34.0, 3.0])]}
    patches = [
        {"metadata": {"name": "plain", "values": [0]}, "patch": signal_patch([6.0, 4.0])},
        {
            "metadata": {"name": "leaking", "values": [1]},
            "patch": [*signal_patch([6.0, 4.0]), {"op": "add", "path": "/channels/0/samples/-", "value": thin}],
        },
    ]
    workspace = small_workspace()
    workspace["observations"][0]["data"] = [35.0, 13.0]
    search = make_search(tmp_path, workspace, patchset_of(workspace, patches, ["mass"]))
    ended = measure("fit", search, "--json", "--fix", "mu=0")
    plain, leaking = ended.json()
    assert plain["warnings"] == []
    (text,) = [text for text in leaking["warnings"] if "negative yields" in text]
    assert "thin in bin 0 (-" in text
    assert "of SR" in text
    assert "background" not in text
    assert "signal" not in text
    assert f"warning: leaking: {text}" in ended.err
    # A store tells it again.
    assert run("show", search.store, "--json").json()[1]["warnings"] == leaking["warnings"]


def test_asimov_data_give_back_their_parameters(tmp_path: Path) -> None:
    for verb in (hfscale.best_fit, hfscale.ranking):
        store = tmp_path / f"{verb.__name__}.zarr"
        (point,) = verb(measurement(), store=store, asimov=1.5, executor="local").fits()
        best = dict(zip(point.parameters, point.best_fit, strict=True))
        assert best["mu"] == pytest.approx(1.5, abs=1e-6)
        assert best["top"] == pytest.approx(1.0, abs=1e-6)


def test_a_campaign_of_kind_fit_is_continued(tmp_path: Path, fitted: Search) -> None:
    campaign = {
        "schema": 1,
        "workspace": str(fitted.workspace),
        "patchset": str(fitted.patchset),
        "points": ["s_[24]00_0"],
        "calculation": {"kind": "fit", "minos": ["all"], "bounds": {"mu": [-5, 10]}},
        "store": "again.zarr",
        "run": {"executor": "local", "task_points": 1},
    }
    path = write(tmp_path / "campaign.yaml", yaml.safe_dump(campaign))
    assert run("run", path).code == 0
    assert digests_of(tmp_path / "again.zarr") == digests_of(fitted.store)
    ended = run("run", path)
    assert "nothing to do" in ended.err
    campaign["calculation"] = {"kind": "fit", "minos": ["mu"]}
    ended = run("run", write(path, yaml.safe_dump(campaign)))
    assert (ended.code, "minos" in ended.err) == (2, True)


def test_stores_of_points_with_other_parameters_are_merged(fitted: Search, tmp_path: Path) -> None:
    stores = [tmp_path / f"{name}.zarr" for name in ("a", "b")]
    for store, points in zip(stores, ("s_200_0", "s_400_0"), strict=True):
        given = ("-o", store, "--executor", "local", "--points", points, *FREE)
        assert run("fit", fitted.workspace, fitted.patchset, *given).code == 0
    assert run("merge", *stores, "-o", tmp_path / "c.zarr").code == 0
    merged = hfscale.open_results(tmp_path / "c.zarr").to_list()
    for one, other in zip(merged, hfscale.open_results(fitted.store).to_list(), strict=True):
        assert one["parameters"].keys() == other["parameters"].keys()
        for name, fields in one["parameters"].items():
            assert fields["minos"] == pytest.approx(other["parameters"][name]["minos"], abs=1e-6)
        np.testing.assert_allclose(one["correlation"]["matrix"], other["correlation"]["matrix"], atol=1e-6)
    assert run("verify", tmp_path / "c.zarr").code == 0


def test_points_have_their_own_parameters(tmp_path: Path) -> None:
    plain, shifted = signal_patch([6.0, 4.0]), signal_patch([3.0, 8.0], normsys("theory", 1.2, 0.8))
    patches = [
        {"metadata": {"name": name, "values": [k]}, "patch": patch}
        for k, (name, patch) in enumerate((("plain", plain), ("shifted", shifted)))
    ]
    patchset = patchset_of(small_workspace(), patches, ["mass"])
    options = {"bounds": {"mu": (-5.0, 10.0)}, "executor": "local"}
    together = hfscale.ranking(small_workspace(), patchset, store=tmp_path / "both.zarr", **options).rankings()
    assert [point.fit.parameters for point in together] == [("mu", "scale"), ("mu", "scale", "theory")]
    for point, patch in zip(together, (plain, shifted), strict=True):
        store = tmp_path / f"{point.fit.name}.zarr"
        single = {"metadata": {"name": point.fit.name, "values": [0]}, "patch": patch}
        alone_set = patchset_of(small_workspace(), [single], ["mass"])
        (alone,) = hfscale.ranking(small_workspace(), alone_set, store=store, **options).rankings()
        np.testing.assert_allclose(point.fit.errors, alone.fit.errors, rtol=1e-5)
        np.testing.assert_allclose(point.fit.correlation, alone.fit.correlation, atol=1e-5)
        np.testing.assert_allclose(point.impact, alone.impact, atol=1e-5)
        np.testing.assert_allclose(point.component, alone.component, atol=1e-5)


def test_a_damaged_store_is_noticed(fitted: Search, tmp_path: Path) -> None:
    store = copy_store(fitted.store, tmp_path)
    chunk = next(path for path in (store / "minos" / "c").rglob("*") if path.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-3])
    assert run("verify", store).code == 1


@pytest.mark.parametrize(
    ("verb", "options", "words"),
    [
        ("fit", ["--fix", "scael=1"], ["'scael' is no parameter", "scale"]),
        ("fit", ["--minos", "nu"], ["'nu' is no parameter", "mu"]),
        ("fit", ["--bounds", "mu=3:1"], ["bounds", "above"]),
        ("fit", ["--fix", "mu=20"], ["lies outside its bounds [0, 10]", "--bounds mu="]),
        ("fit", ["--init", "mu=-1"], ["lies outside its bounds [0, 10]", "--bounds mu="]),
        ("fit", ["--init", "mu=nan"], ["init.mu", "finite number"]),
        ("fit", ["--bounds", "scales=-1:1"], ["'scales' is no parameter", "such as scale"]),
        ("fit", ["--init", "sacle=0"], ["'sacle' is no parameter", "such as scale"]),
        ("ranking", ["--fix", "scael=1"], ["'scael' is no parameter", "such as scale"]),
        ("ranking", ["--poi", "nu"], ["the POI 'nu' is no modifier", "mu"]),
        ("ranking", ["--group", "empty=,"], ["groups.empty", "at least one pattern"]),
        ("gof", ["--bounds", "scael=0:1"], ["'scael' is no parameter", "such as scale"]),
        ("scan", ["--parameter", "scael"], ["'scael' is no parameter", "scale"]),
        ("scan", ["--parameter", "mu", "--grid", "-1:1:3"], ["outside its bounds [0, 10]"]),
        ("ranking", ["--group", "jets=JET*"], ["'JET*'", "'jets'", "matches no nuisance parameter"]),
        ("ranking", ["--group", "poi=mu"], ["matches no nuisance parameter"]),
        ("ranking", ["--fix", "mu=1"], ["'mu' is held in all fits"]),
        ("ranking", ["--expected-only", "--asimov", "1"], ["exclude each other"]),
    ],
)
def test_what_makes_no_sense_is_refused(small: Search, verb: str, options: list[str], words: list[str]) -> None:
    ended = measure(verb, small, *options)
    assert ended.code == 2
    for word in words:
        assert word in ended.err
    assert "remedy" in ended.err
    assert "Traceback" not in ended.err
    assert small.left() == []


@pytest.mark.parametrize("text", ["mu", "mu=", "=1", "mu=x"])
def test_options_that_cannot_be_read_are_refused(small: Search, text: str) -> None:
    ended = measure("fit", small, "--fix", text)
    assert (ended.code, small.left()) == (2, [])
    assert "--fix" in ended.err


def test_a_poi_without_effect_has_no_ranking(small: Search, tmp_path: Path) -> None:
    ended = run("ranking", small.workspace, "-o", small.store)
    assert ended.code == 2
    assert "mu" in ended.err
    assert small.left() == []
    # The POI is there, but what it scales has no events.
    empty = [{"metadata": {"name": "empty", "values": [0]}, "patch": signal_patch([0.0, 0.0])}]
    patchset = write(tmp_path / "empty.json", patchset_of(small_workspace(), empty, ["mass"]))
    left = small.left()
    ended = run("ranking", small.workspace, patchset, "-o", small.store)
    assert ended.code == 2
    assert "the POI 'mu' changes no expected rate" in ended.err
    assert "remedy" in ended.err
    assert small.left() == left


def test_python_refuses_the_same(small: Search, ranked: Path) -> None:
    with pytest.raises(SelectionError, match="is no parameter"):
        hfscale.best_fit(small.workspace, small.patchset, store=small.store, minos=["nu"])
    with pytest.raises(InputError, match="no toys"):
        hfscale.ranking(small.workspace, small.patchset, store=small.store, calctype="toybased")
    with pytest.raises(SelectionError):
        hfscale.open_results(ranked).plane_points()
    assert small.left() == []


def test_results_of_another_kind_are_refused(small_store: Path, fitted: Search) -> None:
    with pytest.raises(SelectionError, match="kind cls, not fit or ranking"):
        hfscale.open_results(small_store).fits()
    with pytest.raises(SelectionError, match="kind fit, not ranking"):
        hfscale.open_results(fitted.store).rankings()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_cabinetry_draws_our_results(ranked: Path, fitted: Search) -> None:
    cabinetry = pytest.importorskip("cabinetry")
    (ranking,) = hfscale.open_results(ranked).rankings()
    container = ranking.to_cabinetry()
    assert "mu" not in container.labels
    assert (
        container.postfit_down[container.labels.index("jets")]
        == ranking.impact[3, ranking.fit.parameters.index("jets")]
    )
    assert cabinetry.visualize.ranking(container, save_figure=False) is not None
    fit = hfscale.open_results(fitted.store).fits()[0]
    assert fit.to_cabinetry().minos_uncertainty["mu"] == tuple(fit.minos[:, fit.parameters.index("mu")])
    assert cabinetry.visualize.correlation_matrix(fit.to_cabinetry(), save_figure=False) is not None
