"""Models beyond pyhf's: constraints per parameter, Poisson staterrors, fixed bins, clipping."""

import re
from typing import Any

import numpy as np
import pytest
import scipy.stats

from hfscale.errors import ModelError, SchemaError
from hfscale.fit.escalation import best_fits
from hfscale.model.structure import LOGNORMAL, NORMAL, POISSON, ModelGroup
from tests.evaluation import derivatives, hessian_of, value_of
from tests.models import (
    Spec,
    cls_of,
    counting,
    group_of,
    groups_of,
    histosys,
    modifier,
    normfactor,
    normsys,
    one_channel,
    position,
    sample,
)


def extended(spec: Spec, **key: Any) -> Spec:
    spec["measurements"][0]["config"]["hfscale"] = key
    return spec


def two_bins(*modifiers: Spec, parameters: tuple[Spec, ...] = ()) -> Spec:
    """A signal, and a background of two bins with the given modifiers."""
    return one_channel(
        [58, 31],
        sample("signal", [5.0, 8.0], normfactor(), normsys("a", 1.1, 0.92)),
        sample("bkg", [50.0, 30.0], normsys("a", 1.2, 0.85), *modifiers),
        parameters=parameters,
    )


STAT = modifier("staterror", "stat", [4.0, 3.0])
FAKES = modifier("shapesys", "fakes", [5.0, 6.0])


def everything() -> Spec:
    return extended(
        two_bins(
            STAT, FAKES, histosys("b", [54.0, 29.0], [47.0, 32.0]), normfactor("k"), modifier("shapefactor", "shape")
        ),
        parameters=[
            {"name": "stat", "constraint": "lognormal"},
            {"name": "fakes", "constraint": "normal"},
            {"name": "k", "constraint": "lognormal", "sigmas": [0.3], "auxdata": [1.1]},
            {"name": "b", "constraint": "none"},
            {"name": "shape", "constraint": "poisson", "factors": [20, 30]},
        ],
    )


def at_random(group: ModelGroup, seed: int = 0) -> np.ndarray:
    """Parameters around the start values, the positive ones positive."""
    rng = np.random.default_rng(seed)
    init = group.inits[0]
    theta: np.ndarray = np.where(init > 0, init * rng.uniform(0.6, 1.5, len(init)), rng.normal(0.0, 0.7, len(init)))
    return theta


def assert_exact_derivatives(group: ModelGroup, theta: np.ndarray) -> None:
    v = np.random.default_rng(1).normal(size=theta.shape)
    found = derivatives(group, theta, v)
    np.testing.assert_allclose(found.gradient, found.automatic_gradient, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.hessian, hessian_of(group, theta), rtol=1e-8, atol=1e-8)
    assert (found.diagonal > 0).all()


def main_terms(group: ModelGroup, theta: np.ndarray) -> tuple[float, float]:
    """-ln L of the first point, and its part from the bins."""
    rates, nll = value_of(group, theta[None])
    return float(nll[0]), float(-scipy.stats.poisson.logpmf(group.points.data[0], rates[0]).sum())


def constraint_of(group: ModelGroup, theta: np.ndarray) -> float:
    """The sum of the constraint terms of the first point."""
    nll, main = main_terms(group, theta)
    return nll - main


def test_an_empty_key_changes_nothing() -> None:
    plain, empty = group_of(two_bins(STAT, FAKES)), group_of(extended(two_bins(STAT, FAKES)))
    assert plain.structure.digest == empty.structure.digest
    for own, other in zip(plain.points, empty.points, strict=True):
        np.testing.assert_array_equal(own, other)


def test_poisson_staterrors() -> None:
    group = group_of(extended(two_bins(STAT), staterror={"constraint": "poisson"}))
    sigma = np.array([4.0 / 50.0, 3.0 / 30.0])
    where = [position(group, f"stat[{i}]") for i in range(2)]
    assert (group.structure.constraint[where] == POISSON).all()
    assert group.structure.gamma[where].all()
    np.testing.assert_allclose(group.points.width[0, where], 1 / sigma**2)
    np.testing.assert_allclose(group.points.auxdata[0, where], 1 / sigma**2)
    np.testing.assert_array_equal(group.points.lower[0, where], 1e-10)
    np.testing.assert_array_equal(group.points.upper[0, where], 10.0)
    theta = at_random(group)
    gamma, tau = theta[where], 1 / sigma**2
    # 1/0.08^2 = 156.25: the auxiliary count is not rounded, so the density is the one of a continuous count.
    poisson = -(tau * np.log(gamma * tau) - gamma * tau - scipy.special.gammaln(tau + 1))
    alpha = theta[position(group, "a")]
    expected = poisson.sum() - scipy.stats.norm.logpdf(0.0, alpha, 1.0)
    assert constraint_of(group, theta) == pytest.approx(expected, rel=1e-10)
    assert_exact_derivatives(group, theta)


