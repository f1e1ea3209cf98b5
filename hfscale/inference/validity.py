"""Where the asymptotic formulas may fail: too few events decide, or toys say something else.

The formulas take the test statistic for a function of a normal number (arXiv:1007.1727 section 3.1). In large samples
it follows the logarithm of the likelihood ratio of the two hypotheses, a sum over the bins of counts with the weights
w = ln(n_sb / n_b). How far a sum of independent terms is from a normal number is bounded by the ratio

    rho = sum of the third absolute moments / (sum of the variances)^(3/2)    (A. C. Berry, C.-G. Esseen; W. Feller,
                                                                              An Introduction to Probability Theory
                                                                              and Its Applications II, section XVI.5)

which is 1/sqrt(n) for one count with expectation n. So 1/rho^2 is a number of events: that of a single bin in which
the formulas are as good or bad. It counts many sparse bins together, but is not raised by events in bins that cannot
tell the hypotheses apart.

Where few events are too few was measured against exact sums over all outcomes of models with two and three bins of
known background, which tests/inference/test_validity.py repeats: near CLs = 0.05, asymptotic CLs are too small by
10 % at 14 to 20 effective events, and by 20 % to 50 % at 4 to 7. Two things that rates cannot tell are not part of
it. In one bin of known background alone the statistic takes few values, and a p-value contains that of the observed
one: there it takes 100 events to come within 10 %. And systematic uncertainties can bring failures of their own. The
comparison with toys finds both.
"""

from collections.abc import Mapping
from enum import IntFlag
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float, Int

from hfscale.model.structure import ModelGroup

FEW_EVENTS = 20.0
"""Below so many effective events, asymptotic CLs are off by more than `TOLERANCE`."""
TOLERANCE = 0.1
"""Relative difference of CLs that matters."""
_INTERVALS = 3.0
_LEAST_RATIO = 1e-9
"""Stands for no background at all, which would give a bin an infinite weight."""


class AsymptoticsFlag(IntFlag):
    """Why asymptotic results of a signal point are doubtful; stored as a small integer, 0 where nothing says so."""

    NONE = 0
    FEW_EVENTS = 1
    TOYS_DISAGREE = 2

    @property
    def reasons(self) -> tuple[str, ...]:
        """Short names of the reasons, ``few_events`` and ``toys_disagree``; none where there is no doubt."""
        return tuple(flag.name.lower() for flag in _TEXTS if flag & self and flag.name)

    @property
    def text(self) -> str:
        """The reasons as a sentence without its end, empty where there is no doubt."""
        return "; ".join(text for flag, text in _TEXTS.items() if flag & self)


_TEXTS: Mapping[AsymptoticsFlag, str] = MappingProxyType(
    {
        AsymptoticsFlag.FEW_EVENTS: f"fewer than {FEW_EVENTS:g} events effectively decide",
        AsymptoticsFlag.TOYS_DISAGREE: f"CLs of toys differs by more than {_INTERVALS:g} times its uncertainty",
    }
)


def effective_events(
    group: ModelGroup,
    rows: Int[np.ndarray, " point"],
    rates_b: Float[np.ndarray, "point bin"],
    rates_sb: Float[np.ndarray, "point bin"],
) -> Float[np.ndarray, " point"]:
    """Number of events that effectively decide between the hypotheses.

    Args:
        group: The group of the points.
        rows: Rows of the group that the rates belong to.
        rates_b: Expected rates of the background-only fit.
        rates_sb: Expected rates with the POI at the tested value: of the fit of the background-only Asimov data, in
            which nuisance parameters take up what they can of the signal, or at the parameters of `rates_b`.

    Returns:
        1 / rho^2 of the module's text with the moments of the tested hypothesis, whose tail CLs is most about; NaN
        where the hypotheses have equal rates or a rate is NaN.
    """
    present = (group.points.bins[rows] > 0) & (rates_sb > 0)
    tested = np.where(present, rates_sb, 1.0)
    other = np.where(present, np.maximum(rates_b, _LEAST_RATIO * tested), 1.0)
    weight = np.abs(np.log(tested / other))
    variance = np.sum(np.where(present, weight**2 * tested, 0.0), axis=1)
    third = np.sum(np.where(present, weight**3 * tested, 0.0), axis=1)
    known = (third > 0) & np.isfinite(rates_b).all(axis=1) & np.isfinite(rates_sb).all(axis=1)
    return np.where(known, variance**3 / np.where(known, third, 1.0) ** 2, np.nan)


def validity(
    effective_events: Float[np.ndarray, " point"],
    CLs_asymptotic: Float[np.ndarray, " point"],
    CLs_toys: Float[np.ndarray, " point"],
    CLs_toys_interval: Float[np.ndarray, "point side"],
) -> Int[np.ndarray, " point"]:
    """`AsymptoticsFlag` of every point. What is NaN, as where there are no toys, raises no flag.

    Toys disagree where CLs differ by more than three times the uncertainty of the toys, on the side where the
    asymptotic value lies, and by more than 10 %. Where toys are so many that three times their uncertainty is less than
    10 %, and they agree, few events are no reason for doubt.

    Args:
        effective_events: As `effective_events` gives it.
        CLs_asymptotic: Observed CLs of the asymptotic formulas, or the median expected one where there are no data.
        CLs_toys: The same from toys.
        CLs_toys_interval: Lower and upper end of its 68.3 % interval.
    """
    difference = CLs_asymptotic - CLs_toys
    sides = np.abs(CLs_toys_interval - CLs_toys[:, None])
    width = _INTERVALS * np.where(difference > 0, sides[:, 1], sides[:, 0])
    tolerated = TOLERANCE * np.maximum(CLs_asymptotic, CLs_toys)
    # Comparisons with NaN are false.
    disagree: Bool[np.ndarray, " point"] = (np.abs(difference) > width) & (np.abs(difference) > tolerated)
    confirmed = (_INTERVALS * sides.max(axis=1) < TOLERANCE * CLs_toys) & (np.abs(difference) <= tolerated)
    few = (effective_events < FEW_EVENTS) & ~confirmed
    flags: Int[np.ndarray, " point"] = np.where(few, int(AsymptoticsFlag.FEW_EVENTS), 0)
    return flags | np.where(disagree, int(AsymptoticsFlag.TOYS_DISAGREE), 0)
