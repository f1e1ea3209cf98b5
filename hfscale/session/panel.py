"""The live view of a job in a notebook. Imported only where ipywidgets is installed."""

import threading
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets

if TYPE_CHECKING:
    from hfscale.session.job import Job, JobStatus

REFRESH_SECONDS = 0.5
_COLOURS = {"finished": "success", "failed": "danger", "cancelled": "warning"}


class Panel:
    """A bar, what is done, failed and left, a button that cancels, and the link to the dashboard.

    A thread of its own moves it, so that it also moves while a cell runs, and so that no mishap of a front end reaches
    the job. It ends with the job.

    Args:
        job: The job.
    """

    def __init__(self, job: "Job") -> None:
        self._job = job
        self._title = ipywidgets.HTML()
        self._bar = ipywidgets.FloatProgress(min=0.0, max=1.0, layout={"width": "24em"})
        self._cancel = ipywidgets.Button(description="Cancel", tooltip="End the campaign; it can be continued")
        self._cancel.on_click(lambda button: job.cancel())
        self._details = ipywidgets.HTML()
        self._box = ipywidgets.VBox([self._title, ipywidgets.HBox([self._bar, self._cancel]), self._details])
        self._show(job.status())
        threading.Thread(target=self._follow, name="hfscale-panel", daemon=True).start()

    def mimebundle(self) -> dict[str, Any]:
        """Return what a front end shows as this panel."""
        bundle: dict[str, Any] = self._box._repr_mimebundle_()
        return bundle

    def _follow(self) -> None:
        while not self._job.wait(REFRESH_SECONDS):
            self._show(self._job.status())
        self._show(self._job.status())

    def _show(self, status: "JobStatus") -> None:
        self._title.value = f"<b>{escape(status.store)}</b>: {status.state} on {escape(status.where())}"
        progress = status.progress
        if progress is not None:
            self._bar.value = progress.done / progress.total if progress.total else 1.0
        self._bar.bar_style = _COLOURS.get(status.state, "warning" if progress and progress.failed else "info")
        self._cancel.disabled = status.state not in ("queued", "running")
        self._details.value = "<br>".join(_lines(status))


def _lines(status: "JobStatus") -> list[str]:
    lines = []
    if status.state != "queued":
        lines.append(escape(status.details()))
    if status.reason:
        lines.append(escape(status.reason))
    link = status.dashboard_link
    if link is not None and link.startswith(("http://", "https://")):
        lines.append(f'<a href="{escape(link)}" target="_blank" rel="noopener">dashboard</a>')
    elif link is not None:
        lines.append(f"dashboard: {escape(link)}")
    return lines
