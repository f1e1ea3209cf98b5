"""Where the next toys go: to cells with an undecided contour, in the same order for everybody."""

import random

import numpy as np
import pytest

from hfscale.errors import InputError
from hfscale.inference.toys.distances import distances_from_level
from hfscale.inference.toys.p_values import toy_p_values
from hfscale.plan.adaptive import Allocation, NextToys, Verdict, looks, next_cells, order_by_distance, verdict
from hfscale.plan.cells import Cell

ALLOCATION = Allocation(min_toys=100, max_toys=1000)


def of_toys(q_obs: float, q_sb: np.ndarray, q_b: np.ndarray, allocation: Allocation = ALLOCATION) -> Verdict:
    toys = (q_obs, q_sb, np.ones(len(q_sb), int), q_b, np.ones(len(q_b), int))
    return verdict(toy_p_values(*toys), distances_from_level(*toys, allocation.level), allocation)


def normal_toys(separation: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.normal(0.0, 1.0, n) + 20.0, rng.normal(separation, 1.0, n) + 20.0


def near(distance: float) -> Verdict:
    """A cell with one curve at a distance from the level, and the others far away."""
    return Verdict((distance, 9.0, 9.0, 9.0, 9.0, 9.0), (abs(distance) < 3.0, *[False] * 5))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"level": 0.0}, "level 0"),
        ({"level": 1.0}, "level 1"),
        ({"level": np.nan}, "level nan"),
        ({"nsigma": 0.0}, "0 standard deviations"),
        ({"nsigma": -3.0}, "-3 standard deviations"),
        ({"nsigma": np.nan}, "nan standard deviations"),
        ({"nsigma": 7.0}, "up to 6"),
        ({"min_toys": 0}, "at least 0"),
        ({"min_toys": -5}, "at least -5"),
        ({"max_toys": 0}, "at most 0"),
        ({"min_toys": 600, "max_toys": 599}, "max_toys not below it"),
        ({"accuracy": 0.0}, "known to 0"),
        ({"accuracy": -0.1}, "known to -0.1"),
    ],
)
def test_values_that_make_no_sense_are_refused(fields: dict[str, float], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Allocation(**fields)  # type: ignore[arg-type]


def test_looks_double_up_to_the_most() -> None:
    assert looks(Allocation()) == (500, 1000, 2000, 4000, 8000, 16_000, 20_000)
    assert looks(Allocation(min_toys=100, max_toys=800)) == (100, 200, 400, 800)
    assert looks(Allocation(min_toys=70, max_toys=70)) == (70,)


def test_curves_near_the_level_are_undecided() -> None:
    # The exact median CLs is Phi(-1.7) / 0.5 = 0.089, its neighbours 0.0067 / 0.16 = 0.042 and 0.29.
    found = of_toys(np.nan, *normal_toys(1.7, 2000))
    assert found.undecided == (False, True, True, False, False, False)
    assert not found.decided
    assert found.nearest == min(abs(found.distances[1]), abs(found.distances[2]))
    assert np.isnan(found.distances[0])


def test_a_side_is_told_apart() -> None:
    excluded, allowed = of_toys(np.nan, *normal_toys(6.0, 2000)), of_toys(np.nan, *normal_toys(0.2, 2000))
    assert excluded.decided
    assert allowed.decided
    assert max(excluded.distances[1:]) < -3.0
    assert min(allowed.distances[1:]) > 3.0
    assert allowed.nearest == np.inf


def test_more_standard_deviations_need_more_toys() -> None:
    toys = normal_toys(1.7, 2000)
    undecided = [sum(of_toys(np.nan, *toys, Allocation(nsigma=nsigma)).undecided) for nsigma in (0.1, 3.0, 6.0)]
    assert undecided[0] < undecided[1] < undecided[2]


def test_what_is_accurate_enough_is_decided() -> None:
    toys = normal_toys(1.7, 2000)
    assert of_toys(np.nan, *toys, Allocation(accuracy=0.2)).decided
    assert not of_toys(np.nan, *toys, Allocation(accuracy=1e-4)).decided


def test_no_background_toy_above_is_undecided_however_coarse_the_accuracy() -> None:
    found = of_toys(90.0, *normal_toys(6.0, 2000), Allocation(accuracy=0.5))
    assert found.undecided == (True, False, False, False, False, False)


def test_no_toy_of_the_tested_hypothesis_above_is_decided_where_that_is_certain() -> None:
    rng = np.random.default_rng(2)
    q_b = rng.normal(6.0, 1.0, 2000) + 20.0
    found = of_toys(26.0, rng.normal(0.0, 1.0, 2000) + 20.0, q_b)
    assert not found.undecided[0]
    assert found.distances[0] < -3.0


def test_the_next_toys_are_those_of_the_next_look() -> None:
    verdicts = {Cell(0, 0): near(2.0), Cell(1, 0): near(8.0), Cell(2, 0): near(-0.5)}
    assert next_cells(verdicts, dict.fromkeys(verdicts, 100), ALLOCATION) == NextToys(
        100, 200, (Cell(2, 0), Cell(0, 0))
    )
    assert next_cells(verdicts, dict.fromkeys(verdicts, 800), ALLOCATION) == NextToys(
        800, 1000, (Cell(2, 0), Cell(0, 0))
    )


def test_nothing_is_left_where_all_is_decided_or_has_the_most() -> None:
    assert next_cells({Cell(0, 0): near(8.0)}, {Cell(0, 0): 100}, ALLOCATION) is None
    assert next_cells({Cell(0, 0): near(1.0)}, {Cell(0, 0): 1000}, ALLOCATION) is None
    assert next_cells({}, {}, ALLOCATION) is None


def test_cells_with_fewer_toys_come_first() -> None:
    verdicts = {Cell(0, 0): near(0.1), Cell(1, 0): near(2.0), Cell(1, 1): near(1.0)}
    present = {Cell(0, 0): 400, Cell(1, 0): 130, Cell(1, 1): 130}
    assert next_cells(verdicts, present, ALLOCATION) == NextToys(130, 200, (Cell(1, 1), Cell(1, 0)))


def test_the_order_in_which_cells_are_known_does_not_matter() -> None:
    rng = random.Random(5)
    verdicts = {Cell(k, mu): near(rng.choice([0.5, 1.5, 9.0])) for k in range(20) for mu in range(3)}
    shuffled = list(verdicts.items())
    rng.shuffle(shuffled)
    present = dict.fromkeys(verdicts, 200)
    assert next_cells(dict(shuffled), present, ALLOCATION) == next_cells(verdicts, present, ALLOCATION)


def test_rounds_come_to_an_end() -> None:
    present, spent = {Cell(0, 0): 0}, []
    while (toys := next_cells({Cell(0, 0): near(0.0)}, present, ALLOCATION)) is not None:
        spent.append(toys.stop - toys.first)
        present = {Cell(0, 0): toys.stop}
    assert spent == [100, 100, 200, 400, 200]


def test_first_toys_go_where_any_contour_is_near() -> None:
    CLs_obs = np.array([1e-9, 0.9, 0.0499, np.nan, np.nan])
    CLs_exp = np.array([[1e-9] * 5, [0.051, 0.3, 0.6, 0.8, 0.9], [0.3] * 5, [0.04, 0.3, 0.6, 0.8, 0.9], [np.nan] * 5])
    assert order_by_distance(CLs_obs, CLs_exp, 0.05).tolist() == [2, 1, 3, 0, 4]


def test_certain_exclusions_are_far_from_the_level() -> None:
    assert order_by_distance(np.array([0.0, 0.5, 1.0]), np.array([[0.0] * 5, [0.5] * 5, [1.0] * 5]), 0.05)[0] == 1
