"""Goodness of fit from the command line and Python, beside cabinetry and beside toys fitted one by one."""

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

import hfscale
from hfscale.errors import InputError, SelectionError
from tests.inference.measurement.models import measurement
from tests.models import PYHF_WARNING, Spec, modifier, one_channel, sample
from tests.program import hfscale as run
from tests.program import write

TOYS = ("--calctype", "toybased", "--ntoys", 200, "--seed", 3)


def gof(workspace: Path, store: Path, *options: object) -> Any:
    ended = run("gof", workspace, "-o", store, "--executor", "local", "--json", *options)
    assert ended.code == 0, ended.err
    return ended.json()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small measurement; not to be changed."""
    return write(tmp_path_factory.mktemp("gof") / "workspace.json", measurement())


@pytest.fixture(scope="module")
def tested(workspace: Path) -> tuple[Path, Any]:
    """Its goodness of fit with toys: the store, and what was printed."""
    store = workspace.with_name("toys.zarr")
    return store, gof(workspace, store, *TOYS)[0]


def cabinetry_p_value(spec: Spec, **options: Any) -> float:
    cabinetry = pytest.importorskip("cabinetry")
    model, data = cabinetry.model_utils.model_and_data(spec)
    with contextlib.redirect_stderr(io.StringIO()):
        return float(cabinetry.fit.fit(model, data, goodness_of_fit=True, **options).goodness_of_fit)


@pytest.mark.filterwarnings(PYHF_WARNING, "ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_the_p_value_is_that_of_cabinetry(tmp_path: Path) -> None:
    # Two bins of the control region, so that there is a degree of freedom.
    spec = measurement()
    control = next(channel for channel in spec["channels"] if channel["name"] == "CR")
    control["samples"][0]["data"] = [60.0, 50.0]
    spec["observations"][0]["data"] = [75.0, 43.0]
    (point,) = gof(write(tmp_path / "workspace.json", spec), tmp_path / "gof.zarr")
    assert point["n_dof"] == 2
    assert point["p_value"] == pytest.approx(cabinetry_p_value(spec), rel=1e-3)
    assert point["chi2"] > 1.0


def test_parts_add_up_to_the_distance_to_the_saturated_model(tested: tuple[Path, Any], workspace: Path) -> None:
    _, point = tested
    assert point["status"] == "ok"
    parts = [fields["chi2"] for fields in point["channels"]]
    assert [fields["channel"] for fields in point["channels"]] == ["CR", "SR"]
    assert [fields["bins"] for fields in point["channels"]] == [1, 2]
    assert sum(parts) + point["chi2_constraints"] == pytest.approx(point["chi2"])
    likelihood = hfscale.Likelihood.from_workspace(workspace)
    fit = likelihood.fit()
    assert point["twice_nll"]["free"] == pytest.approx(fit.twice_nll, abs=1e-7)
    rates, counts = likelihood.expected_data(fit.parameters, include_auxdata=False), likelihood.observations
    channels = 2.0 * (rates - counts + counts * np.log(counts / rates))
    assert sum(parts) == pytest.approx(channels.sum(), abs=1e-6)


def test_toys_follow_the_chi_square_distribution_where_counts_are_large(tmp_path: Path) -> None:
    counts = [4000.0, 5000.0, 6000.0, 7000.0]
    background = sample("bkg", [4100.0, 5000.0, 5900.0, 7100.0], modifier("normfactor", "norm"))
    spec = one_channel(counts, background, poi="")
    (point,) = gof(write(tmp_path / "workspace.json", spec), tmp_path / "gof.zarr", *TOYS[:2], "--ntoys", 1000)
    low, high = point["toy_p_value_interval"]
    assert point["n_dof"] == 3
    assert point["failed_toys"] == 0
    assert point["n_toys"] == 1000
    assert abs(point["toy_p_value"] - point["p_value"]) < 2.0 * (high - low)
    toys = hfscale.open_results(tmp_path / "gof.zarr").goodness()[0].chi2_toys
    assert toys.mean() == pytest.approx(3.0, abs=4.0 * np.sqrt(6.0 / 1000))
    assert toys.var() == pytest.approx(6.0, rel=0.4)


def test_a_store_is_continued_read_and_drawn_as_a_table(tested: tuple[Path, Any], workspace: Path) -> None:
    store, point = tested
    again = run("gof", workspace, "-o", store, "--executor", "local", "--json", *TOYS)
    assert "nothing to do" in again.err
    assert again.json() == [point]
    header, *rows = run("show", store).out.splitlines()
    assert header.split()[:6] == ["name", "status", "channel", "chi2", "bins", "n_dof"]
    assert [row.split()[2] for row in rows] == ["[all]", "[constraints]", "CR", "SR"]
    frame = hfscale.open_results(store).to_dataframe()
    assert frame["chi2_SR"].item() == point["channels"][1]["chi2"]
    assert frame["toy_p_value"].item() == point["toy_p_value"]
    with xarray.open_zarr(store, chunks=None) as dataset:
        assert dataset["chi2_toys"].sizes["toy"] == 200
        assert dataset["channel_chi2"].sel(channel="SR").item() == point["channels"][1]["chi2"]
    exported = run("export", store, "--format", "csv").out.splitlines()
    assert {"chi2", "n_dof", "toy_p_value", "chi2_CR"} <= set(exported[0].split(","))


def test_toys_are_the_same_in_python_and_in_a_campaign(tested: tuple[Path, Any], workspace: Path) -> None:
    results = hfscale.gof(
        workspace, store=workspace.with_name("python.zarr"), calctype="toybased", ntoys=200, seed=3, executor="local"
    )
    assert results.goodness()[0].toy_p_value == tested[1]["toy_p_value"]
    campaign = workspace.with_name("campaign.yaml")
    calculation = "{kind: gof, calctype: toybased, ntoys: 200, seed: 3}"
    campaign.write_text(f"schema: 1\nworkspace: workspace.json\ncalculation: {calculation}\nstore: campaign.zarr\n")
    ended = run("run", campaign, "--set", "run.executor=local", "--json")
    assert ended.json() == [tested[1]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--channel", "SRR"), "'SRR' is no channel"),
        (("--ntoys", 10), "without calctype toybased"),
        (("--calctype", "toybased", "--ntoys", 0), "ntoys"),
        (("--fix", "jetz=0"), "'jetz' is no parameter"),
    ],
)
def test_bad_input_writes_nothing(workspace: Path, tmp_path: Path, options: tuple[object, ...], message: str) -> None:
    ended = run("gof", workspace, "-o", tmp_path / "gof.zarr", *options)
    assert ended.code == 2
    assert message in ended.err
    assert not (tmp_path / "gof.zarr").exists()


def test_other_toy_settings_and_other_stores_are_refused(tested: tuple[Path, Any], workspace: Path) -> None:
    with pytest.raises(InputError, match="first_toy would have no effect"):
        hfscale.gof(workspace, store="x.zarr", calctype="toybased", first_toy=3)
    with pytest.raises(SelectionError, match="kind gof, not fit"):
        hfscale.open_results(tested[0]).fits()


@pytest.mark.data
@pytest.mark.peer
@pytest.mark.filterwarnings(PYHF_WARNING, "ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_the_p_value_of_a_search_is_that_of_cabinetry(shared_data: Path, tmp_path: Path) -> None:
    from hfscale.workspace import load_inputs
    from hfscale.workspace.patches import patched_workspace

    inputs = load_inputs(shared_data / "sbottom-RegionA.tar.gz", points=["sbottom_1300_205_60"])
    spec = patched_workspace(inputs, inputs.points[0])
    (point,) = gof(write(tmp_path / "workspace.json", spec), tmp_path / "gof.zarr")
    assert point["p_value"] == pytest.approx(cabinetry_p_value(spec), rel=1e-3)
