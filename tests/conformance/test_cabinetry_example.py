"""cabinetry's example from events to limits, with the command line alone, against its published numbers.

They are those of its tests/test_integration.py (commit 96b15c3 of scikit-hep/cabinetry), made with MINUIT. How far they
can be trusted follows from its history and from MINUIT's own ways:

- Its fit ends up to 1e-3 of an uncertainty beside the minimum, and 1.5e-6 above it in twice -ln L.
- Its uncertainties come from second differences over wide steps. They are 1.1 % smaller than those of the exact
  curvature, which a test here takes from pyhf; so are uncertainties of yields after the fit, which follow from them.
- Its impacts changed by up to 7e-3 between versions: 1 % of the uncertainty of the signal strength.
- Its limits stop at 1 %.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyhf
import pytest
import yaml

from tests.conformance.cabinetry_example import CONFIG, write_ntuples
from tests.program import PYHF_WARNING, hfscale

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings(PYHF_WARNING, "ignore::ResourceWarning")]

FACTORS = [f"staterror_Signal_region[{k}]" for k in range(4)]
PARAMETERS = ["Modeling", "WeightBasedModeling", "Signal_norm", "Luminosity", *FACTORS]
VALUES = [-0.32457145, -0.58582788, 1.68953317, -0.0880332, 1.00102289, 0.98910429, 1.01970061, 0.98296235]
ERRORS = [0.55547829, 0.62723287, 0.93885915, 0.99129285, 0.04108188, 0.03792561, 0.03651562, 0.04250561]
TWICE_NLL = 17.194205
CORRELATIONS = {
    "Modeling": [0.94146283, -0.93117822, 0.05351298, 0.16261406, -0.12260987, 0.0463534, -0.04290516],
    "WeightBasedModeling": [-0.8914587, -0.1375141, 0.06767335, -0.18879984, 0.03275504, -0.02539973],
    "Signal_norm": [-0.16827929, -0.11133319, 0.14681713, -0.1151505, -0.05861778],
    "Luminosity": [0.01074203, -0.02137699, 0.00170718, -0.0007558],
    "staterror_Signal_region[0]": [0.06280504, 0.01952484, -0.02358537],
    "staterror_Signal_region[1]": [0.00906325, -0.0049263],
    "staterror_Signal_region[2]": [0.06545427],
}
"""With the parameters behind each."""
IMPACTS = {
    "prefit_up": [-1.67617185, -1.51531885, -0.14964691, -0.11067885, 0.14350015, -0.11311905, -0.05573699],
    "prefit_down": [1.41570164, 1.15001063, 0.16388633, 0.10921275, -0.15331233, 0.11492629, 0.05864962],
    "postfit_up": [-1.10235942, -0.89697066, -0.14842092, -0.10774037, 0.13866107, -0.10800505, -0.0548506],
    "postfit_down": [0.84366301, 0.76572728, 0.16236075, 0.10604544, -0.14383307, 0.10888311, 0.05779505],
}
"""Of all parameters but the signal strength."""
PREFIT = {
    "Background": ([69.040789, 58.329118, 37.973787, 45.137157], 136.368732),
    "Signal": ([0.0, 0.100772, 1.487773, 1.620867], 2.851565),
    "total": ([69.040789, 58.343328, 38.219599, 45.296964], 136.791978),
}
POSTFIT = {
    "Background": ([11.898551, 7.513216, 21.002006, 24.284847], 41.043814),
    "Signal": ([0.0, 1.467646, 22.137293, 22.269200], 45.814417),
    "total": ([11.898551, 7.283171, 7.414715, 7.687966], 20.439575),
}
"""Uncertainties of the yields of each bin, and of all of them together."""


class Example:
    """Runs verbs on the workspace that `hfscale templates` made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = folder / "histograms" / "workspace.json"

    def run(self, verb: str, *options: object) -> Any:
        """Return the result for the one point."""
        store = ("-o", self.folder / f"{verb}.zarr", "--executor", "local")
        ended = hfscale(verb, self.workspace, *store, "--json", *options)
        assert ended.code == 0, ended.err
        (point,) = ended.json()
        return point


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    folder = tmp_path_factory.mktemp("example")
    write_ntuples(folder)
    config = {**CONFIG, "General": {**CONFIG["General"], "InputPath": str(folder / "{SamplePath}")}}
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    ended = hfscale("templates", folder / "config.yml", "-o", folder / "histograms", "--executor", "local")
    assert ended.code == 0, ended.err
    yield Example(folder)


@pytest.fixture(scope="module")
def fitted(example: Example) -> Any:
    return example.run("fit", "--minos", "Signal_norm")


