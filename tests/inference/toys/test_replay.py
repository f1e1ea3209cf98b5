"""The trace of a toy's fits: every attempt, in order, and which gave the minimum."""

import numpy as np
import pytest

from hfscale.inference.toys.fits import run_toys
from hfscale.inference.toys.origins import toy_origins
from hfscale.inference.toys.replay import ReplayedToy, replay_toy, throw_toy
from hfscale.inference.toys.settings import Hypothesis, ToySettings
from hfscale.model.structure import ModelGroup
from tests.models import Spec, group_of, histosys, modifier, normfactor, normsys, one_channel, sample

SETTINGS = ToySettings()
COUNT = 60


def two_minima() -> Spec:
    """Shifts that raise the background up and down, which gives toys several minima."""
    return one_channel(
        [58.0, 75.0],
        sample("signal", [6.0, 12.0], normfactor()),
        sample(
            "bkg",
            [40.0, 55.0],
            histosys("up", [80.0, 75.0], [70.0, 95.0]),
            histosys("more", [60.0, 58.0], [44.0, 89.0]),
            modifier("shapesys", "u", [3.0, 4.0]),
        ),
    )


@pytest.fixture(scope="module")
def group() -> ModelGroup:
    return group_of(two_minima())


def replays(group: ModelGroup, hypothesis: Hypothesis) -> list[ReplayedToy]:
    origins = toy_origins(group, np.array([0]), 1.0, SETTINGS)
    return [replay_toy(group, 0, origins, hypothesis, 1.0, toy, SETTINGS) for toy in range(COUNT)]


def test_traces_end_at_the_minima_and_tell_what_was_replaced(group: ModelGroup) -> None:
    origins = toy_origins(group, np.array([0]), 1.0, SETTINGS)
    block = run_toys(group, 0, origins, "sb", 1.0, 0, COUNT, SETTINGS)
    found = replays(group, "sb")
    for toy, one in enumerate(found):
        assert one.q == pytest.approx(block.q[toy], rel=0, abs=1e-9)
        for name, twice_nll in (("conditional", one.twice_nll_conditional), ("free", one.twice_nll_free)):
            fits = [fit for fit in one.fits if fit.fit == name]
            kept = [fit for fit in fits if fit.outcome == "kept"]
            assert [fit.twice_nll for fit in kept] == [twice_nll]
            assert twice_nll <= min(fit.twice_nll for fit in fits if fit.status.succeeded) + 1e-6
            assert all(fit.twice_nll > twice_nll for fit in fits if fit.outcome == "replaced")
            assert fits[0].start == "the parameters it was thrown with"
    outcomes = [fit.outcome for one in found for fit in one.fits]
    assert outcomes.count("kept") == 2 * COUNT
    assert outcomes.count("replaced") > 0
    assert outcomes.count("not lower") > 0
    assert {fit.start for one in found for fit in one.fits if fit.outcome == "not lower"} >= {
        "other sides of single parameters"
    }


def test_parameters_have_names(group: ModelGroup) -> None:
    (one,) = replays(group, "b")[:1]
    names = {"mu", "up", "more", "u[0]", "u[1]"}
    assert all(fit.parameters.keys() == names for fit in one.fits)
    assert one.minimum("conditional").parameters["mu"] == 1.0
    assert one.minimum("free").parameters["mu"] == one.mu_hat


def test_data_have_names_and_lack_what_a_point_does_not_have() -> None:
    other = two_minima()
    other["channels"][0]["samples"][0]["modifiers"].append(normsys("own", 1.1, 0.9))
    background = one_channel([0.0, 0.0], two_minima()["channels"][0]["samples"][1])
    both = group_of(two_minima(), other, background=background)
    origins = toy_origins(both, np.arange(2), 1.0, SETTINGS)
    plain, own = (throw_toy(both, row, origins, "sb", 1.0, 5, SETTINGS) for row in range(2))
    assert plain.auxdata.keys() == {"up", "more", "u"}
    assert own.auxdata.keys() == {"up", "more", "u", "own"}
    assert len(plain.auxdata["u"]) == 2
    alone = group_of(two_minima(), background=background)
    origins = toy_origins(alone, np.array([0]), 1.0, SETTINGS)
    same = throw_toy(alone, 0, origins, "sb", 1.0, 5, SETTINGS)
    assert same.observations == plain.observations
    assert all(same.auxdata[name] == pytest.approx(values, abs=1e-9) for name, values in plain.auxdata.items())
