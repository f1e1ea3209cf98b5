"""Expected yields beside cabinetry, beside sampled parameters, as tables, and after fits of other workspaces."""

import contextlib
import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hfscale
from hfscale.errors import InputError, SelectionError
from hfscale.predictions.tables import yield_tables
from tests.inference.measurement.models import measurement
from tests.models import PYHF_WARNING, Spec, histosys, normfactor, normsys, one_channel, sample
from tests.program import Search, make_search, write
from tests.program import hfscale as run


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small measurement and the store of its fit; not to be changed."""
    folder = tmp_path_factory.mktemp("prediction")
    workspace = write(folder / "workspace.json", measurement())
    assert run("fit", workspace, "-o", folder / "fit.zarr", "--executor", "local").code == 0
    return workspace, folder / "fit.zarr"


def theirs(spec: Spec, fit: Any = None) -> Any:
    """cabinetry's prediction, the parameters taken from our fit."""
    cabinetry = pytest.importorskip("cabinetry")
    model, _ = cabinetry.model_utils.model_and_data(spec)
    results = None
    if fit is not None:
        results = cabinetry.model_utils.match_fit_results(model, fit.to_cabinetry())
    with contextlib.redirect_stderr(io.StringIO()):
        return cabinetry.model_utils.prediction(model, fit_results=results)


def assert_equal(ours: hfscale.Prediction, cabinetry: Any) -> None:
    config = cabinetry.model.config
    rows = [ours.samples.index(name) for name in config.samples]
    assert ours.channels == tuple(config.channels)
    for k in range(len(config.channels)):
        own = ours.channel_of_bin == k
        np.testing.assert_allclose(ours.yields.bins[rows][:, own], cabinetry.model_yields[k], rtol=1e-9)
        every = [*rows, len(rows)]
        errors = cabinetry.total_stdev_model_bins[k]
        np.testing.assert_allclose(ours.yields.bin_errors[every][:, own], errors, rtol=1e-8, atol=1e-12)
        sums = cabinetry.total_stdev_model_channels[k]
        np.testing.assert_allclose(ours.yields.channel_errors[every, k], sums, rtol=1e-8, atol=1e-12)


@pytest.mark.filterwarnings(PYHF_WARNING, "ignore::DeprecationWarning")
def test_yields_and_uncertainties_are_those_of_cabinetry(fitted: tuple[Path, Path]) -> None:
    workspace, store = fitted
    (before,), (after,) = hfscale.prediction(workspace), hfscale.prediction(store)
    assert (before.label, after.label, after.missing) == ("pre-fit", "post-fit", ())
    assert_equal(before, theirs(measurement()))
    assert_equal(after, theirs(measurement(), hfscale.open_results(store).fits()[0]))
    assert after.yields.channel_errors[-1].max() < before.yields.channel_errors[-1].max() * 2.0
    assert after.data.tolist() == [118.0, 74.0, 47.0]


@pytest.mark.parametrize("seed", range(2))
def test_linear_uncertainties_are_those_of_a_sampled_covariance(seed: int, tmp_path: Path) -> None:
    # Small effects, in which yields are linear, with random correlations from the fit.
    random = np.random.default_rng(seed)
    yields = random.uniform(400.0, 900.0, 3)
    shifts = [histosys(f"h{k}", yields + d, yields - d) for k, d in enumerate(random.uniform(-15.0, 15.0, (2, 3)))]
    norms = [normsys(f"n{k}", 1.0 + d, 1.0 - d) for k, d in enumerate(random.uniform(0.01, 0.04, 2))]
    spec = one_channel(
        list(random.poisson(yields + 60.0).astype(float)),
        sample("signal", [20.0, 60.0, 100.0], normfactor()),
        sample("bkg", list(yields), *shifts, *norms),
        parameters=[{"name": "mu", "bounds": [[-10.0, 10.0]], "inits": [1.0]}],
    )
    workspace = write(tmp_path / "workspace.json", spec)
    assert run("fit", workspace, "-o", tmp_path / "fit.zarr", "--executor", "local").code == 0
    (linear,) = hfscale.prediction(tmp_path / "fit.zarr")
    (drawn,) = hfscale.prediction(tmp_path / "fit.zarr", method="sampling", draws=20_000)
    np.testing.assert_allclose(drawn.yields.bin_errors, linear.yields.bin_errors, rtol=0.04)
    np.testing.assert_allclose(drawn.yields.channel_errors, linear.yields.channel_errors, rtol=0.04)
    # The sum is known better than its parts, which are anticorrelated.
    assert linear.yields.channel_errors[-1, 0] < np.hypot(*linear.yields.channel_errors[:-1, 0])


def test_merged_samples_have_the_uncertainty_of_their_sum(fitted: tuple[Path, Path]) -> None:
    (all_samples,) = hfscale.prediction(fitted[1])
    (merged,) = hfscale.prediction(fitted[1], merge={"everything": ["*"]})
    assert merged.samples == ("everything",)
    np.testing.assert_allclose(merged.yields.bin_errors[0], all_samples.yields.bin_errors[-1])
    ended = run("prediction", fitted[1], "--merge", "background=top,oth*", "--json")
    channel = next(one for one in ended.json()[0]["channels"] if one["channel"] == "SR")
    assert [fields["sample"] for fields in channel["samples"]] == ["background", "signal"]
    top, other = (all_samples.samples.index(name) for name in ("top", "other"))
    sums = all_samples.yields.bins[[top, other], 1:].sum(axis=0)
    assert channel["samples"][0]["yields"] == pytest.approx(sums.tolist())
    assert channel["data"] == [74.0, 47.0]


