"""Random numbers by address: uniform, the same in every block, and different for every address."""

import numpy as np
import pytest
from scipy import stats

from hfscale.inference.toys.addresses import Address, address_of, normal_numbers, poisson_numbers
from hfscale.inference.toys.settings import ToySettings

ADDRESS = Address(
    seed=3, digest="0f", hypothesis="sb", poi=1.0, ensemble="unconditional", nuisance="profiled"
)  # fmt: skip
OTHERS = [
    {"seed": 4},
    {"digest": "1f"},
    {"hypothesis": "b"},
    {"poi": 1.0 + 1e-15},
    {"ensemble": "aux-observed"},
    {"nuisance": "prefit"},
]


def test_numbers_do_not_depend_on_blocks_and_their_order() -> None:
    whole = ADDRESS.uniforms("bin:SR:0", 0, 1000)
    for first, count in ((997, 3), (0, 1), (1, 5), (7, 600), (402, 0)):
        assert np.array_equal(ADDRESS.uniforms("bin:SR:0", first, count), whole[first : first + count])


def test_numbers_far_along_a_stream_are_reached_at_once() -> None:
    far = 4 * 10**12 + 3
    assert ADDRESS.uniforms("bin:SR:0", far, 2)[1] == ADDRESS.uniforms("bin:SR:0", far + 1, 1)[0]


def test_the_generator_keeps_its_numbers() -> None:
    # Stored toys are extended with later versions: a change here needs another identity of the generator.
    expected = [0.8735323292775615, 0.3715661204861561, 0.644971761450407]
    assert ADDRESS.uniforms("bin:SR:0", 0, 3) == pytest.approx(expected, rel=0, abs=1e-15)


@pytest.mark.parametrize("change", OTHERS, ids=lambda change: next(iter(change)))
def test_every_part_of_an_address_counts(change: dict[str, object]) -> None:
    other = ADDRESS._replace(**change)
    assert not np.isclose(ADDRESS.uniforms("bin:SR:0", 0, 50), other.uniforms("bin:SR:0", 0, 50)).any()


def test_streams_are_uniform_and_independent() -> None:
    streams = np.stack([ADDRESS.uniforms(f"aux:alpha[{i}]", 0, 20_000) for i in range(5)])
    assert streams.min() > 0.0
    assert streams.max() < 1.0
    assert stats.kstest(streams.ravel(), "uniform").pvalue > 1e-3
    correlations = np.corrcoef(streams) - np.eye(5)
    assert np.abs(correlations).max() < 5.0 / np.sqrt(20_000)


@pytest.mark.parametrize("mean", [1e-6, 0.3, 7.7, 123.4, 54321.0, 2e8])
def test_poisson_numbers_invert_the_distribution_function(mean: float) -> None:
    uniforms = np.concatenate([ADDRESS.uniforms("bin:SR:1", 0, 500), [2.0**-53, 1e-9, 0.5, 1.0 - 1e-9]])
    numbers = poisson_numbers(uniforms, mean)
    # The definition itself: the quantiles of older scipy (1.15) are one off at large means, and the distribution
    # function cannot tell numbers at its ends apart there.
    inside = np.abs(uniforms - 0.5) < 0.5 - 1e-8
    assert (stats.poisson.cdf(numbers, mean) >= uniforms)[inside].all()
    assert (stats.poisson.cdf(numbers - 1.0, mean) < uniforms)[inside].all()
    assert np.allclose(numbers, stats.poisson.ppf(uniforms, mean), rtol=0.0, atol=1.0 if mean > 1e8 else 0.0)


def test_a_bin_without_expectation_stays_empty() -> None:
    assert not poisson_numbers(np.array([1e-9, 1.0 - 2.0**-53]), 0.0).any()


def test_normal_numbers_are_finite_at_the_ends() -> None:
    numbers = normal_numbers(np.array([2.0**-53, 0.5, 1.0 - 2.0**-53]))
    assert numbers == pytest.approx([-8.209536, 0.0, 8.209536], abs=1e-5)


def test_toys_without_signal_belong_to_the_background_model() -> None:
    digests = ("full", "background")
    assert address_of(digests, "b", 1.5, ToySettings()).digest == "background"
    assert address_of(digests, "b", 1.5, ToySettings()) == address_of(digests, "b", 2.0, ToySettings())
    assert address_of(digests, "sb", 1.5, ToySettings()).digest == "full"
    discovery = ToySettings(test_stat="q0")
    assert address_of(digests, "sb", 0.0, discovery).digest == "background"
    assert address_of(digests, "b", 0.0, discovery)[1:4] == ("full", "b", 1.0)
