"""Groups of points: what shares a structure, what is stored once, and what a point lacks."""

import numpy as np
import pytest

from tests.evaluation import value_of
from tests.models import (
    Spec,
    counting,
    group_of,
    groups_of,
    modifier,
    normfactor,
    normsys,
    one_channel,
    position,
    sample,
    workspace,
)

BACKGROUND = one_channel([52], sample("bkg", [50.0], normsys("a", 1.1, 0.9)))


def point(*signals: Spec, observed: float = 52) -> Spec:
    return one_channel([observed], *BACKGROUND["channels"][0]["samples"], *signals)


def signal(name: str, rate: float, *more: Spec) -> Spec:
    return sample(name, [rate], normfactor(), *more)


def test_signals_of_other_names_and_yields_share_a_structure() -> None:
    one = group_of(point(signal("m100", 5.0)), point(signal("m200", 3.0)), background=BACKGROUND)
    other = group_of(point(signal("m300", 7.0)), point(signal("m400", 1.0)), background=BACKGROUND)
    assert one.structure == other.structure
    assert hash(one.structure) == hash(other.structure)


def test_another_modifier_type_makes_another_structure() -> None:
    one = group_of(point(signal("m100", 5.0)), background=BACKGROUND)
    other = group_of(point(signal("m100", 5.0, normfactor("k"))), background=BACKGROUND)
    assert one.structure != other.structure


def test_background_is_stored_once_and_signals_per_point() -> None:
    group = group_of(point(signal("m100", 5.0)), point(signal("m200", 3.0)), background=BACKGROUND)
    assert group.shared.nominal.tolist() == [50.0]
    assert group.points.nominal.tolist() == [[5.0], [3.0]]


def test_a_changed_background_sample_is_stored_per_point() -> None:
    changed = one_channel([52], sample("bkg", [40.0], normsys("a", 1.1, 0.9)), signal("m200", 3.0))
    group = group_of(point(signal("m100", 5.0)), changed, background=BACKGROUND)
    assert group.shared.nominal.size == 0
    rates, _ = value_of(group, group.inits)
    np.testing.assert_allclose(rates, [[55.0], [43.0]])


def test_a_point_may_lack_signal_samples_and_their_parameters() -> None:
    specs = [point(signal("m100", 5.0, normsys("s", 1.2, 0.8))), point(signal("m200", 3.0)), point()]
    group = group_of(*specs, background=BACKGROUND)
    s, mu = position(group, "s"), position(group, "mu")
    assert group.present[:, s].tolist() == [True, False, False]
    assert group.present[:, mu].tolist() == [True, True, False]
    assert group.points.fixed[:, s].tolist() == [False, True, True]
    assert group.points.constrained[:, s].tolist() == [1.0, 0.0, 0.0]
    assert group.has_signal.tolist() == [True, True, False]


def test_a_point_may_lack_a_channel() -> None:
    both = workspace({"A": [signal("x", 5.0)], "B": [sample("bkg", [9.0], normfactor("k"))]}, {"A": [6], "B": [8]})
    alone = workspace({"A": [signal("x", 5.0)]}, {"A": [6]})
    group = group_of(both, alone)
    rates, nll = value_of(group, group.inits)
    np.testing.assert_allclose(rates, [[5.0, 9.0], [5.0, 0.0]])
    assert nll[1] == pytest.approx(value_of(group_of(alone), group_of(alone).inits)[1][0], rel=1e-14)


def channel_of(n: int) -> Spec:
    channels = {"A": [signal("x", 5.0)], "B": [sample("bkg", [9.0] * n, normfactor("k"))]}
    return workspace(channels, {"A": [6], "B": [8] * n})


def test_channels_with_other_numbers_of_bins_make_other_groups() -> None:
    alone = workspace({"A": [signal("x", 5.0)]}, {"A": [6]})
    groups = groups_of([alone, channel_of(2), channel_of(3)])
    assert [group.members.tolist() for group in groups] == [[0, 1], [2]]
    assert [group.structure.n_bins for group in groups] == [3, 4]


def test_parameters_of_other_kinds_make_other_groups() -> None:
    scalar = counting(5, 50, 52, normfactor("k"))
    per_bin = counting(5, 50, 52, modifier("shapefactor", "k"))
    constrained = counting(5, 50, 52, normsys("k", 1.1, 0.9))
    assert [group.members.tolist() for group in groups_of([scalar, per_bin, constrained, scalar])] == [[0, 3], [1], [2]]


def test_two_signal_samples_are_both_kept() -> None:
    group = group_of(point(signal("m100_a", 5.0), signal("m100_b", 2.0)), point(signal("m200", 3.0)))
    rates, _ = value_of(group, group.inits)
    np.testing.assert_allclose(rates, [[57.0], [53.0]])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (counting(5, 50, 52), True),
        (counting(0, 50, 52), False),
        (one_channel([5], sample("bkg", [5.0], normfactor("k"))), False),
        (one_channel([5], sample("bkg", [5.0], normsys("mu", 1.2, 0.8))), True),
    ],
    ids=["scaled", "empty signal", "no POI", "POI is a normsys"],
)
def test_whether_the_poi_scales_something(spec: Spec, expected: bool) -> None:
    assert group_of(spec).has_signal.tolist() == [expected]


def test_parameters_come_back_in_the_order_of_their_names() -> None:
    group = group_of(counting(5, 50, 52, normsys("b", 1.1, 0.9), normsys("a", 1.1, 0.9)))
    values = np.zeros((1, 3))
    for k, name in enumerate(group.parameter_names):
        values[0, position(group, name)] = k
    assert group.external(values).tolist() == [[0.0, 1.0, 2.0]]
