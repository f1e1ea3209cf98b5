"""The end of a process that has a session, as at the end of a script or when a kernel is shut down."""

import subprocess
import sys

import hfscale
from tests.program import ROOT, Search

SCRIPT = """\
import hfscale
from tests.session.gated import GatedExecutor, eventually
gate = GatedExecutor()
session = hfscale.Session(gate)
job = session.cls("BkgOnly.json", "patchset.json", store="results.zarr", task_points=3)
gate.let_through(1)
eventually(lambda: job.status().progress and job.status().progress.done == 3)
"""


def test_the_end_of_the_process_cancels_jobs_in_order(small: Search) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{SCRIPT}"],
        cwd=small.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    with hfscale.Session("local") as session:
        found = session.attach(small.store)
        assert (found.state(), found.status().points_ok) == ("left", 3)
    journal = next((small.store / "_hfscale" / "ledger" / "events").iterdir()).read_text()
    assert '"how": "interrupted"' in journal
