"""One toy of a store again: thrown from its address, fitted with a trace, and compared with what the store holds."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np

from hfscale.errors import InputError, SelectionError, StoreError, StoreMismatchError
from hfscale.fit.devices import computing_on
from hfscale.inference.results import PointStatus
from hfscale.inference.toys.origins import toy_origins
from hfscale.inference.toys.replay import ReplayedFit, ReplayedToy, ToyData, parameters_by_name, replay_toy, throw_toy
from hfscale.inference.toys.results import ToyStatus
from hfscale.inference.toys.settings import GENERATOR, Hypothesis
from hfscale.interop.pyhf_workspaces import plain_workspace
from hfscale.plan.settings import LARGEST_INDEX, Calculation
from hfscale.reading.records import number
from hfscale.results import open_results
from hfscale.store.places import Place
from hfscale.store.store import ResultStore
from hfscale.work.custom import import_modifiers
from hfscale.work.definition import definition_of
from hfscale.work.task import model_of_point
from hfscale.workspace import Inputs, patched_workspace

if TYPE_CHECKING:
    import xarray

_SAME_POI = 1e-9
"""Relative difference up to which a POI value that the user writes is one of the store."""


class StoredToy(NamedTuple):
    """What a store holds of a toy."""

    q: float
    mu_hat: float
    twice_nll_conditional: float
    twice_nll_free: float
    status: ToyStatus


@dataclass(frozen=True, repr=False)
class Replay:
    """A toy that was thrown and fitted again.

    Attributes:
        point, hypothesis, mu, seed, toy: Its address: signal point, what it was thrown from, tested POI value, seed and
            index.
        thrown_with: Parameters that it was thrown with, by name.
        data: Its data.
        result: What its fits gave.
        stored: What the store holds, None for a toy that was never run.
    """

    point: str
    hypothesis: Hypothesis
    mu: float
    seed: int
    toy: int
    thrown_with: Mapping[str, float]
    data: ToyData
    result: ReplayedToy
    stored: StoredToy | None

    def __repr__(self) -> str:
        same = {True: "identical to the store", False: "differs from the store", None: "not in the store"}
        toy = f"toy {self.toy} of {self.point} ({self.hypothesis}, seed {self.seed})"
        return f"<hfscale.Replay: {toy}, q {self.result.q:.6g}, {same[self.identical]}>"

    @property
    def identical(self) -> bool | None:
        """Whether the store holds the same to the last bit; None where the toy was never run."""
        if self.stored is None:
            return None
        numbers = np.array([getattr(self.result, name) for name in StoredToy._fields])
        return np.array_equal(numbers, np.array(self.stored), equal_nan=True)

    @property
    def difference(self) -> float | None:
        """The test statistic less that in the store; None where one of the two is missing."""
        difference = math.nan if self.stored is None else self.result.q - self.stored.q
        return difference if math.isfinite(difference) else None

    def to_json(self) -> dict[str, Any]:
        """The toy as a JSON document; None where there is no number."""
        result, stored = self.result, self.stored
        minima = {"conditional": result.twice_nll_conditional, "free": result.twice_nll_free}
        return {
            "name": self.point,
            "hypothesis": self.hypothesis,
            "poi": self.mu,
            "seed": self.seed,
            "toy": self.toy,
            "status": result.status.name.lower(),
            **({"reason": result.reason} if result.reason else {}),
            "q": number(result.q),
            "mu_hat": number(result.mu_hat),
            "twice_nll": {name: number(value) for name, value in minima.items()},
            "stored": None if stored is None else self._comparison(stored),
            "thrown_with": dict(self.thrown_with),
            "data": {
                "observations": [{"name": name, "data": counts} for name, counts in self.data.observations.items()],
                "auxdata": dict(self.data.auxdata),
            },
            "fits": [_fit_document(fit) for fit in result.fits],
        }

    def _comparison(self, stored: StoredToy) -> dict[str, Any]:
        return {
            "status": stored.status.name.lower(),
            "q": number(stored.q),
            "identical": self.identical,
            "difference": self.difference,
        }


def _fit_document(fit: ReplayedFit) -> dict[str, Any]:
    return {
        "fit": fit.fit,
        "start": fit.start,
        "iterations": fit.iterations,
        "twice_nll": number(fit.twice_nll),
        "status": fit.status.name.lower(),
        "outcome": fit.outcome,
        "parameters": {name: number(value) for name, value in fit.parameters.items()},
    }


@computing_on("cpu")
def replay(
    store: str | Place,
    point: str,
    hypothesis: Hypothesis,
    toy: int,
    *,
    mu: float | None = None,
    seed: int | None = None,
    workspace: str | Path | None = None,
) -> Replay:
    """Throw one toy of a store again, follow its fits, and compare it with what the store holds.

    Fits are computed on a CPU: a toy that was computed on a GPU agrees with them to about 1e-9, not to the last bit.

    Args:
        store: Folder of a store that was computed with toys.
        point: Name of the signal point.
        hypothesis: What the toy is thrown from: ``sb``, the tested hypothesis, or ``b``, the other one.
        toy: Index of the toy; one that was never run is possible too.
        mu: Tested value of the parameter of interest, where the store has several.
        seed: Seed of the toy, that of the store's calculation by default.
        workspace: File to write the toy to, as a workspace of pyhf with the signal, the toy's counts as observations,
            and its auxiliary data in the configuration of the parameters.

    Raises:
        SelectionError: There is no such point, hypothesis or POI value, or the point has no toys.
        InputError: The index or the seed is negative, or the file cannot be written.
        ModelError: The toy cannot be a workspace of pyhf.
        StoreError: There is no store, or it has no toys.
        StoreMismatchError: Its toys are those of another generator, or of custom modifiers that were changed since.
    """
    results = open_results(store)
    opened = results.store
    _check(opened, point, hypothesis, toy)
    toys = results.toys(escape(point))
    value = _poi_value(toys, mu)
    calculation = Calculation.model_validate(opened.settings["calculation"])
    settings = calculation.toy_settings() if seed is None else replace(calculation.toy_settings(), seed=seed)
    position = opened.names.index(point)
    group, row = model_of_point(definition_of(opened), calculation, position), 0
    origins = toy_origins(group, np.array([row]), value, settings)
    if origins.status[0] != PointStatus.OK:
        why = origins.reasons[0] or "its parameter of interest scales nothing"
        raise SelectionError(f"the point '{point}' has no toys: {why}", remedy="choose another point")
    data = throw_toy(group, row, origins, hypothesis, value, toy, settings)
    document = None if workspace is None else _toy_workspace(opened, position, calculation, data)
    found = Replay(
        point=point,
        hypothesis=hypothesis,
        mu=value,
        seed=settings.seed,
        toy=toy,
        thrown_with=parameters_by_name(group, row, origins.generating(row, hypothesis)[0]),
        data=data,
        result=replay_toy(group, row, origins, hypothesis, value, toy, settings),
        stored=_stored(toys, value, settings.seed, hypothesis, toy),
    )
    if workspace is not None:
        _write(Path(workspace), document)
    return found


def _check(store: ResultStore, point: str, hypothesis: str, toy: int) -> None:
    """Refuse what does not exist before anything is fitted."""
    if not store.rounds:
        raise StoreError(
            f"the store {store.path} has no toys",
            remedy="compute them with --calctype toybased in a store of their own",
        )
    if point not in store.names:
        near = get_close_matches(point, store.names, n=3) or store.names[:3]
        raise SelectionError(
            f"{store.path} has no signal point {point!r}", remedy=f"choose another, such as {', '.join(near)}"
        )
    if hypothesis not in get_args(Hypothesis):
        raise SelectionError(
            f"there is no hypothesis {hypothesis!r}", remedy=f"choose one of {', '.join(get_args(Hypothesis))}"
        )
    if not 0 <= toy < LARGEST_INDEX:
        raise InputError(f"there is no toy {toy}", remedy="indices are from 0 to 2**62")
    _refuse_other_numbers(store)


def _refuse_other_numbers(store: ResultStore) -> None:
    """Refuse stores whose toys this version, or what it finds installed, would throw or fit differently."""
    others = {toys.generator for toys in store.rounds} - {GENERATOR}
    if others:
        raise StoreMismatchError(
            f"the toys of {store.path} come from the generator {others.pop()}, this version has {GENERATOR}",
            remedy="replay them with the version of hfscale that threw them",
        )
    paths = store.settings["calculation"].get("modifiers", {})
    versions = {kind: modifier.version for kind, modifier in import_modifiers(paths).items()}
    if versions != store.settings.get("modifier_versions", {}):
        raise StoreMismatchError(
            f"the custom modifiers of {store.path} were changed since", remedy="restore those that it was computed with"
        )


def _poi_value(toys: "xarray.Dataset", mu: float | None) -> float:
    values = toys["mu"].values
    chosen = values if mu is None else values[np.isclose(values, mu, rtol=_SAME_POI, atol=_SAME_POI)]
    if len(chosen) == 1:
        return float(chosen[0])
    known = ", ".join(f"{value:g}" for value in values)
    what = "has toys of several POI values" if mu is None else f"has no toys that test the POI value {mu:g}"
    raise SelectionError(f"the store {what}", remedy=f"give one of {known} as mu")


def _stored(
    toys: "xarray.Dataset", mu: float, seed: int, hypothesis: Hypothesis, toy: int
) -> StoredToy | None:  # fmt: skip
    """What the store holds of a toy; rounds of other points may have its index too, without having run it."""
    cell = toys.isel(point=0).sel(mu=mu, hypothesis=hypothesis)
    same = (cell["seed"].values == seed) & (cell["toy"].values == toy)
    for place in np.flatnonzero(same & (cell["status"].values != ToyStatus.NOT_RUN)):
        found = {name: cell[name].values[place].item() for name in StoredToy._fields}
        return StoredToy(**{**found, "status": ToyStatus(found["status"])})
    return None


def _toy_workspace(store: ResultStore, position: int, calculation: Calculation, data: ToyData) -> dict[str, Any]:
    inputs = Inputs.from_json(store.inputs())
    return plain_workspace(
        patched_workspace(inputs, inputs.points[position]),
        inputs.measurement,
        inputs.poi,
        calculation.interpcode.codes(),
        observations=data.observations,
        auxdata=data.auxdata,
    )


def _write(file: Path, document: Any) -> None:
    try:
        file.write_text(json.dumps(document, indent=1), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{file} cannot be written: {error.strerror}", remedy="choose a file in a folder that you may write to"
        ) from error
