"""The speed of this machine, which sizes of tasks follow."""

import pytest

from hfscale.work.speed import machine_slowness, slowness


@pytest.mark.parametrize(
    ("seconds", "expected"), [(6e-4, 1.0), (8e-4, 1.0), (1.2e-3, 2.0), (3.1e-4, 0.5), (1e-2, 16.0)]
)
def test_it_comes_in_powers_of_two_of_the_reference(seconds: float, expected: float) -> None:
    assert slowness(seconds) == expected


def test_it_is_measured_once() -> None:
    assert machine_slowness() == machine_slowness() > 0.0
    assert machine_slowness.cache_info().misses == 1
