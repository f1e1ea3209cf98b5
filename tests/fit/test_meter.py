import time

import jax
import jax.numpy as jnp
import pytest

from hfscale.fit.meter import Meter, count_fits, metering


def test_fits_are_counted_where_somebody_wants_to_know() -> None:
    count_fits(5)
    with metering() as outer:
        count_fits(2)
        with metering() as inner:
            count_fits(3)
        count_fits(1)
    assert (outer.fits, inner.fits) == (3, 3)


def test_a_compilation_counts_once_and_only_where_it_happens() -> None:
    @jax.jit
    def outer(x: jax.Array) -> jax.Array:
        # Compiling this traces the inner function, whose time must not count twice.
        return jax.jit(lambda y: jnp.sin(y) @ y)(x) + 1.0

    x = jnp.ones((3, 3))
    with metering() as first:
        begin = time.perf_counter()
        outer(x)
        seconds = time.perf_counter() - begin
    with metering() as second:
        outer(x)
    assert 0.0 < first.compile_seconds <= seconds
    assert second.compile_seconds == 0.0


def test_spans_inside_others_are_not_added() -> None:
    meter = Meter()
    meter.add_span(0.0, 1.0)
    for begin, end in ((2.0, 3.0), (3.5, 4.0), (1.5, 5.0), (4.5, 6.0)):
        meter.add_span(begin, end)
    assert meter.compile_seconds == pytest.approx(1.0 + 3.5 + 1.0)