def test_a_poisson_staterror_of_whole_events_is_the_counting_experiment() -> None:
    """A background of 25 simulated events: the auxiliary measurement is 25 events, relative uncertainty 1/5."""
    spec = extended(counting(5, 50, 52, modifier("staterror", "stat", [10.0])), staterror={"constraint": "poisson"})
    group = group_of(spec)
    theta = group.inits[0].copy()
    theta[position(group, "stat[0]")] = 0.9
    assert constraint_of(group, theta) == pytest.approx(-scipy.stats.poisson.logpmf(25, 0.9 * 25), rel=1e-12)


def test_bins_below_the_threshold_are_not_varied() -> None:
    group = group_of(extended(two_bins(STAT), staterror={"threshold": 0.09}))
    fixed = [bool(group.points.fixed[0, position(group, f"stat[{i}]")]) for i in range(2)]
    assert fixed == [True, False]


def test_log_normal_constraints() -> None:
    group = group_of(
        extended(
            two_bins(STAT, normfactor("k"), parameters=({"name": "k", "inits": [1.2]},)),
            parameters=[
                {"name": "stat", "constraint": "lognormal"},
                {"name": "k", "constraint": "lognormal", "sigmas": [0.25]},
            ],
        )
    )
    stat, k = [position(group, f"stat[{i}]") for i in range(2)], position(group, "k")
    assert (group.structure.constraint[[*stat, k]] == LOGNORMAL).all()
    np.testing.assert_allclose(group.points.auxdata[0, [*stat, k]], [1.0, 1.0, 1.2])
    assert group.points.lower[0, k] == 1e-10
    theta = at_random(group)
    width = np.array([0.08, 0.1, 0.25])
    terms = scipy.stats.lognorm.logpdf([1.0, 1.0, 1.2], width, scale=theta[[*stat, k]])
    normal = scipy.stats.norm.logpdf(0.0, theta[position(group, "a")], 1.0)
    assert constraint_of(group, theta) == pytest.approx(-terms.sum() - normal, rel=1e-10)
    assert_exact_derivatives(group, theta)


def test_the_stand_in_curves_where_a_log_normal_constraint_does_not() -> None:
    spec = extended(counting(5, 50, 52, normfactor("k")), parameters=[
        {"name": "k", "constraint": "lognormal", "sigmas": [0.2]},
    ])  # fmt: skip
    group = group_of(spec)
    theta = group.inits[0].copy()
    theta[position(group, "k")] = 6.0
    assert_exact_derivatives(group, theta)


def test_derivatives_of_every_kind_of_constraint() -> None:
    group = group_of(everything())
    assert_exact_derivatives(group, at_random(group))


def test_constraints_of_one_kind_become_those_of_another() -> None:
    group = group_of(everything())
    points, constraint = group.points, group.structure.constraint
    fakes = [position(group, f"fakes[{i}]") for i in range(2)]
    assert (constraint[fakes] == NORMAL).all()
    assert group.structure.gamma[fakes].all()
    np.testing.assert_allclose(points.width[0, fakes], [0.1, 0.2])
    np.testing.assert_allclose(points.auxdata[0, fakes], 1.0)
    shape = [position(group, f"shape[{i}]") for i in range(2)]
    np.testing.assert_allclose(points.width[0, shape], [20, 30])
    np.testing.assert_allclose(points.auxdata[0, shape], [20, 30])
    assert points.auxdata[0, position(group, "k")] == 1.1
    assert points.constrained[0, position(group, "b")] == 0.0


def test_the_luminosity_keeps_its_relative_uncertainty() -> None:
    lumi = {"name": "lumi", "inits": [36.0], "bounds": [[20.0, 50.0]], "auxdata": [36.0], "sigmas": [0.72]}
    for constraint, width, auxdata in (("lognormal", 0.02, 36.0), ("poisson", 2500 / 36.0, 2500.0)):
        spec = counting(5, 50 / 36, 52, modifier("lumi", "lumi"), parameters=[lumi])
        group = group_of(extended(spec, parameters=[{"name": "lumi", "constraint": constraint}]))
        k = position(group, "lumi")
        assert group.points.width[0, k] == pytest.approx(width)
        assert group.points.auxdata[0, k] == pytest.approx(auxdata)


def test_single_bins_can_be_fixed() -> None:
    spec = extended(two_bins(FAKES), parameters=[{"name": "fakes", "fixed": [False, True]}])
    group = group_of(spec)
    assert [bool(group.points.fixed[0, position(group, f"fakes[{i}]")]) for i in range(2)] == [False, True]


