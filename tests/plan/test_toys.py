"""Cutting toys into tasks."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscale.errors import InputError
from hfscale.plan.cells import Cell
from hfscale.plan.settings import check_calculation
from hfscale.plan.toys import ToyRound, default_task_toys, make_round

NAMES = ["a", "b", "c"]
CELLS = [Cell(0), Cell(2), Cell(2, 1)]


def round_of(first: int = 0, ntoys: int = 25, size: int = 10, seed: int = 0, settings: str = "s") -> ToyRound:
    return make_round(0, seed, first, ntoys, size, CELLS, NAMES, settings)


@given(first=st.integers(0, 2**40), ntoys=st.integers(1, 300), size=st.integers(1, 400))
def test_tasks_hold_every_toy_of_every_point_once(first: int, ntoys: int, size: int) -> None:
    toys = round_of(first, ntoys, size)
    for cell in CELLS:
        tasks = toys.by_cell[cell]
        assert [k for task in tasks for k in range(task.first, task.stop)] == list(range(first, first + ntoys))
        assert all((task.first - toys.first) % toys.chunk == 0 for task in tasks)
        assert all(task.count == toys.chunk for task in tasks[:-1])
    assert toys.by_cell.keys() == set(CELLS)
    assert len(toys.by_id) == len(toys.tasks)
    assert toys.size == 2 * len(CELLS) * ntoys


def test_a_round_survives_json() -> None:
    toys = round_of(first=7, seed=3)
    assert ToyRound.from_json(json.loads(json.dumps(toys.to_json()))) == toys


def test_the_identity_of_a_task_is_what_it_computes() -> None:
    ids = [toys.tasks[0].id for toys in (round_of(), round_of(seed=1), round_of(first=1), round_of(settings="t"))]
    assert len(set(ids)) == 4
    assert round_of(ntoys=10).tasks[0].id == ids[0]


@pytest.mark.parametrize("numbers", [{"ntoys": 0}, {"ntoys": -3}, {"size": 0}, {"first": -1}, {"first": 2**62}])
def test_what_cannot_be_planned_is_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(InputError, match="toys"):
        round_of(**numbers)


@given(
    ntoys=st.integers(1, 10**7), n_cells=st.integers(1, 1000), seconds=st.floats(1e-6, 10.0), workers=st.integers(1, 9)
)
def test_default_blocks_are_equal_and_bounded(ntoys: int, n_cells: int, seconds: float, workers: int) -> None:
    size = default_task_toys(ntoys, n_cells, seconds)
    assert 1 <= size <= min(ntoys, 10_000)
    blocks = -(-ntoys // size)
    assert blocks * size - ntoys < blocks


def test_default_blocks_spread_a_single_point_over_workers() -> None:
    assert default_task_toys(2000, 1, 1e-4) == 500


@pytest.mark.parametrize(
    ("option", "value"),
    [("ntoys", 0), ("ntoys", -1), ("seed", -1), ("first_toy", -1), ("ensemble", "all"), ("toy_nuisance", "none")],
)
def test_settings_that_cannot_be_are_named(option: str, value: int | str) -> None:
    with pytest.raises(InputError, match=option) as caught:
        check_calculation({"calctype": "toybased", option: value})
    assert caught.value.remedy is not None


def test_options_of_toys_without_toys_are_refused() -> None:
    with pytest.raises(InputError, match="ntoys, seed without calctype toybased"):
        check_calculation({"ntoys": 5, "seed": 0})


def test_settings_of_asymptotic_stores_do_not_know_toys() -> None:
    assert "seed" not in check_calculation({}).document()
    document = check_calculation({"calctype": "toybased", "seed": 4}).document()
    assert (document["seed"], document["ntoys"], document["ensemble"]) == (4, 2000, "unconditional")
