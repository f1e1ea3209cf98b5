"""How a fit ended, as a code that can be stored, with advice for people."""

from enum import IntEnum


class FitStatus(IntEnum):
    """Status of one fit; stored as a small integer."""

    NOT_RUN = 0
    CONVERGED = 1
    AT_BOUND = 2
    NOT_CONVERGED = 3
    NOT_FINITE = 4
    FLAT = 5

    @property
    def succeeded(self) -> bool:
        """Whether the minimum can be used."""
        return self in (FitStatus.CONVERGED, FitStatus.AT_BOUND, FitStatus.FLAT)

    @property
    def advice(self) -> str:
        """What the status means and what to look at."""
        return _ADVICE[self]


_ADVICE = {
    FitStatus.NOT_RUN: "the fit was not run",
    FitStatus.CONVERGED: "minimum found and certified",
    FitStatus.AT_BOUND: "minimum found with at least one parameter at a bound, or an expected rate at zero in a bin"
    " without events; widen the bound if that is not intended",
    FitStatus.NOT_CONVERGED: "no certified minimum was found from any start; look for parameters that pull against"
    " each other, or change start values and bounds",
    FitStatus.NOT_FINITE: "the likelihood is not finite at the start values: an expected rate is negative, or zero"
    " where events were observed; look for empty bins and large negative shifts",
    FitStatus.FLAT: "minimum found, but the likelihood does not depend on some free parameter, or on some combination"
    " of free parameters; fix that parameter, or one of the combination",
}
