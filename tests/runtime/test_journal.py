"""The journal of a run: lines that survive, that others can read meanwhile, and that never stop a run."""

import json
import warnings
from io import FileIO
from pathlib import Path

import pytest

from hfscale.errors import HfscaleWarning
from hfscale.plan.tasks import Plan, make_plan
from hfscale.runtime.activity import WorkerActivity, summarize
from hfscale.runtime.events import Event, TaskReport
from hfscale.runtime.journal import Journal, document_of, read_journals

FULL = Path("/dev/full")


@pytest.fixture
def plan() -> Plan:
    return make_plan(6, 2, "settings", [f"p{i}" for i in range(6)])


def test_lines_are_there_before_the_journal_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    with Journal(folder) as first, Journal(folder) as second:
        assert not folder.exists()
        first.write({"n": 1})
        assert list(read_journals(folder)) == [{"n": 1}]
        second.write({"n": 2})
        assert sorted(document["n"] for document in read_journals(folder)) == [1, 2]
        assert len(list(folder.iterdir())) == 2


def test_a_torn_line_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"n": 1}\n{"n": 2, "tex')
    (tmp_path / "b.jsonl").write_bytes(b'{"n": 3}\n\xff\xfe\n17\n\n{"n": 4}\n')
    (tmp_path / "c.txt").write_text('{"n": 5}\n')
    assert [document["n"] for document in read_journals(tmp_path)] == [1, 3, 4]
    assert list(read_journals(tmp_path / "nowhere")) == []


@pytest.mark.skipif(not FULL.exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_told_once_and_the_journal_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal(tmp_path) as journal:
        journal.write({"n": 1})
        file = journal._file
        assert file is not None
        journal._file = FileIO(FULL, "ab")
        with pytest.warns(HfscaleWarning, match="No space left on device; the run goes on"):
            journal.write({"n": 2})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            journal.write({"n": 3})
        journal._file.close()
        # A disk that fills up takes the beginning of a line.
        file.write(b'{"n": 2, "te')
        journal._file = file
        journal.write({"n": 4})
    assert [document["n"] for document in read_journals(tmp_path)] == [1, 4]


def test_a_folder_that_cannot_be_made_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with Journal(tmp_path / "file") as journal, pytest.warns(HfscaleWarning, match="the run goes on") as caught:
        journal.write({"n": 1})
        journal.write({"n": 2})
    assert len(caught) == 1


def test_activity_adds_up_workers_and_forgets_trouble_that_passed(plan: Plan) -> None:
    def finished(index: int, worker: str, seconds: float, compiling: float) -> Event:
        report = TaskReport(plan.tasks[index].id, 2, 0, 0, seconds, fits=8, compile_seconds=compiling, worker=worker)
        return Event("finished", plan.tasks[index], report)

    events = [
        Event("retried", plan.tasks[0], reason="OSError: disk"),
        Event("failed", plan.tasks[0], reason="killed"),
        Event("failed", plan.tasks[1], reason="killed too"),
        finished(0, "b:2", 3.0, 2.0),
        finished(2, "b:2", 3.0, 0.0),
        Event("reissued", plan.tasks[2], reason="slow"),
        finished(2, "a:1", 1.0, 1.0),
    ]
    assert document_of(events[3])["fits_per_second"] == 8.0
    documents = [{"event": "begun"}, *map(document_of, events), {"event": "ended"}, {"unknown": 1}]
    activity = summarize(json.loads(json.dumps([{"driver": "d:1", **document} for document in documents])))
    assert (activity.runs, activity.retried, activity.reissued) == (1, 1, 1)
    assert activity.quarantined == {plan.tasks[1].id: "killed too"}
    assert list(activity.workers) == ["a:1", "b:2"]
    assert activity.workers["b:2"] == WorkerActivity(2, 16, 6.0, 2.0, 4.0)
    assert activity.workers["a:1"].fits_per_second is None
    assert summarize([]).last_event is None
