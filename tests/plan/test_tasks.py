import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscale.errors import InputError
from hfscale.plan.tasks import Plan, default_task_points, make_plan


def names_of(n: int) -> list[str]:
    return [f"point_{i}" for i in range(n)]


@given(n=st.integers(1, 400), size=st.none() | st.integers(1, 500))
def test_tasks_cover_every_point_once_in_whole_chunks(n: int, size: int | None) -> None:
    plan = make_plan(n, size, "settings", names_of(n))
    assert [i for task in plan.tasks for i in range(task.start, task.stop)] == list(range(n))
    assert all(task.start % plan.task_points == 0 for task in plan.tasks)
    assert all(task.n_points == plan.task_points for task in plan.tasks[:-1])
    assert len({task.id for task in plan.tasks}) == len(plan.tasks)


def test_a_plan_survives_json() -> None:
    plan = make_plan(25, 10, "settings", names_of(25))
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert plan.task(plan.tasks[2].id).stop == 25


def test_the_identity_of_a_task_is_what_it_computes() -> None:
    first = make_plan(20, 10, "settings", names_of(20))
    other_settings = make_plan(20, 10, "other", names_of(20))
    other_points = make_plan(20, 10, "settings", [*names_of(19), "elsewhere"])
    assert make_plan(20, 10, "settings", names_of(20)) == first
    assert first.tasks[0].id != other_settings.tasks[0].id
    assert first.tasks[0].id == other_points.tasks[0].id
    assert first.tasks[1].id != other_points.tasks[1].id


@pytest.mark.parametrize(("n", "size"), [(1, 1), (3, 1), (5, 2), (217, 55), (10_000, 64)])
def test_default_task_points(n: int, size: int) -> None:
    assert default_task_points(n) == size


@pytest.mark.parametrize(("seconds", "size"), [(0.0, 64), (0.9, 64), (1.0, 60), (7.0, 8), (100.0, 1)])
def test_slow_points_come_in_tasks_of_a_minute_at_most(seconds: float, size: int) -> None:
    assert default_task_points(1000, seconds) == size
    assert make_plan(1000, None, "", names_of(1000), seconds).task_points == size
    assert make_plan(1000, 70, "", names_of(1000), seconds).task_points == 70


@pytest.mark.parametrize(("n", "size", "names"), [(0, 1, 0), (3, 0, 3), (3, 1, 2)])
def test_what_cannot_be_planned_is_refused(n: int, size: int, names: int) -> None:
    with pytest.raises(InputError):
        make_plan(n, size, "settings", names_of(names))


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(InputError, match="no task"):
        make_plan(3, 1, "settings", names_of(3)).task("other")
