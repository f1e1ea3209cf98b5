"""Adaptive grids with real fits: the contours of full grids, and of iminuit, with several times fewer fits."""

from typing import Any

import numpy as np
import pytest
from iminuit import Minuit

from hfscale.fit import grids
from hfscale.fit.escalation import best_fits
from hfscale.fit.lanes import FitResults
from hfscale.fit.slots import challenge
from hfscale.fit.status import FitStatus
from hfscale.inference.profile_levels import PROBABILITIES, height_of
from hfscale.inference.profile_refinement import surface
from hfscale.inference.profile_scans import ProfileBlock, scan_profiles
from hfscale.inference.results import PointStatus
from hfscale.model.structure import ModelGroup
from hfscale.reading.profile_contours import profile_contour
from hfscale.reading.profiles import interval_below
from tests.inference.test_profile_contours import OBSERVED, RATES, distances, twice_nll
from tests.models import Spec, group_of, histosys, normfactor, normsys, one_channel, sample

TOLERANCE = 0.01


def three_yields() -> ModelGroup:
    samples = [
        sample(name, list(rates), normfactor(name))
        for name, rates in zip(("mu", "first", "second"), RATES, strict=True)
    ]
    return group_of(one_channel(list(OBSERVED), *samples))


def two_bins(signal: float) -> Spec:
    return one_channel(
        [58, 31],
        sample("signal", [signal, 1.6 * signal], normfactor(), normsys("a", 1.1, 0.92)),
        sample("bkg", [50.0, 24.0], normsys("a", 1.2, 0.85), histosys("b", [54.0, 25.0], [47.0, 22.5])),
    )


def complete(block: ProfileBlock, point: int = 0) -> np.ndarray:
    """t all over the grid of a point."""
    fitted = block.fit_status[point] != FitStatus.NOT_RUN
    return surface([values[point] for values in block.values], block.t[point], fitted)


def fits(block: ProfileBlock, point: int = 0) -> int:
    return int((block.fit_status[point] != FitStatus.NOT_RUN).sum())


def test_contours_are_those_of_the_full_grid_and_of_minuit() -> None:
    group = three_yields()
    minuit = Minuit(twice_nll, mu=1.0, first=1.0, second=1.0)
    minuit.errordef, minuit.strategy = Minuit.LEAST_SQUARES, 2
    minuit.migrad()
    sizes = np.array([minuit.errors[name] for name in ("first", "second")])
    grids = [
        np.linspace(minuit.values[name] - 3.2 * size, minuit.values[name] + 3.2 * size, 49).tolist()
        for name, size in zip(("first", "second"), sizes, strict=True)
    ]
    rows = np.array([0])
    full = scan_profiles(group, rows, ("first", "second"), grids)
    block = scan_profiles(group, rows, ("first", "second"), grids, TOLERANCE)
    assert 5 * fits(block) < full.t.size
    assert block.n_fits == 1 + fits(block)
    fitted = block.fit_status[0] != FitStatus.NOT_RUN
    np.testing.assert_allclose(block.t[0][fitted], full.t[0][fitted], atol=1e-6)
    axes = [np.array(grid) for grid in grids]
    for probability in PROBABILITIES:
        level = height_of(probability, 2)
        (ours,) = profile_contour(*axes, complete(block), level).lines
        (theirs,) = profile_contour(*axes, full.t[0], level).lines
        assert distances(ours / sizes, theirs / sizes).max() < TOLERANCE
        expected = np.asarray(minuit.mncontour("first", "second", cl=probability, size=20))
        assert distances(expected / sizes, ours / sizes).max() < 1.5 * TOLERANCE


def test_several_points_at_once() -> None:
    specs = [two_bins(5.0), two_bins(0.0), two_bins(7.0)]
    group = group_of(*specs)
    block = scan_profiles(group, np.arange(3), ("mu", "b"), tolerance=TOLERANCE)
    assert block.t.shape == (3, 65, 65)
    assert block.status.tolist() == [PointStatus.OK, PointStatus.NO_SIGNAL, PointStatus.OK]
    assert (block.fit_status[1] == FitStatus.NOT_RUN).all()
    for point, spec in ((0, specs[0]), (2, specs[2])):
        grids = [values[point].tolist() for values in block.values]
        full = scan_profiles(group_of(spec), np.array([0]), ("mu", "b"), grids)
        assert 5 * fits(block, point) < full.t.size
        for probability in PROBABILITIES:
            height = np.sqrt(height_of(probability, 2))
            near = np.abs(np.sqrt(full.t[0]) - height) < 0.05
            assert np.abs(np.sqrt(complete(block, point)) - np.sqrt(full.t[0]))[near].max() < TOLERANCE


