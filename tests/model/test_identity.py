"""Digests of signal points: the same in every selection, and different where something that matters is."""

from typing import Any

import pytest

from hfscale.model.interpolation import InterpolationCodes
from tests.models import (
    Spec,
    group_of,
    groups_of,
    histosys,
    modifier,
    normfactor,
    normsys,
    one_channel,
    sample,
)


def point(
    signal: float = 5.0, bkg: float = 50.0, observed: float = 53.0, *own: Spec, hi: float = 1.1, **more: Any
) -> Spec:  # fmt: skip
    return one_channel(
        [observed, 20.0],
        sample("signal", [signal, 2.0], normfactor(), *own),
        sample("bkg", [bkg, 19.0], normsys("a", hi, 0.9), histosys("b", [52.0, 20.0], [49.0, 18.0])),
        **more,
    )


def digests(*specs: Spec) -> list[tuple[str, str]]:
    background = one_channel([0.0, 0.0], sample("bkg", [1.0, 1.0]))
    group = group_of(*specs, background=background)
    return list(zip(group.digests, group.background_digests, strict=True))


def test_a_point_is_the_same_in_every_selection() -> None:
    others = point(7.0, 50.0, 53.0, normsys("s", 1.2, 0.8)), point(3.0, 50.0, 53.0, normsys("t", 1.2, 0.8))
    assert digests(point())[0] == digests(others[0], point(), others[1])[1]


def test_signals_do_not_count_in_the_background() -> None:
    first, second = digests(point(), point(9.0, 50.0, 53.0, normsys("s", 1.3, 0.7)))
    assert first[1] == second[1]
    assert first[0] != second[0]


def test_signals_do_not_count_in_staterrors_of_the_background() -> None:
    specs = [
        one_channel(
            [9.0],
            sample("signal", [s], normfactor(), modifier("staterror", "stat", [0.2 * s])),
            sample("bkg", [8.0], modifier("staterror", "stat", [0.5])),
        )
        for s in (1.0, 2.0)
    ]
    first, second = digests(*specs)
    assert first[1] == second[1]
    assert first[0] != second[0]


@pytest.mark.parametrize(
    "change",
    [
        {"bkg": 51.0},
        {"observed": 54.0},
        {"hi": 1.2},
        {"parameters": [{"name": "a", "bounds": [[-3.0, 5.0]]}]},
        {"parameters": [{"name": "b", "fixed": True}]},
    ],
    ids=["yield", "observation", "normsys", "bounds", "fixed"],
)
def test_everything_else_counts(change: dict[str, Any]) -> None:
    first, second = digests(point())[0], digests(point(**change))[0]
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_interpolation_codes_count() -> None:
    (default,), (other,) = groups_of([point()]), groups_of([point()], codes=InterpolationCodes("code1", "code0"))
    assert default.background_digests != other.background_digests


def test_clipped_signals_are_part_of_the_background() -> None:
    specs = [point(), point(9.0)]
    for spec in specs:
        spec["measurements"][0]["config"]["hfscale"] = {"clip": {"samples": 0.1}}
    first, second = digests(*specs)
    assert first[1] != second[1]
