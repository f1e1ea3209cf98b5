"""An engine without workers: it is waited for, but not for ever."""

from collections.abc import Callable, Hashable

import pytest

from hfscale.errors import InputError, InterruptedRunError
from hfscale.plan.tasks import Plan, make_plan
from hfscale.runtime.events import Event
from hfscale.runtime.loop import run_tasks
from hfscale.runtime.patience import DEFAULT, Patience
from tests.runtime.simulation import Clock, SimulatedEngine, never


@pytest.fixture
def plan() -> Plan:
    return make_plan(8, 1, "settings", [f"p{i}" for i in range(8)])


class DesertedEngine(SimulatedEngine):
    """Has no workers for a while: what is handed over stays where it is."""

    def __init__(self, clock: Clock, deserted: Callable[[float], bool]) -> None:
        super().__init__(clock, {})
        self._begin = clock.now
        self._deserted = deserted

    def has_workers(self) -> bool:
        return not self._deserted(self._clock.now - self._begin)

    def _busy(self) -> list[Hashable]:
        return super()._busy() if self.has_workers() else []


def test_a_run_whose_workers_do_not_come_back_ends(plan: Plan) -> None:
    clock, events = Clock(), list[Event]()
    engine = DesertedEngine(clock, lambda seconds: seconds > 25.0)
    with pytest.raises(InterruptedRunError, match="simulated has had no worker for 600 s") as caught:
        run_tasks(plan.tasks, engine, never, clock=clock, on_event=events.append)
    assert "--wait-workers" in str(caught.value)
    assert "run the same command again" in str(caught.value)
    # Four tasks of ten seconds on two workers were done, and told of.
    assert sum(event.kind == "finished" for event in events) == 4
    assert [event.trouble for event in events if event.kind == "waiting"] == [
        "simulated has had no worker for 30 s; the run ends after 600 s without"
    ]
    assert 1025.0 + 600.0 <= clock.now < 1025.0 + 610.0
    # What nobody had begun is taken back.
    assert all(call.forgotten for call in engine.calls.values())


def test_workers_that_come_back_in_time_go_on(plan: Plan) -> None:
    clock, events = Clock(), list[Event]()
    engine = DesertedEngine(clock, lambda seconds: 25.0 < seconds < 85.0 or 90.0 < seconds < 150.0)
    patience = Patience(wait_workers=70.0)
    summary = run_tasks(plan.tasks, engine, never, clock=clock, patience=patience, on_event=events.append)
    assert len(summary.reports) == 8
    # Each time is told of once, and counted from its own beginning.
    assert [event.kind for event in events if event.kind == "waiting"] == ["waiting"] * 2


@pytest.mark.parametrize(
    ("given", "read"),
    [((None, None), DEFAULT), (("90s", None), Patience(90.0)), (("1.5h", "2m"), Patience(5400.0, 120.0))],
)
def test_durations_are_read(given: tuple[str | None, str | None], read: Patience) -> None:
    assert Patience.read(*given) == read


@pytest.mark.parametrize("text", ["10", "0s", "soon", "-1m", ""])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="wait_workers") as caught:
        Patience.read(text, None)
    assert "for example 30m" in str(caught.value)
    with pytest.raises(InputError, match="task_limit"):
        Patience.read(None, text)
