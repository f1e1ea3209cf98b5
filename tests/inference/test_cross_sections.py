"""Limits on events and cross-sections from limits on the POI."""

import pytest

from hfscale.errors import InputError
from hfscale.inference.cross_sections import conversion_factors, converted_limits

LIMITS = {"upper_limit_obs": 2.0, "upper_limit_exp": [0.5, 0.75, 1.0, 1.5, None], "upper_limit_status": "ok"}


def test_events_visible_and_whole_cross_sections() -> None:
    """Limit 2 on a signal of 12 events, in 140 / fb, with 3 fb: 24 events, 0.171 fb visible, 6 fb."""
    found = converted_limits(LIMITS, conversion_factors(12.0, 140.0, 3.0))
    assert found == {
        "S95_obs": 24.0,
        "S95_exp": [6.0, 9.0, 12.0, 18.0, None],
        "visible_xsec_obs": pytest.approx(24.0 / 140.0),
        "visible_xsec_exp": [*(pytest.approx(events / 140.0) for events in (6.0, 9.0, 12.0, 18.0)), None],
        "xsec_limit_obs": 6.0,
        "xsec_limit_exp": [1.5, 2.25, 3.0, 4.5, None],
    }


def test_what_is_not_known_is_left_out() -> None:
    assert conversion_factors(4.0) == {"S95": 4.0}
    assert conversion_factors(None, 10.0) == {}
    assert conversion_factors(None, 10.0, 2.0) == {"xsec_limit": 2.0}
    assert converted_limits(LIMITS, {}) == {}


def test_missing_limits_stay_missing() -> None:
    found = converted_limits({"upper_limit_obs": None, "upper_limit_exp": None}, conversion_factors(4.0))
    assert found == {"S95_obs": None, "S95_exp": None}


def test_intervals_of_limits_from_toys_are_converted() -> None:
    limits = {"upper_limit_obs": 1.0, "upper_limit_obs_interval": [0.9, None], "upper_limit_exp_interval": [[1.0, 2.0]]}
    assert converted_limits(limits, {"S95": 10.0}) == {
        "S95_obs": 10.0,
        "S95_obs_interval": [9.0, None],
        "S95_exp_interval": [[10.0, 20.0]],
    }


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_impossible_numbers_are_refused(value: float) -> None:
    with pytest.raises(InputError, match=r"luminosity.*fb\^-1"):
        conversion_factors(1.0, value)
    with pytest.raises(InputError, match="cross-section"):
        conversion_factors(1.0, 140.0, value)
