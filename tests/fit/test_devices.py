"""Fits on a GPU, of which the CPU plays the part: batches of their own shape, and the same minima."""

import jax
import numpy as np
import pytest

from hfscale.errors import InputError
from hfscale.fit import devices
from hfscale.fit.batches import SIZES, gpu_batch, lane_bytes
from hfscale.fit.devices import PLAIN_CPU, computing_on, target
from hfscale.fit.programs import queue_program
from hfscale.fit.slots import minimise
from hfscale.work.models import build_models
from hfscale.workspace import load_inputs
from tests.models import EXAMPLE


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "jax_devices", lambda kind: jax.devices("cpu"))


def test_where_there_is_no_gpu_the_task_says_so() -> None:
    with pytest.raises(InputError, match="JAX sees none in this process") as caught, computing_on("gpu"):
        pass
    assert "hfscale[cuda]" in str(caught.value.remedy)
    assert target() == PLAIN_CPU


def test_minima_are_those_of_the_cpu(gpu: None) -> None:
    inputs = load_inputs(EXAMPLE / "BkgOnly.json", EXAMPLE / "patchset.json", points=("gluino_2200_*",))
    (group,) = build_models(inputs)
    points = group.points.take(np.arange(9).repeat(8))
    data = np.random.default_rng(1).poisson(points.data).astype(np.float64)
    fits, start = points._replace(data=data), group.inits[np.arange(9).repeat(8)]
    known = minimise(group.structure, group.shared, fits, start)
    compiled = queue_program.cache_info().misses
    with computing_on("gpu") as chosen:
        assert target() == chosen
        found = minimise(group.structure, group.shared, fits, start)
        # Other programs than those of the CPU: other lanes, other options.
        assert queue_program.cache_info().misses == compiled + 2
    assert target() == PLAIN_CPU
    np.testing.assert_array_equal(found.status, known.status)
    np.testing.assert_allclose(2 * found.nll, 2 * known.nll, rtol=0.0, atol=1e-9)


def test_batches_have_few_shapes_and_fit_into_the_memory() -> None:
    inputs = load_inputs(EXAMPLE / "BkgOnly.json", EXAMPLE / "patchset.json", points=("gluino_2200_*",))
    (group,) = build_models(inputs)
    fits, large = (group.points.take(np.zeros(n, dtype=np.int64)) for n in (1, 20_000))
    shapes = {gpu_batch(group.structure, large.take(np.arange(n)), 2**37) for n in range(1, 20_000, 501)}
    assert {shape.lanes for shape in shapes} == set(SIZES)
    assert len(shapes) <= len(SIZES) + 1
    assert all(shape.capacity % shape.lanes == 0 for shape in shapes)
    # A gigabyte holds fewer lanes; a hundred kilobytes not even one of some models, which gets it nevertheless.
    small = gpu_batch(group.structure, large, 2**30)
    assert 1 < small.lanes < SIZES[-1]
    assert small.lanes * lane_bytes(group.structure, fits) <= 2**29
    assert gpu_batch(group.structure, large, 1000).lanes == 1
