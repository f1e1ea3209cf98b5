import io
import json

import pytest

from hfscale.plan.tasks import Plan, make_plan
from hfscale.runtime.bar import BarProgress
from hfscale.runtime.events import Event, TaskReport
from hfscale.runtime.progress import LineProgress, QuietProgress, describe_seconds, make_progress
from hfscale.runtime.tally import Tally


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Log(io.StringIO):
    # What a text file has and StringIO has not.
    mode = "w"
    name = "log"


class Terminal(Log):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def plan() -> Plan:
    return make_plan(40, 10, "settings", [f"p{i}" for i in range(40)])


def finished(plan: Plan, index: int, failed: int = 0) -> Event:
    task = plan.tasks[index]
    report = TaskReport(task.id, ok=task.n_points - failed, no_signal=0, failed=failed, seconds=1.0)
    return Event("finished", task, report)


def test_the_rate_and_the_time_left_count_this_run_only(plan: Plan) -> None:
    clock = Clock()
    tally = Tally(total=40, done=10, failed=1, clock=clock)
    assert tally.snapshot().per_second is None
    clock.now += 5.0
    tally.add(finished(plan, 1, failed=2))
    tally.add(Event("failed", plan.tasks[2], reason="killed"))
    tally.add(Event("retried", plan.tasks[3], reason="killed"))
    tally.add(Event("tick"))
    snapshot = tally.snapshot()
    assert (snapshot.total, snapshot.done, snapshot.failed) == (40, 30, 13)
    assert snapshot.per_second == pytest.approx(4.0)
    assert snapshot.seconds_left == pytest.approx(2.5)


def test_a_log_gets_a_line_every_few_seconds_and_one_per_trouble(plan: Plan) -> None:
    clock, stream = Clock(), Log()
    with LineProgress(Tally(40, clock=clock), stream, "http://127.0.0.1:1/status", interval=5.0, clock=clock) as show:
        for index in range(2):
            clock.now += 1.0
            show(finished(plan, index))
        show(Event("retried", plan.tasks[2], reason="OSError: disk"))
        clock.now += 3.0
        show(Event("tick"))
    lines = stream.getvalue().splitlines()
    assert lines == [
        "dashboard: http://127.0.0.1:1/status",
        "0/40 points, 0 failed",
        f"task {plan.tasks[2].id} retried: OSError: disk",
        "20/40 points, 0 failed, 4.00 points/s, 0:00:05 left",
        "20/40 points, 0 failed, 4.00 points/s, 0:00:05 left",
    ]


def test_json_lines_are_json(plan: Plan) -> None:
    stream = Log()
    with make_progress(40, log_format="json", stream=stream, dashboard_link="http://127.0.0.1:1/status") as show:
        show(Event("failed", plan.tasks[0], reason="killed"))
    documents = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [document["event"] for document in documents] == ["dashboard", "progress", "progress"]
    assert (documents[2]["done"], documents[2]["failed"]) == (10, 10)


def test_a_terminal_gets_a_bar(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with make_progress(40, stream=stream, dashboard_link="http://127.0.0.1:1/status") as show:
        assert isinstance(show, BarProgress)
        show(finished(plan, 0, failed=3))
        show(Event("failed", plan.tasks[1], reason="the worker [died]"))
    text = stream.getvalue()
    assert "http://127.0.0.1:1/status" in text
    assert "20/40" in text
    assert "13 failed" in text
    assert "the worker [died]" in text
    assert "\x1b[3" not in text


@pytest.mark.parametrize(("terminal", "quiet", "kind"), [(False, False, LineProgress), (True, True, QuietProgress)])
def test_the_kind_of_progress_is_chosen(terminal: bool, quiet: bool, kind: type) -> None:
    stream = Terminal() if terminal else Log()
    with make_progress(40, stream=stream, quiet=quiet) as show:
        assert isinstance(show, kind)
        show(Event("tick"))
    assert bool(stream.getvalue()) != quiet


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00:00"), (59.6, "0:01:00"), (3661.0, "1:01:01")])
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert describe_seconds(seconds) == text
