"""Contours of the profile likelihood of two parameters, scanned on a grid, against those that iminuit follows."""

import numpy as np
import pytest
from iminuit import Minuit

from hfscale.inference.profile_levels import PROBABILITIES, height_of
from hfscale.inference.profile_scans import scan_profiles
from hfscale.reading.profile_contours import profile_contour
from tests.models import group_of, normfactor, one_channel, sample

OBSERVED = 25.0 * np.array([62.0, 58.0, 49.0, 40.0])
RATES = 25.0 * np.array([[4.0, 8.0, 12.0, 6.0], [40.0, 30.0, 15.0, 10.0], [10.0, 15.0, 20.0, 25.0]])


def twice_nll(mu: float, first: float, second: float) -> float:
    rates = np.array([mu, first, second]) @ RATES
    return float(2.0 * (rates - OBSERVED * np.log(rates)).sum())


def distances(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """From each point to the nearest piece of a line."""
    begin, step = line[:-1], np.diff(line, axis=0)
    part = np.clip(((points[:, None] - begin) * step).sum(axis=-1) / (step**2).sum(axis=-1), 0.0, 1.0)
    nearest: np.ndarray = np.linalg.norm(points[:, None] - begin - part[..., None] * step, axis=-1).min(axis=1)
    return nearest


def test_contours_are_those_of_minuit() -> None:
    samples = [
        sample(name, list(rates), normfactor(name))
        for name, rates in zip(("mu", "first", "second"), RATES, strict=True)
    ]
    group = group_of(one_channel(list(OBSERVED), *samples))
    minuit = Minuit(twice_nll, mu=1.0, first=1.0, second=1.0)
    minuit.errordef, minuit.strategy = Minuit.LEAST_SQUARES, 2
    minuit.migrad()
    grids = [
        np.linspace(
            minuit.values[name] - 3.0 * minuit.errors[name], minuit.values[name] + 3.0 * minuit.errors[name], 25
        )
        for name in ("first", "second")
    ]
    block = scan_profiles(group, np.array([0]), ("first", "second"), [grid.tolist() for grid in grids])
    for probability in PROBABILITIES:
        found = profile_contour(block.values_first[0], block.values_second[0], block.t[0], height_of(probability, 2))
        (line,) = found.lines
        expected = np.asarray(minuit.mncontour("first", "second", cl=probability, size=20))
        sizes = np.array([minuit.errors[name] for name in ("first", "second")])
        assert distances(expected / sizes, line / sizes).max() < 0.02
        assert np.ptp(found.extent, axis=1) == pytest.approx(np.ptp(expected, axis=0), rel=0.05)
