"""With many events, toys and asymptotic formulas give the same CLs and band; with few events they do not."""

from typing import NamedTuple

import numpy as np
import pytest

from hfscale.inference.toys.fits import run_toys
from hfscale.inference.toys.origins import toy_origins
from hfscale.inference.toys.p_values import ToyPValues, toy_p_values
from hfscale.inference.toys.settings import ToySettings
from tests.models import cls_of, group_of, modifier, normfactor, normsys, one_channel, sample

SETTINGS = ToySettings()
TOYS = 6000


class Compared(NamedTuple):
    """Asymptotic CLs less that of toys, in 68.3 % intervals of the latter: observed, and the expected band."""

    observed: float
    expected: np.ndarray


def compare(scale: float, observed: list[float], mu: float) -> Compared:
    """Two bins with an uncertainty common to both and one of each, with so many times the events."""
    spec = one_channel(
        [scale * n for n in observed],
        sample("signal", [2.0 * scale, 3.0 * scale], normfactor(), normsys("a", 1.05, 0.95)),
        sample(
            "bkg",
            [40.0 * scale, 30.0 * scale],
            normsys("b", 1.02, 0.98),
            modifier("shapesys", "u", [0.4 * scale, 0.3 * scale]),
        ),
    )
    group, asymptotic = group_of(spec), cls_of(spec, mu=mu)
    origins = toy_origins(group, np.array([0]), mu, SETTINGS)
    sb, b = (run_toys(group, 0, origins, hypothesis, mu, 0, TOYS, SETTINGS) for hypothesis in ("sb", "b"))
    p = toy_p_values(float(origins.q_obs[0]), sb.q, sb.status, b.q, b.status)
    assert p.sb.failed == p.b.failed == 0
    return _compared(p, float(asymptotic.CLs_obs[0]), asymptotic.CLs_exp[0])


def _compared(p: ToyPValues, observed: float, expected: np.ndarray) -> Compared:
    difference = np.array([observed - p.CLs_obs, *(expected - p.CLs_exp)])
    values = np.array([p.CLs_obs, *p.CLs_exp])
    lower, upper = np.array([p.CLs_obs_interval, *p.CLs_exp_interval]).T
    # Where the statistic is 0, CLs is 1 without an uncertainty.
    pulls = difference / np.maximum(np.where(difference > 0.0, upper - values, values - lower), 1e-6)
    return Compared(float(pulls[0]), pulls[1:])


@pytest.mark.parametrize(
    ("observed", "mu"),
    [([40.0, 30.0], 0.7), ([39.5, 30.2], 0.6), ([40.8, 31.1], 1.1)],
    ids=["background", "deficit", "excess"],
)
def test_many_events_give_the_asymptotic_cls_and_band(observed: list[float], mu: float) -> None:
    pulls = compare(100.0, observed, mu)
    assert abs(pulls.observed) < 4.0
    assert (np.abs(pulls.expected) < 4.0).all()


def test_few_events_do_not() -> None:
    pulls = compare(0.05, [40.0, 20.0], 10.0)
    assert np.abs(pulls.expected[:4]).max() > 4.5
