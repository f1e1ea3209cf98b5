"""Counting the fits that a piece of work asks for, and the time that compiling takes meanwhile."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import jax

_COMPILING = "/jax/core/compile/"


class Meter:
    """What was counted: each fit once, however often it was repeated from other starts.

    Attributes:
        fits: Fits that were asked for.
    """

    def __init__(self) -> None:
        self.fits = 0
        self._spans: list[tuple[float, float]] = []

    @property
    def compile_seconds(self) -> float:
        """Time of tracing and compiling, or of reading what was compiled before."""
        return sum((end - begin for begin, end in self._spans), start=0.0)

    def add_span(self, begin: float, end: float) -> None:
        """Take note of a span of compiling that ended now; those inside it, which ended before, count no more."""
        while self._spans and self._spans[-1][0] >= begin:
            self._spans.pop()
        if self._spans:
            begin = max(begin, self._spans[-1][1])
        self._spans.append((begin, end))


_RUNNING: ContextVar[Meter | None] = ContextVar("_RUNNING", default=None)


@contextmanager
def metering() -> Iterator[Meter]:
    """Count what is done inside the ``with`` statement by this thread."""
    _listen_to_jax()
    meter = Meter()
    token = _RUNNING.set(meter)
    try:
        yield meter
    finally:
        _RUNNING.reset(token)


def count_fits(number: int) -> None:
    """Count fits, if anybody wants to know."""
    meter = _RUNNING.get()
    if meter is not None:
        meter.fits += number


@lru_cache(maxsize=1)
def _listen_to_jax() -> None:
    """Have JAX report spans of compiling; once for a process, because JAX keeps every listener."""
    jax.monitoring.register_event_duration_secs_listener(_hear)


def _hear(event: str, duration_secs: float, **details: str | int) -> None:
    meter = _RUNNING.get()
    if meter is not None and event.startswith(_COMPILING):
        now = time.perf_counter()
        meter.add_span(now - duration_secs, now)