@pytest.mark.parametrize("names", [("mu",), ("mu", "b")])
def test_a_point_has_the_same_numbers_alone_as_with_others(names: tuple[str, ...]) -> None:
    group = group_of(two_bins(5.0), two_bins(7.0))
    both = scan_profiles(group, np.arange(2), names, tolerance=TOLERANCE)
    for point in range(2):
        alone = scan_profiles(group, np.array([point]), names, tolerance=TOLERANCE)
        np.testing.assert_array_equal(alone.fit_status[0], both.fit_status[point])
        np.testing.assert_array_equal(alone.t[0], both.t[point])


def test_what_fails_between_the_coarsest_values_is_rescued_by_iminuit(monkeypatch: pytest.MonkeyPatch) -> None:
    group, rows = group_of(two_bins(5.0), two_bins(7.0)), np.arange(2)
    values = [np.linspace(0.0, 4.0, 13).tolist(), np.linspace(-2.0, 2.0, 13).tolist()]
    expected = scan_profiles(group, rows, ("mu", "b"), values, TOLERANCE)
    # iminuit tries four fits first, and the others because it helped.
    assert min(fits(expected, 0), fits(expected, 1)) > 7 * 7 + 4
    of_the_coarsest: list[FitResults] = []

    def fits_once(*args: Any, **options: Any) -> FitResults:
        found = best_fits(*args, **options)
        if not of_the_coarsest:
            of_the_coarsest.append(found)
            return found
        return failed(found)

    monkeypatch.setattr(grids, "best_fits", fits_once)
    monkeypatch.setattr(grids, "challenge", lambda *args: failed(challenge(*args)))
    block = scan_profiles(group, rows, ("mu", "b"), values, TOLERANCE)
    np.testing.assert_array_equal(block.fit_status == FitStatus.NOT_RUN, expected.fit_status == FitStatus.NOT_RUN)
    np.testing.assert_allclose(block.t, expected.t, atol=1e-8)


def failed(found: FitResults) -> FitResults:
    nowhere = np.full(len(found.nll), np.nan)
    return found._replace(status=np.full(len(found.nll), int(FitStatus.NOT_CONVERGED)), nll=nowhere)


@pytest.mark.parametrize("name", ["mu", "a"])
def test_intervals_are_those_of_the_full_grid(name: str) -> None:
    group = group_of(two_bins(5.0))
    block = scan_profiles(group, np.array([0]), (name,), tolerance=TOLERANCE)
    (values,) = block.values[0]
    full = scan_profiles(group, np.array([0]), (name,), [values.tolist()])
    assert 4 * fits(block) < len(values)
    best, error = block.best_fit[0, 0], block.error[0, 0]
    for probability in PROBABILITIES:
        level = height_of(probability, 1)
        ours, theirs = (interval_below(values, t, best, level) for t in (complete(block), full.t[0]))
        assert ours == pytest.approx(theirs, abs=TOLERANCE * error, nan_ok=True)


def test_where_another_minimum_is_lower_it_is_found() -> None:
    shifts = histosys("up", [80.0, 75.0], [70.0, 95.0])
    spec = one_channel([75.0, 95.0], sample("signal", [6.0, 12.0], normfactor()), sample("bkg", [40.0, 55.0], shifts))
    group, values = group_of(spec), np.linspace(0.0, 5.0, 161).tolist()
    full = scan_profiles(group, np.array([0]), ("mu",), [values])
    block = scan_profiles(group, np.array([0]), ("mu",), [values], TOLERANCE)
    assert 3 * fits(block) < len(values)
    inside = full.t[0] < 4.0
    assert np.abs(np.sqrt(complete(block)) - np.sqrt(full.t[0]))[inside].max() < 10 * TOLERANCE
    fitted = block.fit_status[0] != FitStatus.NOT_RUN
    np.testing.assert_allclose(block.t[0][fitted], full.t[0][fitted], atol=1e-6)