@pytest.mark.parametrize(
    ("settings", "message", "place"),
    [
        ({"name": "a", "constraint": "lognormal"}, "'a': a lognormal constraint needs a positive parameter", ""),
        ({"name": "a", "constraint": "poisson", "factors": [3.0]}, "'a': a poisson constraint needs a positive", ""),
        ({"name": "k", "constraint": "normal"}, "'k': a normal constraint of a free parameter needs its widths", ""),
        ({"name": "k", "constraint": "normal", "sigmas": [1, 2]}, "'k': 2 values for 'sigmas', expected 1", "/sigmas"),
        ({"name": "fakes", "fixed": [True]}, "'fakes': 1 values for 'fixed', expected 2", "/fixed"),
        (
            {"name": "fakes", "constraint": "lognormal", "auxdata": [1.0, 0.0]},
            "'fakes': auxdata of 0 are impossible with a lognormal constraint",
            "/auxdata",
        ),
        (
            {"name": "fakes", "constraint": "poisson", "auxdata": [1.0, -1.0]},
            "'fakes': auxdata of -1 are impossible with a poisson constraint",
            "/auxdata",
        ),
    ],
)
def test_impossible_settings_are_refused(settings: Spec, message: str, place: str) -> None:
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        group_of(extended(two_bins(FAKES, normfactor("k")), parameters=[settings]))
    assert caught.value.place == f"measurements[fit]/config/hfscale/parameters[{settings['name']}]{place}"
    assert caught.value.remedy


def test_a_key_that_was_never_checked_is_refused() -> None:
    with pytest.raises(SchemaError, match="unknown key 'cilp'"):
        group_of(extended(two_bins(), cilp={"bins": 0.0}))


def clipping_model(**clip: float) -> Spec:
    """Two bins whose background falls below zero for large values of b."""
    spec = one_channel(
        [3, 31],
        sample("signal", [5.0, 8.0], normfactor(), normsys("a", 1.1, 0.92)),
        sample("bkg", [2.0, 30.0], normsys("a", 1.2, 0.85), histosys("b", [4.5, 28.0], [-1.0, 33.0])),
    )
    return extended(spec, clip=clip) if clip else spec


@pytest.mark.parametrize("clip", [{"samples": 0.5}, {"bins": 1.5}, {"samples": 0.0, "bins": 1.0}])
@pytest.mark.parametrize("b", [0.3, -0.9, -2.5])
def test_clipped_rates_have_exact_derivatives(clip: dict[str, float], b: float) -> None:
    group = group_of(clipping_model(**clip))
    theta = group.inits[0].copy()
    theta[position(group, "b")], theta[position(group, "a")], theta[position(group, "mu")] = b, 0.4, 0.2
    rates, _ = value_of(group, theta[None])
    plain, _ = value_of(group_of(clipping_model()), theta[None])
    assert (rates >= clip.get("bins", 0.0)).all()
    assert (b < 0) == bool((rates != plain).any())
    v = np.random.default_rng(1).normal(size=theta.shape)
    found = derivatives(group, theta, v)
    np.testing.assert_allclose(found.gradient, found.automatic_gradient, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.hessian, hessian_of(group, theta), rtol=1e-8, atol=1e-8)


def test_clipping_is_part_of_the_structure() -> None:
    digests = {group_of(clipping_model(**clip)).structure.digest for clip in ({}, {"samples": 0.0}, {"bins": 0.0})}
    assert len(digests) == 3
    assert len(groups_of([clipping_model(), clipping_model(bins=0.0)])) == 2


def test_a_sample_that_a_point_lacks_is_not_raised_by_clipping() -> None:
    one, two = clipping_model(samples=0.5), clipping_model(samples=0.5)
    del two["channels"][0]["samples"][0]
    groups = groups_of([one, two])
    assert len(groups) == 2
    rates, _ = value_of(groups[1], groups[1].inits)
    np.testing.assert_allclose(rates, [[2.0, 30.0]])
    assert len(groups_of([one, clipping_model(samples=0.5)])) == 1


def test_cls_agrees_between_constraints_that_hardly_matter() -> None:
    """With a tiny uncertainty, the kind of its constraint makes no difference; with a large one, it does."""

    def cls(uncertainty: float, constraint: str) -> float:
        spec = counting(6, 50, 52, modifier("staterror", "stat", [uncertainty]))
        block = cls_of(extended(spec, parameters=[{"name": "stat", "constraint": constraint}]))
        assert not any(block.reasons)
        return float(block.CLs_obs[0])

    small = [cls(0.05, kind) for kind in ("normal", "poisson", "lognormal")]
    np.testing.assert_allclose(small, small[0], rtol=1e-4)
    large = [cls(15.0, kind) for kind in ("normal", "poisson", "lognormal")]
    assert np.ptp(large) > 1e-3


def test_fits_end_at_certified_minima() -> None:
    group = group_of(everything())
    fits = best_fits(group.structure, group.shared, group.points, [group.inits])
    assert fits.succeeded.all()
