"""Plain workspaces with other data: what goes into them, and what cannot."""

from typing import Any

import pytest

from hfscale.errors import HfscaleWarning, ModelError
from hfscale.interop.pyhf_workspaces import plain_workspace
from hfscale.model.interpolation import InterpolationCodes
from hfscale.workspace.schema import violations
from tests.models import Spec, normfactor, normsys, one_channel, sample

DATA: dict[str, Any] = {"observations": {"SR": [7.0, 8.0]}, "auxdata": {"a": [0.4], "b": [-0.2]}}


def spec(**key: Any) -> Spec:
    background = sample("bkg", [50.0, 30.0], normsys("a", 1.2, 0.85), normsys("b", 1.001, 0.999))
    configured = {"name": "a", "auxdata": [0.1], "inits": [0.3]}
    document = one_channel(
        [58, 31], sample("signal", [5.0, 8.0], normfactor()), background, parameters=[configured]
    )  # fmt: skip
    document["measurements"].append({"name": "other", "config": {"poi": "", "parameters": []}})
    if key:
        document["measurements"][0]["config"]["hfscale"] = key
    return document


def config_of(document: Spec) -> Spec:
    (measurement,) = document["measurements"]
    config: Spec = measurement["config"]
    return config


def test_data_take_the_place_of_others() -> None:
    original = spec()
    found = plain_workspace(original, "fit", "mu", **DATA)
    assert found["observations"] == [{"name": "SR", "data": [7.0, 8.0]}]
    parameters = [{"name": "a", "auxdata": [0.4], "inits": [0.3]}, {"name": "b", "auxdata": [-0.2]}]
    assert config_of(found) == {"poi": "mu", "parameters": parameters}
    assert found["channels"] == original["channels"]
    assert original == spec()
    assert not list(violations(found, "workspace"))


def test_names_of_pois_and_pruning_are_followed_and_left_out() -> None:
    found = plain_workspace(
        spec(poi_names=["mu"], prune={"threshold": 0.01}), "fit", "mu", observations={"SR": [7.0, 8.0]}, auxdata={}
    )
    assert [m["name"] for m in found["channels"][0]["samples"][1]["modifiers"]] == ["a"]
    assert set(config_of(found)) == {"poi", "parameters"}


@pytest.mark.parametrize(
    "key",
    [
        {"parameters": [{"name": "a", "constraint": "lognormal", "sigmas": [0.1], "auxdata": [1.0]}]},
        {"staterror": {"threshold": 0.1}},
        {"expressions": {"mu": "2 * k"}},
        {"modifiers": [{"type": "t", "name": "n", "channels": ["SR"], "samples": ["bkg"]}]},
        {"clip": {"bins": 1e-6}},
    ],
    ids=lambda key: next(iter(key)),
)
def test_what_changes_the_likelihood_is_refused(key: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=f"uses {next(iter(key))} of the key 'hfscale'"):
        plain_workspace(spec(**key), "fit", "mu", **DATA)


def test_other_interpolation_codes_are_told() -> None:
    codes = InterpolationCodes("code1", "code4p")
    with pytest.warns(HfscaleWarning, match=r"modifier_settings=\{'normsys': \{'interpcode': 'code1'\}"):
        plain_workspace(spec(), "fit", "mu", codes, **DATA)
