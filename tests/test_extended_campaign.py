"""Campaigns of workspaces with the key ``hfscale``, from documents to stored results."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hfscale
from hfscale.errors import SelectionError, StoreMismatchError
from tests.models import Spec, cls_of, modifier, normfactor, one_channel, sample


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