@pytest.mark.filterwarnings(PYHF_WARNING, "ignore::DeprecationWarning")
def test_a_fit_is_carried_to_a_validation_region(fitted: tuple[Path, Path], tmp_path: Path) -> None:
    spec = one_channel([30.0], sample("top", [25.0], normfactor("top"), normsys("scale", 1.2, 0.9)), poi="top")
    spec["channels"][0]["samples"].append(sample("extra", [4.0], normsys("new", 1.3, 0.8)))
    workspace = write(tmp_path / "validation.json", spec)
    ended = run("prediction", workspace, "--fit-from", fitted[1], "--json")
    assert "the fit does not have new" in ended.err
    assert ended.json()[0]["parameters_not_in_fit"] == ["new"]
    (ours,) = hfscale.prediction(workspace, fit=fitted[1])
    assert_equal(ours, theirs(spec, hfscale.open_results(fitted[1]).fits()[0]))


def test_tables_in_all_formats(fitted: tuple[Path, Path], tmp_path: Path) -> None:
    (one,) = hfscale.prediction(fitted[1])
    text = run("prediction", fitted[1]).out
    assert text.splitlines()[1].split() == ["sample", "CR", "SR"]
    total = f"{one.yields.channels[-1, 1]:.2f} \u00b1 {one.yields.channel_errors[-1, 1]:.2f}"
    assert next(line for line in text.splitlines() if line.startswith("total")).endswith(total)
    assert "data" not in run("prediction", fitted[1], "--no-data").out
    ended = run("prediction", fitted[1], "--format", "latex", "-o", tmp_path / "yields.tex")
    assert (ended.code, ended.out) == (0, "")
    assert total.replace("\u00b1", r"\pm") in (tmp_path / "yields.tex").read_text()
    assert f"<td>{total}</td>" in run("prediction", fitted[1], "--format", "html").out
    rows = list(csv.DictReader(io.StringIO(yield_tables([one], "csv", "bin"))))
    signal = [float(row["yield"]) for row in rows if row["sample"] == "signal" and row["channel"] == "SR"]
    assert signal == one.yields.bins[one.samples.index("signal"), 1:].tolist()
    assert [row["bin"] for row in rows if row["sample"] == "data"] == ["1", "1", "2"]


def test_a_prediction_of_every_point_of_a_patchset(tmp_path: Path) -> None:
    search: Search = make_search(tmp_path)
    given = (search.workspace, search.patchset, "--points", "s_[24]00_0")
    assert run("fit", *given, "-o", tmp_path / "fits.zarr", "--executor", "local", "--asimov", 1).code == 0
    after = run("prediction", tmp_path / "fits.zarr", "--json").json()
    assert [point["name"] for point in after] == ["s_200_0", "s_400_0"]
    # The fit saw no observed data.
    assert after[0]["channels"][0]["data"] is None
    before = run("prediction", *given, "--json").json()
    assert after[1]["channels"][0]["total"]["yields"] == pytest.approx(
        before[1]["channels"][0]["total"]["yields"], rel=1e-4
    )
    ended = run("prediction", search.workspace, search.patchset, "--fit-from", tmp_path / "fits.zarr")
    assert ended.code == 2
    assert "the fits are of 2 signal points" in ended.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--merge", "top=tt*"), "matches no sample"),
        (("--merge", "signal=top"), "'signal' is a sample"),
        (("--fit-from", "nothing.zarr"), "nothing.zarr"),
        (("--interpcode", "normsys"), "names no interpolation codes"),
        (("-o", "missing/yields.tex"), "folder does not exist"),
    ],
)
def test_bad_input(fitted: tuple[Path, Path], options: tuple[str, ...], message: str) -> None:
    ended = run("prediction", fitted[0], *options)
    assert ended.code == 2
    assert message in ended.err


def test_bad_input_in_python(fitted: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="stands for its own inputs"):
        hfscale.prediction(fitted[1], fit=fitted[1])
    with pytest.raises(InputError, match="1 draws give no spread"):
        hfscale.prediction(fitted[0], method="sampling", draws=1)
    with pytest.raises(SelectionError, match="nothing"):
        hfscale.prediction(fitted[1], points=["nothing"])


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.filterwarnings(PYHF_WARNING, "ignore::DeprecationWarning")
def test_yields_of_a_search_are_those_of_cabinetry(shared_data: Path, tmp_path: Path) -> None:
    from hfscale.workspace import load_inputs
    from hfscale.workspace.patches import patched_workspace

    inputs = load_inputs(shared_data / "sbottom-RegionA.tar.gz", points=["sbottom_1300_205_60"])
    spec = patched_workspace(inputs, inputs.points[0])
    workspace = write(tmp_path / "workspace.json", spec)
    assert run("fit", workspace, "-o", tmp_path / "fit.zarr", "--executor", "local").code == 0
    (before,), (after,) = hfscale.prediction(workspace), hfscale.prediction(tmp_path / "fit.zarr")
    assert_equal(before, theirs(spec))
    assert_equal(after, theirs(spec, hfscale.open_results(tmp_path / "fit.zarr").fits()[0]))
