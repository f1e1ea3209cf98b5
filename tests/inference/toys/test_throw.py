"""Pseudo-data of toys: what each ensemble does with main and auxiliary data, and that a toy is always the same."""

import numpy as np
import pytest

from hfscale.inference.toys.addresses import address_of
from hfscale.inference.toys.settings import Ensemble, Hypothesis, ToySettings
from hfscale.inference.toys.throw import Thrown, throw_toys
from hfscale.model.structure import ModelGroup
from tests.models import (
    Spec,
    group_of,
    histosys,
    modifier,
    normfactor,
    normsys,
    one_channel,
    position,
    sample,
)

RATES = np.array([9.5, 48.0])
COUNT = 4000


def spec(signal: float = 5.0, *own: Spec) -> Spec:
    """Normal, Poisson and log-normal constraints; those of `fixed` and `k` belong to fixed parameters too."""
    document = one_channel(
        [8.0, 50.0],
        sample("signal", [signal, 2.0], normfactor(), *own),
        sample(
            "bkg",
            [10.0, 45.0],
            normsys("a", 1.1, 0.9),
            normsys("fixed", 1.2, 0.8),
            histosys("b", [12.0, 46.0], [9.0, 44.0]),
            modifier("shapesys", "gamma", [2.0, 5.0]),
            normfactor("k"),
        ),
        parameters=[{"name": "fixed", "fixed": True}],
    )
    settings = {"name": "k", "constraint": "lognormal", "sigmas": [0.3], "auxdata": [1.1]}
    document["measurements"][0]["config"]["hfscale"] = {"parameters": [settings]}
    return document


def thrown(
    group: ModelGroup,
    row: int = 0,
    hypothesis: Hypothesis = "sb",
    ensemble: Ensemble = "unconditional",
    first: int = 0,
    count: int = COUNT,
    shift: float = 0.2,
) -> Thrown:
    """Toys around parameters a little above the suggested ones."""
    digests = (group.digests[row], group.background_digests[row])
    address = address_of(digests, hypothesis, 1.0, ToySettings(ensemble=ensemble))
    return throw_toys(group, row, address, group.inits[row] + shift, RATES, first, count)


def test_main_data_are_poisson_numbers_around_the_rates() -> None:
    data = thrown(group_of(spec())).data
    assert np.array_equal(data, np.floor(data))
    assert data.mean(axis=0) == pytest.approx(RATES, abs=5.0 * np.sqrt(RATES.max() / COUNT))
    assert data.var(axis=0) == pytest.approx(RATES, rel=0.15)


def test_auxiliary_data_follow_their_constraints() -> None:
    group = group_of(spec())
    auxdata = thrown(group).auxdata
    for name in ("a", "b", "fixed"):
        values = auxdata[:, position(group, name)]
        assert (values.mean(), values.std()) == (pytest.approx(0.2, abs=0.08), pytest.approx(1.0, rel=0.06))
    for name, tau in (("gamma[0]", 25.0), ("gamma[1]", 81.0)):
        values = auxdata[:, position(group, name)]
        assert np.array_equal(values, np.floor(values))
        assert (values.mean(), values.var()) == (pytest.approx(1.2 * tau, rel=0.03), pytest.approx(1.2 * tau, rel=0.15))
    logarithms = np.log(auxdata[:, position(group, "k")])
    theta = group.inits[0, position(group, "k")] + 0.2
    assert logarithms.mean() == pytest.approx(np.log(theta), abs=0.03)
    assert logarithms.std() == pytest.approx(0.3, rel=0.06)


def test_numbers_of_a_toy_are_independent() -> None:
    group = group_of(spec())
    toys = thrown(group)
    names = ("a", "b", "fixed", "gamma[0]", "gamma[1]", "k")
    columns = np.concatenate([toys.data, toys.auxdata[:, [position(group, name) for name in names]]], axis=1)
    correlations = np.corrcoef(columns.T) - np.eye(columns.shape[1])
    assert np.abs(correlations).max() < 5.0 / np.sqrt(COUNT)


def test_held_auxiliary_data() -> None:
    group = group_of(spec())
    profiled, observed = (thrown(group, ensemble=e, count=3).auxdata for e in ("aux-profiled", "aux-observed"))
    names = ("a", "fixed", "gamma[0]", "k")
    places = [position(group, name) for name in names]
    assert observed[:, places] == pytest.approx(np.tile([0.0, 0.0, 25.0, 1.1], (3, 1)))
    median = group.inits[0, places[3]] + 0.2
    assert profiled[:, places] == pytest.approx(np.tile([0.2, 0.2, 30.0, median], (3, 1)))


def test_a_toy_does_not_depend_on_blocks() -> None:
    group = group_of(spec())
    whole = thrown(group, count=50)
    for first, count in ((0, 10), (33, 17), (49, 1)):
        part = thrown(group, first=first, count=count)
        assert np.array_equal(part.data, whole.data[first : first + count])
        assert np.array_equal(part.auxdata, whole.auxdata[first : first + count])


def test_a_toy_does_not_depend_on_other_points() -> None:
    background = one_channel([0.0, 0.0], sample("bkg", [1.0, 1.0]))
    alone = group_of(spec(), background=background)
    group = group_of(spec(7.0, histosys("c", [8.0, 3.0], [6.0, 1.0])), spec(), background=background)
    own, other = thrown(alone, count=20), thrown(group, 1, count=20)
    assert np.array_equal(own.data, other.data)
    for name in alone.parameter_names:
        assert np.array_equal(own.auxdata[:, position(alone, name)], other.auxdata[:, position(group, name)])


def test_background_toys_of_points_with_one_background_are_the_same() -> None:
    background = one_channel([0.0, 0.0], sample("bkg", [1.0, 1.0]))
    group = group_of(spec(), spec(7.0, normsys("s", 1.3, 0.8)), background=background)
    first, second = (thrown(group, row, "b", count=20) for row in (0, 1))
    assert np.array_equal(first.data, second.data)
    shared = [position(group, name) for name in ("a", "b", "gamma[1]", "k")]
    assert np.array_equal(first.auxdata[:, shared], second.auxdata[:, shared])
    first, second = (thrown(group, row, "sb", count=20) for row in (0, 1))
    assert not np.array_equal(first.data, second.data)
