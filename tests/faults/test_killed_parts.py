"""One signal point shared out among two workers: one dies, or the run ends early, and the results stay the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hfscale.driver import create, prepare
from hfscale.phases import do_part
from hfscale.plan.settings import check_calculation
from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.base import Executor
from hfscale.runtime.executors.choose import open_executor
from hfscale.runtime.loop import run_tasks
from hfscale.store.parts import pending_parts
from hfscale.workspace import load_inputs
from tests.faults.conftest import TellRow
from tests.inference.measurement.models import measurement
from tests.program import digests_of, hfscale, write


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Executor]:
    with open_executor("processes", 2) as executor:
        yield executor


def test_a_killed_worker_and_a_resumed_run_change_nothing(
    two_workers: Executor, tmp_path: Path, tell_row: TellRow
) -> None:
    workspace = write(tmp_path / "workspace.json", measurement())
    command = ("ranking", workspace, "--executor", "local", "-o")
    assert hfscale(*command, tmp_path / "calm.zarr").code == 0
    inputs, calculation = load_inputs(workspace), check_calculation({"kind": "ranking"})
    store = create(prepare(inputs, calculation, tmp_path / "killed.zarr", task_parameters=1))
    first, *_ = parts = pending_parts(store)
    assert len(parts) == 9
    path, unlucky, died, log = str(store.path), first.id, str(tmp_path / "died"), str(tmp_path / "log")

    def work(task_id: str) -> TaskReport:
        import os
        from pathlib import Path

        with Path(log).open("a") as file:
            file.write(f"{os.getpid()} {task_id}\n")
        if task_id == unlucky and not Path(died).exists():
            Path(died).touch()
            os._exit(1)
        return do_part(path, task_id)

    # The run ends early: two parts and the point are left.
    summary = run_tasks(parts[:-2], two_workers, work)
    assert Path(died).exists()
    assert summary.failures == {}
    assert pending_parts(store) == parts[-2:]
    runs = [line.split() for line in Path(log).read_text().splitlines()]
    assert len({process for process, _ in runs}) >= 2
    assert hfscale(*command, tmp_path / "killed.zarr").code == 0
    assert digests_of(tmp_path / "killed.zarr") == digests_of(tmp_path / "calm.zarr")
    assert hfscale("verify", tmp_path / "killed.zarr").code == 0
    tell_row("a worker killed in a part of a ranking", tries=2, lost=0, repeated=len(runs) - 7, tasks=10)
