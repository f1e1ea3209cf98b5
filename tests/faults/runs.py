"""What a fault cost: the bytes of the results, and how often each task was done."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path

import cloudpickle

from hfscale.runtime.events import TaskReport
from hfscale.runtime.executors.local import LocalExecutor
from hfscale.runtime.loop import run_tasks
from hfscale.store.store import ResultStore
from tests.program import ROOT, arrays_of

Work = Callable[[str], TaskReport]


def digest_of(store: Path) -> str:
    """Return the SHA-256 of all result arrays of a store, by name."""
    total = hashlib.sha256()
    for name, values in sorted(arrays_of(store).items()):
        total.update(f"{name} {values.shape} {values.dtype}".encode())
        total.update(values.tobytes() if values.dtype.kind in "biuf" else repr(values.tolist()).encode())
    return total.hexdigest()


def logged(work: Work, log: Path) -> Work:
    """Make a task function write down the beginning of every run of a task; it travels to workers by value."""
    path = str(log)

    def work_and_log(task_id: str) -> TaskReport:
        from pathlib import Path

        with Path(path).open("a") as file:
            file.write(f"{task_id}\n")
        return work(task_id)

    return work_and_log


def runs_of(log: Path) -> Counter[str]:
    """Return how often each task was begun."""
    return Counter(log.read_text().split())


def finish(store: ResultStore, calm: ResultStore, make_work: Callable[[ResultStore], Work], log: Path) -> int:
    """Do what is left in a store, and all of another one, in this process.

    Returns:
        How many runs of tasks were for nothing, by the log.

    Raises:
        AssertionError: The results are not the same to the last bit.
    """
    run_tasks(store.pending(), LocalExecutor(), logged(make_work(store), log))
    run_tasks(calm.pending(), LocalExecutor(), make_work(calm))
    assert digest_of(store.path) == digest_of(calm.path)
    return runs_of(log).total() - len(store.plan.tasks)


_DRIVER = """
import pathlib, pickle, sys
from hfscale.errors import InterruptedRunError
from hfscale.runtime.executors.choose import Cluster, open_executor
from hfscale.runtime.loop import run_tasks
from hfscale.store.open import open_store

if __name__ == "__main__":
    store, work, engine, scheduler = sys.argv[1:]
    store = open_store(store)
    cluster = Cluster(scheduler=scheduler or None, insecure=bool(scheduler))
    try:
        with open_executor(engine, 2, cluster) as executor:
            run_tasks(store.pending(), executor, pickle.loads(pathlib.Path(work).read_bytes()))
    except InterruptedRunError as error:
        sys.stdout.write(str(error))
        sys.exit(3)
"""


def start_driver(
    folder: Path, store: ResultStore, work: Work, engine: str, scheduler: Path | str = ""
) -> "subprocess.Popen[str]":
    """Start a run of a store's tasks in a process and session of its own, which ends with 3 where it is interrupted.

    Args:
        folder: Empty folder for its files.
        store: The store.
        work: The task function.
        engine: Name of the engine; it has two workers.
        scheduler: Dask scheduler to join.
    """
    program, function = folder / "driver.py", folder / "work.pickle"
    program.write_text(_DRIVER)
    function.write_bytes(cloudpickle.dumps(work))
    return subprocess.Popen(
        [sys.executable, str(program), str(store.path), str(function), engine, str(scheduler)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def stuck_after(work: Work, done: Collection[str]) -> Work:
    """Make all tasks but a few sleep for longer than any test; it travels to workers by value."""
    quick = frozenset(done)

    def work_or_sleep(task_id: str) -> TaskReport:
        import time

        if task_id not in quick:
            time.sleep(3600.0)
        return work(task_id)

    return work_or_sleep
