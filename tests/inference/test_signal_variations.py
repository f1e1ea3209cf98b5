"""Observed CLs with the cross-section of the signal varied."""

import numpy as np
import pytest

from hfscale.inference.cls import asymptotic_cls
from hfscale.inference.signal_variations import cls_with_signal_variations
from tests.models import Spec, groups_of, modifier, normfactor, normsys, one_channel, sample


def search(scale: float, bound: float = 10.0) -> Spec:
    """A signal with a relative and an absolute uncertainty, over an uncertain background."""
    signal = [4.0 * scale, 9.0 * scale]
    uncertain = (normsys("jes", 1.1, 0.92), modifier("staterror", "stat", [0.3 * s for s in signal]))
    return one_channel(
        [52.0, 13.0],
        sample("signal", signal, normfactor(), *uncertain),
        sample("bkg", [50.0, 10.0], normsys("scale", 1.1, 0.9)),
        parameters=[{"name": "mu", "bounds": [[0.0, bound]]}],
    )


def test_it_is_the_cls_of_another_poi_value_and_of_a_scaled_signal() -> None:
    (group,) = groups_of([search(0.5), search(1.0), search(0.0)])
    delta = np.array([0.1, 0.3, 0.2])
    found = cls_with_signal_variations(group, np.arange(3), 1.0, delta)
    np.testing.assert_allclose(found.signal_poi, 1.0 + np.outer(delta, [-1.0, 1.0]))
    np.testing.assert_array_equal(found.CLs_obs, asymptotic_cls(group, np.arange(3), 1.0).CLs_obs)
    for side, sign in enumerate((-1.0, 1.0)):
        for k in (0, 1):
            at = asymptotic_cls(group, np.array([k]), 1.0 + sign * delta[k])
            assert found.CLs_obs_signal[k, side] == pytest.approx(at.CLs_obs[0], rel=1e-5)
            (scaled,) = groups_of([search((0.5, 1.0)[k] * (1.0 + sign * delta[k]))])
            assert found.CLs_obs_signal[k, side] == pytest.approx(
                asymptotic_cls(scaled, np.array([0]), 1.0).CLs_obs[0], rel=1e-4
            )
    assert (found.CLs_obs_signal[:2, 0] > found.CLs_obs[:2]).all()
    assert (found.CLs_obs_signal[:2, 1] < found.CLs_obs[:2]).all()
    assert (found.fit_status_signal[:2] > 0).all()
    # Nothing to scale: excluded by nothing.
    np.testing.assert_array_equal(found.CLs_obs_signal[2], [1.0, 1.0])
    assert (found.fit_status_signal[2] == 0).all()
