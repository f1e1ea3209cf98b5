"""Values of the parameters of one group in the order of a store that has more."""

import numpy as np

from hfscale.store.layout import ParameterPlaces, spread_parameters, variables_of

FIT = variables_of({"kind": "fit", "minos": ["all"]})
PLACES = ParameterPlaces(own=np.array([0, 1]), stored=np.array([2, 0]))


def test_every_axis_of_parameters_is_spread() -> None:
    matrix = np.array([[[1.0, 0.5], [0.5, 1.0]]])
    spread = spread_parameters(matrix, FIT["correlation"].dims, FIT["correlation"], PLACES, 3)
    np.testing.assert_array_equal(spread[0], [[1.0, np.nan, 0.5], [np.nan] * 3, [0.5, np.nan, 1.0]])


def test_other_axes_stay_and_status_codes_are_filled_with_not_run() -> None:
    codes = np.array([[[1, 2], [3, 1]]])
    spread = spread_parameters(codes, FIT["minos_status"].dims, FIT["minos_status"], PLACES, 3)
    np.testing.assert_array_equal(spread, [[[2, 0, 1], [1, 0, 3]]])


def test_what_has_no_parameters_is_left_alone() -> None:
    values = np.arange(4.0)
    assert spread_parameters(values, ("point",), FIT["edm"], PLACES, 3) is values


def test_arrays_of_minos_errors_are_there_where_they_are_asked_for() -> None:
    assert {"minos", "minos_status"} <= FIT.keys()
    assert not {"minos", "minos_status"} & variables_of({"kind": "fit", "minos": []}).keys()
    assert list(FIT)[-1] == "status"
