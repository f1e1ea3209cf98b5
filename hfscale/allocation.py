"""Planning the toys of a store as its finished ones ask for: the rounds of an adaptive number of toys."""

from collections.abc import Iterator

import numpy as np

from hfscale.inference.asymptotics import asymptotic_p_values
from hfscale.inference.results import PointStatus
from hfscale.inference.toys.distances import distances_from_level
from hfscale.inference.toys.p_values import toy_p_values
from hfscale.plan.adaptive import NextToys, Verdict, looks, next_cells, order_by_distance, verdict
from hfscale.plan.cells import Cell
from hfscale.plan.digests import digest
from hfscale.plan.settings import Calculation
from hfscale.plan.toys import ToyRound, make_round, planned_toys
from hfscale.reading.p_values import observed_statistics
from hfscale.reading.toys import read_statistics
from hfscale.store.blocks import open_array
from hfscale.store.store import ResultStore
from hfscale.store.toys import create_round


def plan_next_round(store: ResultStore, task_toys: int) -> ToyRound | None:
    """Plan and write the next round of toys of a store, as far as that follows from what is finished.

    The first one gives the least number of toys to all cells, those nearest to a contour by asymptotic formulas first.
    The next ones go where `hfscale.plan.adaptive` is undecided. No round is planned beyond the budget of computing
    time: as many of the most urgent cells as fit into what is left of it.

    Args:
        store: The store, opened after the last of its toys was finished.
        task_toys: Toys per task and hypothesis at most.

    Returns:
        The round, None where no further toys are due, or earlier ones are missing.

    Raises:
        StoreError: The store cannot be read or written.
    """
    calculation = Calculation.model_validate(store.settings["calculation"])
    if not store.may_get_toys or store.pending() or store.pending_toys():
        return None
    following = _further_toys(store, calculation) if store.rounds else _first_toys(store, calculation)
    if following is None:
        store.end_toys("every signal point is decided or has the largest number of toys")
        return None
    cells = _affordable(store, calculation, following)
    if not cells:
        store.end_toys(f"the budget of {calculation.budget} is used up")
        return None
    toys = make_round(
        number=len(store.rounds),
        seed=calculation.seed,
        first=following.first,
        ntoys=following.stop - following.first,
        task_toys=task_toys,
        cells=cells,
        names=store.names,
        settings_digest=digest(store.settings),
    )
    create_round(store.path, toys, store.names, np.array(calculation.toy_poi_values))
    return toys


def _first_toys(store: ResultStore, calculation: Calculation) -> NextToys | None:
    """The least number of toys for all cells with a signal, those nearest to a contour first."""
    q, q_asimov = (np.asarray(open_array(store.group, name)[...]) for name in ("q", "q_asimov"))
    cells = [Cell(*map(int, place)) for place in np.argwhere(store.point_status() == PointStatus.OK)]
    if not cells:
        return None
    place = tuple(np.array(cells).T)
    found = asymptotic_p_values(q[place], q_asimov[place], calculation.test_stat)
    order = order_by_distance(found.CLs_obs, found.CLs_exp, calculation.level)
    stop = looks(calculation.allocation)[0]
    return NextToys(0, stop, tuple(cells[k] for k in order))


def _further_toys(store: ResultStore, calculation: Calculation) -> NextToys | None:
    present = planned_toys(store.rounds)
    return next_cells(dict(_verdicts(store, calculation, list(present))), present, calculation.allocation)


def _verdicts(
    store: ResultStore, calculation: Calculation, cells: list[Cell]
) -> Iterator[tuple[Cell, Verdict]]:  # fmt: skip
    observed = observed_statistics(store)
    allocation = calculation.allocation
    for cell, (q, status) in zip(cells, read_statistics(store, cells), strict=True):
        toys = (float(observed[cell]), q[0], status[0], q[1], status[1])
        distances = distances_from_level(*toys, level=allocation.level)
        yield cell, verdict(toy_p_values(*toys), distances, allocation)


def _affordable(store: ResultStore, calculation: Calculation, following: NextToys) -> tuple[Cell, ...]:
    """The most urgent of the cells, as many as fit into what is left of the budget."""
    cells = following.cells
    if calculation.budget_seconds is None:
        return cells
    toys = store.status().toys
    if toys is None or not toys.per_second:
        return cells
    left = calculation.budget_seconds - toys.done / toys.per_second
    per_cell = 2 * (following.stop - following.first) / toys.per_second
    return cells[: max(int(left / per_cell), 0)]
