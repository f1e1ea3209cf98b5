"""-ln L of a workspace with 50 digits, straight from the definitions and as slow as that is.

Nothing of hfscale takes part, and nothing is vectorised: every formula stands as in CERN-OPEN-2012-016, or as pyhf
defines it where that text leaves a choice (constraint terms, uncertainties of staterror and shapesys).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import mpmath
from mpmath import mpf

from tests.models import Spec

DIGITS = 50
STEP = mpf(10) ** -12
"""Step of differences: what they leave out is its square, and they cancel 12 (second ones 24) of the 50 digits."""

Theta = Mapping[str, Sequence[Any]]
"""Components of every parameter."""


class Gamma(NamedTuple):
    """Auxiliary data of one component: mean 1 and a standard deviation, or a Poisson of mean tau."""

    auxdata: Any
    width: Any
    poisson: bool


def nll(spec: Spec, theta: Theta) -> Any:
    """-ln L with all constants; for interpolation codes 4 (normsys) and 4p (histosys)."""
    with mpmath.workdps(DIGITS):
        observed = {o["name"]: o["data"] for o in spec["observations"]}
        counts = [n for channel in spec["channels"] for n in observed[channel["name"]]]
        main = sum(_poisson(mpf(n), rate) for n, rate in zip(counts, rates(spec, theta), strict=True))
        return main + sum(_constraint(spec, name, values) for name, values in theta.items())


def rates(spec: Spec, theta: Theta) -> list[Any]:
    """Expected rates, channels in the order of the workspace."""
    with mpmath.workdps(DIGITS):
        return [
            sum((_rate(sample, b, theta) for sample in channel["samples"]), mpf(0))
            for channel in spec["channels"]
            for b in range(len(channel["samples"][0]["data"]))
        ]


def _rate(sample: Spec, b: int, theta: Theta) -> Any:
    nominal = mpf(sample["data"][b])
    rate, factor = nominal, mpf(1)
    for modifier in sample["modifiers"]:
        values, data = theta[modifier["name"]], modifier["data"]
        match modifier["type"]:
            case "histosys":
                rate += code4p(values[0], mpf(data["hi_data"][b]) - nominal, nominal - mpf(data["lo_data"][b]))
            case "normsys":
                factor *= code4(values[0], mpf(data["hi"]), mpf(data["lo"]))
            case "lumi" | "normfactor":
                factor *= values[0]
            case _:
                factor *= values[b]
    return rate * factor


def code4(alpha: Any, hi: Any, lo: Any) -> Any:
    """Exponential outside; inside the polynomial of degree 6 that meets it with two derivatives, 1 at 0."""
    if alpha >= 1:
        return hi**alpha
    if alpha <= -1:
        return lo ** (-alpha)
    a = _code4_coefficients(hi, lo)
    return 1 + sum(a[k] * alpha ** (k + 1) for k in range(6))


@cache
def _code4_coefficients(hi: Any, lo: Any) -> Any:
    up, down = mpmath.log(hi), mpmath.log(lo)
    targets = [hi - 1, lo - 1, hi * up, -lo * down, hi * up**2, lo * down**2]
    rows = [[_power(x, k, order) for k in range(1, 7)] for order in range(3) for x in (mpf(1), mpf(-1))]
    return mpmath.lu_solve(mpmath.matrix(rows), mpmath.matrix(targets))


def _power(x: Any, k: int, order: int) -> Any:
    """Derivative of x^k."""
    return mpmath.ff(k, order) * x ** (k - order) if k >= order else mpf(0)


def code4p(alpha: Any, up: Any, down: Any) -> Any:
    """Linear outside; inside the polynomial of degree 6 that meets it with two derivatives, 0 at 0."""
    if alpha >= 1:
        return alpha * up
    if alpha <= -1:
        return alpha * down
    mean, difference = (up + down) / 2, (up - down) / 16
    return alpha * (mean + alpha * difference * (15 + alpha**2 * (3 * alpha**2 - 10)))


def _constraint(spec: Spec, name: str, values: Sequence[Any]) -> Any:
    config = next((c for c in spec["measurements"][0]["config"]["parameters"] if c["name"] == name), {})
    uses = [
        (modifier["type"], channel, sample, modifier["data"])
        for channel in spec["channels"]
        for sample in channel["samples"]
        for modifier in sample["modifiers"]
        if modifier["name"] == name
    ]
    kind, channel, sample, data = uses[0]
    if kind in ("histosys", "normsys"):
        return _normal(mpf(config.get("auxdata", [0.0])[0]), values[0], mpf(1))
    if kind == "lumi":
        return _normal(mpf(config["auxdata"][0]), values[0], mpf(config["sigmas"][0]))
    if kind == "shapesys":
        terms = [_shapesys(config, b, mpf(sample["data"][b]), mpf(data[b])) for b in range(len(values))]
        return sum(_poisson(term.auxdata, term.width * value) for term, value in zip(terms, values, strict=True))
    if kind == "staterror":
        terms = [_staterror(config, b, channel, name) for b in range(len(values))]
        return sum(_normal(term.auxdata, value, term.width) for term, value in zip(terms, values, strict=True))
    return mpf(0)


def _shapesys(config: Spec, b: int, nominal: Any, uncertainty: Any) -> Gamma:
    """tau = (nominal / uncertainty)^2, 1 where either is missing."""
    tau = (nominal / uncertainty) ** 2 if nominal > 0 and uncertainty > 0 else mpf(1)
    auxdata = config["auxdata"][b] if "auxdata" in config else tau
    return Gamma(mpf(auxdata), mpf(config["factors"][b]) if "factors" in config else tau, poisson=True)


def _staterror(config: Spec, b: int, channel: Spec, name: str) -> Gamma:
    """Uncertainties of the samples in quadrature, relative to their sum; 1 where there is none."""
    nominal, variance = mpf(0), mpf(0)
    for sample in channel["samples"]:
        for modifier in sample["modifiers"]:
            if modifier["type"] == "staterror" and modifier["name"] == name:
                nominal += mpf(sample["data"][b])
                variance += mpf(modifier["data"][b]) ** 2
    sigma = mpmath.sqrt(variance) / nominal if nominal > 0 and variance > 0 else mpf(1)
    auxdata = config["auxdata"][b] if "auxdata" in config else 1.0
    return Gamma(mpf(auxdata), mpf(config["sigmas"][b]) if "sigmas" in config else sigma, poisson=False)


def _normal(observed: Any, mean: Any, sigma: Any) -> Any:
    return ((observed - mean) / sigma) ** 2 / 2 + mpmath.log(sigma * mpmath.sqrt(2 * mpmath.pi))


def _poisson(n: Any, rate: Any) -> Any:
    return rate - (n * mpmath.log(rate) if n else 0) + mpmath.loggamma(n + 1)


def gradient(function: Callable[[list[Any]], Any], at: Sequence[float]) -> list[float]:
    """Central first differences."""
    with mpmath.workdps(DIGITS):
        x = [mpf(value) for value in at]
        return [float(_difference(function, x, k)) for k in range(len(x))]


def hessian(function: Callable[[list[Any]], Any], at: Sequence[float]) -> list[list[float]]:
    """Central differences of central differences."""
    with mpmath.workdps(DIGITS):
        x = [mpf(value) for value in at]

        def second(j: int, k: int) -> float:
            return float(_difference(lambda y: _difference(function, y, k), x, j))

        lower = [[second(j, k) for k in range(j + 1)] for j in range(len(x))]
    return [[lower[max(j, k)][min(j, k)] for k in range(len(x))] for j in range(len(x))]


def hessian_product(function: Callable[[list[Any]], Any], at: Sequence[float], v: Sequence[float]) -> list[float]:
    """The Hessian times a direction: a central difference of central first differences."""
    with mpmath.workdps(DIGITS):
        x, direction = [mpf(value) for value in at], [mpf(value) for value in v]
        ends = [[a + sign * STEP * b for a, b in zip(x, direction, strict=True)] for sign in (1, -1)]
        up, down = ([_difference(function, end, k) for k in range(len(x))] for end in ends)
        return [float((a - b) / (2 * STEP)) for a, b in zip(up, down, strict=True)]


def _difference(function: Callable[[list[Any]], Any], x: list[Any], k: int) -> Any:
    up, down = ([*x[:k], x[k] + sign * STEP, *x[k + 1 :]] for sign in (1, -1))
    return (function(up) - function(down)) / (2 * STEP)
