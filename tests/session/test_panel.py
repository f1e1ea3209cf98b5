"""What a notebook shows of a job."""

from collections.abc import Iterator
from typing import Any

import pytest

import hfscale
from tests.program import Search
from tests.session.gated import GatedExecutor, eventually

ipywidgets = pytest.importorskip("ipywidgets")

LINK = "http://127.0.0.1:8787/status?<b>"


@pytest.fixture
def gate() -> GatedExecutor:
    gate = GatedExecutor()
    gate.dashboard_link = LINK
    return gate


@pytest.fixture
def job(gate: GatedExecutor, small: Search) -> Iterator[hfscale.Job]:
    with hfscale.Session(gate) as session:
        yield session.cls(small.workspace, small.patchset, store=small.store, task_points=3)


class Shown:
    """The widgets of the panel of a job, as a front end has them."""

    def __init__(self, job: hfscale.Job) -> None:
        from ipywidgets.widgets import widget

        from hfscale.session.panel import Panel

        view = Panel(job).mimebundle()["application/vnd.jupyter.widget-view+json"]
        box: Any = widget._instances[view["model_id"]]
        self.title, row, self.details = box.children
        self.bar, self.button = row.children


def test_the_panel_follows_a_job_to_its_end(job: hfscale.Job, gate: GatedExecutor) -> None:
    shown = Shown(job)
    gate.let_through(2)
    eventually(lambda: shown.bar.value == pytest.approx(6 / 9))
    assert "6/9 points, 0 failed" in shown.details.value
    assert "running on local (1 worker)" in shown.title.value
    assert '<a href="http://127.0.0.1:8787/status?&lt;b&gt;"' in shown.details.value
    assert not shown.button.disabled
    gate.let_through()
    eventually(lambda: shown.bar.bar_style == "success")
    assert shown.bar.value == 1.0
    assert "finished" in shown.title.value
    eventually(lambda: shown.button.disabled and "left" not in shown.details.value)


def test_the_button_cancels_the_job(job: hfscale.Job, gate: GatedExecutor) -> None:
    shown = Shown(job)
    gate.let_through(1)
    eventually(lambda: shown.bar.value > 0.0)
    shown.button.click()
    eventually(lambda: job.done())
    assert job.status().state == "cancelled"
    eventually(lambda: shown.button.disabled)
    assert "was cancelled" in shown.details.value


def test_outside_of_a_notebook_a_job_is_text(job: hfscale.Job) -> None:
    bundle = job._repr_mimebundle_()
    assert bundle.keys() == {"text/plain", "text/html"}
    assert "results.zarr" in bundle["text/plain"]
    assert "<b>results.zarr</b>" in bundle["text/html"]
