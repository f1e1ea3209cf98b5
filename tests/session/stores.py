"""Comparing stores."""

from pathlib import Path

import numpy as np

from tests.program import arrays_of


def assert_equal_numbers(found: Path, expected: Path) -> None:
    """All arrays of two stores are equal, to the last bit."""
    one, other = arrays_of(found), arrays_of(expected)
    assert one.keys() == other.keys()
    for name, values in other.items():
        np.testing.assert_array_equal(one[name], values, err_msg=name)
