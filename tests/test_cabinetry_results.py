"""Results to cabinetry's containers and back, beside what cabinetry itself computes of a small measurement."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import hfscale
from hfscale.errors import InputError, SelectionError
from hfscale.reading.group_impacts import sums_of_impacts
from tests.inference.measurement.models import measurement
from tests.models import PYHF_WARNING, counting, normsys
from tests.program import hfscale as run
from tests.program import write

cabinetry = pytest.importorskip("cabinetry")
pytestmark = pytest.mark.filterwarnings(
    PYHF_WARNING, "ignore::DeprecationWarning", "ignore::iminuit.util.IMinuitWarning"
)


class Model(NamedTuple):
    """A small measurement in both programs."""

    workspace: Path
    model: Any
    data: list[float]


def in_both(folder: Path, spec: dict[str, Any]) -> Model:
    return Model(write(folder / "workspace.json", spec), *cabinetry.model_utils.model_and_data(spec))


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Model:
    spec = counting(8.0, 40.0, 47.0, normsys("scale", 1.1, 0.92))
    return in_both(tmp_path_factory.mktemp("search"), spec)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return in_both(tmp_path_factory.mktemp("measured"), measurement())


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with contextlib.redirect_stderr(io.StringIO()):
        yield


def store(model: Model, verb: str, *options: object) -> hfscale.Results:
    path = model.workspace.parent / f"{verb}.zarr"
    assert run(verb, model.workspace, "-o", path, "--executor", "local", *options).code == 0
    return hfscale.open_results(path)


def assert_same(ours: tuple[Any, ...], theirs: tuple[Any, ...], **tolerance: float) -> None:
    """Two containers of one kind hold the same."""
    assert type(ours) is type(theirs)
    for name, one, other in zip(theirs._fields, ours, theirs, strict=True):
        if isinstance(other, dict):
            assert one.keys() == other.keys()
            one, other = (np.array(list(numbers.values())) for numbers in (one, other))
        if name in ("labels", "name", "label"):
            assert list(one) == list(other)
        elif name == "model":
            assert one is other
        elif name.startswith("model_yields") or name.startswith("total_stdev"):
            for a, b in zip(one, other, strict=True):
                np.testing.assert_allclose(a, b, **tolerance)
        else:
            np.testing.assert_allclose(one, other, err_msg=name, **tolerance)


def test_fits(measured: Model) -> None:
    fit = cabinetry.fit.fit(measured.model, measured.data, minos=["mu"], goodness_of_fit=True, tolerance=1e-4)
    point = hfscale.FittedPoint.from_cabinetry(fit)
    back = point.to_cabinetry()
    assert_same(back._replace(goodness_of_fit=fit.goodness_of_fit), fit)
    assert point.covariance[3, 3] == pytest.approx(fit.uncertainty[3] ** 2)
    ours = store(measured, "fit", "--minos", "mu").fits()[0]
    (goodness,) = store(measured, "gof").goodness()
    assert_same(ours.to_cabinetry(goodness)._replace(corr_mat=fit.corr_mat), fit, rtol=0.02, atol=2e-3)
    np.testing.assert_allclose(ours.to_cabinetry().corr_mat, fit.corr_mat, atol=0.02)
    assert ours.to_cabinetry().goodness_of_fit == -1


def test_rankings(searched: Model) -> None:
    fit = cabinetry.fit.fit(searched.model, searched.data, tolerance=1e-4)
    impacts = cabinetry.fit.ranking(searched.model, searched.data, fit_results=fit, tolerance=1e-4)
    ranked = hfscale.RankedPoint.from_cabinetry(impacts, fit, "mu")
    assert_same(ranked.to_cabinetry(), impacts)
    assert [ranked.fit.parameters[k] for k in ranked.ranked] == ["scale"]
    (group,) = ranked.groups({"all": ["sc*"]})
    assert group.impact > 0.0
    # No components: what they are, and which parameters have a constraint, is not known, and not 0.
    assert np.isnan([group.component, ranked.component_total, *ranked.systematic()[2:]]).all()
    assert [one.name for one in sums_of_impacts(ranked)] == ["total"]
    assert_same(store(searched, "ranking").rankings()[0].to_cabinetry(), impacts, rtol=0.02, atol=4e-3)
    with pytest.raises(SelectionError, match="the POI 'top'"):
        hfscale.RankedPoint.from_cabinetry(impacts, fit, "top")


def test_scans(measured: Model) -> None:
    scan = cabinetry.fit.scan(measured.model, measured.data, "jets", par_range=(-2.0, 2.0), n_steps=5, tolerance=1e-4)
    assert_same(hfscale.ProfileCurve.from_cabinetry(scan).to_cabinetry(), scan)
    (curve,) = store(measured, "scan", "--parameter", "jets", "--grid", "-2:2:5").profiles()
    assert (curve.name, curve.status) == ("fit", "ok")
    assert_same(curve.to_cabinetry(), scan, rtol=1e-2, atol=2e-3)


def test_limits(searched: Model) -> None:
    limit = cabinetry.fit.limit(searched.model, searched.data, poi_tolerance=1e-3)
    taken = hfscale.UpperLimit.from_cabinetry(limit)
    assert taken.level == 0.05
    assert_same(taken.to_cabinetry(), limit)
    (found,) = store(searched, "limit").limits()
    ours = found.to_cabinetry()
    assert ours.observed_limit == pytest.approx(limit.observed_limit, rel=1e-3)
    np.testing.assert_allclose(ours.expected_limit, limit.expected_limit, rtol=1e-3)
    # Asymptotic limits have no curve; that of a scan is the one that cabinetry searched on.
    assert (ours.poi_values.shape, ours.expected_CLs.shape) == ((0,), (0, 5))
    (scanned,) = store(searched, "scan", "--poi-grid", "0.2:4:20").limits()
    assert scanned.observed == pytest.approx(limit.observed_limit, rel=0.01)
    np.testing.assert_allclose(scanned.expected, limit.expected_limit, rtol=0.02)
    inside = (limit.poi_values > 0.2) & (limit.poi_values < 4.0)
    at = np.interp(limit.poi_values[inside], scanned.poi_values, scanned.CLs_obs)
    np.testing.assert_allclose(at, limit.observed_CLs[inside], atol=0.02)


def test_significances(searched: Model) -> None:
    significance = cabinetry.fit.significance(searched.model, searched.data)
    taken = hfscale.Significance.from_cabinetry(significance)
    assert np.isfinite(taken.p0_exp).tolist() == [False, False, True, False, False]
    assert_same(taken.to_cabinetry(), significance)
    (found,) = store(searched, "significance").significances()
    assert_same(found.to_cabinetry(), significance, rtol=2e-3)


def test_predictions(measured: Model) -> None:
    prediction = cabinetry.model_utils.prediction(measured.model)
    taken = hfscale.Prediction.from_cabinetry(prediction, measured.data)
    assert_same(taken.to_cabinetry(measured.model), prediction)
    (ours,) = hfscale.prediction(measured.workspace)
    assert_same(ours.to_cabinetry(measured.model), prediction, rtol=1e-8, atol=1e-12)
    assert taken.data.tolist() == ours.data.tolist()
    np.testing.assert_allclose(taken.channel_data, ours.channel_data)
    assert taken.to_list()[0]["total"]["sum"] == pytest.approx(ours.to_list()[0]["total"]["sum"])
    (merged,) = hfscale.prediction(measured.workspace, merge={"background": ["top", "other"]})
    with pytest.raises(SelectionError, match="other samples than the yields: background, other, top"):
        merged.to_cabinetry(measured.model)
    with pytest.raises(InputError, match="'mine'"):
        hfscale.Prediction.from_cabinetry(prediction._replace(label="mine"))


def test_stores_of_other_kinds(searched: Model) -> None:
    results = hfscale.limit(searched.workspace, store=searched.workspace.parent / "other.zarr", executor="local")
    for read, verb in ((results.significances, "significance"), (results.profiles, "scan --parameter")):
        with pytest.raises(SelectionError, match="kind limit") as caught:
            read()
        assert verb in str(caught.value.remedy)


def test_without_cabinetry_the_remedy_is_told(measured: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    (prediction,) = hfscale.prediction(measured.workspace)
    for name in ("cabinetry.fit", "cabinetry.model_utils", "cabinetry.fit.results_containers"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    curve = hfscale.ProfileCurve("mu", 1.0, 0.1, np.arange(2.0), np.arange(2.0))
    for convert in (curve.to_cabinetry, lambda: prediction.to_cabinetry(measured.model)):
        with pytest.raises(InputError, match="not installed") as caught:
            convert()
        assert caught.value.remedy == "install it with pip install 'hfscale[cabinetry]'"
