"""Which values of the POI can be tested."""

import re

import pytest

from hfscale.errors import SelectionError
from hfscale.work.models import bounded_below_at_zero, check_test_poi
from tests.models import Spec, counting, group_of


def bounded(low: float, high: float) -> Spec:
    return {"name": "mu", "bounds": [[low, high]]}


@pytest.mark.parametrize(
    ("parameters", "mu", "message"),
    [
        ([], 11.0, "the value 11 of the POI 'mu' lies outside its bounds [0, 10]"),
        ([], -0.5, "the value -0.5 of the POI 'mu' lies outside its bounds [0, 10]"),
        ([bounded(0.5, 3)], 1.0, "the value 0 of the POI 'mu' lies outside its bounds [0.5, 3]"),
        ([{"name": "mu", "fixed": True}], 1.0, "the POI 'mu' is fixed in the measurement"),
    ],
)
def test_values_that_cannot_be_tested_are_refused(parameters: list[Spec], mu: float, message: str) -> None:
    group = group_of(counting(5, 50, 52, parameters=parameters))
    with pytest.raises(SelectionError, match=re.escape(message)):
        check_test_poi([group], "mu", mu)


def test_values_up_to_the_bounds_are_tested() -> None:
    check_test_poi([group_of(counting(5, 50, 52))], "mu", 10.0)


def test_points_without_signal_set_no_bounds() -> None:
    check_test_poi([group_of(counting(0, 50, 52, parameters=[bounded(0.5, 3)]))], "mu", 1.0)


@pytest.mark.parametrize(("low", "expected"), [(0.0, True), (-5.0, False)])
def test_the_lower_bound_decides_which_statistic_it_is(low: float, expected: bool) -> None:
    assert bounded_below_at_zero([group_of(counting(5, 50, 52, parameters=[bounded(low, 10)]))]) is expected
