"""Copying finished results of several stores into one that is planned for all of them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Shaped

from hfscale.errors import StoreMismatchError
from hfscale.inference.results import PointStatus
from hfscale.inference.toys.results import ToyStatus
from hfscale.plan.cells import Cell
from hfscale.plan.settings import Calculation
from hfscale.plan.tasks import Task
from hfscale.plan.toys import ToyRound, ToyTask
from hfscale.store import ledger
from hfscale.store.blocks import block_sizes, open_array
from hfscale.store.layout import HYPOTHESES, ParameterPlaces, empty_block, spread_parameters
from hfscale.store.status import worst_status
from hfscale.store.store import ResultStore
from hfscale.store.toys import CellToys, empty_toys


def pool_points(sources: Sequence[ResultStore], target: ResultStore) -> None:
    """Copy the results of signal points whose whole task is done; the other tasks stay pending.

    Raises:
        StoreMismatchError: Two stores have different results of a point.
    """
    known = [_Points(source, target) for source in sources]
    for task in target.plan.tasks:
        _pool_task(known, target, task)


def _pool_task(sources: Sequence["_Points"], target: ResultStore, task: Task) -> None:
    sizes = block_sizes(target.group)
    block = empty_block(task.n_points, sizes.n_mu, sizes.n_parameters, target.variables, sizes.grid)
    reasons: dict[str, str] = {}
    remarks = {name: texts for source in sources for name, texts in source.remarks.items()}
    for k, name in enumerate(target.names[task.start : task.stop]):
        rows = [row for source in sources if (row := source.row(name)) is not None]
        found = [source.reasons[name] for source in sources if name in source.reasons]
        if not rows or len(set().union(*(row.places for row in rows))) < sizes.n_mu:
            return
        for one, other in combinations(rows, 2):
            ours, theirs = one.shared_with(other), other.shared_with(one)
            _require_equal(ours, theirs, f"the signal point '{name}'", target)
        # Stores of earlier versions lack arrays; what several have is equal.
        for row in rows:
            for variable, values in row.of_point.items():
                block[variable][k] = values
            for variable, values in row.of_values.items():
                block[variable][k, row.places] = values
        if found:
            reasons[name] = found[0]
    target.write_block(task, block)
    told = {name: remarks[name] for name in target.names[task.start : task.stop] if name in remarks}
    target.mark_done(task, {"reasons": reasons, **({"remarks": told} if told else {})})


class _Row(NamedTuple):
    """What a store has computed of a signal point.

    Attributes:
        places: Of its POI values among those of the store that is made.
        of_point: Arrays that do not depend on the POI value.
        of_values: The others, with the POI value first.
    """

    places: list[int]
    of_point: dict[str, np.ndarray]
    of_values: dict[str, Shaped[np.ndarray, "mu ..."]]

    def shared_with(self, other: "_Row") -> dict[str, np.ndarray]:
        """Arrays at the POI values that both have."""
        both = np.isin(self.places, other.places)
        return {**self.of_point, **{name: values[both] for name, values in self.of_values.items()}}


class _Points:
    """Results of the signal points of a store, by name, with parameters in the order of another store."""

    def __init__(self, store: ResultStore, target: ResultStore) -> None:
        self.reasons, self.remarks = store.reasons(), store.remarks()
        self._place = {name: k for k, name in enumerate(store.names)}
        self._done = worst_status(store.point_status()) != PointStatus.NOT_RUN
        ours, theirs = (_parameters(s) for s in (store, target))
        self._columns = np.array([theirs.index(name) for name in ours], dtype=np.int64)
        self._n_parameters = len(theirs)
        self._variables = store.variables
        self._values = _value_places(store, target)
        self._arrays = {name: np.asarray(open_array(store.group, name)[...]) for name in store.variables}

    def row(self, name: str) -> _Row | None:
        """All variables of a point, None where the store has not computed it."""
        k = self._place.get(name)
        if k is None or not self._done[k]:
            return None
        values = {variable: self._spread(variable, np.asarray(array[k])) for variable, array in self._arrays.items()}
        by_value = {variable for variable in values if "mu" in self._variables[variable].dims}
        return _Row(
            self._values,
            {variable: array for variable, array in values.items() if variable not in by_value},
            {variable: array for variable, array in values.items() if variable in by_value},
        )

    def _spread(self, name: str, values: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
        variable = self._variables[name]
        places = ParameterPlaces(np.arange(len(self._columns)), self._columns)
        return spread_parameters(values, variable.dims[1:], variable, places, self._n_parameters)


def _parameters(store: ResultStore) -> list[str]:
    return [str(name) for name in np.asarray(open_array(store.group, "parameter")[:])]


def _value_places(store: ResultStore, target: ResultStore) -> list[int]:
    """Places of the POI values of a store among those of another; none where results do not depend on them."""
    if "mu" not in store.group:
        return []
    ours, theirs = (np.asarray(open_array(s.group, "mu")[:]).tolist() for s in (store, target))
    return [theirs.index(value) for value in ours]


def _toy_cells(source: ResultStore, target: ResultStore) -> dict[tuple[str, int], Cell]:
    """Name of the point and place of the POI value in another store -> the cell of a store."""
    ours, theirs = (Calculation.model_validate(s.settings["calculation"]).toy_poi_values for s in (source, target))
    places = [theirs.index(value) for value in ours]
    return {(name, place): Cell(k, mu) for k, name in enumerate(source.names) for mu, place in enumerate(places)}


def pool_toys(sources: Sequence[ResultStore], target: ResultStore) -> None:
    """Copy toys of all rounds; tasks of which a toy is missing stay pending.

    Raises:
        StoreMismatchError: Two stores have different results of a toy.
    """
    places = [_toy_cells(source, target) for source in sources]
    reasons = _toy_reasons(sources, places)
    for cell in sorted({cell for toys in target.rounds for cell in toys.by_cell}):
        name = target.names[cell.point]
        parts = [
            toys
            for source, place in zip(sources, places, strict=True)
            if (name, cell.mu) in place
            for toys in next(source.read_toys([place[name, cell.mu]]))
        ]
        for toys in target.rounds:
            if cell in toys.by_cell:
                pooled = _assembled(parts, toys, name, target)
                _write(target, toys, toys.by_cell[cell], pooled, reasons.get((name, cell.mu, toys.seed), {}))


def _assembled(
    parts: Iterable[CellToys], toys: ToyRound, name: str, target: ResultStore
) -> dict[str, Shaped[np.ndarray, "hypothesis toy"]]:
    """All toys of a cell that belong to a round."""
    result = empty_toys(toys.count)
    for part in parts:
        count = part.arrays["status"].shape[1]
        first, stop = max(part.first, toys.first), min(part.first + count, toys.stop)
        if part.seed != toys.seed or first >= stop:
            continue
        theirs = {key: array[:, first - part.first : stop - part.first] for key, array in part.arrays.items()}
        ours = {key: array[:, first - toys.first : stop - toys.first] for key, array in result.items()}
        both = (theirs["status"] != ToyStatus.NOT_RUN) & (ours["status"] != ToyStatus.NOT_RUN)
        subject = f"toys {first} to {stop - 1} of the signal point '{name}'"
        _require_equal(_chosen(ours, both), _chosen(theirs, both), subject, target)
        new = theirs["status"] != ToyStatus.NOT_RUN
        for key, array in ours.items():
            array[new] = theirs[key][new]
    return result


def _chosen(
    arrays: Mapping[str, Shaped[np.ndarray, "hypothesis toy"]], which: Bool[np.ndarray, "hypothesis toy"]
) -> dict[str, np.ndarray]:
    return {key: array[which] for key, array in arrays.items()}


def _write(
    target: ResultStore,
    toys: ToyRound,
    tasks: Iterable[ToyTask],
    arrays: Mapping[str, Shaped[np.ndarray, "hypothesis toy"]],
    reasons: Mapping[tuple[str, int], str],
) -> None:
    for task in tasks:
        part = {key: array[:, task.first - toys.first : task.stop - toys.first] for key, array in arrays.items()}
        if (part["status"] == ToyStatus.NOT_RUN).any():
            continue
        target.write_toys(task, part)
        failed = {h: int((part["status"][k] == ToyStatus.FAILED).sum()) for k, h in enumerate(HYPOTHESES)}
        own = [
            {"hypothesis": hypothesis, "toy": toy, "reason": why}
            for (hypothesis, toy), why in reasons.items()
            if task.first <= toy < task.stop
        ]
        target.mark_toys_done(task, {"failed": failed, "failed_toys": own})


def _toy_reasons(
    sources: Sequence[ResultStore], places: Sequence[Mapping[tuple[str, int], Cell]]
) -> dict[tuple[str, int, int], dict[tuple[str, int], str]]:
    """Why toys failed: (point, place of the POI value, seed) -> (hypothesis, toy) -> reason."""
    found: dict[tuple[str, int, int], dict[tuple[str, int], str]] = {}
    for source, place in zip(sources, places, strict=True):
        markers, names = ledger.markers(source.path), {cell: name for name, cell in place.items()}
        for toys in source.rounds:
            for task in toys.tasks:
                failed: Sequence[Mapping[str, Any]] = markers.get(task.id, {}).get("failed_toys", ())
                key = (*names[task.cell], toys.seed)
                found.setdefault(key, {}).update({(f["hypothesis"], f["toy"]): f["reason"] for f in failed})
    return found


def _require_equal(
    ours: Mapping[str, Shaped[np.ndarray, "..."]],
    theirs: Mapping[str, Shaped[np.ndarray, "..."]],
    subject: str,
    target: ResultStore,
) -> None:
    common = [name for name in ours if name in theirs]
    different = [name for name in common if ours[name].tobytes() != theirs[name].tobytes()]
    if different:
        raise StoreMismatchError(
            f"two of the stores have different results of {subject}: {', '.join(different)}",
            remedy="they were computed by other versions or on other machines; merge stores that do not overlap",
        )
