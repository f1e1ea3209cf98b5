"""The file for Prometheus, read by a parser as strict as the specification of the text format."""

import re
from pathlib import Path

import pytest

from hfscale.errors import HfscaleWarning, InputError
from hfscale.plan.tasks import Plan, make_plan
from hfscale.runtime.events import Event, TaskReport
from hfscale.runtime.metrics import MetricsFile, check_metrics_file
from hfscale.runtime.tally import Tally

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})\{{({LABEL}(?:,{LABEL})*)\}} (?P<value>\S+)")
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: str) -> Samples:
    """Read the text format; whatever the specification does not allow is an error."""
    assert text.endswith("\n")
    samples: Samples = {}
    kinds: dict[str, str] = {}
    helped: list[str] = []
    for line in text.splitlines():
        if line.startswith("# HELP "):
            helped.append(line.split(" ", 3)[2])
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds
            assert helped[-1] == name
            assert kind in ("counter", "gauge")
            assert name.endswith("_total") == (kind == "counter")
            kinds[name] = kind
        else:
            match = SAMPLE.fullmatch(line)
            assert match is not None, line
            # All samples of a metric stand together, behind its TYPE.
            assert list(kinds)[-1] == match[1]
            labels = frozenset(
                (name, re.sub(r"\\(.)", _unescape, value)) for name, value in re.findall(LABEL, match[2])
            )
            assert (match[1], labels) not in samples
            samples[match[1], labels] = float(match["value"])
    return samples


def _unescape(match: "re.Match[str]") -> str:
    return "\n" if match[1] == "n" else match[1]


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset({"store": 'my "best"\\store', **labels}.items())]


@pytest.fixture
def plan() -> Plan:
    return make_plan(40, 10, "settings", [f"p{i}" for i in range(40)])


def test_counts_are_written_every_few_seconds_and_at_the_end(plan: Plan, tmp_path: Path) -> None:
    now = [100.0]
    file = tmp_path / "hfscale.prom"
    metrics = MetricsFile(file, 'my "best"\\store', interval=5.0, clock=lambda: now[0])
    metrics.begin(Tally(40, done=10, unit="points"), lambda: 2)
    for index, worker in ((1, "a:1"), (2, 'b"2'), (3, "a:1")):
        now[0] += 2.0
        report = TaskReport(plan.tasks[index].id, 9, 0, 1, 1.5, fits=40, compile_seconds=0.5, worker=worker)
        metrics.add(Event("retried", plan.tasks[index], reason="disk"))
        metrics.add(Event("finished", plan.tasks[index], report))
    samples = parse(file.read_text())
    # Five seconds had passed before the third was finished, when it was retried.
    assert value(samples, "hfscale_tasks_total", event="finished") == 2.0
    assert value(samples, "hfscale_tasks_total", event="retried") == 3.0
    assert value(samples, "hfscale_items", unit="points", state="done") == 30.0
    assert (value(samples, "hfscale_running"), value(samples, "hfscale_slots")) == (1.0, 2.0)
    metrics.begin(Tally(100, unit="toys"), lambda: 3)
    metrics.end()
    samples = parse(file.read_text())
    assert value(samples, "hfscale_fits_total", worker="a:1") == 80.0
    assert value(samples, "hfscale_fits_total", worker='b"2') == 40.0
    assert value(samples, "hfscale_compile_seconds_total", worker="a:1") == 1.0
    assert value(samples, "hfscale_items", unit="points", state="failed") == 3.0
    assert value(samples, "hfscale_items", unit="toys", state="total") == 100.0
    assert (value(samples, "hfscale_running"), value(samples, "hfscale_slots")) == (0.0, 0.0)
    assert [path.name for path in tmp_path.iterdir()] == ["hfscale.prom"]


def test_a_file_that_cannot_be_written_any_more_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    metrics = MetricsFile(folder / "hfscale.prom", "store", interval=0.0)
    metrics.begin(Tally(1), lambda: 1)
    (folder / "hfscale.prom").unlink()
    folder.rmdir()
    with pytest.warns(HfscaleWarning, match="metrics cannot be written") as caught:
        metrics.add(Event("tick"))
        metrics.end()
    assert len(caught) == 1


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path / "no" / "hfscale.prom", tmp_path):
        with pytest.raises(InputError, match=f"cannot be written to {place}"):
            check_metrics_file(place)
