"""Parameters of single workspaces: what cannot be a model is refused with its reason."""

import re

import numpy as np
import pytest

from hfscale.errors import ModelError
from tests.models import (
    Spec,
    counting,
    group_of,
    histosys,
    modifier,
    normfactor,
    normsys,
    one_channel,
    position,
    sample,
    workspace,
)

LUMI: Spec = {"name": "lumi", "inits": [1.0], "bounds": [[0.5, 1.5]], "auxdata": [1.0], "sigmas": [0.02]}


def without(config: Spec, key: str) -> Spec:
    return {k: v for k, v in config.items() if k != key}


@pytest.mark.parametrize(
    ("modifiers", "parameters", "message"),
    [
        ([modifier("lumi", "lumi")], [], "'lumi' needs inits, bounds, auxdata and sigmas"),
        ([modifier("lumi", "lumi")], [without(LUMI, "auxdata")], "'lumi' needs inits, bounds, auxdata and sigmas"),
        ([modifier("lumi", "lumi")], [{**LUMI, "sigmas": [0.0]}], "'lumi': sigmas and factors must be positive"),
        ([normsys("a", 1.1, 0.9)], [{"name": "a", "sigmas": [2.0]}], "'a' has a normal constraint and no attribute"),
        ([normsys("a", 1.1, 0.9)], [{"name": "a", "factors": [2.0]}], "'a' has a normal constraint and no attribute"),
        ([normfactor("k")], [{"name": "k", "auxdata": [1.0]}], "'k' has a none constraint and no attribute 'auxdata'"),
        ([normfactor("k")], [{"name": "k", "inits": [1.0, 2.0]}], "'k': 2 values for 'inits', expected 1"),
        ([normfactor("k")], [{"name": "k", "bounds": [[2.0, 1.0]]}], "'k': bounds must be pairs"),
        ([normfactor("k")], [{"name": "k", "inits": [11.0]}], "'k': start value 11 lies outside its bounds"),
        ([normfactor("k")], [{"name": "k"}, {"name": "k"}], "configures parameter 'k' twice"),
        ([normfactor("k"), normsys("k", 1.1, 0.9)], [], "name 'k' is used for modifiers that need different"),
        ([normsys("a", 1.1, -0.1)], [], "normsys 'a' of sample 'bkg' in channel 'SR' has a negative factor"),
    ],
)
def test_what_is_no_model_is_refused(modifiers: list[Spec], parameters: list[Spec], message: str) -> None:
    with pytest.raises(ModelError, match=re.escape(message)):
        group_of(counting(5, 50, 52, *modifiers, parameters=parameters))


def test_a_shapesys_cannot_be_shared() -> None:
    shared = modifier("shapesys", "mc", [1.0])
    spec = one_channel([5], sample("signal", [1.0], normfactor(), shared), sample("bkg", [1.0], shared))
    with pytest.raises(ModelError, match="shapesys 'mc' of sample 'signal' in channel 'SR' stands in another place"):
        group_of(spec)


def test_a_shapefactor_cannot_span_channels_of_different_lengths() -> None:
    def channel(n: int) -> list[Spec]:
        return [sample("bkg", [1.0] * n, normfactor(), modifier("shapefactor", "shape"))]

    spec = workspace({"A": channel(1), "B": channel(2)}, {"A": [1], "B": [1, 1]})
    with pytest.raises(ModelError, match="shapefactor 'shape' is shared by channels with different numbers of bins"):
        group_of(spec)


def test_a_staterror_must_cover_the_same_channels_in_all_its_samples() -> None:
    stat = modifier("staterror", "stat", [1.0])
    spec = workspace(
        {"A": [sample("x", [9.0], normfactor(), stat)], "B": [sample("y", [9.0], stat)]}, {"A": [1], "B": [1]}
    )
    with pytest.raises(ModelError, match="staterror 'stat' covers different channels"):
        group_of(spec)


def test_a_staterror_can_span_channels() -> None:
    def channel(nominal: float, uncertainty: float) -> list[Spec]:
        return [sample("bkg", [nominal], normfactor(), modifier("staterror", "stat", [uncertainty]))]

    group = group_of(workspace({"B": channel(20, 1), "A": channel(10, 2)}, {"A": [1], "B": [1]}))
    assert group.parameter_names == ("mu", "stat[0]", "stat[1]")
    widths = [group.points.width[0, position(group, name)] for name in ("stat[0]", "stat[1]")]
    np.testing.assert_allclose(widths, [0.2, 0.05])


def test_the_poi_must_be_scalar() -> None:
    spec = one_channel([5, 5], sample("signal", [1.0, 2.0], modifier("shapefactor", "mu")))
    with pytest.raises(ModelError, match="the POI 'mu' has 2 components"):
        group_of(spec)


def test_fixed_false_frees_the_empty_bins_of_a_shapesys() -> None:
    spec = counting(5, 0.0, 3, modifier("shapesys", "mc", [1.0]))
    group = group_of(spec)
    assert group.points.fixed[0, position(group, "mc[0]")]
    freed = counting(5, 0.0, 3, modifier("shapesys", "mc", [1.0]), parameters=[{"name": "mc", "fixed": False}])
    group = group_of(freed)
    assert not group.points.fixed[0, position(group, "mc[0]")]


def test_one_name_can_be_a_normsys_and_a_histosys() -> None:
    spec = counting(5, 50, 52, histosys("a", [55.0], [45.0]), normsys("a", 1.1, 0.9))
    assert group_of(spec).parameter_names == ("a", "mu")
