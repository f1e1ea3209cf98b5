"""Attempts at minima: which there were, and which was the lowest, for those who want to follow fits."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from hfscale.fit.lanes import FitResults
from hfscale.fit.slots import AGREEMENT

AttemptKind = Literal["start", "neighbours", "barrier", "iminuit", "other sides", "other fit"]
"""Where an attempt began: at start values, at neighbours of a disputed minimum, with rates held above zero, where
iminuit ended, on other sides of single parameters, or at the minimum of another fit of the same data."""


class Attempt(NamedTuple):
    """Some fits of a batch, made from one kind of start.

    Attributes:
        kind: Where they began.
        fits: Places of the fits in the batch.
        found: Where they ended; the lowest minimum known afterwards where several starts were tried at once.
        known: Lowest minima before, None for the first attempt.
        number: Which of several start values, from 0.
    """

    kind: AttemptKind
    fits: Int[np.ndarray, " tried"]
    found: FitResults
    known: FitResults | None
    number: int = 0

    @property
    def better(self) -> Bool[np.ndarray, " tried"]:
        """Fits that ended lower than known before, by more than rounding, or well for the first time."""
        if self.known is None:
            return np.ones(len(self.fits), dtype=bool)
        lower = self.found.nll < self.known.nll - AGREEMENT
        return self.found.succeeded & (~self.known.succeeded | lower)


Observer = Callable[[Attempt], None]
"""Is told each attempt, in order."""


def unobserved(attempt: Attempt) -> None:
    """Listen to nothing."""
