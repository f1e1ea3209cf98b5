"""The end of a process that has a session, as at the end of a script or when a kernel is shut down."""

import subprocess
import sys
from pathlib import Path

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


INTERRUPTED = """\
import os, signal, threading
import hfscale
from tests.session.gated import eventually
session = hfscale.Session("processes", workers=1)
job = session.cls("BkgOnly.json", "patchset.json", store="results.zarr", task_points=3)
eventually(lambda: job.status().progress is not None)
# As Jupyter does where the user interrupts a cell: the workers are in the kernel's session, too.
threading.Timer(0.2, os.killpg, (os.getpgrp(), signal.SIGINT)).start()
try:
    while True:
        job.result(timeout=100.0)
except KeyboardInterrupt:
    print("interrupted")
print(job.result().status().points_ok, job.status().retried)
session.close()
"""


def run_script(script: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False, start_new_session=True
    )


def test_an_interrupted_cell_interrupts_the_waiting_and_not_the_job(small: Search) -> None:
    ended = run_script(INTERRUPTED, small.folder)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "interrupted\n9 0\n", "")


def test_the_end_of_the_process_cancels_jobs_in_order(small: Search) -> None:
    ended = run_script(SCRIPT, small.folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    with hfscale.Session("local") as session:
        found = session.attach(small.store)
        assert (found.state(), found.status().points_ok) == ("left", 3)
    journal = next((small.store / "_hfscale" / "ledger" / "events").iterdir()).read_text()
    assert '"how": "interrupted"' in journal
