"""Toys of a store again: the same to the last bit, with the trace of their fits, and as workspaces of pyhf."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyhf
import pytest

import hfscale as package
import hfscale.inference.toys.fits as toy_fits
from hfscale.errors import ModelError, SelectionError, StoreMismatchError
from hfscale.fit.status import FitStatus
from hfscale.inference.toys.results import ToyStatus
from hfscale.store.toys import open_round
from tests.models import PYHF_WARNING, Spec, histosys, modifier, normfactor, normsys, sample
from tests.models import workspace as workspace_of
from tests.program import (
    Search,
    copy_store,
    hfscale,
    make_search,
    patchset_of,
    signal_patch,
    small_patchset,
    small_workspace,
)

NTOYS, POINT = 40, "s_400_100"


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    """Two points and one without signal, with toys in two rounds; not to be changed."""
    workspace = small_workspace()
    empty = {"metadata": {"name": "empty", "values": [1600, 0]}, "patch": signal_patch([0.0, 0.0])}
    patches = [p for p in small_patchset(workspace)["patches"] if p["metadata"]["name"] in (POINT, "s_800_0")]
    patchset = patchset_of(workspace, [*patches, empty], ["m_heavy", "m_light"])
    made = make_search(tmp_path_factory.mktemp("replay"), workspace, patchset)
    assert made.cls("--calctype", "toybased", "--ntoys", NTOYS, "--task-toys", 15).code == 0
    assert hfscale("toys", made.store, "--more", 10, "--executor", "local").code == 0
    return made


@pytest.mark.parametrize("hypothesis", ["sb", "b"])
@pytest.mark.parametrize("toy", [0, 17, NTOYS + 5])
def test_a_toy_of_a_store_is_the_same_again(search: Search, hypothesis: Any, toy: int) -> None:
    found = package.replay(search.store, POINT, hypothesis, toy)
    stored = package.open_results(search.store).toys(POINT).isel(point=0, mu=0).sel(hypothesis=hypothesis, toy=toy)
    assert found.identical is True
    assert found.difference == 0.0
    for name in ("q", "mu_hat", "twice_nll_conditional", "twice_nll_free"):
        assert getattr(found.result, name) == float(stored[name])
    assert (found.point, found.hypothesis, found.mu, found.seed, found.toy) == (POINT, hypothesis, 1.0, 0, toy)


def test_the_trace_leads_to_the_minima(search: Search) -> None:
    result = package.replay(search.store, POINT, "sb", 3).result
    conditional, free = result.minimum("conditional"), result.minimum("free")
    assert (conditional.twice_nll, free.twice_nll) == (result.twice_nll_conditional, result.twice_nll_free)
    assert conditional.parameters["mu"] == 1.0
    assert free.parameters["mu"] == result.mu_hat
    assert conditional.parameters.keys() == {"mu", "scale"}
    assert all(fit.iterations > 0 and fit.status is FitStatus.CONVERGED for fit in result.fits)
    assert [fit.outcome for fit in result.fits].count("kept") == 2


def test_toys_that_were_never_run(search: Search, tmp_path: Path) -> None:
    far, other = (package.replay(search.store, POINT, "b", toy, seed=seed) for toy, seed in ((7000, 0), (3, 9)))
    assert far.stored is None
    assert far.identical is None
    assert far.difference is None
    files = search.workspace, search.patchset
    options: dict[str, Any] = {"calctype": "toybased", "ntoys": 1, "executor": "local"}
    ran = package.cls(*files, store=tmp_path / "far.zarr", first_toy=7000, **options).toys(POINT)
    assert far.result.q == float(ran["q"].sel(hypothesis="b").squeeze())
    ran = package.cls(*files, store=tmp_path / "other.zarr", first_toy=3, seed=9, **options).toys(POINT)
    assert other.result.q == float(ran["q"].sel(hypothesis="b").squeeze())


def test_data_of_a_toy_can_be_fitted_as_observed(search: Search, tmp_path: Path) -> None:
    toy = package.replay(search.store, POINT, "sb", 3)
    observed = search._replace(store=tmp_path / "observed.zarr")
    file = tmp_path / "toy.json"
    file.write_text(json.dumps(toy.to_json()["data"]))
    (point,) = observed.cls("--points", POINT, "--data", file, "--json").json()
    assert point["q"] == pytest.approx(toy.result.q, abs=1e-8)
    assert point["twice_nll"]["free"] == pytest.approx(toy.result.twice_nll_free, abs=1e-8)


def test_a_store_that_holds_something_else_is_noticed(search: Search, tmp_path: Path) -> None:
    changed = search._replace(store=copy_store(search.store, tmp_path))
    toys = open_round(changed.store, 0)["q"]
    toys[0, 0, 0, 3] += 1e-3
    found = package.replay(changed.store, POINT, "sb", 3)
    assert found.identical is False
    assert found.difference == pytest.approx(-1e-3)


def test_a_failing_toy_tells_why(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    original = toy_fits.best_fits

    def failing(*arguments: Any, **options: Any) -> Any:
        results = original(*arguments, **options)
        return results._replace(status=np.array([int(FitStatus.NOT_CONVERGED), int(results.status[1])]))

    monkeypatch.setattr(toy_fits, "best_fits", failing)
    found = package.replay(search.store, POINT, "sb", 3)
    assert found.result.status is ToyStatus.FAILED
    assert found.result.reason.startswith("conditional fit: no certified minimum")
    assert found.identical is False
    assert found.difference is None
    document = found.to_json()
    assert (document["status"], document["q"], document["twice_nll"]["conditional"]) == ("failed", None, None)


def test_what_has_no_toys(search: Search) -> None:
    with pytest.raises(SelectionError, match="'empty' has no toys: its parameter of interest scales nothing"):
        package.replay(search.store, "empty", "sb", 3)


def test_toys_of_another_generator_are_refused(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfscale.replaying.GENERATOR", "dice")
    with pytest.raises(StoreMismatchError, match="from the generator philox"):
        package.replay(search.store, POINT, "sb", 3)


def everything() -> Spec:
    """Every modifier type with a constraint, bins that staterror and shapesys leave out, and configured parameters."""
    return workspace_of(
        {
            "SR": [
                sample("signal", [5.0, 8.0, 2.0], normfactor(), normsys("theory", 1.2, 0.85)),
                sample(
                    "bkg",
                    [50.0, 40.0, 30.0],
                    histosys("jes", [53.0, 42.0, 31.0], [46.0, 39.0, 27.0]),
                    modifier("staterror", "stat_SR", [3.0, 0.0, 2.0]),
                    modifier("lumi", "lumi"),
                ),
            ],
            "CR": [
                sample("bkg", [200.0, 10.0], normsys("theory", 1.1, 0.9), modifier("shapesys", "fakes", [12.0, 0.0])),
                sample("top", [80.0, 20.0], normfactor("k_top"), modifier("lumi", "lumi")),
            ],
        },
        {"SR": [58, 49, 30], "CR": [285, 33]},
        [
            {"name": "lumi", "inits": [1.0], "bounds": [[0.5, 1.5]], "auxdata": [1.0], "sigmas": [0.02]},
            {"name": "k_top", "bounds": [[0.1, 5.0]], "inits": [1.1]},
            {"name": "jes", "fixed": False, "inits": [0.2], "auxdata": [0.1]},
        ],
    )


def with_toys(spec: Spec, store: Path, **options: Any) -> Path:
    package.cls(spec, store=store, calctype="toybased", ntoys=3, executor="local", **options)
    return store


@pytest.mark.filterwarnings(PYHF_WARNING)
@pytest.mark.parametrize("ensemble", ["unconditional", "aux-profiled"])
def test_pyhf_reads_a_toy_as_its_data(tmp_path: Path, ensemble: Any) -> None:
    store = with_toys(everything(), tmp_path / "toys.zarr", ensemble=ensemble)
    file = tmp_path / "toy.json"
    for hypothesis in ("sb", "b"):
        toy = package.replay(store, "fit", hypothesis, 1, workspace=file)
        measured = pyhf.Workspace(json.loads(file.read_text()))
        model = measured.model()
        data = measured.data(model)
        assert data[: model.config.nmaindata] == [n for name in ("CR", "SR") for n in toy.data.observations[name]]
        expected = [value for name in model.config.auxdata_order for value in toy.data.auxdata[name]]
        assert data[model.config.nmaindata :] == expected
        assert len(set(expected)) > 5
        for fit in (toy.result.minimum("conditional"), toy.result.minimum("free")):
            parameters = [fit.parameters[name] for name in model.config.par_names]
            assert -2.0 * model.logpdf(parameters, data)[0] == pytest.approx(fit.twice_nll, rel=1e-9)


@pytest.mark.filterwarnings(PYHF_WARNING)
def test_the_workspace_of_a_toy_holds_the_signal_of_its_point(search: Search, tmp_path: Path) -> None:
    file = tmp_path / "toy.json"
    toy = package.replay(search.store, POINT, "sb", NTOYS + 1, workspace=file).result
    measured = pyhf.Workspace(json.loads(file.read_text()))
    model = measured.model()
    q = pyhf.infer.test_statistics.qmu_tilde(
        1.0,
        measured.data(model),
        model,
        model.config.suggested_init(),
        model.config.suggested_bounds(),
        model.config.suggested_fixed(),
    )
    assert float(np.ravel(q)[0]) == pytest.approx(toy.q, abs=1e-5)


def test_a_toy_of_a_likelihood_that_pyhf_does_not_know(tmp_path: Path) -> None:
    spec = everything()
    spec["measurements"][0]["config"]["hfscale"] = {"staterror": {"constraint": "poisson"}}
    store, file = with_toys(spec, tmp_path / "toys.zarr"), tmp_path / "toy.json"
    with pytest.raises(ModelError, match="uses staterror of the key 'hfscale'"):
        package.replay(store, "fit", "sb", 0, workspace=file)
    assert not file.exists()
    assert package.replay(store, "fit", "sb", 0).identical


def test_one_of_several_poi_values(search: Search, tmp_path: Path) -> None:
    files, options = (search.workspace, search.patchset), {"points": [POINT], "calctype": "toybased", "ntoys": 10}
    scan = package.scan(*files, store=tmp_path / "scan.zarr", poi_grid="0.5:1.5:3", executor="local", **options)
    found = package.replay(scan.path, POINT, "sb", 4, mu=1.5)
    assert found.identical
    assert (found.mu, found.result.minimum("conditional").parameters["mu"]) == (1.5, 1.5)
    assert found.result.q == float(scan.toys()["q"].sel(hypothesis="sb", mu=1.5, toy=4).squeeze())
    with pytest.raises(SelectionError, match="several POI values") as raised:
        package.replay(scan.path, POINT, "sb", 4)
    assert "0.5, 1, 1.5" in str(raised.value)


def test_discovery_toys(search: Search, tmp_path: Path) -> None:
    options: dict[str, Any] = {"points": [POINT], "calctype": "toybased", "ntoys": 10, "executor": "local"}
    files = search.workspace, search.patchset
    tested = package.significance(*files, store=tmp_path / "discovery.zarr", **options)
    found = package.replay(tested.path, POINT, "b", 4)
    assert found.identical
    assert (found.mu, found.thrown_with["mu"]) == (0.0, 1.0)