def test_best_fit(fitted: Any) -> None:
    values = [fitted["parameters"][name]["value"] for name in PARAMETERS]
    errors = [fitted["parameters"][name]["error"] for name in PARAMETERS]
    assert (np.abs(np.subtract(values, VALUES)) < 1e-3 * np.array(ERRORS)).all()
    np.testing.assert_allclose(errors, ERRORS, rtol=1.2e-2)
    assert TWICE_NLL - 2e-6 < fitted["twice_nll"]["free"] < TWICE_NLL


def test_correlations(fitted: Any) -> None:
    place = [fitted["correlation"]["parameters"].index(name) for name in PARAMETERS]
    matrix = np.array(fitted["correlation"]["matrix"])[np.ix_(place, place)]
    for k, published in enumerate(CORRELATIONS.values()):
        np.testing.assert_allclose(matrix[k, k + 1 :], published, atol=2e-4)


def test_minos_errors(fitted: Any) -> None:
    assert fitted["parameters"]["Signal_norm"]["minos"] == pytest.approx([-0.9580, 0.9052], abs=5e-4)


def test_uncertainties_are_those_of_the_exact_curvature(example: Example, fitted: Any) -> None:
    """Second differences of pyhf's likelihood over steps so small that smaller ones change nothing."""
    source = pyhf.Workspace(json.loads(example.workspace.read_text()))
    model = source.model(modifier_settings={"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}})
    data, names = source.data(model), model.config.par_names
    best = np.array([fitted["parameters"][name]["value"] for name in names])
    steps = np.diag([1e-3 * fitted["parameters"][name]["error"] for name in names])

    def twice_nll(parameters: np.ndarray) -> float:
        return float(-2.0 * model.logpdf(parameters, data)[0])

    hessian = np.array(
        [
            [
                sum(a * b * twice_nll(best + a * one + b * other) for a in (1, -1) for b in (1, -1))
                / (4.0 * one.sum() * other.sum())
                for other in steps
            ]
            for one in steps
        ]
    )
    exact = np.sqrt(np.diag(2.0 * np.linalg.inv(hessian)))
    np.testing.assert_allclose([fitted["parameters"][name]["error"] for name in names], exact, rtol=1e-4)


def test_goodness_of_fit(example: Example) -> None:
    point = example.run("gof")
    assert point["n_dof"] == 3
    assert point["p_value"] == pytest.approx(0.24679341, abs=2e-7)


def test_ranking(example: Example) -> None:
    point = example.run("ranking")
    impacts = {impact["parameter"]: impact for impact in point["impacts"]}
    names = [name for name in PARAMETERS if name != point["poi"]]
    assert impacts.keys() == set(names)
    for kind, published in IMPACTS.items():
        found = [impacts[name][kind] for name in names]
        np.testing.assert_allclose(found, published, atol=1e-2 * point["poi_error"], err_msg=kind)


def test_scan(example: Example) -> None:
    point = example.run("scan", "--parameter", "Signal_norm", "--grid", "1.18967971:2.18967971:3")
    np.testing.assert_allclose(point["t"], [0.27163227, 0.0, 0.29018620], atol=1.5e-4)


def test_upper_limits(example: Example) -> None:
    point = example.run("limit")
    assert point["upper_limit_obs"] == pytest.approx(3.1502, rel=1e-2)
    assert point["upper_limit_exp"] == pytest.approx([1.0054, 1.3975, 1.9689, 2.7174, 3.5426], rel=1e-2)


def test_significance(example: Example) -> None:
    point = example.run("significance")
    assert point["p0"] == pytest.approx(0.03583662, rel=1e-4)
    assert point["Z"] == pytest.approx(1.80118813, rel=1e-5)
    assert point["p0_exp"][2] == pytest.approx(0.14775040, rel=2e-4)
    assert point["Z_exp"][2] == pytest.approx(1.04613046, rel=1e-4)


@pytest.mark.parametrize(("published", "rtol"), [(PREFIT, 1e-6), (POSTFIT, 1.2e-2)], ids=["prefit", "postfit"])
def test_uncertainties_of_yields(
    example: Example, fitted: Any, published: dict[str, tuple[list[float], float]], rtol: float
) -> None:
    source = example.workspace if published is PREFIT else example.folder / "fit.zarr"
    ended = hfscale("prediction", source, "--json")
    assert ended.code == 0, ended.err
    (channel,) = ended.json()[0]["channels"]
    found = {**{sample["sample"]: sample for sample in channel["samples"]}, "total": channel["total"]}
    assert found.keys() == published.keys()
    for name, (bins, together) in published.items():
        # Six decimals are published.
        np.testing.assert_allclose(found[name]["errors"], bins, rtol=rtol, atol=5e-7, err_msg=name)
        assert found[name]["sum_error"] == pytest.approx(together, rel=rtol)
