"""The numbers of signal points as names and values, for people: tooltips of contours and tables of reports."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from hfscale.fit.status import FitStatus
from hfscale.plot.interactive import Fact
from hfscale.reading.points import read_points
from hfscale.store.store import ResultStore

_NAMES = MappingProxyType(
    {
        "poi": "POI",
        "CLs_obs": "CLs observed",
        "CLs_exp": "CLs expected",
        "upper_limit_obs": "upper limit observed",
        "upper_limit_exp": "upper limit expected",
        "upper_limit_status": "upper limit",
        "S95_obs": "S95 observed",
        "S95_exp": "S95 expected",
        "visible_xsec_obs": "visible cross-section observed [fb]",
        "visible_xsec_exp": "visible cross-section expected [fb]",
        "xsec_limit_obs": "cross-section limit observed [fb]",
        "xsec_limit_exp": "cross-section limit expected [fb]",
        "p0_exp": "p0 expected",
        "Z_exp": "Z expected",
        "CLs_obs_signal": "CLs observed, cross-section",
        "mu_hat": "best-fit POI",
        "mu_hat_error": "its uncertainty",
    }
)
_LEFT_OUT = frozenset(
    {"name", "values", "reason", "calctype", "test_stat", "level", "twice_nll", "toys", "asymptotics_doubts", "q"}
    | {"CLsb", "CLb", "q_asimov", "q0", "q0_asimov", "effective_events", "signal_yield", "upper_limit_exp_status"}
    | {"signal_poi", "parameters", "best_fit", "error", "grid", "t", "correlation", "warnings"}
)
_SIDES = ("\N{MINUS SIGN}1 \u03c3", "+1 \u03c3")
_SIGMAS = ("\N{MINUS SIGN}2 \u03c3", "\N{MINUS SIGN}1 \u03c3", "", "+1 \u03c3", "+2 \u03c3")
_FITS = MappingProxyType(
    {"free": "all free", "background": "POI = 0", "conditional": "POI fixed", "asimov": "Asimov data, POI fixed"}
    | {"signal": "POI at varied cross-sections"}
)


def facts_of(row: Mapping[str, Any]) -> list[Fact]:
    """Return what a table or a tooltip tells of the JSON object of a signal point.

    That are its labels, status, results with their bands, toys, doubts and the reason of a failure; not the test
    statistics and minima that the results come from.
    """
    facts = [Fact(label, value) for label, value in row["values"].items()]
    for key, value in row.items():
        if key not in _LEFT_OUT:
            facts += _facts(_NAMES.get(key, key), value)
    if isinstance(row.get("parameters"), list):
        facts += _scanned(row)
    if "toys" in row:
        facts += _toys(row["toys"])
    if doubts := row.get("asymptotics_doubts"):
        facts.append(Fact("asymptotics doubtful", ", ".join(doubts)))
    if "reason" in row:
        facts.append(Fact("reason", str(row["reason"])))
    return facts


def point_facts(store: ResultStore, rows: Sequence[Mapping[str, Any]] | None = None) -> dict[str, list[Fact]]:
    """Return the facts of every signal point of a store with one result per point, and how its fits ended.

    Args:
        store: The store.
        rows: What `hfscale.reading.points.read_points` returned of it, where that was called already.
    """
    facts = {str(row["name"]): facts_of(row) for row in (read_points(store) if rows is None else rows)}
    for name, ended in fit_endings(store):
        reason = [fact for fact in facts[name] if fact.name == "reason"]
        facts[name] = [*(fact for fact in facts[name] if fact.name != "reason"), Fact("fits", ended), *reason]
    return facts


def fit_endings(store: ResultStore) -> Iterator[tuple[str, str]]:
    """Return for every signal point how its fits ended; one word where all ended in the same way."""
    data = store.to_xarray()
    done = np.asarray(store.point_status()).reshape(len(store.names), -1).max(axis=1) > 0
    arrays = {
        name.removeprefix("fit_status_"): np.asarray(data[name].values).reshape(len(store.names), -1)
        for name in store.variables
        if name.startswith("fit_status")
    }
    for k, name in enumerate(store.names):
        # A task that was killed before its marker may have left numbers, which do not count.
        worst = {fit: int(array[k].max()) if done[k] else 0 for fit, array in arrays.items()}
        yield name, _ending(worst)


def _ending(statuses: Mapping[str, int]) -> str:
    words = {fit: FitStatus(code).name.lower().replace("_", " ") for fit, code in statuses.items()}
    if len(set(words.values())) <= 1:
        return next(iter(words.values()), "none")
    converged = FitStatus.CONVERGED.name.lower()
    others = [f"{_FITS.get(fit, fit)}: {word}" for fit, word in words.items() if word != converged]
    return "; ".join(others + ["others converged"] * (len(others) < len(words)))


def _facts(name: str, value: Any) -> list[Fact]:
    if isinstance(value, list) and len(value) == len(_SIDES) and not isinstance(value[0], list | dict | str):
        return [Fact(f"{name} {side}", item) for side, item in zip(_SIDES, value, strict=True)]
    if isinstance(value, list):
        if len(value) != len(_SIGMAS) or any(isinstance(item, list | dict) for item in value):
            return []
        return [Fact(f"{name} {sigma}".strip(), item) for sigma, item in zip(_SIGMAS, value, strict=True)]
    return [] if isinstance(value, dict) else [Fact(name, value)]


def _scanned(row: Mapping[str, Any]) -> list[Fact]:
    """Best fits of the parameters of a profile likelihood."""
    nothing = [None] * len(row["parameters"])
    fitted = zip(row["parameters"], row["best_fit"] or nothing, row["error"] or nothing, strict=True)
    return [
        fact
        for name, best, error in fitted
        for fact in (Fact(f"best fit of {name}", best), Fact(f"error of {name}", error))
    ]


def _toys(toys: Mapping[str, Any]) -> list[Fact]:
    facts = [Fact("toys s+b", toys["sb"]), Fact("toys b", toys["b"])]
    facts.append(Fact("failed toys", toys["failed_sb"] + toys["failed_b"]))
    for key, ends in toys.items():
        if key.endswith("_obs_interval") or key == "p0_interval":
            name = _NAMES.get(key.removesuffix("_interval"), key.removesuffix("_interval"))
            facts += [Fact(f"{name}, 68% {side}", end) for side, end in zip(("low", "high"), ends, strict=True)]
    return facts
