"""Where asymptotic CLs fail, against exact sums over all outcomes of small counting experiments."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import xlogy
from scipy.stats import poisson, spearmanr

from hfscale.inference.asymptotics import asymptotic_p_values
from hfscale.inference.fits import fit_hypotheses
from hfscale.inference.validity import FEW_EVENTS, TOLERANCE, AsymptoticsFlag, effective_events, validity
from hfscale.work.models import build_models
from hfscale.workspace import load_inputs
from tests.models import group_of, modifier, normfactor, one_channel, sample

_FORGOTTEN = 1e-6  # probability of outcomes of a bin that are left out


class Comparison(NamedTuple):
    """Effective events of an experiment, and by how much exact CLs is larger where asymptotic CLs is about 0.05."""

    events: float
    excess: float


def twice_nll(counts: np.ndarray, rates: np.ndarray) -> np.ndarray:
    return np.asarray(2.0 * (rates - xlogy(counts, rates)).sum(axis=-1))


def events_of(signal: np.ndarray, background: np.ndarray) -> float:
    bins = [sample("signal", signal, normfactor()), sample("bkg", background)]
    group = group_of(one_channel([0.0] * len(signal), *bins))
    return float(effective_events(group, np.arange(1), background[None], (background + signal)[None])[0])


def best_signal(counts: np.ndarray, signal: np.ndarray, background: np.ndarray) -> np.ndarray:
    """POI at the minimum, kept within 0 and 1: the derivative of the likelihood falls, so its sign can be halved."""

    def slope(mu: np.ndarray) -> np.ndarray:
        return np.asarray((signal * (counts / (background + mu[:, None] * signal) - 1.0)).sum(axis=1))

    low, high = np.zeros(len(counts)), np.ones(len(counts))
    at_bounds = slope(low) <= 0, slope(high) >= 0
    for _ in range(40):
        middle = 0.5 * (low + high)
        rises = slope(middle) > 0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    return np.select(at_bounds, [0.0, 1.0], 0.5 * (low + high))


def compare(shape: np.ndarray, background: np.ndarray) -> Comparison:
    """Scale a signal so that the median expected asymptotic CLs is 0.05, and compare where CLs is near that."""

    def q_asimov(scale: float) -> float:
        rates = background + scale * shape
        return float(twice_nll(background, rates) - twice_nll(background, background))

    def distance(scale: float) -> float:
        p = asymptotic_p_values(np.zeros(1), np.array([q_asimov(scale)]), "qtilde")
        return float(p.CLs_exp[0, 2]) - 0.05

    scale = brentq(distance, 1e-3, 1e4)
    signal = scale * shape
    ranges = [
        np.arange(poisson.ppf(_FORGOTTEN, b), poisson.ppf(1 - _FORGOTTEN, b + s) + 1)
        for b, s in zip(background, signal, strict=True)
    ]
    counts = np.stack(np.meshgrid(*ranges), axis=-1).reshape(-1, len(background))
    mu_hat = best_signal(counts, signal, background)
    rates = background + mu_hat[:, None] * signal
    q = np.maximum(twice_nll(counts, background + signal) - twice_nll(counts, rates), 0.0)
    order = np.argsort(-q)
    q, counts = q[order], counts[order]
    chance, chance_sb = (poisson.pmf(counts, rates).prod(axis=1) for rates in (background, background + signal))
    # Outcomes as likely as this one count as at least as extreme.
    last = np.searchsorted(-q, -(q - 1e-9), side="right") - 1
    exact = np.cumsum(chance_sb)[last] / np.cumsum(chance)[last]
    found = asymptotic_p_values(q, np.full(len(q), q_asimov(scale)), "qtilde").CLs_obs
    near = (found > 0.03) & (found < 0.08)
    return Comparison(
        events_of(signal, background), float(np.average((exact / found - 1.0)[near], weights=chance[near]))
    )


MULTI_BIN = [
    ([1.0, 2.0], [1.0, 1.5]),
    ([1.0, 1.0], [0.7, 1.5]),
    ([1.0, 0.3], [15.7, 15.9]),
    ([0.5, 1.0], [7.4, 6.1]),
    ([1.0, 0.9], [2.7, 2.2]),
    ([0.3, 1.0], [13.2, 1.4]),
    ([1.0, 1.1], [30.8, 21.0]),
    ([0.6, 1.0], [25.0, 48.2]),
    ([1.0, 2.0, 1.0], [0.8, 0.4, 0.9]),
    ([1.0, 0.7, 0.7], [4.1, 4.2, 5.5]),
    ([1.0, 0.3, 1.7], [8.7, 18.2, 10.2]),
]


@pytest.mark.parametrize(("shape", "background"), MULTI_BIN)
def test_the_threshold_separates_good_from_bad_asymptotics(shape: list[float], background: list[float]) -> None:
    found = compare(np.array(shape), np.array(background))
    if found.events < 0.65 * FEW_EVENTS:
        assert found.excess > TOLERANCE
    if found.events > FEW_EVENTS:
        assert 0.0 < found.excess < TOLERANCE


def test_the_fewer_events_the_worse_are_asymptotics() -> None:
    found = [compare(np.array(shape), np.array(background)) for shape, background in MULTI_BIN]
    assert spearmanr(*zip(*found, strict=True)).statistic < -0.9
    at_five = [excess for events, excess in found if 4.0 < events < 7.0]
    assert min(at_five) > 0.2
    assert max(at_five) < 0.5


def test_a_single_known_bin_needs_more_events() -> None:
    poor, good = (compare(np.ones(1), np.array([b])) for b in (25.0, 150.0))
    assert poor.events > FEW_EVENTS
    assert poor.excess > TOLERANCE
    assert good.events > 150.0
    assert good.excess < TOLERANCE


def test_a_single_bin_counts_its_events() -> None:
    assert events_of(np.array([3.0]), np.array([5.0])) == pytest.approx(8.0)


def test_equal_bins_count_together_and_insensitive_ones_not_at_all() -> None:
    s, b = np.full(10, 0.4), np.full(10, 1.6)
    assert events_of(s, b) == pytest.approx(20.0)
    alone = events_of(np.array([3.0]), np.array([5.0]))
    beside = events_of(np.array([3.0, 1e-3]), np.array([5.0, 1e5]))
    assert beside == pytest.approx(alone, rel=1e-2)


def test_no_background_counts_the_signal() -> None:
    assert events_of(np.array([3.0]), np.array([0.0])) == pytest.approx(3.0)


def test_bins_that_a_point_lacks_do_not_count_and_no_difference_is_no_number() -> None:
    here = one_channel([5.0], sample("signal", [3.0], normfactor()), sample("bkg", [5.0]))
    more = {"name": "CR", "samples": [sample("signal", [1.0], normfactor()), sample("bkg", [50.0])]}
    both = {**here, "channels": [*here["channels"], more]}
    both["observations"] = [*here["observations"], {"name": "CR", "data": [50.0]}]
    group = group_of(here, both)
    where = [name for name, _ in group.bin_names].index("SR")
    rates_b = np.full((2, 2), 50.0)
    rates_sb = rates_b + 1.0
    rates_b[:, where], rates_sb[:, where] = 5.0, 8.0
    first, second = effective_events(group, np.arange(2), rates_b, rates_sb)
    assert first == pytest.approx(8.0)
    assert second > 8.1
    assert np.isnan(effective_events(group, np.arange(2), rates_b, rates_b)).all()
    rates_b[0, where] = np.nan
    assert list(np.isnan(effective_events(group, np.arange(2), rates_b, rates_sb))) == [True, False]


def test_nuisance_parameters_take_up_signal_and_leave_fewer_events() -> None:
    uncertain = sample("bkg", [30.0, 5.0], modifier("shapesys", "gamma", [30.0, 0.5]))
    group = group_of(one_channel([30.0, 5.0], sample("signal", [12.0, 5.0], normfactor()), uncertain))
    rows = np.arange(1)
    fits = fit_hypotheses(group, rows, 1.0)
    known = effective_events(group, rows, fits.background.rates, fits.background.rates + np.array([[12.0, 5.0]]))
    (found,) = effective_events(group, rows, fits.background.rates, fits.asimov.rates)
    # The first bin can no longer tell signal from background, which leaves the 10 events of the second.
    assert known[0] > 20.0
    assert 8.0 < found < 13.0


@pytest.mark.slow
@pytest.mark.data
def test_a_published_point_where_toys_disagree_has_few_events(shared_data: Path) -> None:
    (group,) = build_models(load_inputs(shared_data / "sbottom-RegionA.tar.gz", points=["sbottom_1300_205_60"]))
    rows = np.arange(1)
    fits = fit_hypotheses(group, rows, 1.0)
    (found,) = effective_events(group, rows, fits.background.rates, fits.asimov.rates)
    assert found == pytest.approx(4.9, abs=0.1)


def flag(events: float, asymptotic: float, toys: float = np.nan, low: float = np.nan, high: float = np.nan) -> int:
    found = validity(np.array([events]), np.array([asymptotic]), np.array([toys]), np.array([[low, high]]))
    return int(found[0])


def test_flags() -> None:
    few, disagree = AsymptoticsFlag.FEW_EVENTS, AsymptoticsFlag.TOYS_DISAGREE
    assert flag(100.0, 0.05) == 0
    assert flag(8.0, 0.05) == few
    assert flag(np.nan, 0.05) == flag(100.0, np.nan, 0.05, 0.04, 0.06) == 0
    # The point of which the toys are known: 0.331 against 0.244, at 5 events.
    assert flag(5.0, 0.244, 0.331, 0.308, 0.355) == few | disagree
    # Three times the uncertainty counts on the side of the asymptotic value.
    assert flag(100.0, 0.08, 0.05, 0.049, 0.058) == disagree
    assert flag(100.0, 0.08, 0.05, 0.049, 0.062) == 0
    # Many toys make small differences certain, but those do not matter.
    assert flag(100.0, 0.051, 0.050, 0.0499, 0.0501) == 0
    # No toy above: CLs 0 with an open interval.
    assert flag(100.0, 0.001, 0.0, 0.0, 0.0005) == 0
    assert flag(100.0, 0.010, 0.0, 0.0, 0.0005) == disagree


def test_toys_that_agree_dispel_the_doubt_of_few_events() -> None:
    assert flag(8.0, 0.051, 0.050, 0.0490, 0.0511) == AsymptoticsFlag.NONE
    assert flag(8.0, 0.051, 0.050, 0.0450, 0.0560) == AsymptoticsFlag.FEW_EVENTS


def test_reasons_are_names_and_text() -> None:
    both = AsymptoticsFlag(3)
    assert both.reasons == ("few_events", "toys_disagree")
    assert "20 events" in both.text and "toys" in both.text
    assert AsymptoticsFlag.NONE.reasons == ()
    assert AsymptoticsFlag.NONE.text == ""
