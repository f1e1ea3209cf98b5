"""Campaigns of workspaces with the key ``hfscale``, from documents to stored results."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hfscale
from hfscale.errors import InputError, ModelError, SelectionError, StoreMismatchError
from tests.models import Spec, cls_of, modifier, normfactor, normsys, one_channel, sample
from tests.program import hfscale as program
from tests.program import write


def document(**key: Any) -> Spec:
    spec = one_channel(
        [60, 40],
        sample("one", [10.0, 2.0], normfactor("mu_a")),
        sample("two", [2.0, 11.0], normfactor("mu_b")),
        sample("bkg", [50.0, 30.0], modifier("staterror", "stat", [5.0, 6.0])),
        poi="mu_a",
    )
    spec["measurements"][0]["config"]["hfscale"] = key
    return spec


def test_a_campaign_uses_the_key(tmp_path: Path) -> None:
    extended = document(staterror={"constraint": "poisson"}, poi_names=["mu_b", "mu_a"], clip={"bins": 1e-6})
    results = hfscale.cls(extended, store=tmp_path / "a.zarr", executor="local").to_dataframe()
    expected = document(staterror={"constraint": "poisson"})
    expected["measurements"][0]["config"]["poi"] = "mu_b"
    np.testing.assert_allclose(results["CLs_obs"], cls_of(expected).CLs_obs, rtol=1e-6)
    with pytest.raises(StoreMismatchError, match=r"inputs\.workspace"):
        hfscale.cls(document(), store=tmp_path / "a.zarr", poi="mu_b", executor="local")


def test_a_name_that_does_not_exist_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(SelectionError, match="'mu_c' is no modifier of any signal point"):
        hfscale.cls(document(poi_names=["mu_a", "mu_c"]), store=tmp_path / "b.zarr", executor="local")
    assert not (tmp_path / "b.zarr").exists()


def coupled(**key: Any) -> Spec:
    """A signal that depends on the coupling kappa, through an expression or a function."""
    couplings = [{"name": "kappa", "inits": [0.5], "bounds": [[0.0, 5.0]]}]
    spec = one_channel(
        [52],
        sample("signal", [10.0], normfactor("mu_ww")),
        sample("bkg", [50.0], modifier("staterror", "stat", [5.0])),
        parameters=couplings,
        poi="kappa",
    )
    spec["measurements"][0]["config"]["hfscale"] = key
    return spec


def double(parameters: Any, data: Any) -> Any:
    return data["factor"] * parameters["kappa"]


DOUBLE = hfscale.CustomModifier({"kappa": hfscale.ParameterSettings(0.5, (0.0, 5.0))}, "multiply", double, "1")
USE = {"type": "double", "name": "d", "channels": ["SR"], "samples": ["signal"], "data": {"factor": 2.0}}
CUSTOM = {"double": "tests.test_extended_campaign:DOUBLE"}


def test_expressions_and_custom_modifiers_in_campaigns(tmp_path: Path) -> None:
    plain = coupled()
    plain["measurements"][0]["config"] = {"poi": "mu_ww", "parameters": []}
    expected = cls_of(plain, mu=1.5).CLs_obs
    expression = coupled(expressions={"mu_ww": "2*kappa"})
    found = hfscale.cls(expression, store=tmp_path / "e.zarr", test_poi=0.75, executor="local").to_dataframe()
    np.testing.assert_allclose(found["CLs_obs"], expected, rtol=1e-6)

    custom = coupled(modifiers=[USE], expressions={"mu_ww": "1"})
    store = tmp_path / "c.zarr"
    results = hfscale.cls(custom, store=store, test_poi=0.75, executor="local", modifiers=CUSTOM)
    np.testing.assert_allclose(results.to_dataframe()["CLs_obs"], expected, rtol=1e-6)
    assert results.store.settings["calculation"]["modifiers"] == CUSTOM
    assert results.store.settings["modifier_versions"] == {"double": "1"}
    with pytest.raises(ModelError, match="no function is given for the modifier type 'double'"):
        hfscale.cls(custom, store=tmp_path / "d.zarr", test_poi=0.75, executor="local")


def test_the_command_line_imports_custom_modifiers(tmp_path: Path) -> None:
    file = write(tmp_path / "ws.json", coupled(modifiers=[USE], expressions={"mu_ww": "1"}))
    option = ("--modifier", f"double={CUSTOM['double']}")
    store = tmp_path / "a.zarr"
    ended = program("cls", file, "-o", store, "--test-poi", "0.75", "--executor", "local", "--json", *option)
    assert ended.code == 0
    campaign = write(
        tmp_path / "c.yaml", f"schema: 1\nworkspace: ws.json\nstore: {store}\ncalculation: {{test_poi: 0.75}}\n"
    )
    again = program("run", campaign, "--json", *option)
    assert (again.code, again.json()) == (0, ended.json())
    assert program("validate", file, *option).code == 0
    assert program("inspect", file, *option, "--json").json()["parameters"] == 2
    assert program("validate", file).code == 2


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("tests.test_extended_campaign:NOTHING", "cannot be imported from"),
        ("tests.nowhere:DOUBLE", "cannot be imported from"),
        ("tests.test_extended_campaign:double", "is a function and no CustomModifier"),
        ("os.system", "is 'os.system'"),
    ],
)
def test_paths_that_lead_to_no_modifier(tmp_path: Path, path: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        hfscale.cls(coupled(modifiers=[USE]), store=tmp_path / "a.zarr", modifiers={"double": path})
    assert not (tmp_path / "a.zarr").exists()


def test_inspect_tells_what_pruning_leaves_out(tmp_path: Path) -> None:
    spec = document(prune={"threshold": 0.01})
    spec["channels"][0]["samples"][2]["modifiers"].append(normsys("small", 1.001, 0.999))
    found = program("inspect", write(tmp_path / "ws.json", spec), "--json").json()
    assert found["pruned"] == {"modifiers": 1, "parameters": 1}
