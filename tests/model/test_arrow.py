"""The Hessian in blocks against the plain one: same numbers, same Newton steps."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfscale.fit.curvature import ArrowCurvature, dense_curvature, newton_step
from hfscale.model import arrow
from hfscale.model.arrow import arrow_hessian, arrow_layout
from hfscale.model.derivatives import FirstOrder, exact_hessian, first_order
from hfscale.model.structure import ModelGroup
from tests.models import group_of, histosys, modifier, normfactor, normsys, on_device, sample, workspace


def mixed(n_bins: int) -> ModelGroup:
    """Factors of single bins, of several bins, of two samples in one bin, and two factors of one entry."""
    rng = np.random.default_rng(n_bins)
    stat = modifier("staterror", "stat_a", [2.0] * n_bins)

    def background(name: str, *modifiers: dict[str, object]) -> dict[str, object]:
        rates = rng.uniform(20, 40, n_bins)
        shifts = histosys("shape", list(rates * rng.uniform(1.0, 1.15, n_bins)), list(rates * 0.92))
        return sample(name, list(rates), shifts, normsys("norm", 1.2, 0.9), *modifiers)

    first = [
        sample("signal", list(rng.uniform(1, 5, n_bins)), normfactor(), stat),
        background("b1", modifier("shapesys", "sys_1", [3.0] * n_bins), stat),
        background("b2", modifier("shapesys", "sys_2", [2.0] * n_bins), normfactor("k")),
        sample("plain", [3.0] * n_bins),
    ]
    second = [background("b1", normsys("other", 1.1, 0.8)), background("b2", normfactor("k"))]
    data = {name: list(rng.poisson(70, n_bins).astype(float)) for name in ("A", "B")}
    return group_of(workspace({"A": first, "B": second}, data))


def near_a_minimum(group: ModelGroup, theta: np.ndarray) -> tuple[Any, Any, FirstOrder]:
    """Numbers with data just above the rates at `theta`, where the Hessian is positive definite."""
    shared, points = on_device(group)
    rates = first_order(group.structure, shared, points, jnp.asarray(theta)).rates
    points = points._replace(data=1.001 * rates)
    return shared, points, first_order(group.structure, shared, points, jnp.asarray(theta))


@pytest.mark.parametrize("n_bins", [1, 4])
@pytest.mark.parametrize("fewest", [0.0, 2.0])
def test_blocks_are_the_plain_hessian(n_bins: int, fewest: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow, "_FEWEST_LOCAL", fewest)
    group = mixed(n_bins)
    layout = arrow_layout(group.structure)
    assert layout.has_local == (fewest == 0.0)
    rng = np.random.default_rng(3)
    theta = np.clip(group.inits + rng.normal(0, 0.05, group.inits.shape), group.points.lower + 0.1, group.points.upper)
    direction = rng.normal(size=theta.shape)
    with jax.enable_x64(True):
        vector = jnp.asarray(direction)
        shared, points, ev = near_a_minimum(group, theta)
        dense = exact_hessian(group.structure, shared, points, ev)
        curvature = ArrowCurvature(layout, arrow_hessian(group.structure, layout, shared, points, ev))
        plain = dense_curvature(dense)
        poi = group.structure.poi
        np.testing.assert_allclose(curvature.multiply(vector), plain.multiply(vector), rtol=1e-10, atol=1e-9)
        np.testing.assert_allclose(curvature.diagonal(), plain.diagonal(), rtol=1e-12)
        np.testing.assert_allclose(curvature.row(poi), plain.row(poi), rtol=1e-10, atol=1e-10)
        free = jnp.asarray(rng.random(theta.shape) < 0.8).at[:, poi].set(True)
        step, expected = (newton_step(c, ev.gradient, free, poi) for c in (curvature, plain))
    assert expected.definite.all()
    for found, wanted in zip(step, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-10)


def test_an_indefinite_block_is_noticed() -> None:
    group = mixed(2)
    layout = arrow_layout(group.structure)
    assert layout.has_local
    with jax.enable_x64(True):
        shared, points, ev = near_a_minimum(group, group.inits)
        hessian = arrow_hessian(group.structure, layout, shared, points, ev)
        free = jnp.asarray(~group.points.fixed)
        good = newton_step(ArrowCurvature(layout, hessian), ev.gradient, free, group.structure.poi)
        bent = hessian._replace(blocks=hessian.blocks.at[0, 0, 0, 0].set(-1.0))
        bad = newton_step(ArrowCurvature(layout, bent), ev.gradient, free, group.structure.poi)
    assert (good.definite.tolist(), bad.definite.tolist()) == ([True], [False])
